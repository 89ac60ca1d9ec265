"""The avoidance task with motors at the wheels, because its spec draws what only a motor has; in both engines."""

import numpy as np
import pytest

from engine_env import ENGINES, drive, open_env, put
from sim2real.lab import randomization_of
from sim2real.spec import load_spec

TERMS = """
terms:
  supply: {target: actuator.voltage, select: ".*_wheel_joint", op: set, unit: V, dist: {uniform: [8, 13]}}
  play: {target: actuator.backlash, select: ".*_wheel_joint", op: set, unit: deg, dist: {uniform: [0, 2]}, each: joint}
"""


@pytest.mark.slow
@pytest.mark.parametrize("physics", ENGINES)
def test_what_only_a_motor_has_is_at_work(physics, tmp_path):
    """The motors hold the drawn supply and play; the rover drives at its speed, and as fast as its supply allows."""
    path = tmp_path / "spec.yaml"
    path.write_text(load_spec("avoidance").to_yaml().replace("\nterms:\n", TERMS))
    with open_env(physics, num_envs=4, spec=str(path)) as env:
        env.observe = "nothing"
        env.play(range(4))
        found = randomization_of(env)
        supply = found.values("supply").numpy()[:, 0, 0]
        drives = env.robot.actuators["wheels"].drive
        np.testing.assert_allclose(drives.voltage.numpy().reshape(4, 2), np.repeat(supply[:, None], 2, 1), rtol=1e-6)
        play = found.values("play").numpy()[..., 0]
        np.testing.assert_allclose(np.sort(drives.backlash.numpy().reshape(4, 2)), np.sort(play), rtol=1e-6)
        put(env, [[0.5, 0.0, 0.0]] * 4)
        drive(env, 0.6, 0.0, 10)
        moved = env.pose.numpy() - [0.5, 0.0, 0.0]
        assert (moved[:, 0] > 0.4).all() and (moved[:, 0] < 0.62).all() and (np.abs(moved[:, 1]) < 0.05).all(), moved
        # Asked for more than a battery gives, a rover goes as fast as its no-load speed, which follows the voltage.
        put(env, [[0.5, 0.0, 0.0]] * 4)
        drive(env, 3.0, 0.0, 15)
        speed = env.robot.data.joint_vel.torch.numpy().mean(1)
        assert (speed < 21.0 * supply / 12.0).all() and (speed > 0.7 * 21.0 * supply / 12.0).all(), (speed, supply)
        assert (np.argsort(speed) == np.argsort(supply)).all()
