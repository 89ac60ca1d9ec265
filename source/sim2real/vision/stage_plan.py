"""What a stage looks like in frame i: the spec's draws as plain values, made without Kit.

A :class:`StagePlanner` takes a spec and what a stage holds, and says for any frame which light, colour, texture, pose
and focal length everything has. A plan depends on the spec, the stage's contents and the frame's number alone, so that
frame 4711 is the same headless, in a window, on any shard and after a resume. Streams carry the names that image-space
randomization uses (``vision.light.intensity`` and so on; element k is the k-th lamp), and the terms of the spec on
``camera.*`` move this camera as they move a rover's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sim2real.spec.vision_stage import SHAPES
from sim2real.vision.errors import VisionError
from sim2real.vision.light import NOMINAL_LX
from sim2real.vision.stage_plan_contents import (
    CameraPlan,
    DistractorPlan,
    DomePlan,
    LampPlan,
    PosePlan,
    StageContents,
    StagePlan,
    SurfacePlan,
    Triple,
)
from sim2real.vision.stage_plan_poses import CAMERA_AXES, look_at, matrix_from_rpy, rpy_from_matrix, split_matrix

if TYPE_CHECKING:
    from sim2real.spec.spec import Spec
    from sim2real.vision.stage_plan_textures import TextureSet

BLOCK = 64
"""Frames that are drawn at once: drawing costs little more for many frames than for one."""
DISTRACTORS = "/sim2real/distractors"
"""Path of distractors in a plan; whoever writes it down says where that is on the stage."""
ROUGHNESS, METALLIC, TILING = 0.5, 0.0, 1.0
"""What a material has of what the spec does not draw."""


class StagePlanner:
    """Plans of one spec for one stage; pure, nothing to save or restore."""

    def __init__(
        self, spec: Spec, contents: StageContents, *, surfaces: TextureSet | None = None, sky: TextureSet | None = None
    ) -> None:
        """Check that the spec and the stage fit.

        Args:
            spec: what is uncertain; ``light``, ``texture.colour`` and ``stage`` of its vision section and its terms on
                ``camera.*`` are used.
            contents: what the stage holds.
            surfaces: the textures that ``stage.materials`` names.
            sky: the textures that ``stage.dome`` names.

        Raises:
            VisionError: the spec needs a camera, lamps, things or textures that are not given.
        """
        from sim2real.draws.sampler import Draws

        self.spec, self.contents, self.surfaces, self.sky = spec, contents, surfaces, sky
        self.stage: Any = spec.vision.get("stage")
        self.draws = Draws(spec.seed)
        self._unit = 1.0 / contents.metres_per_unit
        self._camera_terms = {
            name: spec.targeting(f"camera.{name}") for name in ("position", "rotation", "focal_length")
        }
        self._blocks: dict[int, tuple[StagePlan, ...]] = {}
        self._check()

    @property
    def distractors(self) -> tuple[str, ...]:
        """Shape of every distractor that may be there."""
        if self._group("distractors") is None:
            return ()
        most = int(max(self._group("distractors").overrides["count"].bounds()[1]))
        shapes = self.stage.option("distractors", "shapes", SHAPES)
        return tuple(shapes[k % len(shapes)] for k in range(most))

    def plan(self, frame: int) -> StagePlan:
        """The plan of one frame; frames around it are drawn with it."""
        block = int(frame) // BLOCK
        if block not in self._blocks:
            self._blocks = {block: self.plans(range(block * BLOCK, (block + 1) * BLOCK))}
        return self._blocks[block][int(frame) % BLOCK]

    def plans(self, frames: Any) -> tuple[StagePlan, ...]:
        """The plans of some frames, whole numbers in [0, 2^32)."""
        ids = np.atleast_1d(np.asarray(frames, np.int64))
        none: list[Any] = [()] * len(ids)
        absent: list[Any] = [None] * len(ids)
        rows = zip(
            ids,
            self._lamps(ids) or none,
            self._dome(ids) or absent,
            self._surfaces(ids) or none,
            self._objects(ids) or none,
            self._distractors(ids) or none,
            self._camera(ids) or absent,
            strict=True,
        )
        return tuple(
            StagePlan(
                frame=int(frame),
                lamps=lamps,
                dome=dome,
                surfaces=surfaces,
                objects=objects,
                distractors=distractors,
                camera=camera,
            )
            for frame, lamps, dome, surfaces, objects, distractors, camera in rows
        )

    def surface_file(self, surface: SurfacePlan) -> str:
        """Absolute path of what a thing wears; empty for a plain colour."""
        return "" if self.surfaces is None else self.surfaces.path(surface.texture)

    def dome_file(self, dome: DomePlan) -> str:
        """Absolute path of what surrounds the scene; empty for nothing."""
        return "" if self.sky is None else self.sky.path(dome.texture or "")

    def _check(self) -> None:
        vision, contents = self.spec.vision, self.contents
        if ({"intensity", "illuminance_lx", "temperature_K"} & set(self._image("light"))) and not contents.lamps:
            raise VisionError("vision.light changes lamps, and the stage has none; add a light or remove 'light'.")
        if self._group("lights") is not None and not any(lamp.local is not None for lamp in contents.lamps):
            raise VisionError("vision.stage.lights moves lamps, and the stage has none that has a place.")
        for group, found in (("materials", contents.surfaces), ("objects", contents.objects)):
            if self._group(group) is not None and not found:
                select = self.stage.option(group, "select")
                raise VisionError(f"vision.stage.{group}: select '{select}' matches nothing on the stage.")
        if (self._group("camera") is not None or any(self._camera_terms.values())) and contents.camera is None:
            raise VisionError("the spec moves a camera, and none was given; name the stage's camera.")
        for group, given in (("materials", self.surfaces), ("dome", self.sky)):
            named = self.stage.option(group, "textures") if self.stage is not None else None
            if named and (given is None or not len(given)):
                raise VisionError(f"vision.stage.{group}: textures '{named}' were not given; load that set first.")
        if "texture" in vision and "colour" in vision["texture"].overrides and not self._painted:
            raise VisionError("vision.texture.colour paints things; say which by vision.stage.materials.")

    @property
    def _painted(self) -> bool:
        return self._group("materials") is not None or self._group("distractors") is not None

    def _group(self, name: str) -> Any:
        return None if self.stage is None else self.stage.groups.get(name)

    def _image(self, kind: str) -> Any:
        return self.spec.vision[kind].overrides if kind in self.spec.vision else {}

    def _sample(self, stream: str, dist: Any, ids: np.ndarray, count: int) -> np.ndarray:
        """Draws ``(n, count, dim)``."""
        return self.draws.sample(stream, dist, ids, 0, 0, count).reshape(len(ids), count, dist.dim).astype(np.float64)

    def _field(self, group: str, name: str, ids: np.ndarray, count: int, dim: int) -> np.ndarray | None:
        """Draws of a field of the stage ``(n, count, dim)``; None where the spec does not draw it."""
        found = self._group(group)
        if found is None or name not in found.overrides:
            return None
        drawn = self._sample(f"vision.stage.{group}.{name}", found.overrides[name], ids, count)
        return np.broadcast_to(drawn, (len(ids), count, dim))

    def _chance(self, group: str, name: str, ids: np.ndarray, count: int) -> np.ndarray | None:
        """Whether something with this chance happens ``(n, count)``; None where the spec does not say."""
        chance = self._field(group, name, ids, count, 1)
        if chance is None:
            return None
        return np.asarray(self.draws.unit(f"vision.stage.{group}.{name}.happens", ids, count=count) < chance[..., 0])

    def _light(self, ids: np.ndarray, count: int) -> tuple[np.ndarray | None, np.ndarray | None, np.ndarray | None]:
        """Strength ``(n, count)``, temperature [K] ``(n, count)`` and the dome's share ``(n,)``, each where drawn."""
        light = self._image("light")
        strength = kelvin = share = None
        if "intensity" in light:
            strength = self._sample("vision.light.intensity", light["intensity"], ids, count)[..., 0]
        if "illuminance_lx" in light:
            lux = self._sample("vision.light.illuminance_lx", light["illuminance_lx"], ids, count)[..., 0]
            nominal: Any = NOMINAL_LX
            if "nominal_lx" in light:
                nominal = self._sample("vision.light.nominal_lx", light["nominal_lx"], ids, count)[..., 0]
            strength = lux / nominal
        if "temperature_K" in light:
            kelvin = self._sample("vision.light.temperature_K", light["temperature_K"], ids, count)[..., 0]
        if "ambient" in light:
            share = self._sample("vision.light.ambient", light["ambient"], ids, 1)[:, 0, 0]
        return strength, kelvin, share

    def _lamps(self, ids: np.ndarray) -> list[tuple[LampPlan, ...]] | None:
        lamps = self.contents.lamps
        if not lamps or ("light" not in self.spec.vision and self._group("lights") is None):
            return None
        strength, kelvin, share = self._light(ids, len(lamps))
        moved = self._field("lights", "position", ids, len(lamps), 3)
        factor = np.ones((len(ids), len(lamps))) if strength is None else strength
        factor = factor if share is None else factor * (1.0 - share[:, None])
        lit = strength is not None or share is not None

        def lamp(i: int, k: int) -> LampPlan:
            here = lamps[k]
            place = None
            if moved is not None and here.local is not None:
                place = _triple(np.asarray(here.local)[:3, 3] + moved[i, k] * self._unit)
            return LampPlan(
                path=here.path,
                intensity=float(here.intensity * factor[i, k]) if lit else None,
                temperature_K=None if kelvin is None else float(kelvin[i, k]),
                position=place,
            )

        return [tuple(lamp(i, k) for k in range(len(lamps))) for i in range(len(ids))]

    def _dome(self, ids: np.ndarray) -> list[DomePlan] | None:
        group = self._group("dome")
        if group is None and "ambient" not in self._image("light"):
            return None
        strength, kelvin, share = self._light(ids, 1)
        intensity = None
        if share is not None:
            intensity = self.contents.dome_intensity * share * (1.0 if strength is None else strength[:, 0])
        turn = self._field("dome", "turn", ids, 1, 1)
        chosen = None
        if self.sky is not None and group is not None and "textures" in group.options:
            chosen = self.sky.choose(self.draws.unit("vision.stage.dome.texture", ids)[:, 0])
        return [
            DomePlan(
                intensity=None if intensity is None else float(intensity[i]),
                temperature_K=None if kelvin is None else float(kelvin[i, 0]),
                texture=None if chosen is None else chosen[i],
                turn_deg=0.0 if turn is None else float(np.degrees(turn[i, 0, 0])),
            )
            for i in range(len(ids))
        ]

    def _colours(self, ids: np.ndarray, count: int, first: int = 0) -> np.ndarray | None:
        """Plain colours ``(n, count, 3)``, sRGB, of the elements from ``first``."""
        texture = self._image("texture")
        if "colour" not in texture:
            return None
        drawn = self._sample("vision.texture.colour", texture["colour"], ids, first + count)[:, first:]
        return np.broadcast_to(drawn, (len(ids), count, 3))

    def _surfaces(self, ids: np.ndarray) -> list[tuple[SurfacePlan, ...]] | None:
        group, paths = self._group("materials"), self.contents.surfaces
        if group is None:
            return None
        n = len(paths)
        colours = self._colours(ids, n)
        values = {name: self._field("materials", name, ids, n, 1) for name in ("roughness", "metallic", "tiling")}
        chosen = [[""] * n for _ in ids]
        if self.surfaces is not None and "textures" in group.options:
            worn = self._chance("materials", "textured", ids, n)
            lots = self.draws.unit("vision.stage.materials.texture", ids, count=n)
            chosen = [self.surfaces.choose(row) for row in lots]
            if worn is not None:
                chosen = [
                    [name if on else "" for name, on in zip(*pair, strict=True)]
                    for pair in zip(chosen, worn, strict=True)
                ]

        def value(name: str, i: int, k: int, nominal: float) -> float:
            drawn = values[name]
            return nominal if drawn is None else float(drawn[i, k, 0])

        return [
            tuple(
                SurfacePlan(
                    path=paths[k],
                    colour=None if colours is None else _triple(colours[i, k]),
                    texture=chosen[i][k],
                    tiling=value("tiling", i, k, TILING),
                    roughness=value("roughness", i, k, ROUGHNESS),
                    metallic=value("metallic", i, k, METALLIC),
                )
                for k in range(n)
            )
            for i in range(len(ids))
        ]

    def _objects(self, ids: np.ndarray) -> list[tuple[PosePlan, ...]] | None:
        if self._group("objects") is None:
            return None
        things = self.contents.objects
        n = len(things)
        moved, turned = (self._field("objects", name, ids, n, 3) for name in ("position", "rotation"))
        grown, there = self._field("objects", "scale", ids, n, 3), self._chance("objects", "visible", ids, n)
        rows = []
        for i in range(len(ids)):
            poses = []
            for k, thing in enumerate(things):
                place, rotation, size = split_matrix(thing.local)
                if moved is not None:
                    place = place + moved[i, k] * self._unit
                if turned is not None:
                    rotation = matrix_from_rpy(turned[i, k]) @ rotation
                if grown is not None:
                    size = size * grown[i, k]
                seen = there is None or bool(there[i, k])
                poses.append(PosePlan(path=thing.path, **_pose(place, rotation), scale=_triple(size), visible=seen))
            rows.append(tuple(poses))
        return rows

    def _distractors(self, ids: np.ndarray) -> list[tuple[DistractorPlan, ...]] | None:
        shapes = self.distractors
        if not shapes:
            return None
        n = len(shapes)
        count = self._field("distractors", "count", ids, 1, 1)
        size, place = (self._field("distractors", name, ids, n, 3) for name in ("size", "position"))
        turned = self._field("distractors", "rotation", ids, n, 3)
        colours = self._colours(ids, n, len(self.contents.surfaces))
        order = self.draws.permutation("vision.stage.distractors.order", ids, n)
        assert count is not None and size is not None and place is not None  # the spec needs them
        rotation = matrix_from_rpy(np.zeros((len(ids), n, 3)) if turned is None else turned)
        return [
            tuple(
                DistractorPlan(
                    path=f"{DISTRACTORS}/shape_{k:03d}",
                    **_pose(place[i, k] * self._unit, rotation[i, k]),
                    scale=_triple(size[i, k] * self._unit),
                    visible=bool(order[i, k] < count[i, 0, 0]),
                    shape=shapes[k],
                    colour=None if colours is None else _triple(colours[i, k]),
                )
                for k in range(n)
            )
            for i in range(len(ids))
        ]

    def _camera(self, ids: np.ndarray) -> list[CameraPlan] | None:
        camera = self.contents.camera
        if camera is None or not (self._group("camera") is not None or any(self._camera_terms.values())):
            return None
        n, parent = len(ids), np.asarray(camera.parent, np.float64)
        place, rotation, size = split_matrix(parent @ np.asarray(camera.local, np.float64))
        eye, turn = np.broadcast_to(place, (n, 3)), np.broadcast_to(rotation, (n, 3, 3))
        given, target = (self._field("camera", name, ids, 1, 3) for name in ("position", "look_at"))
        roll = self._field("camera", "roll", ids, 1, 1)
        if given is not None:
            eye = given[:, 0] * self._unit
        if target is not None:
            turn = look_at(eye, target[:, 0] * self._unit, self.contents.up)
        frame = turn @ CAMERA_AXES.T  # from here on the camera looks along +x
        if roll is not None:
            turns = np.zeros((n, 3))
            turns[:, 0] = roll[:, 0, 0]
            frame = frame @ matrix_from_rpy(turns)
        eye = eye + np.einsum("nij,nj->ni", frame, self._mount("position", ids) * self._unit)
        frame = frame @ matrix_from_rpy(self._mount("rotation", ids))
        focal = camera.focal_length * self._focal_scale(ids)
        local = np.zeros((n, 4, 4))
        local[:, 3, 3] = 1.0
        local[:, :3, :3], local[:, :3, 3] = frame @ CAMERA_AXES * size, eye
        local = np.linalg.inv(parent) @ local
        plans = []
        for i in range(n):
            at, facing, sized = split_matrix(local[i])
            plans.append(
                CameraPlan(path=camera.path, **_pose(at, facing), scale=_triple(sized), focal_length=float(focal[i]))
            )
        return plans

    def _mount(self, name: str, ids: np.ndarray) -> np.ndarray:
        """Sum of the spec's terms on the camera's mount ``(n, 3)``."""
        total = np.zeros((len(ids), 3))
        for stream, term in self._camera_terms[name].items():
            total = total + self._sample(stream, term.dist, ids, 1)[:, 0]
        return total

    def _focal_scale(self, ids: np.ndarray) -> np.ndarray:
        """Product of the spec's terms on the focal length ``(n,)``."""
        product = np.ones(len(ids))
        for stream, term in self._camera_terms["focal_length"].items():
            product = product * self._sample(stream, term.dist, ids, 1)[:, 0, 0]
        return product


def _triple(values: Any) -> Triple:
    x, y, z = (float(v) for v in values)
    return x, y, z


def _pose(place: np.ndarray, rotation: np.ndarray) -> dict[str, Any]:
    return {"position": _triple(place), "rotation_deg": _triple(np.degrees(rpy_from_matrix(rotation)))}
