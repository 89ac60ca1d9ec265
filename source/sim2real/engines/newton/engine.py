"""Newton with its MuJoCo solver as the randomizer's engine.

Every quantity is written twice, into Newton's model (which collision, kinematics and Isaac Lab read) and into MuJoCo
Warp's (which the solver reads), and `finish` brings what depends on them up to date for the named worlds. Newton's
`notify_model_changed`, which does that for all worlds, is not called. Nothing here allocates or asks the device once
the engine is made, so all of it can be captured in a CUDA graph.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import warp as wp

from sim2real.engines.engine import EngineError, Rows, Support
from sim2real.engines.launch import RowsKernel
from sim2real.engines.newton import finish_kernels
from sim2real.engines.newton.actuators import MOTOR, as_floats, find_drives
from sim2real.engines.newton.bind import check_solver, forget_contacts, wake_worlds
from sim2real.engines.newton.constants import DerivedConstants
from sim2real.engines.newton.parts import Asset, find_parts
from sim2real.engines.newton.reading import Reader
from sim2real.engines.newton.support import ACTUATOR_QUANTITY, plain_support
from sim2real.engines.newton.writing import ValuesKernel, bind_writes
from sim2real.engines.quantities import QUANTITIES

INERTIAL = frozenset({"body_mass", "body_com", "body_inertia", "body_position", "joint_armature", "joint_zero"})
"""Quantities on which the derived constants depend."""
TOUCHES_CONTACTS = INERTIAL | {"shape_friction", "contact_stiffness", "contact_damping", "gravity"}
"""Quantities after which Newton's cached contacts are converted anew."""


@dataclass(frozen=True, kw_only=True)
class NewtonViews:
    """What the glue hands over."""

    model: Any
    """The `newton.Model`."""
    solver: Any
    """Its `newton.solvers.SolverMuJoCo` on MuJoCo Warp."""
    assets: Sequence[Asset]
    """What the scene consists of."""
    add_force: Callable[[Callable[[Any], None]], None] | None = None
    """Registers a function of the state that is called before every substep."""
    written: Callable[[tuple[str, ...]], None] | None = None
    """Told on the host which quantities changed, so that caches of derived poses can be dropped."""


class NewtonEngine:
    """A running Newton simulation seen as properties of worlds; see :class:`sim2real.engines.engine.Engine`.

    Raises:
        EngineError: The solver runs on MuJoCo's CPU library, or has constants that cannot be refreshed by world.
    """

    name = "newton_mjwarp"
    friction_combine = "max"

    def __init__(self, views: NewtonViews) -> None:
        model, solver = views.model, views.solver
        if getattr(solver, "use_mujoco_cpu", False):
            raise EngineError("Newton's solver runs on MuJoCo's CPU library; make it with use_mujoco_cpu=False")
        check_solver(solver)
        self._views, self._model, self._solver, self._mjw = views, model, solver, solver.mjw_model
        self.device = str(model.device)
        self.parts = find_parts(model, solver, views.assets)
        self.elements = self.parts.elements
        self.num_worlds = int(self.parts.body.shape[0])
        self.drives = find_drives(model, solver, self.parts)
        self.constants = DerivedConstants(model, solver)
        self._reader = Reader(model, solver, self.parts, self.drives)
        self._nominal: dict[str, np.ndarray] = {}
        for name in QUANTITIES:
            if self._missing(name) is None:
                self._nominal[name] = self._reader.read(name)
        every = bind_writes(model, solver, self.parts, self.drives, self._reader)
        self._launches = {name: every[name] for name in self._nominal}
        self._finishing = self._bind_finishing()
        self._wrench = wp.zeros(int(model.body_count), dtype=wp.spatial_vectorf, device=self.device)
        self._push = self._bind_push()
        self._pushing = False
        self._frames_checked = self._zeros_checked = False
        self._mask = wp.zeros(self.num_worlds, dtype=wp.bool, device=self.device)
        self._mark = RowsKernel(finish_kernels.mark_worlds, [self._mask], self.device)

    def support(self, target: str) -> Support:
        """Whether a target of the spec can be held."""
        quantity = ACTUATOR_QUANTITY.get(target)
        if quantity is not None:
            return self._actuator_support(target, quantity)
        found = plain_support(target, self.device)
        if found.able and target in ("body.force", "body.torque") and self._views.add_force is None:
            return Support(able=False, note="nothing was given through which forces reach the steps")
        names = {"body.frame_offset": "body_position", "joint.stiffness": "joint_stiffness"}
        names["joint.zero_offset"] = "joint_zero"
        names |= {"contact.stiffness": "contact_stiffness", "contact.damping": "contact_damping"}
        reason = self._missing(names.get(target, ""))
        return Support(able=False, note=reason) if reason else found

    def nominal(self, quantity: str) -> np.ndarray:
        """Values before randomization, float32 (num_worlds, count, width). Raises EngineError: not held here."""
        if quantity not in self._nominal:
            reason = self._missing(quantity) or f"there is no quantity '{quantity}'"
            raise EngineError(f"{self.name} does not hold {quantity}: {reason}")
        return self._nominal[quantity].copy()

    def write(self, quantity: str, values: wp.array, rows: Rows) -> None:
        """Store `values` (num_worlds, count, width) of the given worlds; other worlds stay bit-equal."""
        if quantity not in self._launches:
            reason = self._missing(quantity) or f"there is no quantity '{quantity}'"
            raise EngineError(f"{self.name} does not hold {quantity}: {reason}")
        expected = self._nominal[quantity].shape
        if tuple(values.shape) != expected:
            raise EngineError(f"{quantity}: values have shape {tuple(values.shape)}; this engine's have {expected}")
        if quantity == "body_position" and not self._frames_checked:
            self._check_frames(values, rows)
        if quantity == "joint_zero" and not self._zeros_checked:
            self._check_zeros(values, rows)
        for launch in self._launches[quantity]:
            launch(values, rows)

    def finish(self, quantities: tuple[str, ...], rows: Rows) -> None:
        """Derive anew, for the given worlds, whatever depends on the quantities written."""
        if rows.n == 0:
            return
        written = set(quantities)
        if written & {"body_position", "joint_zero"}:
            self.constants.place(rows)
        if written & INERTIAL:
            self.constants.refresh(rows)
            self._finishing["limits"](rows)
        if "joint_limit" in written:
            self._finishing["lengths"](rows)
        if written & TOUCHES_CONTACTS:
            forget_contacts(self._solver)
        if written and getattr(self._solver, "enable_sleeping", False):
            self._mask.zero_()
            self._mark(rows)
            wake_worlds(self._solver, self._mask)
        if self._views.written is not None:
            self._views.written(quantities)

    def read(self, quantity: str) -> np.ndarray:
        """What the solver holds, float32 (num_worlds, count, width); slow, for tests and `verify`."""
        if quantity not in self._nominal:
            reason = self._missing(quantity) or f"there is no quantity '{quantity}'"
            raise EngineError(f"{self.name} does not hold {quantity}: {reason}")
        return self._reader.read(quantity)

    def push(self, wrench: wp.array, rows: Rows) -> None:
        """Keep applying `wrench` (num_worlds, bodies, 6): force [N], torque [N·m] in the world frame, at each body's
        centre of mass, until called again. Zero ends it.
        """
        if self._views.add_force is None:
            raise EngineError(f"{self.name}: nothing was given through which forces reach the steps")
        if not self._pushing:
            self._views.add_force(self._add_wrench)
            self._pushing = True
        self._push(wrench, rows)

    def _add_wrench(self, state: Any) -> None:
        """Before every substep: add the pushes to the forces on the bodies."""
        self._adding(state)

    def _check_frames(self, values: wp.array, rows: Rows) -> None:
        """Refuse to move what has no frame in a parent. Asks the device, once: draws differ, the selection does not."""
        worlds = [int(world) for world in rows.index.numpy()[: rows.n] if world >= 0]
        moved = (values.numpy()[worlds] != self._nominal["body_position"][worlds]).any(axis=(0, 2))
        unable = np.flatnonzero(moved & (self.parts.frame < 0).any(axis=0))
        if len(unable):
            names = ", ".join(self.elements.body[k].name for k in unable)
            raise EngineError(
                f"body_position: {names} floats freely or stands in the world, so there is no joint frame in a parent"
                " to move; leave it out of 'select'"
            )
        self._frames_checked = bool(worlds)

    def _check_zeros(self, values: wp.array, rows: Rows) -> None:
        """Refuse encoders of joints that do not place a body in a parent alone. Asks the device, once."""
        worlds = [int(world) for world in rows.index.numpy()[: rows.n] if world >= 0]
        unable = np.flatnonzero((values.numpy()[worlds] != 0.0).any(axis=(0, 2)) & (self.parts.hung < 0))
        if len(unable):
            names = ", ".join(self.elements.joint[k].name for k in unable)
            raise EngineError(
                f"joint_zero: {names} is one axis of several or hangs on the world, so there is no joint frame in a"
                " parent to turn; leave it out of 'select'"
            )
        self._zeros_checked = bool(worlds)

    def _bind_push(self) -> ValuesKernel:
        body = wp.array(self.parts.body.astype(np.int32), dtype=wp.int32, device=self.device)
        return ValuesKernel(finish_kernels.store_wrench, [body, self._wrench], self.device, self.parts.body.shape[1])

    def _adding(self, state: Any) -> None:
        if state.body_f is not None:
            wp.launch(
                finish_kernels.add_wrench, self._wrench.shape[0], [self._wrench, state.body_f], device=self.device
            )

    def _bind_finishing(self) -> dict[str, RowsKernel]:
        """Launches that bring limits and length ranges up to date."""
        model, solver, mjw = self._model, self._solver, self._mjw
        newton = solver.mjc_jnt_to_newton_dof
        limits = [
            newton,
            wp.array(_limits_in_force_space(model, newton.numpy()), dtype=wp.int32, device=self.device),
            mjw.jnt_dofadr,
            model.joint_limit_ke,
            model.joint_limit_kd,
            mjw.dof_invweight0,
            as_floats(mjw.jnt_solimp),
            mjw.jnt_solref,
        ]
        joints = mjw.actuator_trnid.numpy()[:, 0] if int(mjw.nu) else np.zeros(0)
        lengths = [
            wp.array(joints.astype(np.int32), dtype=wp.int32, device=self.device),
            mjw.jnt_limited,
            mjw.jnt_range,
            mjw.actuator_gear,
            mjw.actuator_lengthrange,
        ]
        return {
            "limits": RowsKernel(finish_kernels.rescale_limits, limits, self.device, width=int(mjw.njnt)),
            "lengths": RowsKernel(finish_kernels.follow_limits, lengths, self.device, width=int(mjw.nu)),
        }

    def _missing(self, quantity: str) -> str | None:
        """Why a quantity cannot be held; None when it can."""
        if quantity in MOTOR and quantity not in self.drives.motors:
            return f"no joint has a motor; {GIVE_MOTORS}"
        if quantity == "shape_restitution":
            return plain_support("shape.restitution", self.device).note
        if quantity in ("body_position", "joint_zero") and int(getattr(self._mjw, "neq", 0)):
            return "the model closes loops with constraints whose anchors were made for the frames as they are"
        mujoco = getattr(self._model, "mujoco", None)
        if quantity == "joint_stiffness" and getattr(mujoco, "dof_passive_stiffness", None) is None:
            return "the model has no passive joint stiffness (Newton's custom attributes of MuJoCo are not registered)"
        if quantity.startswith("contact_"):
            modes = getattr(mujoco, "solref_mode", None)
            if modes is not None and (modes.numpy() == RAW).any():
                return "a shape has MuJoCo's solref written in its file, which hides stiffness and damping"
        return None

    def _actuator_support(self, target: str, quantity: str) -> Support:
        """Support of a target of actuators."""
        driven = self.drives.driven(quantity)
        names = [joint.name for joint in self.elements.joint]
        idle = [name for name, held in zip(names, driven, strict=True) if not held]
        what = {
            "actuator_kp": "Model.joint_target_ke; mjw.actuator_gainprm, actuator_biasprm",
            "actuator_kd": "Model.joint_target_kd; mjw.actuator_gainprm, actuator_biasprm",
            "actuator_effort_limit": "Model.joint_effort_limit; mjw.jnt_actfrcrange",
            "actuator_velocity_limit": "Model.joint_velocity_limit",
        }
        if quantity in MOTOR:
            reason = self._missing(quantity)
            if reason is not None:
                return Support(able=False, note=reason)
        if not driven.any():
            speed = (
                " (MuJoCo's own drives have no speed limit, only a DC motor model has)"
                if "velocity" in quantity
                else ""
            )
            return Support(able=False, note=f"no joint has an actuator that holds it{speed}")
        motors = self.drives.motors.get(quantity, ())
        where = [what[quantity]] if quantity in what and (self.drives.solver.any() or not motors) else []
        where += sorted({f"{type(motor.holder).__name__}.{motor.name}" for motor in motors})
        notes = [f"not held by {', '.join(idle[:6])}{' and others' if len(idle) > 6 else ''}"] if idle else []
        notes += [f"{name} has none" for name in sorted(set(self.drives.foreign))]
        if target in ("actuator.strength", "actuator.torque_constant"):
            given = np.zeros_like(driven)
            for motor in self.drives.motors.get("actuator_feedforward", ()):
                given |= (motor.number >= 0).all(axis=0)
            if (driven & ~given).any():
                notes.append(PAST)
        if any(motor.name == "saturation_effort" for motor in motors):
            notes.append("a DC motor's stall torque follows its largest torque")
        return Support(able=True, where="; ".join(where), device=self.device, note="; ".join(notes))


PAST = "feed-forward torque goes past implicit actuators and is not scaled there"
"""What a solver's own drive cannot do."""
GIVE_MOTORS = "implicit actuators and PD drives have no voltage, play or heat: see sim2real.lab.with_motors"
"""What to do where only a motor could hold a target."""
RAW = 1
"""Newton's SOLREF_MODE_RAW: MuJoCo's own numbers, as written in the file."""


def _limits_in_force_space(model: Any, newton: np.ndarray) -> np.ndarray:
    """Which joints' limits are given in N·m/rad, int (num_worlds, joints); the others keep MuJoCo's own numbers."""
    mujoco = getattr(model, "mujoco", None)
    number = np.maximum(newton, 0)
    scaled = (newton >= 0) & (model.joint_limit_ke.numpy()[number] > 0) & (model.joint_limit_kd.numpy()[number] > 0)
    modes, authored = getattr(mujoco, "solreflimit_mode", None), getattr(mujoco, "solreflimit", None)
    if modes is not None:
        scaled &= modes.numpy()[number] == 0
    elif authored is not None:
        scaled &= (authored.numpy()[number] == 0).all(axis=-1)
    return scaled.astype(np.int32)
