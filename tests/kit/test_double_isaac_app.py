"""SimulationApp in the stand-in: first of all, once, with keys that exist, closed at the end."""

import pytest

import kit_double


@pytest.fixture(params=sorted(kit_double.VERSIONS))
def script(request):
    """The stand-in as a script finds it."""
    with kit_double.installed(request.param, gui=False) as kit:
        yield kit


def test_an_app_runs_until_it_is_closed(script):
    from isaacsim import SimulationApp

    app = SimulationApp({"headless": True, "width": 640, "extra_args": ["--enable", "my.extension"]})
    import omni.usd
    from pxr import UsdGeom

    stage = omni.usd.get_context().get_stage()
    assert UsdGeom.GetStageMetersPerUnit(stage) == 1.0 and UsdGeom.GetStageUpAxis(stage) == "Z"
    before = script.ticks
    for _ in range(3):
        app.update()
    assert script.ticks == before + 3 and app.is_running()

    async def answer():
        await script.next_update()
        return 42

    assert app.run_coroutine(answer()) == 42
    with pytest.raises(RuntimeError, match="already"):
        SimulationApp()
    app.close()
    assert not app.is_running()
    with pytest.raises(RuntimeError, match="after close"):
        app.update()


def test_it_comes_before_every_import_of_kit(script):
    import omni.timeline  # noqa: F401
    from isaacsim import SimulationApp

    with pytest.raises(RuntimeError, match="imported before SimulationApp"):
        SimulationApp({"headless": True})


def test_a_window_has_its_app_already(kit):
    from isaacsim import SimulationApp

    with pytest.raises(RuntimeError, match="Kit runs already"):
        SimulationApp()


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"headles": True}, "nearest: 'headless'"),
        ({"renderer": "RayTraced"}, "one of"),
        ({"extra_args": "--enable x"}, "list of strings"),
    ],
)
def test_wrong_keys_are_refused(script, config, message):
    from isaacsim import SimulationApp

    with pytest.raises((ValueError, TypeError), match=message):
        SimulationApp(config)


def test_keys_and_renderers_of_6_0():
    for version in ("5.1", "6.0"):
        for config in ({"minimal_shading_mode": 1}, {"renderer": "RealTimePathTracing"}):
            with kit_double.installed(version, gui=False):
                from isaacsim import SimulationApp

                if version == "5.1":
                    with pytest.raises(ValueError, match="takes no|one of"):
                        SimulationApp(config)
                else:
                    SimulationApp(config).close()


def test_an_app_that_stays_open_fails_the_test():
    with pytest.raises(AssertionError, match="SimulationApp .* still alive"), kit_double.installed("6.0", gui=False):
        from isaacsim import SimulationApp

        SimulationApp({"headless": True})


def test_a_script_captures_a_frame(script, tmp_path):
    from isaacsim import SimulationApp

    app = SimulationApp({"headless": True})
    import omni.replicator.core as rep

    rep.orchestrator.set_capture_on_play(False)
    rep.functional.create.dome_light(intensity=500.0, exposure=0.0)
    rep.functional.create.cube(semantics={"class": "cube"})
    rep.functional.create.camera(position=(3, 0, 1), look_at=(0, 0, 0), clipping_range=(0.01, 100.0), name="Eye")
    product = rep.create.render_product("/Eye", (32, 24))
    writer = rep.writers.get("BasicWriter")
    writer.initialize(output_dir=str(tmp_path), rgb=True)
    writer.attach([product])
    rep.orchestrator.step(rt_subframes=4, delta_time=0.0)
    rep.orchestrator.wait_until_complete()
    writer.detach()
    product.destroy()
    app.close()
    assert (tmp_path / "rgb_0000.png").is_file()
