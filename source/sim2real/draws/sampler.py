"""Named draws for worlds: what a term's value is in this world, this episode, this occurrence.

The key is ``hash64(seed, name)``; the counter is (world, episode, occurrence, element // 4) and the element's word is
element % 4 of the block, so four elements cost one Philox call. ``element`` numbers count x dim. Nothing is stored:
asking twice, for fewer worlds, in another order or on another machine gives the same numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sim2real.draws.keys import check_seed, hash64, key_words
from sim2real.draws.philox import philox4x32, unit_from_bits
from sim2real.draws.tables import compile_table, values_from_bits
from sim2real.spec.distributions import Distribution

if TYPE_CHECKING:
    import warp as wp

WORD_LIMIT = 2**32


class Draws:
    """Keyed random numbers under one seed; pure functions, nothing to save or restore."""

    def __init__(self, seed: int) -> None:
        """Take the spec's seed, a whole number in [0, 2^64)."""
        self.seed = check_seed(seed)

    def __repr__(self) -> str:
        return f"Draws(seed={self.seed})"

    def bits(self, name: str, world: Any, episode: Any = 0, occurrence: Any = 0, count: int = 1) -> np.ndarray:
        """Return random words.

        Args:
            name: the stream, usually the term's name.
            world: global world (or frame) ids, shape (n,) or a number.
            episode: episode counter, a number or shape (n,).
            occurrence: how often the term has fired in the episode, a number or shape (n,).
            count: number of words for each world.

        Returns:
            uint32, shape (n, count).
        """
        if count < 0 or count > WORD_LIMIT:
            raise ValueError(f"count: got {count}; give 0 to 2^32")
        counters = np.broadcast_arrays(
            _words("world", world), _words("episode", episode), _words("occurrence", occurrence)
        )
        worlds = counters[0].shape[0]
        blocks = -(-count // 4)
        counter = np.empty((worlds, blocks, 4), dtype=np.uint64)
        for i in range(3):
            counter[:, :, i] = counters[i][:, None]
        counter[:, :, 3] = np.arange(blocks, dtype=np.uint64)
        return philox4x32(counter, key_words(hash64(self.seed, name))).reshape(worlds, blocks * 4)[:, :count]

    def unit(self, name: str, world: Any, episode: Any = 0, occurrence: Any = 0, count: int = 1) -> np.ndarray:
        """Return numbers in [0, 1) with 24 bits, float32, shape (n, count); arguments as in :meth:`bits`."""
        return unit_from_bits(self.bits(name, world, episode, occurrence, count))

    def sample(
        self, name: str, dist: Distribution, world: Any, episode: Any = 0, occurrence: Any = 0, count: int = 1
    ) -> np.ndarray:
        """Return ``count`` draws from ``dist`` for each world.

        Returns:
            float32 in SI units, shape (n, count) for a scalar distribution, else (n, count, dim).
        """
        table = compile_table(dist)
        bits = self.bits(name, world, episode, occurrence, count * table.dim)
        values = values_from_bits(table, bits.reshape(bits.shape[0], count, table.dim))
        return values[..., 0] if table.dim == 1 else values

    def permutation(self, name: str, world: Any, n: int, episode: Any = 0, occurrence: Any = 0) -> np.ndarray:
        """Return a random order of 0..n-1 for each world, int64 of shape (worlds, n).

        The order sorts one word for each item; equal words keep the items' order.
        """
        return np.argsort(self.bits(name, world, episode, occurrence, n), axis=1, kind="stable")

    def sample_warp(
        self, name: str, dist: Distribution, world: wp.array, episode: Any = 0, occurrence: Any = 0, count: int = 1
    ) -> wp.array:
        """Return the numbers of :meth:`sample` as a float32 Warp array (n, count x dim) on the device of ``world``.

        ``world`` is a uint32 or int32 Warp array (n,); ``episode`` and ``occurrence`` are numbers or such arrays.
        """
        from sim2real.draws.bank import sample_on_device

        return sample_on_device(hash64(self.seed, name), compile_table(dist), world, episode, occurrence, count)


def _words(what: str, values: Any) -> np.ndarray:
    array = np.atleast_1d(np.asarray(values))
    if array.ndim != 1:
        raise ValueError(f"{what}: got shape {array.shape}; give a number or a one-dimensional array of ids")
    if array.size and array.dtype.kind not in "iu":
        raise TypeError(f"{what}: got {array.dtype}; give whole numbers")
    if array.size and (int(array.min()) < 0 or int(array.max()) >= WORD_LIMIT):
        raise ValueError(f"{what}: got {int(array.min())} to {int(array.max())}; give 0 to 2^32 - 1")
    return array.astype(np.uint64)
