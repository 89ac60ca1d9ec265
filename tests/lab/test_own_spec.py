"""What an environment draws itself, by a spec of its own."""

import pytest

import sim2real.lab
from engine_env import open_env
from sim2real.errors import Sim2RealError
from sim2real.spec import parse_spec


def test_a_term_on_it_is_refused():
    """A term on what the environment draws itself, by another spec than its own, is refused before anything runs."""
    spec = "schema: 1\nseed: 1\nterms:\n  zoom: {target: camera.focal_length, op: scale, dist: {uniform: [0.8, 1.2]}}\n"
    with pytest.raises(Sim2RealError, match="draws camera.focal_length itself, by a spec of its own"):
        with open_env("newton_mjwarp", num_envs=2, events=sim2real.lab.events(parse_spec(spec))) as env:
            env.reset()
