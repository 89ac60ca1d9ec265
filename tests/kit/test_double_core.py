"""The stand-in's core: what is not in a table does not exist, and the installation leaves nothing behind."""

import asyncio
import importlib
import sys
import threading

import numpy as np
import pytest

import kit_double
from kit_double import bind, check_callable, check_plain, signature_of


@pytest.mark.parametrize("text", ["(a, b=1)", "@classmethod (a, /, b=1, *args, c=None, **kw)", "(*, x=Sdf.Path())"])
def test_table_texts_are_read_as_signatures(text):
    signature = signature_of(text)
    assert str(signature).replace("'Sdf.Path()'", "Sdf.Path()") == text[text.index("(") :]


def test_table_rows_are_read_as_signatures():
    entry = {"params": [{"name": "a"}, {"name": "b", "default": "(0, 1)"}], "var_kw": "kwargs"}
    assert str(signature_of(entry)) == "(a, b=(0, 1), **kwargs)"


def test_unknown_keyword_names_the_nearest():
    with pytest.raises(TypeError, match=r"takes no keyword 'clickd_fn'; nearest: 'clicked_fn'"):
        bind("ui.Button", "(text='', *, clicked_fn=None)", ("x",), {"clickd_fn": print})


@pytest.mark.parametrize(
    ("args", "kwargs", "says"),
    [((), {}, "missing a required argument: 'a'"), ((1, 2, 3), {}, "too many"), ((1,), {"a": 2}, "multiple values")],
)
def test_wrong_arguments_are_refused(args, kwargs, says):
    with pytest.raises(TypeError, match=says):
        bind("f", "(a, b=1)", args, kwargs)


def test_callbacks_need_the_arity_of_their_event():
    check_callable("clicked_fn", lambda: None, 0)
    check_callable("value_changed_fn", lambda model, extra=1: None, 1)
    check_callable("nothing", None, 3)
    with pytest.raises(TypeError, match="called with 0 argument"):
        check_callable("clicked_fn", lambda model: None, 0)
    with pytest.raises(TypeError, match="must be a callable"):
        check_callable("clicked_fn", 3, 0)


def test_numpy_scalars_are_no_python_numbers():
    assert check_plain("x", 1.0, (int, float)) == 1.0
    with pytest.raises(TypeError, match=r"must be float, got numpy.float32; convert it with float\(\)"):
        check_plain("x", np.float32(1), float)
    with pytest.raises(TypeError, match="must be int, got builtins.bool"):
        check_plain("x", True, int)


@pytest.mark.parametrize("version", kit_double.VERSIONS)
def test_unknown_names_do_not_exist(version):
    with kit_double.installed(version):
        import carb

        with pytest.raises(AttributeError, match="no 'log_eror' in the stand-in's table; nearest: 'log_error'"):
            carb.log_eror("x")
        with pytest.raises(ModuleNotFoundError, match="carb.nothing"):
            importlib.import_module("carb.nothing")
        with pytest.raises(AttributeError, match="cannot be set"):
            carb.log_eror = print


def test_an_installation_leaves_nothing_behind():
    before = {name for name in sys.modules if name.partition(".")[0] in ("carb", "omni", "isaacsim", "usdrt")}
    finders = list(sys.meta_path)
    with kit_double.installed("5.1"):
        import carb

        assert carb.__name__ == "carb"
        with pytest.raises(RuntimeError, match="installed already"):
            kit_double.install("6.0")
    assert {n for n in sys.modules if n.partition(".")[0] in ("carb", "omni", "isaacsim", "usdrt")} == before
    assert sys.meta_path == finders
    with pytest.raises(RuntimeError, match="no Kit stand-in"):
        kit_double.current()


def test_unknown_version_is_refused():
    with pytest.raises(ValueError, match="'4.2' is not played; played are 5.1, 6.0"):
        kit_double.install("4.2")


def test_unexpected_faults_and_leaks_fail_at_the_end():
    with pytest.raises(AssertionError, match="carb.log_error: broken"), kit_double.installed("5.1"):
        import carb

        carb.log_error("broken")
    with kit_double.installed("5.1") as kit:
        import carb

        kit.expect_fault("meant")
        carb.log_error("this was meant")
    with pytest.raises(AssertionError, match="task forgotten"), kit_double.installed("5.1") as kit:
        forever = kit.loop.create_future()
        kit.loop.create_task(asyncio.wait_for(forever, None), name="forgotten")


def test_updates_are_counted_and_wake_who_waits():
    with kit_double.installed("6.0") as kit:
        seen = []

        async def three():
            for _ in range(3):
                await kit.next_update()
                seen.append(kit.ticks)
            return "done"

        kit.defer(lambda: seen.append("deferred"))
        assert kit.run(three()) == "done"
        assert seen == ["deferred", 1, 2, 3]


def test_a_coroutine_may_wait_for_a_thread():
    with kit_double.installed("5.1") as kit:

        async def work():
            return await asyncio.get_running_loop().run_in_executor(None, lambda: threading.get_ident())

        assert kit.run(work()) != threading.get_ident()


def test_kit_calls_belong_to_the_main_thread():
    with kit_double.installed("5.1") as kit:
        import carb.settings

        async def work():
            await asyncio.get_running_loop().run_in_executor(None, carb.settings.get_settings)

        with pytest.raises(RuntimeError, match="Kit is not thread-safe"):
            kit.run(work())


def test_a_real_kit_is_not_covered_up(tmp_path, monkeypatch):
    (tmp_path / "carb").mkdir()
    (tmp_path / "carb/__init__.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(RuntimeError, match="a real Kit is importable from .*carb"):
        kit_double.install("6.0")


def test_other_packages_below_omni_come_back(tmp_path, monkeypatch):
    (tmp_path / "omni/elsewhere").mkdir(parents=True)
    (tmp_path / "omni/elsewhere/__init__.py").write_text("VALUE = 3")
    monkeypatch.syspath_prepend(tmp_path)
    before = importlib.import_module("omni.elsewhere")
    with kit_double.installed("5.1"), pytest.raises(ModuleNotFoundError, match="omni.elsewhere"):
        importlib.import_module("omni.elsewhere")
    assert importlib.import_module("omni.elsewhere") is before and before.VALUE == 3
    del sys.modules["omni.elsewhere"]


def test_modules_that_use_the_stand_in_are_forgotten_with_it(tmp_path, monkeypatch):
    (tmp_path / "uses_kit").mkdir()
    (tmp_path / "uses_kit/__init__.py").write_text("from omni.ui import Window")
    (tmp_path / "uses_kit/plain.py").write_text("VALUE = 3")
    (tmp_path / "uses_nothing.py").write_text("VALUE = 3")
    monkeypatch.syspath_prepend(tmp_path)
    for version in kit_double.VERSIONS:
        with kit_double.installed(version):
            importlib.import_module("uses_kit.plain")
            importlib.import_module("uses_nothing")
        assert not [name for name in sys.modules if name.startswith("uses_kit")]
        assert sys.modules.pop("uses_nothing")
