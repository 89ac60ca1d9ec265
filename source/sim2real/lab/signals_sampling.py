"""Samples of observations between the physics steps of a control step.

Known functions of Isaac Lab's are sampled after every physics step, on both engines alike; anything else once for each
control step. One kernel reads what all functions of a group would. Where Isaac Lab loops over the physics steps itself,
it is launched before each but the first, and what inertial sensors say is asked of their functions. On Newton the loop
lies inside `sim.step`, perhaps in a CUDA graph: there it is launched by a callback before each physics step. The last
sample of a control step is always the function's own.
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
    return int(env.cfg.decimation) if waits and term.func in known_functions() else 1


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
        self._env, self._step = env, 0
        self._asked = [pair for pair in terms if _is_of_imu(pair[0])]
        self._read = [pair for pair in terms if not _is_of_imu(pair[0])]
        self._sources = _Sources(env, self._read, env.cfg.decimation) if self._read else None
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
        if not 0 < step < self._env.cfg.decimation:
            return
        if self._sources is not None:
            self._sources.refresh()
            self._sources.take(self._sources.numbers[step])
        for term, path in self._asked:
            path.samples[step - 1] = term.func(self._env, **term.params).reshape(path.samples.shape[1:])


class _NewtonSamples:
    """Samples from inside `sim.step`."""

    def __init__(self, env: Any, terms: Sequence[tuple[ObservationTermCfg, SignalPath]]) -> None:
        import warp as wp

        self._manager = env.sim.physics_manager
        self._sources = _Sources(env, terms, env.cfg.decimation)
        self._step = wp.zeros(1, dtype=wp.int32, device=terms[0][1].device)
        imus = [_asset(env, term) for term, _path in terms if _is_of_imu(term)]
        self._imus = list({id(imu): newton_imu(imu) for imu in imus}.values())
        self._manager.register_post_actuator_callback(self._take)
        self._manager.register_post_step_callback(self._end)
        recapture_newton_graph(self._manager)

    def _take(self) -> None:
        import warp as wp

        from sim2real.lab.signals_kernels import count_step

        for imu in self._imus:
            imu.update(self._manager.get_state_0())
        self._sources.take(self._step)
        wp.launch(count_step, dim=1, inputs=[self._step], device=self._step.device)

    def _end(self) -> None:
        self._step.zero_()


class _Sources:
    """Where the numbers of terms stand, for the kernel that takes samples of all of them."""

    def __init__(self, env: Any, terms: Sequence[tuple[ObservationTermCfg, SignalPath]], steps: int) -> None:
        import warp as wp

        from sim2real.lab.signals_kernels import Source

        self._device = terms[0][1].device
        self._owners = [_source(env, term, path) for term, path in terms]  # their arrays have to live as long
        self._sources = wp.array(self._owners, dtype=Source, device=self._device)
        self._dim = (env.num_envs, len(terms))
        numbers = wp.array(list(range(steps)), dtype=wp.int32, device=self._device)
        self.numbers = [numbers[i : i + 1] for i in range(steps)]
        """Physics steps taken, as the kernel reads them."""
        self._reads = {(id(data), name): data for term, _ in terms for data, name in _reads(env, term)}

    def refresh(self) -> None:
        """Bring up to date what Isaac Lab copies only when it is asked for."""
        for (_, name), data in self._reads.items():
            getattr(data, name)

    def take(self, step: Any) -> None:
        """Write the sample that follows so many physics steps, int32 (1,)."""
        import warp as wp

        from sim2real.lab.signals_kernels import take_samples

        wp.launch(take_samples, dim=self._dim, inputs=[step, self._sources], device=self._device)


def _is_of_imu(term: ObservationTermCfg) -> bool:
    """Return whether a known function asks an inertial sensor."""
    from sim2real.lab.signals_kernels import IMU_ACC, IMU_GYRO

    return known_functions()[term.func][0] in (IMU_ACC, IMU_GYRO)


def _reads(env: Any, term: ObservationTermCfg) -> list[tuple[Any, str]]:
    """Return what the kernel reads of a term's asset, by the asset's data and name."""
    from sim2real.lab.signals_kernels import JOINT_POS, JOINT_VEL

    kind = known_functions()[term.func][0]
    names = {JOINT_POS: ("joint_pos",), JOINT_VEL: ("joint_vel",)}.get(kind, ("root_link_pose_w", "root_com_vel_w"))
    return [(_asset(env, term).data, name) for name in names]


def _source(env: Any, term: ObservationTermCfg, path: SignalPath) -> Any:
    """Return the kernel's ``Source`` of a term."""
    import numpy as np
    import warp as wp

    from sim2real.lab.signals_kernels import IMU_ACC, JOINT_POS, JOINT_VEL, Source

    source: Any = Source()
    asset, cfg = _asset(env, term), term.params.get("asset_cfg")
    data = asset.data
    source.kind, relative = known_functions()[term.func]
    source.steps = path.substeps
    source.line, source.count = path.sample_in_line()
    if source.kind in (JOINT_POS, JOINT_VEL):
        place = source.kind == JOINT_POS
        ids = slice(None) if cfg is None else cfg.joint_ids
        if not isinstance(ids, slice):
            ids = np.asarray([int(joint) for joint in ids])
        joints = np.arange(len(asset.joint_names), dtype=np.int32)[ids]
        nominal = (data.default_joint_pos if place else data.default_joint_vel).warp
        columns, now = joints, (data.joint_pos if place else data.joint_vel).warp
        if env.sim.physics_manager.handles_decimation() and data.has_joint_ordering:
            # Isaac Lab sorts joints anew once for each `sim.step`; the solver's own order is always up to date.
            view, state = asset.root_view, env.sim.physics_manager.get_state_0()
            now = (view.get_dof_positions(state) if place else view.get_dof_velocities(state))[:, 0]
            columns = np.asarray(asset.map_joint_ids_to_backend(joints.tolist()), np.int32)
        source.relative, source.now, source.nominal = int(relative), now, nominal
        source.joints, source.columns = (wp.array(n, dtype=wp.int32, device=path.device) for n in (joints, columns))
    elif _is_of_imu(term):
        imu = newton_imu(asset)
        source.vector = imu.accelerometer if source.kind == IMU_ACC else imu.gyroscope
    else:
        source.pose, source.velocity = data.root_link_pose_w.warp, data.root_com_vel_w.warp
        source.vector = data.GRAVITY_VEC_W.warp
    return source
