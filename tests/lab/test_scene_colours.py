"""Colours of shapes in a running Isaac Lab scene: what its cameras see, on both engines."""

from __future__ import annotations

import numpy as np
import pytest

from engine_env import ENGINES, open_env, put
from sim2real.spec import parse_spec
from sim2real.vision import VisionError

SPEC = parse_spec("schema: 1\nseed: 7\nvision: {texture: {colour: {uniform: [[0, 0, 0], [1, 1, 1]]}}}\n")


@pytest.mark.parametrize("physics", ENGINES)
def test_cameras_see_the_colours_of_their_own_world(physics):
    """Painted envs look different, the others the same bit for bit, and restoring undoes it."""
    from sim2real.lab.scene_colours import shape_colours

    with open_env(physics, num_envs=4, colour=True) as env:
        put(env, np.zeros((4, 3)), np.tile([1.2, 0.0, 0.0], (4, 1)))
        clean = env.render_raw().colour
        colours = shape_colours(env, SPEC, select=".*/[Oo]bstacle.*")
        colours.paint([1, 3], episodes=2)
        painted = env.render_raw().colour
        changed = (painted != clean).any(axis=(1, 2, 3))
        np.testing.assert_array_equal(changed, [False, True, False, True])
        assert (painted[1] != painted[3]).any()
        colours.restore([1, 3])
        np.testing.assert_array_equal(env.render_raw().colour, clean)
        with pytest.raises(VisionError, match="matches no shape"):
            shape_colours(env, SPEC, select="nothing")
