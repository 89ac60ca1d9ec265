"""The engine that most tests write into."""

import pytest

from engines.mujoco.everything_model import make_engine


@pytest.fixture
def engine():
    """An engine over the model that has one of everything."""
    return make_engine()
