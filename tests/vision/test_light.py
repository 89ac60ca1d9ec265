"""The light's colour against Planck's law and the CIE observer, which the fits in use do not know."""

from __future__ import annotations

import numpy as np
import pytest

from sim2real.vision import VisionError
from sim2real.vision.light import LUMINANCE, linear_from_srgb, planckian_xy, temperature_gains


def observe(kelvin: float) -> np.ndarray:
    """x, y of a black body: Planck's law under the analytic CIE 1931 observer of Wyman, Sloan and Shirley (2013)."""
    nm = np.arange(380.0, 781.0, 1.0)

    def bump(centre: float, below: float, above: float) -> np.ndarray:
        return np.exp(-0.5 * ((nm - centre) * np.where(nm < centre, below, above)) ** 2)

    x_bar = 0.362 * bump(442.0, 0.0624, 0.0374) + 1.056 * bump(599.8, 0.0264, 0.0323)
    x_bar -= 0.065 * bump(501.1, 0.0490, 0.0382)
    y_bar = 0.821 * bump(568.8, 0.0213, 0.0247) + 0.286 * bump(530.9, 0.0613, 0.0322)
    z_bar = 1.217 * bump(437.0, 0.0845, 0.0278) + 0.681 * bump(459.0, 0.0385, 0.0725)
    light = nm**-5.0 / np.expm1(1.4387769e7 / (nm * kelvin))
    xyz = np.array([(bar * light).sum() for bar in (x_bar, y_bar, z_bar)])
    return xyz[:2] / xyz.sum()


@pytest.mark.parametrize("kelvin", [1700.0, 2222.0, 3000.0, 4000.0, 5000.0, 6500.0, 7000.0, 12000.0, 25000.0])
def test_the_locus_is_a_black_bodys(kelvin):
    """Within 0.004 in x and y, the two observers' own distance."""
    np.testing.assert_allclose(planckian_xy(kelvin)[0], observe(kelvin), atol=4e-3)


def test_temperature_changes_colour_and_not_luminance():
    """6500 K is as rendered; below it is redder, above bluer; white keeps its luminance at every temperature."""
    kelvin = np.linspace(1667.0, 25000.0, 200)
    gains = temperature_gains(kelvin)
    np.testing.assert_allclose(temperature_gains([6500.0]), 1.0, rtol=1e-6)
    np.testing.assert_allclose(gains @ np.array(LUMINANCE), 1.0, rtol=1e-6)
    assert (np.diff(gains[:, 0]) < 1e-6).all() and (np.diff(gains[:, 2]) > -1e-6).all()
    warm, cool = temperature_gains([3000.0, 7000.0])
    assert warm[0] > 1.5 > 1.0 > 0.4 > warm[2] and cool[2] > 1.0 > cool[0]


def test_a_temperature_beyond_the_fits_is_refused():
    """With what is allowed."""
    with pytest.raises(VisionError, match="1667 to 25000 K"):
        temperature_gains([3000.0, 1000.0])


def test_srgb_is_decoded():
    """Ends, the mid grey of 21.4 %, and both pieces of the curve."""
    table = linear_from_srgb()
    assert table[0] == 0.0 and table[255] == 1.0
    assert table[127] == pytest.approx(0.2122, abs=1e-4) and table[10] == pytest.approx(10 / 255 / 12.92)
    assert (np.diff(table) > 0.0).all()
