"""PhysX has room for a fixed number of materials: how many are alive is counted, and one too many is refused."""

import numpy as np
import pytest

from sim2real.engines.engine import EngineError
from sim2real.engines.physx.materials import FRICTION_STEP, MATERIALS_MAX, MaterialCount


def table(rng, rows=50, shapes=4, values=6):
    """Materials of few values, dynamic friction equal to static."""
    out = np.empty((rows, shapes, 3), np.float32)
    out[..., 0] = out[..., 1] = rng.integers(1, values + 1, (rows, shapes)) * 0.125
    out[..., 2] = rng.integers(0, 2, (rows, shapes)) * 0.5
    return out.reshape(rows, shapes * 3)


def alive(buffer):
    """Distinct materials of a table, the slow way."""
    return len({shape.tobytes() for shape in buffer.reshape(-1, 3)})


def test_the_count_is_that_of_the_whole_table_after_any_uploads():
    """Rows come and go for 60 uploads; materials that nobody uses any more are forgotten."""
    rng = np.random.default_rng(0)
    buffer, count = table(rng), MaterialCount(limit=40)
    count(buffer, np.arange(len(buffer)))
    assert count.alive == alive(buffer) > 6
    for k in range(60):
        rows = np.unique(rng.integers(0, len(buffer), rng.integers(1, 30)))
        buffer[rows] = table(rng, len(rows), values=1 if k % 2 else 9)
        count(buffer, rows)
        assert count.alive == alive(buffer)


def test_one_material_too_many_is_refused():
    """At the limit it is let through, above it is not."""
    buffer = np.zeros((6, 6), np.float32)
    buffer[:, 0] = buffer[:, 1] = np.arange(6)
    count = MaterialCount(limit=7)
    count(buffer, np.arange(6))
    assert count.alive == 6
    buffer[:, 3] = buffer[:, 4] = [10, 0, 0, 0, 0, 0]
    count(buffer, np.array([0]))
    assert count.alive == 7
    buffer[1, 3] = buffer[1, 4] = 11
    with pytest.raises(
        EngineError, match=r"need 8 PhysX materials at a time; PhysX has room for 7: draw them per world"
    ):
        count(buffer, np.array([1]))


def test_few_shapes_are_not_counted():
    """Where every shape may have a material of its own, nothing is kept."""
    count = MaterialCount()
    count(np.zeros((10, 3 * 19), np.float32), np.arange(10))
    assert count.alive == 0


def test_the_grid_keeps_a_draw_per_world_within_the_room():
    """Friction up to 2 on the grid, one value per world, fits with a whole restitution each."""
    assert 2.0 / FRICTION_STEP < MATERIALS_MAX / 4
