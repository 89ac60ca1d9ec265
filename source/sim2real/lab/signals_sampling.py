"""Samples of observations between the physics steps of a control step.

Known functions of Isaac Lab's are sampled after every physics step, on both engines alike; anything else once for each
control step. Where Isaac Lab loops over the physics steps itself, the function is called before each but the first. On
Newton the loop lies inside `sim.step`, perhaps in a CUDA graph: there a kernel reads what the function would, from a
callback before each physics step. The last sample of a control step is always the function's own.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sim2real.lab.bind import newton_imu, recapture_newton_graph

if TYPE_CHECKING:
    from isaaclab.managers import ObservationTermCfg

    from sim2real.signals import SignalPath
    from sim2real.spec.signals import SignalSpec

WAITS = ("latency", "jitter", "period", "exposure")
"""Parts of a signal for which it matters what was true between two control steps."""


def known_functions() -> dict[Any, tuple[int, bool]]:
    """Return what is sampled between physics steps: what it reads, and whether less the default."""
    from isaaclab.envs import mdp

    from sim2real.lab.signals_kernels import ANG_VEL, GRAVITY, IMU_ACC, IMU_GYRO, JOINT_POS, JOINT_VEL, LIN_VEL

    return {
        mdp.joint_pos: (JOINT_POS, False),
        mdp.joint_pos_rel: (JOINT_POS, True),
        mdp.joint_vel: (JOINT_VEL, False),
        mdp.joint_vel_rel: (JOINT_VEL, True),
        mdp.base_lin_vel: (LIN_VEL, False),
        mdp.base_ang_vel: (ANG_VEL, False),
        mdp.projected_gravity: (GRAVITY, False),
        mdp.imu_lin_acc: (IMU_ACC, False),
        mdp.imu_ang_vel: (IMU_GYRO, False),
    }


def samples_of(env: Any, term: ObservationTermCfg, signal: SignalSpec) -> int:
    """Return how many samples a control step has of a term: its physics steps, or one."""
    waits = signal.reading == "hold" or any(getattr(signal, part) is not None for part in WAITS)
    if not waits or term.func not in known_functions():
        return 1
    if env.sim.physics_manager.handles_decimation() and getattr(_asset(env, term).data, "has_joint_ordering", False):
        return 1  # Isaac Lab sorts joints anew once for each `sim.step`
    return int(env.cfg.decimation)


def sample_between(env: Any, terms: Sequence[tuple[ObservationTermCfg, SignalPath]]) -> None:
    """Let samples of terms come in with every physics step from now on."""
    sampled = [(term, path) for term, path in terms if path.substeps > 1]
    if not sampled:
        return
    if env.sim.physics_manager.handles_decimation():
        _NewtonSamples(env, sampled)
    else:
        _LoopSamples(env, sampled)


def _asset(env: Any, term: ObservationTermCfg) -> Any:
    """Return the asset or the sensor that a known function reads."""
    given = term.params.get("asset_cfg") or inspect.signature(term.func).parameters["asset_cfg"].default
    return env.scene[given.name]


class _LoopSamples:
    """Samples from Isaac Lab's own loop: actions are applied before every physics step, when data are up to date."""

    def __init__(self, env: Any, terms: Sequence[tuple[ObservationTermCfg, SignalPath]]) -> None:
        self._env, self._terms, self._step = env, terms, 0
        manager = env.action_manager
        apply, process = manager.apply_action, manager.process_action

        def process_action(action: Any) -> None:
            self._step = 0
            process(action)

        def apply_action() -> None:
            self._take()
            apply()

        manager.process_action, manager.apply_action = process_action, apply_action

    def _take(self) -> None:
        step, self._step = self._step, self._step + 1
        if 0 < step < self._env.cfg.decimation:
            for term, path in self._terms:
                path.samples[step - 1] = term.func(self._env, **term.params).reshape(path.samples.shape[1:])


class _NewtonSamples:
    """Samples from inside `sim.step`."""

    def __init__(self, env: Any, terms: Sequence[tuple[ObservationTermCfg, SignalPath]]) -> None:
        import warp as wp

        from sim2real.lab.signals_kernels import IMU_ACC, IMU_GYRO, Source

        manager = env.sim.physics_manager
        sources = [_source(env, term, path) for term, path in terms]
        self._device = terms[0][1].device
        self._dim = (env.num_envs, len(sources))
        self._step = wp.zeros(1, dtype=wp.int32, device=self._device)
        self._sources = wp.array(sources, dtype=Source, device=self._device)
        self._owners = sources  # their arrays have to live as long
        self._manager = manager
        imus = [_asset(env, term) for term, _path in terms if known_functions()[term.func][0] in (IMU_ACC, IMU_GYRO)]
        self._imus = list({id(imu): newton_imu(imu) for imu in imus}.values())
        manager.register_post_actuator_callback(self._take)
        manager.register_post_step_callback(self._end)
        recapture_newton_graph(manager)

    def _take(self) -> None:
        import warp as wp

        from sim2real.lab.signals_kernels import count_step, take_samples

        for imu in self._imus:
            imu.update(self._manager.get_state_0())
        wp.launch(take_samples, dim=self._dim, inputs=[self._step, self._sources], device=self._device)
        wp.launch(count_step, dim=1, inputs=[self._step], device=self._device)

    def _end(self) -> None:
        self._step.zero_()


def _source(env: Any, term: ObservationTermCfg, path: SignalPath) -> Any:
    """Return the kernel's ``Source`` of a term."""
    import numpy as np
    import warp as wp

    from sim2real.lab.signals_kernels import IMU_ACC, IMU_GYRO, JOINT_POS, JOINT_VEL, Source

    source: Any = Source()
    asset, cfg = _asset(env, term), term.params.get("asset_cfg")
    data = asset.data
    source.kind, relative = known_functions()[term.func]
    source.samples = wp.from_torch(path.samples)
    if source.kind in (JOINT_POS, JOINT_VEL):
        place = source.kind == JOINT_POS
        now = data.joint_pos if place else data.joint_vel
        ids = slice(None) if cfg is None else cfg.joint_ids
        if not isinstance(ids, slice):
            ids = np.asarray([int(joint) for joint in ids])
        joints = np.arange(now.warp.shape[1], dtype=np.int32)[ids]
        source.joints = wp.array(joints, dtype=wp.int32, device=path.device)
        source.relative, source.now = int(relative), now.warp
        source.nominal = (data.default_joint_pos if place else data.default_joint_vel).warp
    elif source.kind in (IMU_ACC, IMU_GYRO):
        imu = newton_imu(asset)
        source.vector = imu.accelerometer if source.kind == IMU_ACC else imu.gyroscope
    else:
        source.pose, source.velocity = data.root_link_pose_w.warp, data.root_com_vel_w.warp
        source.vector = data.GRAVITY_VEC_W.warp
    return source
