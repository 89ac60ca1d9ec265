"""A policy that sees the ground's height: what a robot assembles of it is what the environment gave."""

import numpy as np
import pytest
import torch

from engine_env import ENGINES
from sim2real.contract import ObservationAssembler, TrainingRun
from sim2real.lab.apply import apply_nothing
from sim2real.lab.launch import make_env
from sim2real.lab.policy_contract import policy_contract, record_rollout
from sim2real_tasks.robots.vendor import vendor_urdf
from sim2real_tasks.velocity import GO2_ROUGH


def with_scan(cfg):
    """A group that holds the scan."""
    from isaaclab.envs import mdp
    from isaaclab.managers import ObservationGroupCfg, ObservationTermCfg, SceneEntityCfg
    from isaaclab.utils import configclass

    @configclass
    class GroundCfg(ObservationGroupCfg):
        heights = ObservationTermCfg(
            func=mdp.height_scan, params={"sensor_cfg": SceneEntityCfg("height_scanner")}, clip=(-1.0, 1.0), scale=2.0
        )

    apply_nothing(cfg)
    cfg.observations.ground = GroundCfg()


@pytest.mark.slow
@pytest.mark.parametrize("physics", ENGINES)
def test_a_height_scan_is_assembled_as_the_environment_does(physics):
    """Twenty decisions on rough ground: the same numbers, and they are not all alike."""
    groups = ("ground", "policy")
    with make_env(GO2_ROUGH, physics, prepare=with_scan, **{"scene.num_envs": 2, "seed": 0}) as env:
        run = TrainingRun(physics=physics, physics_dt_s=1.0, decimation=1)
        urdf = vendor_urdf("go2_description/urdf/go2.urdf")
        contract = policy_contract(env, name="go2", task=GO2_ROUGH, urdf=urdf, run=run, groups=groups)
        rollout = record_rollout(env, lambda observation: torch.zeros(2, 12), 20, groups=groups)
    term = contract.state.terms[0]
    assert (term.kind, term.size, term.offset, term.sensor["ordering"]) == ("height_scan", 187, (0.5,), "xy")
    assembler = ObservationAssembler(contract, 2)
    for step in range(rollout.steps):
        assembler.reset(rollout.fresh[step])
        np.testing.assert_allclose(assembler(rollout.state(step)), rollout.observations[step], atol=5e-6)
    assert rollout.observations[..., :187].std() > 0.01
