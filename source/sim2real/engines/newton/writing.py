"""Which kernels store each quantity, with their arguments bound once."""

from __future__ import annotations

from typing import Any

import numpy as np
import warp as wp

from sim2real.engines.engine import Rows
from sim2real.engines.newton import frame_kernels
from sim2real.engines.newton import write_kernels as kernels
from sim2real.engines.newton.actuators import Drives, as_floats
from sim2real.engines.newton.parts import Parts
from sim2real.engines.newton.reading import Reader


class ValuesKernel:
    """A kernel over rows and elements that reads a column of values; packing arguments costs more than small rows."""

    def __init__(self, kernel: Any, inputs: list[Any], device: str, count: int) -> None:
        """Bind everything but the rows and the values.

        Args:
            kernel: The Warp kernel; its first arguments are the index and the values.
            inputs: The others.
            device: Where it runs.
            count: Elements, the second dimension of the launch; None for a kernel over rows alone.
        """
        self._kernel, self._inputs, self._device, self._count = kernel, inputs, device, count
        self._command: Any = None
        self._bound: tuple[Any, Any, int] = (None, None, -1)

    def __call__(self, values: wp.array, rows: Rows) -> None:
        """Launch."""
        if rows.n == 0 or self._count == 0:
            return
        index, old, n = self._bound
        dim = (rows.n, self._count)
        if self._command is None:
            inputs = [rows.index, values, *self._inputs]
            self._command = wp.launch(self._kernel, dim=dim, inputs=inputs, device=self._device, record_cmd=True)
        else:
            if index is not rows.index:
                self._command.set_param_at_index(0, rows.index)
            if old is not values:
                self._command.set_param_at_index(1, values)
            if n != rows.n:
                self._command.set_dim(dim)
        self._bound = (rows.index, values, rows.n)
        self._command.launch()


def bind_writes(model: Any, solver: Any, parts: Parts, drives: Drives, reader: Reader) -> dict[str, list[ValuesKernel]]:
    """Return the launches that store each quantity."""
    device, mjw = str(model.device), solver.mjw_model
    mujoco = getattr(model, "mujoco", None)

    def ints(values: np.ndarray) -> wp.array:
        return wp.array(np.ascontiguousarray(values, dtype=np.int32), dtype=wp.int32, device=device)

    body, body_mjw = ints(parts.body), ints(parts.body_mjw)
    dof, dof_mjw, joint_mjw = ints(parts.dof), ints(parts.dof_mjw), ints(parts.joint_mjw)
    shape, geom = ints(parts.shape), ints(parts.geom_mjw)
    bodies, joints, shapes = parts.body.shape[1], parts.dof.shape[1], parts.shape.shape[1]

    def launch(kernel: Any, count: int, *inputs: Any) -> ValuesKernel:
        return ValuesKernel(kernel, list(inputs), device, count)

    moments, axes = reader.principal()
    inertia = [
        wp.array(reader.read("body_inertia").reshape(*parts.body.shape, 3, 3), dtype=wp.mat33, device=device),
        wp.array(moments, dtype=wp.vec3, device=device),
        wp.array(axes, dtype=wp.quat, device=device),
    ]
    contact = wp.array(
        np.concatenate([reader.read("contact_stiffness"), reader.read("contact_damping")], axis=2), device=device
    )
    free = ints(np.where(parts.locked, -1, parts.dof_mjw))
    driven = ints(np.where(drives.solver, parts.dof, -1))
    frames = [reader.frames.device, model.joint_X_p, mjw.body_pos, mjw.body_quat]
    slots = [ints(drives.position), ints(drives.velocity), ints(drives.damps)]
    prm = [as_floats(mjw.actuator_gainprm), as_floats(mjw.actuator_biasprm)]
    scalar = kernels.write_scalar
    damping = [launch(scalar, joints, dof, dof_mjw, model.joint_damping, mjw.dof_damping)]
    harden = []
    if mjw.dof_solimp.shape[0] == parts.dof.shape[0] and mjw.dof_solimp.strides[0]:
        softness = getattr(mujoco, "solimpfriction", None)
        softness = None if softness is None else as_floats(softness)
        harden = [launch(kernels.harden_friction, joints, dof, dof_mjw, softness, as_floats(mjw.dof_solimp))]
    found = {
        "body_mass": [
            launch(
                kernels.write_mass,
                bodies,
                body,
                body_mjw,
                model.body_flags,
                model.body_mass,
                model.body_inv_mass,
                mjw.body_mass,
            )
        ],
        "body_com": [launch(kernels.write_com, bodies, body, body_mjw, model.body_com, mjw.body_ipos)],
        "body_inertia": [
            launch(
                kernels.write_inertia,
                bodies,
                body,
                body_mjw,
                *inertia,
                model.body_flags,
                model.body_inertia,
                model.body_inv_inertia,
                mjw.body_inertia,
                mjw.body_iquat,
            )
        ],
        "body_position": [launch(frame_kernels.write_position, bodies, *frames)],
        "joint_zero": [launch(frame_kernels.write_zero, joints, ints(parts.hung), *frames)],
        "shape_friction": [
            launch(kernels.write_friction, shapes, shape, geom, model.shape_material_mu, mjw.geom_friction)
        ],
        "contact_stiffness": [
            launch(kernels.write_contact, shapes, shape, geom, 0, contact, model.shape_material_ke, mjw.geom_solref)
        ],
        "contact_damping": [
            launch(kernels.write_contact, shapes, shape, geom, 1, contact, model.shape_material_kd, mjw.geom_solref)
        ],
        "joint_damping": damping,
        "joint_viscous_friction": damping,
        "joint_friction": [
            launch(scalar, joints, dof, dof_mjw, model.joint_friction, mjw.dof_frictionloss),
            *harden,
        ],
        "joint_armature": [launch(scalar, joints, dof, free, model.joint_armature, mjw.dof_armature)],
        "joint_stiffness": [
            launch(scalar, joints, dof, joint_mjw, getattr(mujoco, "dof_passive_stiffness", None), mjw.jnt_stiffness)
        ],
        "joint_limit": [
            launch(
                kernels.write_limit,
                joints,
                dof,
                joint_mjw,
                model.joint_limit_lower,
                model.joint_limit_upper,
                mjw.jnt_range,
            )
        ],
        "actuator_kp": [launch(kernels.write_gain, joints, driven, *slots, 0, model.joint_target_ke, *prm)],
        "actuator_kd": [launch(kernels.write_gain, joints, driven, *slots, 1, model.joint_target_kd, *prm)],
        "actuator_effort_limit": [
            launch(kernels.write_effort, joints, dof, joint_mjw, model.joint_effort_limit, mjw.jnt_actfrcrange)
        ],
        "actuator_feedforward": [],
        "actuator_velocity_limit": [launch(scalar, joints, dof, joint_mjw, model.joint_velocity_limit, None)],
        "gravity": [launch(kernels.write_gravity, 1, model.gravity, mjw.opt.gravity)],
    }
    for quantity, motors in drives.motors.items():
        for motor in motors:
            ratio = wp.array(motor.ratio, dtype=wp.float32, device=device)
            holder = getattr(motor.holder, motor.name)
            write = launch(kernels.write_motor, joints, ints(motor.number), ratio, holder)
            found.setdefault(quantity, []).append(write)
    return found
