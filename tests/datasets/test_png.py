"""The encoder: lossless, deterministic, and readable by everybody."""

import hashlib
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from sim2real.datasets import png


@settings(max_examples=60, deadline=None)
@given(height=st.integers(1, 40), width=st.integers(1, 40), colour=st.booleans(), seed=st.integers(0, 2**32 - 1))
def test_round_trip(height, width, colour, seed):
    """Any image comes back bit by bit, also through Pillow alone and from a view with strides."""
    rng = np.random.default_rng(seed)
    if colour:
        image = rng.integers(0, 256, (height, 2 * width, 3)).astype(np.uint8)[:, ::2]
    else:
        image = rng.integers(0, 65536, (height, 2 * width)).astype(np.uint16)[:, ::2]
    data = png.encode(image)
    assert data == png.encode(image.copy())
    back = png.decode(data)
    assert back.dtype == image.dtype and np.array_equal(back, image)
    with Image.open(io.BytesIO(data)) as opened:
        opened.verify()  # checks every CRC


def test_bytes_do_not_change_unnoticed():
    """The bytes of a known picture, on the zlib that they were taken with; ENCODER has to rise when they change."""
    image = (np.arange(48 * 64).reshape(48, 64) * 7 % 5000).astype(np.uint16)
    if png.versions() != {"png_encoder": "1", "zlib": "1.2.13"}:
        pytest.skip(f"taken with zlib 1.2.13, here is {png.versions()}")
    assert hashlib.sha256(png.encode(image)).hexdigest()[:16] == "c1050ada955f32d6"


@pytest.mark.parametrize(
    "image", [np.zeros((4, 4), np.int32), np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4), np.uint8)]
)
def test_other_images_are_refused(image):
    """Only what the format of the dataset allows is encoded."""
    with pytest.raises(TypeError, match="allowed: uint16"):
        png.encode(image)


@settings(max_examples=40, deadline=None)
@given(cut=st.integers(0, 10_000))
def test_truncation_never_decodes_to_something(cut):
    """However much of the file is missing before its last block, decoding says so and never invents pixels."""
    data = png.encode(np.random.default_rng(0).integers(0, 65536, (32, 32)).astype(np.uint16))
    with pytest.raises(ValueError, match="decode|empty"):
        png.decode(data[: min(cut, len(data) - 40)])
