# mypy: ignore-errors
"""What kernels of signals read of a world's draws: levels, one for an episode, and keys of what every sample draws."""

from __future__ import annotations

import warp as wp

from sim2real.draws.keys import hash64, key_words
from sim2real.draws.philox_warp import philox4x32


@wp.struct
class Level:
    """A number that a world drew for its episode."""

    column: wp.int32  # among the draws, -1 for none
    stride: wp.int32  # 1 with a number for each element, 0 with one for all


@wp.struct
class Key:
    """The random key of what is drawn for every sample."""

    k0: wp.uint32
    k1: wp.uint32


@wp.func
def level_of(level: Level, values: wp.array2d(dtype=wp.float32), world: wp.int32, element: wp.int32) -> wp.float32:
    """Return a world's number for an element."""
    return values[world, level.column + level.stride * element]


@wp.func
def words_of(key: Key, world: wp.uint32, episode: wp.uint32, sample: wp.int32, block: wp.int32) -> wp.vec4ui:
    """Return the random words of four neighbouring elements of a sample."""
    return philox4x32(world, episode, wp.uint32(sample), wp.uint32(block), key.k0, key.k1)


def make_level(place: slice | None) -> Level:
    """Return the level that stands in these columns of the draws; None: none."""
    level = Level()
    level.column = -1 if place is None else place.start
    level.stride = int(place is not None and place.stop - place.start > 1)
    return level


def make_key(seed: int, stream: str) -> Key:
    """Return the key of what a stream draws for every sample."""
    key = Key()
    k0, k1 = key_words(hash64(seed, f"{stream}/sample"))
    key.k0, key.k1 = wp.uint32(k0), wp.uint32(k1)
    return key
