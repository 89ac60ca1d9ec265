"""A staged curriculum: how far ranges are open, when, and for what."""

from dataclasses import dataclass

import numpy as np
import pytest

from engine_env import ENGINES
from lab.lab_env import act, open_task
from sim2real.lab.adr import CurriculumError
from sim2real.lab.stages import Stages


@dataclass(frozen=True)
class Stage:
    """A stage."""

    name: str
    iterations: int
    range: float


THREE = (Stage("a", 2, 0.1), Stage("b", 3, 0.5), Stage("c", 1, 1.0))


def test_stages_follow_the_steps():
    """Two iterations of ten steps, then three, then the last one for good."""
    stages = Stages(THREE, steps_per_iteration=10)
    seen = {}
    for stages.steps in (0, 19, 20, 49, 50, 10_000):
        seen[stages.steps] = (stages.current, stages.part)
    assert seen == {0: (0, 0.1), 19: (0, 0.1), 20: (1, 0.5), 49: (1, 0.5), 50: (2, 1.0), 10_000: (2, 1.0)}


def test_a_saved_stage_is_found_again():
    """By the steps taken; other stages are refused."""
    one, other = Stages(THREE, 10), Stages(THREE, 10)
    one.steps = 33
    other.load_state_dict(one.state_dict())
    assert other.steps == 33 and other.current == 1
    with pytest.raises(CurriculumError, match=r"has stages \['a', 'b', 'c'\], this one has \['a'\]"):
        Stages(THREE[:1], 10).load_state_dict(one.state_dict())


def test_iterations_without_steps_are_refused():
    """Nothing would ever end."""
    with pytest.raises(CurriculumError, match="iterations of 0 steps"):
        Stages(THREE, 0)


@pytest.mark.parametrize("physics", ENGINES)
def test_stages_open_properties_and_starts_alike(physics):
    """In the first stage a quarter of each range about nominal, after two iterations of three steps all of it."""
    with open_task("Staged", physics, num_envs=4) as (env, found):
        base = [element.name for element in found.engine.elements.body].index("base")
        nominal = found.engine.nominal("body_mass")[:, base, 0]
        for part, stage in ((0.25, 0), (1.0, 1)):
            env.reset()
            assert found.curriculum.stages.current == stage
            mass = found.engine.read("body_mass")[:, base, 0] / nominal
            factor = found.values("base_mass").numpy()[:, 0, 0]
            np.testing.assert_allclose(mass, 1 + part * (factor - 1), rtol=1e-5)
            pose = env.scene["robot"].data.root_link_pose_w.torch[:, :3] - env.scene.env_origins
            offset = pose - env.scene["robot"].data.default_root_pose.torch[:, :3]
            np.testing.assert_allclose(offset, part * found.values("place").numpy()[:, 0], atol=1e-5)
            act(env, 6)
