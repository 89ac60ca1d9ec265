"""A sensor that knows only the scene's gravity: a world's own gravity is refused, not half applied."""

import gymnasium
from isaaclab.sensors import ImuCfg
from isaaclab.utils import configclass

from lab.physx_env import needs_physx
from sim2real_tasks.velocity.go2_cfg import Go2FlatEnvCfg

TASK = "Test-Go2-With-Imu"


@configclass
class WithImuCfg(Go2FlatEnvCfg):
    """The Go2 with an inertial sensor on its trunk."""

    def __post_init__(self):
        """Add it."""
        super().__post_init__()
        self.scene.imu = ImuCfg(prim_path="{ENV_REGEX_NS}/Robot/Geometry/base")


@needs_physx
def test_gravity_is_refused_beside_an_imu():
    """By name of the sensor; everything else stays possible."""
    from sim2real.lab.engine import engine_of
    from sim2real.lab.launch import make_env

    gymnasium.register(
        id=TASK,
        entry_point="isaaclab.envs:ManagerBasedRLEnv",
        disable_env_checker=True,
        kwargs={"env_cfg_entry_point": WithImuCfg},
    )
    with make_env(TASK, "ovphysx", **{"scene.num_envs": 2}) as env:
        engine = engine_of(env)
        for target in ("world.gravity", "world.gravity_tilt"):
            assert not engine.support(target).able
            assert engine.support(target).note.startswith("sensor 'imu' subtracts one gravity for all environments")
        assert engine.support("body.mass").able and engine.support("body.force").able
