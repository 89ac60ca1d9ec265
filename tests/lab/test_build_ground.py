"""Uneven ground: where worlds stand and how high the ground is there, whatever their number."""

import numpy as np
import pytest

from sim2real.draws import Draws
from sim2real.errors import Sim2RealError
from sim2real.lab.build_ground import HALF, GroundCfg, cells, grid_mesh, heights, lattice
from sim2real.lab.build_worlds import by_world, global_worlds
from sim2real.spec import parse_spec

SPEC = "schema: 1\nseed: 5\nterms:\n  g: {target: terrain.height, op: add, unit: cm, dist: {uniform: [-5, 5]}}\n"
DIST = parse_spec(SPEC).terms["g"].dist


def ground(count, first=0, **settings):
    """Coordinates and heights of the ground under some worlds."""
    cfg = GroundCfg(spec=SPEC, **{"spacing": 2.0, "margin": 3.0, "flat": 0.0, **settings})
    return lattice(cfg, np.arange(first, first + count))


def at(found):
    """Heights by place, without the rim and the edge."""
    x, y, height = (part[2:-2] if part.ndim == 1 else part[2:-2, 2:-2] for part in found)
    return {(a, b): height[i, j] for i, a in enumerate(x) for j, b in enumerate(y)}


def test_every_world_has_a_cell_of_its_own_and_squares_are_filled():
    """A square number of worlds fills a square, and a world's cell does not depend on how many there are."""
    found = cells(np.arange(10_000))
    assert len({tuple(cell) for cell in found}) == 10_000
    for side in (1, 2, 7, 100):
        assert found[: side**2].max() == side - 1 and found.min() == 0
    np.testing.assert_array_equal(cells(np.arange(4000, 4010)), found[4000:4010])


def test_heights_belong_to_places():
    """What 1, 9 or 30 worlds, or a second rank's, have in common is equal, and drawn as NumPy draws it."""
    every = at(ground(30))
    for count, first in ((1, 0), (9, 0), (5, 9)):
        part = at(ground(count, first))
        common = set(every) & set(part)
        assert len(common) > 300
        assert all(every[place] == part[place] for place in common)
    i, j = 4, 7
    node = (i + HALF) * 2**16 + (j + HALF)
    assert every[(i * 0.25, j * 0.25)] == Draws(5).sample("g", DIST, node)[0, 0]


def test_heights_fill_their_range():
    """Uniform over +-5 cm."""
    values = np.array(list(at(ground(30)).values()))
    assert values.min() >= np.float32(-0.05) and values.max() <= np.float32(0.05)
    assert values.min() < -0.0495 and values.max() > 0.0495
    assert abs(values.std() - 0.1 / 12**0.5) < 0.001


def test_the_ground_is_flat_around_each_start_and_at_its_rim():
    """Within the radius a ray meets height 0; the rim is 100 m wide."""
    x, y, height = ground(5, flat=0.4)
    starts = cells(np.arange(5)) * 2.0
    for start in starts:
        near = np.hypot(x[:, None] - start[0], y[None, :] - start[1]) < 0.4 + 0.25 * 2**0.5
        assert near.sum() > 20 and not height[near].any()
    assert np.count_nonzero(height) > 0.5 * height.size
    assert not height[:2].any() and not height[:, -2:].any()
    assert x[1] - x[0] == 100.0 and y[-1] - y[-2] == 100.0


def test_the_mesh_passes_through_all_nodes_and_faces_up():
    """One surface without gaps."""
    found = ground(2)
    mesh = grid_mesh(*found)
    n, m = found[2].shape
    assert len(mesh.vertices) == n * m and len(mesh.faces) == 2 * (n - 1) * (m - 1)
    assert (mesh.face_normals[:, 2] > 0).all()
    np.testing.assert_array_equal(np.asarray(mesh.vertices)[:, 2], found[2].ravel())
    assert mesh.area >= np.ptp(found[0]) * np.ptp(found[1])


def test_too_far_out_is_refused():
    """A node's number has 32 bits."""
    with pytest.raises(Sim2RealError, match="use a wider pitch"):
        heights(1, "g", DIST, np.array([HALF]), np.array([0]))


def test_worlds_of_ranks(monkeypatch):
    """The second rank's worlds follow the first's, and take their robots by number."""
    np.testing.assert_array_equal(by_world(np.ones(4), 6), [0, 1, 2, 3, 0, 1])
    monkeypatch.setenv("RANK", "1")
    np.testing.assert_array_equal(global_worlds(6), np.arange(6, 12))
    np.testing.assert_array_equal(by_world(np.ones(4), 6), [2, 3, 0, 1, 2, 3])
    np.testing.assert_array_equal(global_worlds(6, 17), np.arange(17, 23))
