"""Philox 4x32-10 in NumPy: a random function from a 128-bit counter and a 64-bit key to 128 bits.

Philox (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC 2011) scrambles the counter in ten
rounds of 32 x 32 -> 64 bit products. It passes BigCrush, needs no state, and is the same integer arithmetic everywhere,
so its bits are equal on NumPy, CPU and CUDA. Written from the paper and checked against the known-answer vectors that
its authors publish.
"""

from __future__ import annotations

import numpy as np

ROUNDS = 10
MULTIPLIER_0 = 0xD2511F53
MULTIPLIER_1 = 0xCD9E8D57
WEYL_0 = 0x9E3779B9  # golden ratio
WEYL_1 = 0xBB67AE85  # sqrt(3) - 1

_MASK = np.uint64(0xFFFFFFFF)
_SHIFT = np.uint64(32)


def philox4x32(counter: np.ndarray, key: np.ndarray | tuple[int, int]) -> np.ndarray:
    """Return four random 32-bit words for each counter.

    Args:
        counter: words of the counter, shape (..., 4), values below 2^32.
        key: the two words of the key, shape (2,) or (..., 2) broadcast against the counters.

    Returns:
        uint32 array of shape (..., 4).
    """
    words = np.asarray(counter, dtype=np.uint64)
    keys = np.asarray(key, dtype=np.uint64)
    if words.shape[-1:] != (4,) or keys.shape[-1:] != (2,):
        raise ValueError(f"philox4x32: got counter {words.shape} and key {keys.shape}; give (..., 4) and (..., 2)")
    c0, c1, c2, c3 = (words[..., i] for i in range(4))
    k0, k1 = keys[..., 0], keys[..., 1]
    for _ in range(ROUNDS):
        p0 = c0 * np.uint64(MULTIPLIER_0)
        p1 = c2 * np.uint64(MULTIPLIER_1)
        c0, c1, c2, c3 = (p1 >> _SHIFT) ^ c1 ^ k0, p1 & _MASK, (p0 >> _SHIFT) ^ c3 ^ k1, p0 & _MASK
        k0 = (k0 + np.uint64(WEYL_0)) & _MASK
        k1 = (k1 + np.uint64(WEYL_1)) & _MASK
    return np.stack(np.broadcast_arrays(c0, c1, c2, c3), axis=-1).astype(np.uint32)


def unit_from_bits(bits: np.ndarray) -> np.ndarray:
    """Map random words to float32 in [0, 1): the upper 24 bits times 2^-24, exact in float32."""
    return (np.asarray(bits, dtype=np.uint32) >> np.uint32(8)).astype(np.float32) * np.float32(2.0**-24)
