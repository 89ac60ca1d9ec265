"""Hand PhysX's tensors and Isaac Lab's copies of them to the engine, and apply its forces at every physics step."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim2real.engines.engine import Element, Elements, EngineError
from sim2real.engines.physx.engine import PhysxEngine
from sim2real.engines.physx.materials import FRICTION_STEP, RESTITUTION_STEP, MaterialCount
from sim2real.engines.physx.storage import DeviceSlot, HostTensor, PhysxViews, Slot
from sim2real.lab import physx_actuators, physx_scene
from sim2real.lab.bind import drop_physx_caches
from sim2real.lab.physx_arrays import device_slot
from sim2real.lab.physx_tensors import BODY_PROPERTIES, JOINT_PROPERTIES, OvBodies, kit_tensor, ov_tensor

COMBINE_ORDER = ("average", "min", "multiply", "max")
"""Where the materials of a pair disagree, PhysX takes the later one."""
LIMIT_MAX = 1e30
"""A joint whose limits are further away has none [rad or m]."""
_BODY_QUANTITIES = {"body_mass": ("mass", 1), "body_com": ("com", 3), "body_inertia": ("inertia", 9)}
_JOINT_QUANTITIES = {
    "joint_damping": ("friction", (2,), None),
    "joint_viscous_friction": ("friction", (2,), None),
    "joint_friction": ("friction", (1,), (0,)),
    "joint_armature": ("armature", (0,), None),
    "joint_limit": ("limit", (0, 1), None),
    "actuator_kp": ("stiffness", (0,), None),
    "actuator_kd": ("damping", (0,), None),
    "actuator_effort_limit": ("effort", (0,), None),
    "actuator_velocity_limit": ("velocity", (0,), None),
}
"""Property, its columns per joint, and the column that keeps a fixed ratio to it."""
_JOINT_COPIES = {
    "joint_damping": "joint_viscous_friction_coeff",
    "joint_viscous_friction": "joint_viscous_friction_coeff",
    "joint_friction": "joint_dynamic_friction_coeff",
    "joint_armature": "joint_armature",
    "joint_limit": "joint_pos_limits",
    "actuator_kp": "joint_stiffness",
    "actuator_kd": "joint_damping",
    "actuator_effort_limit": "joint_effort_limits",
    "actuator_velocity_limit": "joint_vel_limits",
}
"""What Isaac Lab's data keeps of each."""


def physx_engine(env: Any) -> PhysxEngine:
    """Return the engine of an Isaac Lab environment on PhysX; its nominal values are those of now.

    Call it once, after the simulation has started and before anything is randomized. From then on the engine's pushes
    and gravity are added to whatever else acts on the bodies, at every physics step.

    Args:
        env: An environment with physics `ovphysx` or `isaacsim_physx`.

    Raises:
        EngineError: a scene that cannot be read.
    """
    env = env.unwrapped
    return _Scene(env).engine()


class _Scene:
    """Builds the views of one environment."""

    def __init__(self, env: Any) -> None:
        self.env = env
        self.n = env.num_envs
        self.on_kit = env.sim.physics_manager.__module__.startswith("isaaclab_physx")
        self.bodies = physx_scene.find_bodies(env)
        self.static = physx_scene.find_static(env)
        self.host: dict[str, list[Slot]] = {}
        self.on_device: dict[str, list[DeviceSlot]] = {}
        self.constant: dict[str, np.ndarray] = {}
        self.shapes: list[Element] = []
        self.joints: list[Element] = []
        self.first_joint: dict[str, int] = {}
        for key, asset in env.scene.articulations.items():
            self.first_joint[key] = len(self.joints)
            sliding = physx_scene.prismatic_joints(env, asset)
            self.joints += [Element(asset=key, name=name, prismatic=name in sliding) for name in asset.joint_names]

    def engine(self) -> PhysxEngine:
        """Return the engine, hooked into the scene."""
        weightless = self._kit_bodies() if self.on_kit else self._ov_bodies()
        for key in self.env.scene.articulations:
            self._articulation_joints(key)
        self._copies_of_bodies()
        views = PhysxViews(
            name="isaacsim_physx" if self.on_kit else "ovphysx",
            device=str(self.env.device),
            num_worlds=self.n,
            elements=Elements(
                body=tuple(
                    Element(asset=b.asset, name=b.name, fixed=b.kinematic or self._pinned(b)) for b in self.bodies
                ),
                joint=tuple(self.joints),
                shape=tuple(self.shapes),
            ),
            friction_combine=max(self._rules("combine"), key=COMBINE_ORDER.index),
            host={name: tuple(slots) for name, slots in self.host.items()},
            on_device={name: tuple(slots) for name, slots in self.on_device.items()},
            constant=self.constant,
            gravity=tuple(float(g) for g in self.env.sim.cfg.gravity),  # type: ignore[arg-type]
            weightless=weightless | np.array([b.kinematic for b in self.bodies]),
            gravity_direction=self._gravity_directions(),
            refused=self._refused(),
            notes={"shape.restitution": "the larger restitution of a pair acts"},
            written=self._written,
        )
        engine = PhysxEngine(views)
        _apply_forces(self.env, self.bodies, engine)
        return engine

    # -- bodies ------------------------------------------------------------------------------------------------------

    def _ov_bodies(self) -> np.ndarray:
        """One tensor for all bodies of all worlds."""
        count = len(self.bodies)
        tensors = OvBodies(self.env, [b.path for b in self.bodies])
        rows = np.arange(self.n)[:, None] * count + np.arange(count)
        inertia = tensors.tensor("inertia")
        table = {"inertia": inertia, "com": tensors.tensor("com", follow=inertia), "mass": tensors.tensor("mass")}
        for quantity, (name, width) in _BODY_QUANTITIES.items():
            columns = np.tile(np.arange(width), (count, 1))
            self._add(quantity, Slot(tensor=table[name], elements=np.arange(count), rows=rows, columns=columns))
        material, shape_counts = tensors.materials(MaterialCount())
        where = []
        for number, (body, shapes) in enumerate(zip(self.bodies, shape_counts, strict=True)):
            self._name_shapes(number, body, shapes)
            where += [(number, shape) for shape in range(shapes)]
        self._materials(material, rows[:, [w[0] for w in where]], np.array([w[1] for w in where], int))
        return tensors.weightless(count)

    def _kit_bodies(self) -> np.ndarray:
        """One tensor per asset; a row is a world's articulation or its object."""
        if self.env.scene.rigid_object_collections:
            raise EngineError("collections of rigid objects are not covered on Isaac Sim's PhysX; use ovphysx")
        assets = {**self.env.scene.articulations, **self.env.scene.rigid_objects}
        names: list[str] = [b.asset for b in self.bodies]
        for key, asset in assets.items():
            mine = np.flatnonzero([name == key for name in names])
            order = getattr(asset, "backend_body_names", asset.body_names)
            back = np.array([list(order).index(self.bodies[i].name) for i in mine])
            rows = np.tile(np.arange(self.n)[:, None], (1, len(mine)))
            table: dict[str, HostTensor] = {}
            for name, (_, plural, width) in BODY_PROPERTIES.items():
                follow = table["inertia"] if name == "com" else None
                table[name] = kit_tensor(asset.root_view, plural, width * len(mine), follow=follow)
            for quantity, (name, width) in _BODY_QUANTITIES.items():
                columns = back[:, None] * BODY_PROPERTIES[name][2] + np.arange(width)
                self._add(quantity, Slot(tensor=table[name], elements=mine, rows=rows, columns=columns))
            shapes = sum(len(self.bodies[i].colliders) for i in mine)
            material = kit_tensor(asset.root_view, "material_properties", 3 * shapes, check=MaterialCount())
            place: list[int] = []
            starts = np.cumsum([0] + [len(self.bodies[mine[list(back).index(k)]].colliders) for k in range(len(back))])
            for i, k in zip(mine, back, strict=True):
                count = len(self.bodies[i].colliders)
                self._name_shapes(int(i), self.bodies[i], count)
                place += range(starts[k], starts[k] + count)
            self._materials(material, np.tile(np.arange(self.n)[:, None], (1, len(place))), np.array(place, int))
        return np.zeros(len(self.bodies), bool)

    def _name_shapes(self, number: int, body: physx_scene.Body, shapes: int) -> None:
        """Number a body's shapes by their paths; PhysX keeps them in the stage's order, pieces of one mesh apart."""
        paths = [collider.path for collider in body.colliders]
        ranks = [sorted(paths).index(path) for path in paths] if len(paths) == shapes else range(shapes)
        for rank in ranks:
            name = f"{body.name}/{rank}"
            self.shapes.append(Element(asset=body.asset, name=name, body=number, fixed=body.kinematic))

    def _materials(self, tensor: HostTensor, rows: np.ndarray, shape: np.ndarray) -> None:
        """Add the materials of the shapes named last, `rows` (num_worlds, k), `shape` (k,) their place in the row."""
        elements = np.arange(len(self.shapes) - len(shape), len(self.shapes))
        static, dynamic = shape[:, None] * 3, shape[:, None] * 3 + 1
        held = tensor.buffer[rows[:, :, None], static], tensor.buffer[rows[:, :, None], dynamic]
        slot = Slot(
            tensor=tensor,
            elements=elements,
            rows=rows,
            columns=static,
            companion=dynamic,
            ratio=_ratio(held[1], held[0]),
            step=FRICTION_STEP,
        )
        self._add("shape_friction", slot)
        bounce = Slot(
            tensor=tensor, elements=elements, rows=rows, columns=shape[:, None] * 3 + 2, step=RESTITUTION_STEP
        )
        self._add("shape_restitution", bounce)

    def _copies_of_bodies(self) -> None:
        """Isaac Lab's masses and inertias; the centres of mass it reads again, see `_written`."""
        for key, asset, first, count in _assets(self.env, self.bodies):
            del key
            elements = np.arange(first, first + count)
            total = len(self.bodies)
            for quantity, attribute, width in (("body_mass", "body_mass", 1), ("body_inertia", "body_inertia", 9)):
                array = getattr(asset.data, attribute).warp
                self.on_device.setdefault(quantity, []).append(
                    device_slot(f"data.{attribute}", array, self.n, total, width, elements)
                )
        names = [asset for asset, _ in self.static]
        static = [Element(asset=a, name=f"{a}/{names[:i].count(a)}", fixed=True) for i, a in enumerate(names)]
        for quantity, value in (("shape_friction", "static_friction"), ("shape_restitution", "restitution")):
            values = np.full((len(self.shapes) + len(static), 1), np.nan, np.float32)
            for i, (_, collider) in enumerate(self.static):
                values[len(self.shapes) + i] = getattr(collider.surface, value)
            self.constant[quantity] = values
        self.shapes += static

    # -- joints ------------------------------------------------------------------------------------------------------

    def _articulation_joints(self, key: str) -> None:
        asset = self.env.scene.articulations[key]
        names, first = list(asset.joint_names), self.first_joint[key]
        if not names:
            return
        back = np.array([list(asset.backend_joint_names).index(name) for name in names])
        rows = np.tile(np.arange(self.n)[:, None], (1, len(names)))
        table = {name: self._joint_tensor(asset, name, len(names)) for name in JOINT_PROPERTIES}
        explicit = physx_actuators.explicit_slots(asset, self.n, first, len(self.joints))
        for quantity, slots in explicit.items():
            self.on_device.setdefault(quantity, []).extend(slots)
        for quantity, (prop, parts, companion) in _JOINT_QUANTITIES.items():
            taken = {int(e) for slot in explicit.get(quantity, ()) for e in np.flatnonzero(slot.place[0, :, 0] >= 0)}
            mine = np.array([j for j in range(len(names)) if first + j not in taken], int)
            width = JOINT_PROPERTIES[prop][2]
            if quantity == "joint_limit":
                mine = self._limited(table[prop].buffer[0].reshape(-1, 2)[back], mine, first)
            if not len(mine):
                continue
            columns = back[mine][:, None] * width + np.array(parts)
            extra: dict[str, Any] = {}
            if companion is not None:
                other = back[mine][:, None] * width + np.array(companion)
                buffer = table[prop].buffer
                extra = {"companion": other, "ratio": _ratio(buffer[:, other], buffer[:, columns])}
            self._add(
                quantity, Slot(tensor=table[prop], elements=first + mine, rows=rows[:, mine], columns=columns, **extra)
            )
            self._copies_of_joints(asset, quantity, first + mine, mine)
        for quantity, slots in physx_actuators.implicit_copies(asset, self.n, first, len(self.joints)).items():
            self.on_device.setdefault(quantity, []).extend(slots)

    def _limited(self, limits: np.ndarray, mine: np.ndarray, first: int) -> np.ndarray:
        """Return the joints that have limits; PhysX ignores limits of a joint that was built without."""
        values = self.constant.setdefault("joint_limit", np.full((len(self.joints), 2), np.nan, np.float32))
        free = np.abs(limits).max(-1) > LIMIT_MAX
        values[first + mine[free[mine]]] = limits[mine[free[mine]]]
        return mine[~free[mine]]

    def _joint_tensor(self, asset: Any, name: str, joints: int) -> HostTensor:
        short, plural, width = JOINT_PROPERTIES[name]
        if self.on_kit:
            return kit_tensor(asset.root_view, plural, width * joints)
        from isaaclab_ov import tensor_types

        return ov_tensor(asset.root_view, getattr(tensor_types, short.upper()), width * joints)

    def _copies_of_joints(self, asset: Any, quantity: str, elements: np.ndarray, mine: np.ndarray) -> None:
        names = [_JOINT_COPIES[quantity]]
        if quantity == "joint_friction":
            names.append("joint_friction_coeff")  # the static one, equal where nothing says otherwise
        width = 2 if quantity == "joint_limit" else 1
        for name in names:
            array = getattr(asset.data, name).warp
            slot = device_slot(f"data.{name}", array, self.n, len(self.joints), width, elements, columns=mine)
            self.on_device.setdefault(quantity, []).append(slot)

    # -- the rest ----------------------------------------------------------------------------------------------------

    def _add(self, quantity: str, slot: Slot) -> None:
        self.host.setdefault(quantity, []).append(slot)

    def _pinned(self, body: physx_scene.Body) -> bool:
        """Whether a body is the root of an articulation that is fixed to the world."""
        asset = self.env.scene.articulations.get(body.asset)
        return asset is not None and bool(asset.is_fixed_base) and asset.body_names[0] == body.name

    def _rules(self, mode: str) -> set[str]:
        """Return how the pairs of a moving body with anything else are made of their surfaces; `mode` is a field."""
        moving = {getattr(c.surface, mode) for b in self.bodies if not b.kinematic for c in b.colliders}
        still = {getattr(c.surface, mode) for b in self.bodies if b.kinematic for c in b.colliders}
        still |= {getattr(collider.surface, mode) for _, collider in self.static}
        pairs = {(one, other) for one in moving for other in still or moving}
        return {max(pair, key=COMBINE_ORDER.index) for pair in pairs} or {"average"}

    def _gravity_directions(self) -> tuple[Any, ...]:
        assets = (*self.env.scene.articulations.values(), *self.env.scene.rigid_objects.values())
        return tuple(asset.data.GRAVITY_VEC_W.warp for asset in assets)

    def _refused(self) -> dict[str, str]:
        found = {}
        rules = self._rules("combine")
        if len(rules) > 1:
            found["shape.friction"] = (
                f"some pairs take the {' and some the '.join(sorted(rules))} of their materials' friction; give all"
                " materials of the scene the same friction_combine_mode"
            )
        bouncing = [asset for asset, collider in self.static if collider.surface.restitution > 0.0]
        rules = self._rules("bounce_combine")
        if rules != {"max"}:
            found["shape.restitution"] = (
                "the restitution of a pair would not be the draw: the scene's materials take the"
                f" {' or '.join(sorted(rules))} of both; give the body's or the ground's material"
                " restitution_combine_mode='max'"
            )
        elif bouncing:
            found["shape.restitution"] = (
                f"the larger restitution of a pair acts, and {bouncing[0]} has one of its own, below which a draw would"
                " change nothing; set it to 0"
            )
        sensors = [k for k, s in self.env.scene.sensors.items() if type(s).__name__ in ("Imu", "Pva")]
        if sensors:
            reason = (
                f"sensor '{sensors[0]}' subtracts one gravity for all environments; it would not see an environment's"
                " own"
            )
            found |= {"world.gravity": reason, "world.gravity_tilt": reason}
        return found

    def _written(self, quantities: frozenset[str]) -> None:
        for asset in (
            *self.env.scene.articulations.values(),
            *self.env.scene.rigid_objects.values(),
            *self.env.scene.rigid_object_collections.values(),
        ):
            drop_physx_caches(asset.data, quantities)
        if "joint_limit" in quantities:
            for asset in self.env.scene.articulations.values():
                _soften_limits(asset)


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Return part / whole, 1 where both are 0."""
    return np.divide(part, whole, out=np.ones_like(whole), where=whole != 0).astype(np.float32)


def _assets(env: Any, bodies: list[physx_scene.Body]) -> list[tuple[str, Any, int, int]]:
    """Return each asset's name, itself, its first body and how many it has."""
    table = {
        **env.scene.articulations,
        **env.scene.rigid_objects,
        **env.scene.rigid_object_collections,
    }
    names = [body.asset for body in bodies]
    return [(key, asset, names.index(key), names.count(key)) for key, asset in table.items() if key in names]


def _soften_limits(asset: Any) -> None:
    """Shrink the soft limits with the hard ones, as Isaac Lab does when it starts."""
    limits = asset.data.joint_pos_limits.torch
    middle, half = limits.mean(-1), (limits[..., 1] - limits[..., 0]) / 2 * asset.cfg.soft_joint_pos_limit_factor
    soft = asset.data.soft_joint_pos_limits.torch
    soft[..., 0], soft[..., 1] = middle - half, middle + half


def _apply_forces(env: Any, bodies: list[physx_scene.Body], engine: PhysxEngine) -> None:
    """Add the engine's forces to an asset's own whenever it writes those to PhysX."""
    import warp as wp

    on_ov = engine.name == "ovphysx"
    for _, asset, first, count in _assets(env, bodies):
        if all(body.kinematic for body in bodies[first : first + count]):
            continue
        force, torque = (wp.zeros((engine.num_worlds, count), dtype=wp.vec3, device=engine.device) for _ in range(2))

        before = getattr(asset.write_data_to_sim, "before", asset.write_data_to_sim)  # an engine made earlier is out

        def write(asset=asset, first=first, force=force, torque=torque, before=before) -> None:
            if engine.forces.active:
                # Isaac Lab 3.0 hands a body's origin to `ovphysx` as the point where a force acts.
                pose = asset.data.body_link_pose_w.warp
                engine.forces.wrench(first, pose, 1.0 if on_ov else 0.0, force, torque)
                asset.instantaneous_wrench_composer.add_forces_and_torques_index(
                    forces=force, torques=torque, is_global=True
                )
            before()

        write.before = before  # type: ignore[attr-defined]
        asset.write_data_to_sim = write
