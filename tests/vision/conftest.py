"""Scenes that several vision tests look at."""

import numpy as np
import pytest

from sim2real.vision import luminance
from sim2real.vision.analytic_scene import make_arena, render


@pytest.fixture(scope="session")
def arenas() -> tuple[np.ndarray, np.ndarray]:
    """Depth (8, 48, 64) [m] and luminance of eight arenas, focal length 32 px."""
    pictures = [render(make_arena(seed), 48, 64, 32.0) for seed in range(8)]
    return np.stack([depth for depth, _ in pictures]), luminance(np.stack([colour for _, colour in pictures]))
