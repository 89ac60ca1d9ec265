"""The stand-in for Kit with the demo stage open, as the tests of the graphs share it."""

from __future__ import annotations

import functools

import pytest

import kit_double
from sim2real.vision import stage_plan_textures


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


@pytest.fixture(autouse=True)
def few_textures(monkeypatch):
    """Few small textures are made: they are most of what a small capture costs."""
    make = functools.partial(stage_plan_textures.make_textures, count=3, height=16)
    monkeypatch.setattr(stage_plan_textures, "make_textures", make)
