"""Keyed random numbers: pure functions of (seed, name, world, episode, occurrence, element).

A draw has no hidden state. World 17's third episode is the same with 32 or 4096 worlds, in any term order, after a
resume and on any shard, because the number comes from a counter (Philox 4x32-10) and not from a stream. The NumPy path
(:mod:`sim2real.draws.sampler`) is the reference. :mod:`sim2real.draws.bank` draws the same numbers on a device, all
streams of a spec by one kernel. Importing this package imports NumPy only.
"""

from sim2real.draws.keys import hash64, key_words
from sim2real.draws.philox import philox4x32, unit_from_bits
from sim2real.draws.sampler import Draws

__all__ = ["Draws", "hash64", "key_words", "philox4x32", "unit_from_bits"]
