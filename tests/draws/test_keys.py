"""Keys are stable: these very numbers, on every machine and in every version."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim2real.draws.keys import hash64, key_words


@pytest.mark.parametrize(
    ("seed", "name", "key"),
    [
        (7, "camera_position", 0x21DEA24AD54C8B7C),
        (0, "a", 0x2A2AD578AF9EB97B),
        (2**64 - 1, "vision.depth.scale", 0xF779A4A1F4A4958B),
    ],
)
def test_golden_keys(seed: int, name: str, key: int) -> None:
    """A change of these keys changes every dataset and every training run."""
    assert hash64(seed, name) == key


@given(st.integers(0, 2**64 - 1), st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1))
def test_definition(seed: int, name: str) -> None:
    """Eight bytes of BLAKE2b over the seed's eight bytes and the name, all little-endian, low word first."""
    digest = hashlib.blake2b(seed.to_bytes(8, "little") + name.encode(), digest_size=8).digest()
    low, high = key_words(hash64(seed, name))
    assert low.to_bytes(4, "little") + high.to_bytes(4, "little") == digest


@pytest.mark.parametrize("seed", [-1, 2**64, 1.5, True, "7", None])
def test_wrong_seed(seed: object) -> None:
    """What is no whole number in [0, 2^64) is refused, by saying what is allowed."""
    with pytest.raises((TypeError, ValueError), match=r"seed: got .*2\^64 - 1"):
        hash64(seed, "a")  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["", None, 3])
def test_wrong_name(name: object) -> None:
    """A stream needs a name."""
    with pytest.raises(ValueError, match="name: got"):
        hash64(7, name)  # type: ignore[arg-type]
