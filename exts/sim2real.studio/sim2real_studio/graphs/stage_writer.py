"""Puts a frame's plan on the stage, in a layer of its own above everything else.

The layer is anonymous and lies below the session layer: it is never saved, and taking it away gives back exactly what
the file says. Poses are one matrix each, in place of whatever operations a prim has. Values are those of the plan, and
never the last frame's, so that frames can be written in any order.
"""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any

from sim2real.vision.stage_plan_contents import DomePlan, LampPlan, PosePlan, StagePlan

from . import materials
from .places import DOME, distractor_path

if TYPE_CHECKING:
    from pxr import Gf, Sdf, Usd

    from sim2real.vision.stage_plan import StagePlanner

LAYER = "sim2real_randomization.usda"
"""Name of the layer, as the Layer window shows it."""
NEAR_M, FAR_M = 0.01, 100.0
"""Clipping range of the camera [m]: the usual near plane of 1 m would cut off what a rover sees."""
SUFFIX = "sim2real"
"""Name of the pose's operation."""


class StageWriter:
    """Writes plans to a stage; a context manager that leaves the stage as it was."""

    def __init__(self, stage: Usd.Stage, planner: StagePlanner, *, poses: bool = True) -> None:
        """Take a stage that was scanned for the planner; nothing is written yet.

        Args:
            stage: The opened stage.
            planner: Its plans are what is written.
            poses: Whether poses are written here; False where a Replicator graph moves things.
        """
        self.stage, self.planner = stage, planner
        self.poses = poses
        """Whether poses are written here."""
        self.dome = planner.contents.dome
        """Path of the dome light that plans are written to; empty where none is written."""
        self._layer: Sdf.Layer | None = None
        self._ops: dict[str, Any] = {}

    @property
    def is_open(self) -> bool:
        """Whether the stage carries the layer."""
        return self._layer is not None

    def __enter__(self) -> StageWriter:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def open(self) -> None:
        """Add the layer, with everything in it that every frame needs."""
        from pxr import Sdf

        if self._layer is not None:
            return
        remove_layers(self.stage)
        self._layer = Sdf.Layer.CreateAnonymous(LAYER)
        self.stage.GetSessionLayer().subLayerPaths.insert(0, self._layer.identifier)
        with self.editing():
            self._prepare(self.planner.plan(0))

    def close(self) -> None:
        """Take the layer away."""
        self._ops.clear()
        if self._layer is not None:
            self._layer = None
            remove_layers(self.stage)

    def write(self, plan: StagePlan) -> None:
        """Show one frame.

        Raises:
            RuntimeError: the writer is not open.
        """
        with self.editing():
            for lamp in plan.lamps:
                self._write_lamp(lamp)
            if plan.dome is not None:
                self._write_dome(plan.dome)
            for surface in plan.surfaces:
                materials.paint(
                    self.stage,
                    surface.path,
                    colour=surface.colour,
                    texture=self.planner.surface_file(surface),
                    tiling=surface.tiling * self.planner.contents.metres_per_unit,
                    roughness=surface.roughness,
                    metallic=surface.metallic,
                )
            for thing in plan.objects:
                self._write_pose(thing.path, thing)
            for shape in plan.distractors:
                path = distractor_path(shape.path)
                self._write_pose(path, shape)
                materials.paint(self.stage, path, colour=shape.colour)
            if plan.camera is not None:
                self._write_pose(plan.camera.path, plan.camera, visibility=False)
                self._camera(plan.camera.path).GetFocalLengthAttr().Set(plan.camera.focal_length)

    def editing(self) -> Any:
        """Context in which edits of the stage go to the layer."""
        from pxr import Usd

        if self._layer is None:
            raise RuntimeError("the writer is not open; use it as a context manager.")
        return Usd.EditContext(self.stage, Usd.EditTarget(self._layer))

    def _camera(self, path: str) -> Any:
        from pxr import UsdGeom

        return UsdGeom.Camera(self.stage.GetPrimAtPath(path))

    def _prepare(self, plan: StagePlan) -> None:
        """Author what does not change: operations, shapes, materials, labels."""
        from pxr import Gf, UsdGeom, UsdLux, UsdSemantics

        contents = self.planner.contents
        if plan.dome is not None and not self.dome:
            self.dome = DOME
            UsdLux.DomeLight.Define(self.stage, DOME).CreateIntensityAttr(contents.dome_intensity)
        for shape in plan.distractors:
            self._define_shape(distractor_path(shape.path), shape.shape)
        for surface in plan.surfaces:
            materials.bind(self.stage, surface.path)
        for path, label in contents.labels:
            api = UsdSemantics.LabelsAPI.Apply(self.stage.GetPrimAtPath(path), "class")
            api.CreateLabelsAttr([label])
        if contents.camera is not None:
            unit = contents.metres_per_unit
            self._camera(contents.camera.path).GetClippingRangeAttr().Set(Gf.Vec2f(NEAR_M / unit, FAR_M / unit))
        for path in self._moved(plan) if self.poses else ():
            form = UsdGeom.Xformable(self.stage.GetPrimAtPath(path))
            nominal, resets = form.GetLocalTransformation(), form.GetResetXformStack()
            op = form.AddTransformOp(opSuffix=SUFFIX)
            form.SetXformOpOrder([op], resets)
            op.Set(nominal)
            self._ops[path] = op
        for lamp in plan.lamps:
            if lamp.temperature_K is not None:
                api = UsdLux.LightAPI(self.stage.GetPrimAtPath(lamp.path))
                api.CreateEnableColorTemperatureAttr(True)
        if plan.dome is not None and plan.dome.temperature_K is not None:
            UsdLux.LightAPI(self.stage.GetPrimAtPath(self.dome)).CreateEnableColorTemperatureAttr(True)
        self._nominal = {
            path: UsdGeom.Xformable(self.stage.GetPrimAtPath(path)).GetLocalTransformation()
            for path in (*(lamp.path for lamp in plan.lamps), *([self.dome] if plan.dome is not None else ()))
        }

    def _moved(self, plan: StagePlan) -> list[str]:
        """Paths of everything that a plan moves."""
        paths = [lamp.path for lamp in plan.lamps if lamp.position is not None]
        paths += [thing.path for thing in plan.objects]
        paths += [distractor_path(shape.path) for shape in plan.distractors]
        paths += [self.dome] if plan.dome is not None else []
        return paths + ([plan.camera.path] if plan.camera is not None else [])

    def _define_shape(self, path: str, shape: str) -> None:
        """Define a shape that measures one unit along each axis, with a material."""
        from pxr import UsdGeom

        if shape == "cube":
            UsdGeom.Cube.Define(self.stage, path).CreateSizeAttr(1.0)
        elif shape == "sphere":
            UsdGeom.Sphere.Define(self.stage, path).CreateRadiusAttr(0.5)
        else:
            form = (UsdGeom.Cylinder if shape == "cylinder" else UsdGeom.Cone).Define(self.stage, path)
            form.CreateRadiusAttr(0.5)
            form.CreateHeightAttr(1.0)
            form.CreateAxisAttr(UsdGeom.Tokens.z)
        materials.bind(self.stage, path)

    def _write_lamp(self, lamp: LampPlan) -> None:
        from pxr import Gf, UsdLux

        api = UsdLux.LightAPI(self.stage.GetPrimAtPath(lamp.path))
        if lamp.intensity is not None:
            api.CreateIntensityAttr(lamp.intensity)
        if lamp.temperature_K is not None:
            api.CreateColorTemperatureAttr(lamp.temperature_K)
        if lamp.position is not None and self.poses:
            moved = Gf.Matrix4d(self._nominal[lamp.path])
            moved.SetTranslateOnly(Gf.Vec3d(*lamp.position))
            self._ops[lamp.path].Set(moved)

    def _write_dome(self, dome: DomePlan) -> None:
        from pxr import Gf, Sdf, UsdLux

        prim = self.stage.GetPrimAtPath(self.dome)
        light = UsdLux.LightAPI(prim)
        if dome.intensity is not None:
            light.CreateIntensityAttr(dome.intensity)
        if dome.temperature_K is not None:
            light.CreateColorTemperatureAttr(dome.temperature_K)
        if dome.texture is not None:
            picture = Sdf.AssetPath(self.planner.dome_file(dome))
            prim.CreateAttribute("inputs:texture:file", Sdf.ValueTypeNames.Asset).Set(picture)
            prim.CreateAttribute("inputs:texture:format", Sdf.ValueTypeNames.Token).Set(UsdLux.Tokens.latlong)
        if self.poses:
            turn = Gf.Matrix4d().SetRotate(Gf.Rotation(Gf.Vec3d(*self.planner.contents.up), dome.turn_deg))
            self._ops[self.dome].Set(self._nominal[self.dome] * turn)

    def _write_pose(self, path: str, pose: PosePlan, *, visibility: bool = True) -> None:
        from pxr import UsdGeom

        if self.poses:
            self._ops[path].Set(pose_matrix(pose))
            if visibility:
                shown = UsdGeom.Tokens.inherited if pose.visible else UsdGeom.Tokens.invisible
                UsdGeom.Imageable(self.stage.GetPrimAtPath(path)).CreateVisibilityAttr(shown)


def pose_matrix(pose: PosePlan) -> Gf.Matrix4d:
    """A pose as the matrix of USD: size first, then the turns about x, y and z, then the place."""
    from pxr import Gf

    matrix = Gf.Matrix4d().SetScale(Gf.Vec3d(*pose.scale))
    for axis, angle in zip(((1, 0, 0), (0, 1, 0), (0, 0, 1)), pose.rotation_deg, strict=True):
        matrix *= Gf.Matrix4d().SetRotate(Gf.Rotation(Gf.Vec3d(*axis), angle))
    return matrix * Gf.Matrix4d().SetTranslate(Gf.Vec3d(*pose.position))


def remove_layers(stage: Usd.Stage) -> None:
    """Take away every layer of ours that the stage carries, one that a reload left behind too."""
    session = stage.GetSessionLayer()
    for path in list(session.subLayerPaths):
        if path.endswith(LAYER):
            session.subLayerPaths.remove(path)
