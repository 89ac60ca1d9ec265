"""A compiled MuJoCo model as one world of the randomizer.

Everything is written into `MjModel`, from a snapshot taken before: a value that equals the nominal one gives back the
nominal double bits, so that an undone draw leaves no trace. After masses, centres of mass, inertias, frames or
armatures have changed, `mj_setConst` derives what the compiler would have derived; constants that the compiler had
been told otherwise (a `<statistic>`, a hand-set weight) are put back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sim2real.engines.engine import Elements, EngineError, Rows, Support
from sim2real.engines.mujoco.actuators import QUANTITIES as ACTUATOR_QUANTITIES
from sim2real.engines.mujoco.actuators import JointActuators
from sim2real.engines.mujoco.elements import FREE, find_parts
from sim2real.engines.mujoco.inertia import full_inertia, moved_boxes, principal
from sim2real.engines.mujoco.support import DEVICE, support_of
from sim2real.engines.quantities import QUANTITIES

if TYPE_CHECKING:
    import warp as wp

CONSTANTS = ("body_mass", "body_com", "body_inertia", "body_position", "joint_armature", "joint_zero")
"""Quantities after which the model's constants have to be derived anew."""
DERIVED = (
    "body_subtreemass", "body_invweight0", "dof_M0", "dof_invweight0", "dof_length", "tendon_length0",
    "tendon_invweight0", "actuator_length0", "actuator_acc0", "cam_pos0", "cam_poscom0", "cam_mat0", "light_pos0",
    "light_poscom0", "light_dir0", "eq_data",
)  # fmt: skip
"""Arrays of the model that mj_setConst fills."""
STATISTICS = ("meaninertia", "meanmass", "meansize", "extent", "center")
VIEW = ("meansize", "extent", "center")
"""Statistics that pictures are scaled by; they stay."""
SAME_FRAME = 1e-6
"""MuJoCo's own threshold for a centre of mass in the body's origin [m]."""
_PLAIN = {
    "body_mass": ("body_mass", "bodies"),
    "body_com": ("body_ipos", "bodies"),
    "body_position": ("body_pos", "bodies"),
    "joint_damping": ("dof_damping", "dofs"),
    "joint_viscous_friction": ("dof_damping", "dofs"),
    "joint_friction": ("dof_frictionloss", "dofs"),
    "joint_armature": ("dof_armature", "dofs"),
    "joint_stiffness": ("jnt_stiffness", "joints"),
    "shape_friction": ("geom_friction", "geoms"),
}
"""Quantities that stand in an array as they are: the array, and the ids of the elements in it."""
_BODY_FIELDS = ("body_mass", "body_ipos", "body_iquat", "body_inertia", "body_pos")
_OTHER_FIELDS = ("dof_damping", "dof_frictionloss", "dof_armature", "jnt_stiffness", "geom_friction", "qpos0")
_LIMIT_FIELDS = ("jnt_range", "jnt_limited", "bvh_aabb")


class MujocoEngine:
    """One MuJoCo model and its data, as an :class:`~sim2real.engines.engine.Engine` with a single world."""

    name = "mujoco"
    device = DEVICE
    num_worlds = 1
    friction_combine = "max"

    def __init__(self, model: Any, data: Any) -> None:
        """Take the snapshot of nominal values.

        Args:
            model: `mujoco.MjModel`, not randomized yet; it is written in place.
            data: the `mujoco.MjData` that the simulation steps; only `xfrc_applied` is written.
        """
        import mujoco

        self.model = model
        self.data = data
        self.parts = find_parts(model)
        self.elements: Elements = self.parts.elements
        self._actuators = JointActuators(model, self.parts.actuators, [e.name for e in self.elements.joint])
        self._fields = {name: getattr(model, name).copy() for name in (*_BODY_FIELDS, *_OTHER_FIELDS, *_LIMIT_FIELDS)}
        self._gravity = model.opt.gravity.copy()
        self._scratch = mujoco.MjData(model)
        self._nominal = {name: self._held(name) for name in QUANTITIES if self._holds(name)}
        self._kept = self._own_constants()
        self._box_body = _owners(model)
        self._pushing = False
        self._wrench = np.zeros((len(self.parts.bodies), 6))

    def support(self, target: str) -> Support:
        """Whether a target of the spec can be held by this model, and what to know about it."""
        return support_of(target, self.model, self._actuators)

    def nominal(self, quantity: str) -> np.ndarray:
        """Values before randomization, float32 (1, count, width).

        Raises:
            EngineError: MuJoCo has no such property.
        """
        self._known(quantity)
        return self._nominal[quantity].copy()

    def read(self, quantity: str) -> np.ndarray:
        """What the model holds now, float32 (1, count, width).

        Raises:
            EngineError: MuJoCo has no such property.
        """
        self._known(quantity)
        return self._held(quantity)

    def write(self, quantity: str, values: wp.array, rows: Rows) -> None:
        """Store `values` (1, count, width) if the rows name world 0; nothing is touched otherwise.

        Raises:
            EngineError: a value that is not finite or that this model cannot hold; the message names the element.
        """
        self._known(quantity)
        expected = self._nominal[quantity].shape
        if tuple(values.shape) != expected:
            raise EngineError(f"{quantity}: got shape {tuple(values.shape)}; give {expected}")
        if self._named(rows):
            self._store(quantity, values.numpy()[0])

    def finish(self, quantities: tuple[str, ...], rows: Rows) -> None:
        """Derive the model's constants anew if one of `quantities` enters them and the rows name world 0."""
        if self._named(rows) and any(name in CONSTANTS for name in quantities):
            self._derive()

    def push(self, wrench: wp.array, rows: Rows) -> None:
        """Keep applying force [N] and torque [N·m] (1, bodies, 6), world frame, at each centre of mass."""
        if self._named(rows):
            self._wrench[:] = wrench.numpy()[0]
            self.hold_push(changed=True)

    def hold_push(self, *, changed: bool = False) -> None:
        """Write the push again: resetting `MjData` clears it."""
        active = bool(self._wrench.any())
        if active or (changed and self._pushing):
            self.data.xfrc_applied[self.parts.bodies] = self._wrench
        self._pushing = active

    def _holds(self, quantity: str) -> bool:
        return quantity in (*_PLAIN, *ACTUATOR_QUANTITIES, "body_inertia", "joint_limit", "joint_zero", "gravity")

    def _known(self, quantity: str) -> None:
        if quantity not in self._nominal:
            raise EngineError(f"MuJoCo does not hold '{quantity}'; it holds {', '.join(self._nominal)}")

    def _named(self, rows: Rows) -> bool:
        return bool((rows.index.numpy()[: rows.n] == 0).any())

    def _held(self, quantity: str) -> np.ndarray:
        model, parts = self.model, self.parts
        if quantity in _PLAIN:
            field, ids = _PLAIN[quantity]
            found = getattr(model, field)[getattr(parts, ids)]
            found = found[:, :1] if field == "geom_friction" else found
        elif quantity == "body_inertia":
            found = full_inertia(model.body_inertia[parts.bodies], model.body_iquat[parts.bodies])
        elif quantity == "joint_limit":
            limited = model.jnt_limited[parts.joints].astype(bool)[:, None]
            found = np.where(limited, model.jnt_range[parts.joints], (-np.inf, np.inf))
        elif quantity == "joint_zero":
            at = model.jnt_qposadr[parts.joints]
            found = model.qpos0[at] - self._fields["qpos0"][at]
        elif quantity == "gravity":
            found = model.opt.gravity
        else:
            found = self._actuators.values(quantity)
        width = QUANTITIES[quantity].width
        return np.asarray(found, dtype=np.float32).reshape(1, -1, width).copy()

    def _store(self, quantity: str, values: np.ndarray) -> None:
        nominal = self._nominal[quantity][0]
        self._check(quantity, values, nominal)
        if quantity in _PLAIN:
            self._store_plain(quantity, values, nominal)
        elif quantity == "gravity":
            same = np.array_equal(values, nominal)
            self.model.opt.gravity[:] = self._gravity if same else values[0]
        elif quantity == "body_inertia":
            self._store_inertia(values, nominal)
        elif quantity == "joint_zero":
            # MuJoCo turns a body by qpos - qpos0: its reference is the reading at the nominal place.
            at = self.model.jnt_qposadr[self.parts.joints]
            self.model.qpos0[at] = self._fields["qpos0"][at] + values[:, 0]
        elif quantity == "joint_limit":
            for j, value, before in zip(self.parts.joints, values, nominal, strict=True):
                same = np.array_equal(value, before)
                self.model.jnt_range[j] = self._fields["jnt_range"][j] if same else value
                self.model.jnt_limited[j] = self._fields["jnt_limited"][j] if same else True
        else:
            for joint, (value, before) in enumerate(zip(values[:, 0], nominal[:, 0], strict=True)):
                self._actuators.write(quantity, joint, float(value), float(before))

    def _check(self, quantity: str, values: np.ndarray, nominal: np.ndarray) -> None:
        """Refuse what MuJoCo would take in silence."""
        bad = ~(np.isfinite(values) | (values == nominal))
        if quantity == "actuator_effort_limit":
            bad &= np.isfinite(nominal)  # an unlimited effort times a factor stays unlimited
        if quantity == "body_mass":
            moving = np.array([not e.fixed for e in self.elements.body])
            bad |= (values <= 0.0) & moving[:, None] & (values != nominal)
        elif quantity not in ("body_com", "body_position", "body_inertia", "joint_limit", "joint_zero", "gravity"):
            bad |= values < 0.0
        if quantity == "joint_limit":
            bad |= (values[:, :1] > values[:, 1:]) & (values != nominal).any(axis=1, keepdims=True)
        if bad.any():
            i = int(np.argwhere(bad.any(axis=1))[0, 0])
            kind = QUANTITIES[quantity].kind
            shown = ", ".join(f"{v:g}" for v in values[i])
            raise EngineError(
                f"{quantity}: {kind} '{self.elements.of(kind)[i].name}' gets {shown} (nominal "
                f"{', '.join(f'{v:g}' for v in nominal[i])}), which MuJoCo cannot simulate; narrow the term's range."
            )

    def _store_plain(self, quantity: str, values: np.ndarray, nominal: np.ndarray) -> None:
        field, ids = _PLAIN[quantity]
        where, array = getattr(self.parts, ids), getattr(self.model, field)
        before = self._fields[field][where]
        changed = values != nominal
        if quantity == "body_com":
            self._refuse_simple(np.abs(values).max(axis=1) >= SAME_FRAME, "centre of mass")
        elif quantity == "body_position":
            self._refuse_floating(changed.any(axis=1))
        if field == "geom_friction":
            array[where, 0] = np.where(changed[:, 0], values[:, 0], before[:, 0])
            return
        values = values if before.ndim == 2 else values[:, 0]
        changed = changed if before.ndim == 2 else changed[:, 0]
        array[where] = np.where(changed, values, before)

    def _store_inertia(self, values: np.ndarray, nominal: np.ndarray) -> None:
        bodies = self.parts.bodies
        moments, quats = self._fields["body_inertia"][bodies], self._fields["body_iquat"][bodies]
        changed = np.flatnonzero((values != nominal).any(axis=1))
        drawn, axes, turned = principal(values[changed].reshape(-1, 3, 3).astype(float), quats[changed])
        for i, found in zip(changed, drawn, strict=True):
            if found.min() <= 0.0 and not self.elements.body[i].fixed:
                shown = ", ".join(f"{m:g}" for m in found)
                raise EngineError(
                    f"body_inertia: body '{self.elements.body[i].name}' gets the principal moments {shown}; a body "
                    "that moves needs three above 0. Narrow the term's range."
                )
        other = np.zeros(len(bodies), dtype=bool)
        other[changed] = turned
        self._refuse_simple(other, "principal axes")
        moments[changed] = drawn
        for i, new in zip(changed[turned], axes[turned], strict=True):
            quats[i] = _quaternion(new)
        self.model.body_inertia[bodies], self.model.body_iquat[bodies] = moments, quats

    def _refuse_simple(self, moved: np.ndarray, what: str) -> None:
        simple = self.model.body_simple[self.parts.bodies] > 0
        for i in np.flatnonzero(moved & simple):
            raise EngineError(
                f"body '{self.elements.body[i].name}': its {what} cannot be moved, for MuJoCo compiled it as a simple "
                'body, without room for the coupling that appears. Give the body simple="false" in its MJCF.'
            )

    def _refuse_floating(self, moved: np.ndarray) -> None:
        model = self.model
        for i in np.flatnonzero(moved):
            b = int(self.parts.bodies[i])
            first = int(model.body_jntadr[b])
            floats = first >= 0 and model.jnt_type[first] == FREE
            if floats or self.elements.body[i].fixed:
                why = "floats, its place is state and not property" if floats else "is fixed to the world"
                raise EngineError(f"body_position: body '{self.elements.body[i].name}' {why}; leave it out of 'select'")

    def _move_boxes(self) -> None:
        """Keep the collision boxes with the shapes, whatever the inertial frames do."""
        model, fields = self.model, self._fields
        position, quat = fields["body_ipos"], fields["body_iquat"]
        moved = (model.body_ipos != position).any(axis=1) | (model.body_iquat != quat).any(axis=1)
        boxes = fields["bvh_aabb"].copy()
        nodes = np.flatnonzero(moved[self._box_body])
        if nodes.size:
            body = self._box_body[nodes]
            new = model.body_ipos[body], model.body_iquat[body]
            boxes[nodes] = moved_boxes(boxes[nodes], position[body], quat[body], *new)
        model.bvh_aabb[:] = boxes

    def _derive(self) -> None:
        import mujoco

        mujoco.mj_setConst(self.model, self._scratch)
        self._move_boxes()
        for name, (where, values) in self._kept.items():
            if name in STATISTICS:
                setattr(self.model.stat, name, values)
            else:
                getattr(self.model, name)[where] = values

    def _own_constants(self) -> dict[str, tuple[Any, Any]]:
        """Constants of the nominal model that are not what `mj_setConst` would make of them: they were given."""
        import copy

        import mujoco

        fresh = copy.copy(self.model)
        mujoco.mj_setConst(fresh, mujoco.MjData(fresh))
        kept: dict[str, tuple[Any, Any]] = {}
        for name in DERIVED:
            given, derived = getattr(self.model, name), getattr(fresh, name)
            where = given != derived
            if where.any():
                kept[name] = (where.copy(), given[where].copy())
        for name in STATISTICS:
            given, derived = np.copy(getattr(self.model.stat, name)), np.copy(getattr(fresh.stat, name))
            if name in VIEW or not np.array_equal(given, derived):
                kept[name] = (None, given if given.ndim else float(given))
        return kept


def _quaternion(axes: np.ndarray) -> np.ndarray:
    import mujoco

    quat = np.zeros(4)
    mujoco.mju_mat2Quat(quat, axes.reshape(9))
    return quat


def _owners(model: Any) -> np.ndarray:
    """Body of each static bounding box, int (boxes,); 0, which never moves, for those of meshes and the like."""
    found = np.zeros(len(model.bvh_aabb), dtype=int)
    for body, (first, number) in enumerate(zip(model.body_bvhadr, model.body_bvhnum, strict=True)):
        if first >= 0:
            found[first : first + number] = body
    return found
