"""Worlds stand side by side: none on another, about the middle, as many rows as columns."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sim2real.studio.browser.worlds import places


@given(st.integers(1, 64), st.floats(0.5, 12.0))
def test_worlds_do_not_stand_on_each_other(count, distance):
    """The nearest two are as far apart as asked; the whole is a square about the origin, on the floor."""
    found = places(count, distance)
    assert found.shape == (count, 3) and (found[:, 2] == 0).all()
    apart = np.linalg.norm(found[:, None] - found[None], axis=-1) + np.eye(count) * 1e9
    assert count == 1 or np.isclose(apart.min(), distance, rtol=1e-5)
    ends = np.array([found.min(axis=0), found.max(axis=0)])
    assert np.allclose(ends[0], -ends[1], atol=1e-4)
    columns, rows = (len(np.unique(found[:, axis])) for axis in (0, 1))
    assert rows <= columns <= rows + 1
