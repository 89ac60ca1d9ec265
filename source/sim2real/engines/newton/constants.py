"""The solver's derived constants, refreshed for some worlds only.

:class:`DerivedConstants` reads the topology of a MuJoCo Warp model once, and then `refresh` brings the named worlds to
what Newton's own full notification would hold: subtree masses, inverse weights of bodies and of degrees of freedom,
mean inertia, accelerations of actuators. The simulation's state (`mjw_data`) is not touched. A launch allocates
nothing and never asks the device, so it can be captured in a CUDA graph.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import warp as wp

from sim2real.engines.engine import EngineError, Rows
from sim2real.engines.newton import constants_kernels as kernels

_JOINT_TRANSMISSION = 0
_FREE, _BALL = 0, 1


class DerivedConstants:
    """The constants of one solver.

    Args:
        model: The `newton.Model`.
        solver: Its `newton.solvers.SolverMuJoCo`, running on MuJoCo Warp.

    Raises:
        EngineError: The model has something whose constants are not known here; the message says what.
    """

    def __init__(self, model: Any, solver: Any) -> None:
        mjw = solver.mjw_model
        self.device = model.device
        self.num_worlds = int(solver.mjc_body_to_newton.shape[0])
        topology = _Topology(model, solver)
        self.tree = topology.tree(self.device)
        worlds, nbody, nv = self.num_worlds, self.tree.nbody, self.tree.nv
        self._frames = (mjw.body_pos, mjw.body_quat, mjw.jnt_pos, mjw.jnt_axis, mjw.qpos0)
        self._quat = wp.zeros((worlds, nbody), dtype=wp.quatd, device=self.device)
        self._quat.fill_(wp.quatd(0.0, 0.0, 0.0, 1.0))
        self.pose = kernels.Pose()
        self.pose.position = wp.zeros((worlds, nbody), dtype=wp.vec3d, device=self.device)
        self.pose.rotation = wp.zeros((worlds, nbody), dtype=wp.mat33d, device=self.device)
        self.pose.axis_angular = wp.zeros((worlds, nv), dtype=wp.vec3d, device=self.device)
        self.pose.axis_linear = wp.zeros((worlds, nv), dtype=wp.vec3d, device=self.device)
        self.sources = kernels.Sources()
        self.sources.body_to_newton = solver.mjc_body_to_newton
        self.sources.dof_to_newton = solver.mjc_dof_to_newton_dof
        self.sources.body_mass = mjw.body_mass
        self.sources.body_com = mjw.body_ipos
        self.sources.body_inertia = model.body_inertia
        self.sources.dof_armature = mjw.dof_armature
        self.sources.joint_armature = model.joint_armature
        self.sources.actuator_gear = mjw.actuator_gear
        self.constants = kernels.Constants()
        self.constants.body_subtreemass = mjw.body_subtreemass
        self.constants.body_invweight0 = mjw.body_invweight0
        self.constants.dof_invweight0 = mjw.dof_invweight0
        self.constants.meaninertia = mjw.stat.meaninertia
        self.constants.actuator_acc0 = mjw.actuator_acc0
        # On a CPU the worlds take turns in one thread, so one scratch, which stays in the cache, is enough.
        self.slots = worlds if self.device.is_cuda else 1
        self.scratch = _scratch(self.slots, nbody, nv, self.device)
        self._command: Any = None
        everything = wp.array(np.arange(worlds, dtype=np.int32), device=self.device)
        self.place(Rows(index=everything, n=worlds))

    def place(self, rows: Rows) -> None:
        """Follow joint frames that moved: place the bodies of these worlds at their reference pose."""
        if rows.n == 0:
            return
        wp.launch(
            kernels.place_bodies,
            dim=rows.n,
            inputs=[rows.index, self.tree, *self._frames, self._quat, self.pose],
            device=self.device,
        )

    def refresh(self, rows: Rows) -> None:
        """Derive the constants of these worlds from the masses, inertias and armatures that stand in the arrays."""
        if rows.n == 0:
            return
        slots = min(self.slots, rows.n)
        if self._command is None:
            structs = [self.tree, self.sources, self.pose, self.scratch, self.constants]
            self._command = wp.launch(
                kernels.refresh_constants,
                dim=slots,
                inputs=[rows.index, rows.n, slots, *structs],
                device=self.device,
                record_cmd=True,
            )
        self._command.set_param_at_index(0, rows.index)
        self._command.set_param_at_index(1, rows.n)
        self._command.set_param_at_index(2, slots)
        self._command.set_dim(slots)
        self._command.launch()


class _Topology:
    """Host arrays of the tree, checked."""

    def __init__(self, model: Any, solver: Any) -> None:
        mjw = solver.mjw_model
        self.body_parentid, self.body_rootid = mjw.body_parentid.numpy(), mjw.body_rootid.numpy()
        self.body_dofadr, self.body_dofnum = mjw.body_dofadr.numpy(), mjw.body_dofnum.numpy()
        self.body_jntadr, self.body_jntnum = mjw.body_jntadr.numpy(), mjw.body_jntnum.numpy()
        self.jnt_type, self.jnt_dofadr = mjw.jnt_type.numpy(), mjw.jnt_dofadr.numpy()
        self.jnt_qposadr, self.dof_parentid = mjw.jnt_qposadr.numpy(), mjw.dof_parentid.numpy()
        self.sizes = {name: int(getattr(mjw, name)) for name in ("nbody", "nv", "njnt", "nu")}
        self.actuator_dof = np.zeros(self.sizes["nu"], np.int32)
        faults = []
        if int(mjw.ntendon):
            faults.append(f"{int(mjw.ntendon)} tendons, whose inverse weights and lengths depend on the pose")
        if int(getattr(mjw, "nflex", 0)):
            faults.append("deformable bodies")
        if (solver.mjc_body_to_newton.numpy()[:, 1:] < 0).any():
            faults.append("bodies of MuJoCo without a Newton body")
        if (solver.mjc_dof_to_newton_dof.numpy() < 0).any():
            faults.append("degrees of freedom of MuJoCo without a Newton one")
        if self.sizes["nu"]:
            kind, target = mjw.actuator_trntype.numpy(), mjw.actuator_trnid.numpy()[:, 0]
            on_joint = kind == _JOINT_TRANSMISSION
            if not on_joint.all() or (self.jnt_type[target[on_joint]] <= _BALL).any():
                faults.append("actuators that do not drive a single hinge or slide joint")
            else:
                self.actuator_dof = self.jnt_dofadr[target]
        if faults:
            raise EngineError(
                f"the constants of this Newton model cannot be refreshed world by world: it has {'; '.join(faults)};"
                " randomize tasks without them on Newton, or use physics=ovphysx"
            )

    def tree(self, device: Any) -> Any:
        """The struct that kernels read."""
        nv, carrier = self.sizes["nv"], np.zeros(self.sizes["nbody"], np.int32)
        for body in range(1, self.sizes["nbody"]):
            carrier[body] = body if self.body_dofnum[body] else carrier[self.body_parentid[body]]
        first, count = np.arange(nv), np.ones(nv)
        for kind, start in zip(self.jnt_type, self.jnt_dofadr, strict=True):
            for group in range(2 if kind == _FREE else 1 if kind == _BALL else 0):
                first[start + 3 * group : start + 3 * group + 3] = start + 3 * group
                count[start + 3 * group : start + 3 * group + 3] = 3
        arrays = {
            "body_parent": self.body_parentid,
            "body_root": self.body_rootid,
            "body_carrier": carrier,
            "body_dof": self.body_dofadr,
            "body_dofs": self.body_dofnum,
            "body_joint": self.body_jntadr,
            "body_joints": self.body_jntnum,
            "joint_type": self.jnt_type,
            "joint_dof": self.jnt_dofadr,
            "joint_q": self.jnt_qposadr,
            "dof_parent": self.dof_parentid,
            "dof_first": first,
            "dof_count": count,
            "actuator_dof": self.actuator_dof,
        }
        tree = kernels.Tree()
        for name, size in self.sizes.items():
            setattr(tree, name, size)
        for name, values in arrays.items():
            setattr(tree, name, wp.array(np.asarray(values, np.int32), dtype=int, device=device))
        return tree


def _scratch(slots: int, nbody: int, nv: int, device: Any) -> Any:
    scratch = kernels.Scratch()
    for names, width, dtype in (
        (("a", "b", "c", "rigid"), nbody, wp.mat33d),
        (("moment", "centre"), nbody, wp.vec3d),
        (("mass",), nbody, wp.float64),
        (("w_angular", "w_linear", "angular", "linear"), nv, wp.vec3d),
        (("pivot", "diagonal", "inertia", "force"), nv, wp.float64),
    ):
        for name in names:
            setattr(scratch, name, wp.zeros((slots, max(width, 1)), dtype=dtype, device=device))
    return scratch
