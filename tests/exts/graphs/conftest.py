"""The stand-in for Kit with the demo stage open, as the tests of the graphs share it."""

from __future__ import annotations

import pytest

import kit_double


@pytest.fixture(params=["5.1", "6.0"])
def kit(request, bare_package):
    """The stand-in in a window, one version after the other; it fails the test that leaves anything behind."""
    with kit_double.installed(request.param) as kit:
        yield kit


@pytest.fixture
def opened(kit):
    """The demo stage, opened."""
    import omni.usd
    from sim2real_studio.graphs.demo_stage import build_stage

    context = omni.usd.get_context()
    context.new_stage()
    kit.tick()
    stage = context.get_stage()
    build_stage(stage)
    return stage


@pytest.fixture(scope="session")
def textures(tmp_path_factory):
    """Folder of made textures: they are the same for every capture, and most of what a small one costs."""
    return tmp_path_factory.mktemp("textures")
