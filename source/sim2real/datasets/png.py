"""Lossless PNG bytes that depend on the pixels and on zlib's version, and on nothing else.

A dataset is only reproducible if its files are, so the encoder is our own forty lines on top of the standard library's
zlib: no row filter, level 1, one IDAT. Rendered depth and colour are flat enough that this is both smaller and several
times faster than an adaptive filter at the same level. zlib releases the GIL, so encoding overlaps with rendering.
Any PNG reader opens the result; :func:`decode` uses Pillow.
"""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import numpy.typing as npt

ENCODER = "1"
"""Revision of the encoder; part of a dataset's versions. Raise it when :func:`encode` produces other bytes."""

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_LEVEL, _WINDOW_BITS, _MEMORY_LEVEL = 1, 15, 9


def versions() -> dict[str, str]:
    """What the encoded bytes depend on besides the pixels."""
    return {"png_encoder": ENCODER, "zlib": zlib.ZLIB_RUNTIME_VERSION}


def _block(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(body, zlib.crc32(kind)))


def encode(image: npt.NDArray) -> bytes:
    """PNG bytes of one image: uint16 (h, w) as 16-bit grey, uint8 (h, w, 3) as RGB.

    Raises:
        TypeError: any other dtype or shape.
    """
    if image.dtype == np.uint16 and image.ndim == 2:
        rows, bits, colour_type = image.astype(">u2").view(np.uint8), 16, 0
    elif image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3:
        rows, bits, colour_type = np.ascontiguousarray(image).reshape(image.shape[0], -1), 8, 2
    else:
        raise TypeError(f"got {image.dtype} {image.shape}; allowed: uint16 (h, w) or uint8 (h, w, 3)")
    height, width = image.shape[:2]
    scanlines = np.empty((height, rows.shape[1] + 1), np.uint8)
    scanlines[:, 0] = 0  # filter type "none" for every row
    scanlines[:, 1:] = rows
    deflate = zlib.compressobj(_LEVEL, zlib.DEFLATED, _WINDOW_BITS, _MEMORY_LEVEL)
    packed = deflate.compress(scanlines) + deflate.flush()
    header = struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, 0)
    return _SIGNATURE + _block(b"IHDR", header) + _block(b"IDAT", packed) + _block(b"IEND", b"")


def decode(data: bytes) -> npt.NDArray:
    """The pixels of PNG bytes: uint16 (h, w) for 16-bit grey, uint8 (h, w[, channels]) otherwise.

    Raises:
        ValueError: the bytes are no whole image; the message says what is wrong with them.
    """
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data)) as image:
            image.load()
            pixels = np.asarray(image)
            grey16 = image.mode.startswith("I")
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        if not data:
            raise ValueError("the file is empty") from error
        text = str(error) if "BytesIO" not in str(error) else "no image format recognised"
        raise ValueError(f"does not decode: {text}") from error
    return pixels.astype(np.uint16) if grey16 else pixels  # older Pillow opens 16-bit grey as 32-bit integers
