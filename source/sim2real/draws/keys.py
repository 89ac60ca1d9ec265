"""From a seed and a name to a Philox key: stable across machines, Python versions and term order.

The key is the BLAKE2b hash (digest size 8 bytes, no key, no salt) of the seed as 8 little-endian bytes followed by the
UTF-8 bytes of the name; the 8 digest bytes are read as one little-endian integer. Philox takes it as two 32-bit words,
low word first. Python's own ``hash`` is salted per process and would not do.
"""

from __future__ import annotations

import hashlib

SEED_LIMIT = 2**64


def check_seed(seed: int) -> int:
    """Return ``seed`` as an int in [0, 2^64).

    Raises:
        TypeError: for anything that is not a whole number.
        ValueError: outside the range.
    """
    if isinstance(seed, bool) or not hasattr(seed, "__index__"):
        raise TypeError(f"seed: got {seed!r}; give a whole number from 0 to 2^64 - 1")
    value = int(seed)
    if not 0 <= value < SEED_LIMIT:
        raise ValueError(f"seed: got {value}; give a whole number from 0 to 2^64 - 1")
    return value


def hash64(seed: int, name: str) -> int:
    """Return the 64-bit key of the stream ``name`` under ``seed``.

    Args:
        seed: the spec's seed, in [0, 2^64).
        name: the term's name; not empty.
    """
    if not isinstance(name, str) or not name:
        raise ValueError(f"name: got {name!r}; give the name of what is drawn, such as 'camera_position'")
    data = check_seed(seed).to_bytes(8, "little") + name.encode("utf-8")
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "little")


def key_words(key: int) -> tuple[int, int]:
    """Split a 64-bit key into the two 32-bit words of Philox, low word first."""
    return key & 0xFFFFFFFF, key >> 32
