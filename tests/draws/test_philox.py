"""Philox 4x32-10 is the published function."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim2real.draws.philox import philox4x32, unit_from_bits

# Random123 (D. E. Shaw Research), kat_vectors, the three lines "philox4x32 10": counter, key, result.
KNOWN_ANSWERS = [
    ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
]
WORD = st.integers(0, 2**32 - 1)


def words(text: str) -> np.ndarray:
    return np.array([int(word, 16) for word in text.split()], dtype=np.uint32)


def philox_reference(counter: list[int], key: list[int]) -> list[int]:
    """The paper's definition with Python integers, one counter at a time."""
    (a, b, c, d), (k, m) = counter, key
    for i in range(10):
        left, right = 0xD2511F53 * a, 0xCD9E8D57 * c
        first, second = (k + i * 0x9E3779B9) % 2**32, (m + i * 0xBB67AE85) % 2**32
        a, b, c, d = (right >> 32) ^ b ^ first, right % 2**32, (left >> 32) ^ d ^ second, left % 2**32
    return [a, b, c, d]


@pytest.mark.parametrize(("counter", "key", "result"), KNOWN_ANSWERS)
def test_known_answers(counter: str, key: str, result: str) -> None:
    """The published vectors come out, bit for bit."""
    assert philox4x32(words(counter), words(key)).tolist() == words(result).tolist()


@given(st.lists(st.tuples(WORD, WORD, WORD, WORD), min_size=1, max_size=5), st.tuples(WORD, WORD))
def test_many_counters_at_once(counters: list[tuple[int, ...]], key: tuple[int, int]) -> None:
    """A batch gives what the definition gives for each counter alone."""
    got = philox4x32(np.array(counters, dtype=np.uint32), key)
    assert got.dtype == np.uint32
    assert got.tolist() == [philox_reference(list(c), list(key)) for c in counters]


def test_keys_broadcast() -> None:
    """One key for each counter gives the same as asking key by key."""
    keys = np.array([[1, 2], [3, 4]], dtype=np.uint32)
    counter = np.zeros((2, 4), dtype=np.uint32)
    each = [philox4x32(counter[i], keys[i]).tolist() for i in range(2)]
    assert philox4x32(counter, keys).tolist() == each


@pytest.mark.parametrize(("counter", "key"), [((3,), (2,)), ((4,), (3,)), ((2, 5), (2,))])
def test_wrong_shapes(counter: tuple[int, ...], key: tuple[int, ...]) -> None:
    """A counter without four words or a key without two is refused."""
    with pytest.raises(ValueError, match=r"give \(\.\.\., 4\) and \(\.\.\., 2\)"):
        philox4x32(np.zeros(counter), np.zeros(key))


def test_unit_is_exact_and_below_one() -> None:
    """The ends of the word range give 0 and the largest 24-bit fraction; the lower 8 bits do not matter."""
    u = unit_from_bits(np.array([0, 255, 256, 2**31, 2**32 - 1], dtype=np.uint32))
    assert u.dtype == np.float32
    assert u.tolist() == [0.0, 0.0, 2.0**-24, 0.5, 1.0 - 2.0**-24]
