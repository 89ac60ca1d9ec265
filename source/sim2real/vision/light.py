"""Light of another colour: the Planckian locus as factors on red, green and blue.

A black body's chromaticity follows from its temperature by the cubic fits of Kang et al. (2002), which hold from 1667
to 25 000 K; the sRGB matrix (IEC 61966-2-1) makes linear red, green and blue of it. Factors are relative to 6500 K, and
keep the luminance: temperature turns the light's colour, and never its brightness. NumPy only.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim2real.vision.errors import VisionError

COOLEST_K, HOTTEST_K = 1667.0, 25000.0
"""Range of the fits [K]."""
NOMINAL_K = 6500.0
"""Temperature at which pictures count as rendered [K]: the white of sRGB."""
NOMINAL_LX = 500.0
"""Illuminance at which pictures count as rendered if nobody says [lx]: the maintained illuminance that EN 12464-1 asks
for in offices."""
LUMINANCE = (0.2126, 0.7152, 0.0722)
"""Share of linear red, green and blue in the luminance (Rec. 709)."""

_RGB_FROM_XYZ = np.array(
    [[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]], dtype=np.float64
)


def planckian_xy(temperature_k: Any) -> np.ndarray:
    """CIE 1931 chromaticity of a black body.

    Args:
        temperature_k: ``(n,)`` [K].

    Returns:
        float64 ``(n, 2)``: x and y.

    Raises:
        VisionError: a temperature outside 1667 to 25 000 K.
    """
    t = np.atleast_1d(np.asarray(temperature_k, np.float64))
    if t.size and not ((t >= COOLEST_K) & (t <= HOTTEST_K)).all():
        raise VisionError(f"temperature_K reaches {t.min():g} to {t.max():g} K; allowed: 1667 to 25000 K.")
    q = 1e3 / t
    warm = ((-0.2661239 * q - 0.2343589) * q + 0.8776956) * q + 0.179910
    cool = ((-3.0258469 * q + 2.1070379) * q + 0.2226347) * q + 0.240390
    x = np.where(t <= 4000.0, warm, cool)
    y = np.where(
        t <= 2222.0,
        ((-1.1063814 * x - 1.34811020) * x + 2.18555832) * x - 0.20219683,
        np.where(
            t <= 4000.0,
            ((-0.9549476 * x - 1.37418593) * x + 2.09137015) * x - 0.16748867,
            ((3.0817580 * x - 5.87338670) * x + 3.75112997) * x - 0.37001483,
        ),
    )
    return np.stack([x, y], axis=-1)


def temperature_gains(temperature_k: Any) -> np.ndarray:
    """Factors on linear red, green and blue of a picture that was rendered under 6500 K.

    Args:
        temperature_k: ``(n,)`` [K].

    Returns:
        float32 ``(n, 3)``; a white surface keeps its luminance.
    """

    def white(kelvin: Any) -> np.ndarray:
        x, y = planckian_xy(kelvin).T
        xyz = np.stack([x / y, np.ones_like(x), (1.0 - x - y) / y], axis=-1)
        return np.maximum(xyz @ _RGB_FROM_XYZ.T, 0.0)

    gains = white(temperature_k) / white(NOMINAL_K)
    return np.asarray(gains / (gains @ np.array(LUMINANCE))[:, None], np.float32)


def linear_from_srgb() -> np.ndarray:
    """Linear light of the 256 values of an 8-bit sRGB picture, float32 ``(256,)`` in [0, 1]."""
    v = np.arange(256, dtype=np.float64) / 255.0
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4).astype(np.float32)
