"""Targets that change between the physics steps of one `sim.step` on Newton.

After its actuators and before its solver, Newton's manager calls back at every physics step, inside the CUDA graph
where there is one. The callback writes into Newton's control: for a joint that the solver drives (an implicit
actuator) the target of this step, for a joint of an explicit actuator, which has done its sums by then, the target of
the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sim2real.errors import Sim2RealError
from sim2real.lab.bind import recapture_newton_graph

if TYPE_CHECKING:
    import torch


class NewtonTargets:
    """The targets of all physics steps of one control step."""

    def __init__(self, env: Any, asset: Any, joint_ids: Sequence[int], attribute: str) -> None:
        """Find joints in Newton's control, and register the callback.

        Args:
            env: the environment, its simulation started.
            asset: the articulation.
            joint_ids: its joints, in the order of the targets.
            attribute: Newton's name of the targets, `joint_target_q` or `joint_target_qd`.
        """
        import torch
        import warp as wp

        manager, ids = env.sim.physics_manager, [int(joint) for joint in joint_ids]
        columns = np.asarray(asset.map_joint_ids_to_backend(ids), np.int32)
        self._steps = env.cfg.decimation
        shape = (self._steps, env.num_envs, len(ids))
        self._torch: torch.Tensor = torch.zeros(shape, dtype=torch.float32, device=env.device)
        self._targets = wp.from_torch(self._torch)
        device = self._targets.device
        self._step = wp.zeros(1, dtype=wp.int32, device=device)
        self._inputs = [
            self._step,
            self._targets,
            wp.array(_explicit(manager.get_model(), asset)[columns], dtype=wp.int32, device=device),
            wp.array(columns, dtype=wp.int32, device=device),
            asset.root_view.get_attribute(attribute, manager.get_control()),
        ]
        manager.register_post_actuator_callback(self._write)
        recapture_newton_graph(manager)

    def store(self, i: int, targets: torch.Tensor) -> None:
        """Keep the targets of physics step `i`, (num_envs, joints)."""
        self._torch[i] = targets

    def begin(self, targets: torch.Tensor) -> None:
        """Begin a control step, with the targets of its first physics step."""
        self._torch[0] = targets
        self._step.zero_()

    def _write(self) -> None:
        import warp as wp

        from sim2real.lab.signals_kernels import count_step, write_targets

        dim = self._torch.shape[1:]
        wp.launch(write_targets, dim=tuple(dim), inputs=self._inputs, device=self._step.device)
        wp.launch(count_step, dim=1, inputs=[self._step], device=self._step.device)


def targets_of(env: Any, term: Any, signal: str) -> NewtonTargets:
    """Return the targets of an action term's joints.

    Raises:
        Sim2RealError: the term commands something else than joint positions or velocities.
    """
    from isaaclab.envs import mdp

    kinds = {mdp.JointPositionAction: "joint_target_q", mdp.JointVelocityAction: "joint_target_qd"}
    attribute = kinds.get(type(term))  # a subclass may do more than scale and shift
    if attribute is None:
        raise Sim2RealError(
            f"signals.{signal}: {type(term).__name__} cannot be delayed inside Newton's step; give an action of"
            " joint positions or velocities, or set cfg.sim.use_newton_actuators = False, with which Isaac Lab"
            " applies actions at every physics step"
        )
    asset = env.scene[term.cfg.asset_name]
    ids, _ = asset.find_joints(term.cfg.joint_names, preserve_order=term.cfg.preserve_order)
    return NewtonTargets(env, asset, ids, attribute)


@dataclass(frozen=True, eq=False)
class _Numbers:
    """An array in the place of velocity targets; views keep what they found by its identity."""

    joint_target_qd: Any


def _explicit(model: Any, asset: Any) -> np.ndarray:
    """Return for each of an asset's joints, in Newton's order, whether an explicit actuator drives it; int32."""
    import warp as wp

    # The view picks an asset's joints out of any array over the model's degrees of freedom: their numbers, here.
    numbers = wp.array(np.arange(model.joint_dof_count, dtype=np.float32), device=model.device)
    own = asset.root_view.get_attribute("joint_target_qd", _Numbers(numbers)).numpy()[0, 0]
    driven = [np.asarray(actuator.indices.numpy()).reshape(-1) for actuator in model.actuators]
    return np.isin(own.astype(int), np.concatenate([np.zeros(0, int), *driven])).astype(np.int32)
