"""The stand-in, installed for a test, in both of its versions."""

import pytest

import kit_double


@pytest.fixture(params=sorted(kit_double.VERSIONS))
def kit(request):
    """The stand-in for Isaac Sim 5.1, then for 6.0; faults and leaks fail the test."""
    with kit_double.installed(request.param) as kit:
        yield kit


@pytest.fixture
def kit_51():
    """The stand-in for Isaac Sim 5.1, where the version does not matter."""
    with kit_double.installed("5.1") as kit:
        yield kit


@pytest.fixture
def window(kit_51):
    """A window to make widgets in."""
    import omni.ui as ui

    made = ui.Window("Test")
    yield made
    made.destroy()
