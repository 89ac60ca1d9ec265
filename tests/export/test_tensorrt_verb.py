"""``export BUNDLE --engine`` at the command line."""

import pytest

from sim2real.cli.engine import say_what_is_left
from sim2real.cli.main import main
from sim2real.contract import engine_devices
from tensorrt_double import bundles, machine


@pytest.fixture
def bundle(monkeypatch, tmp_path):
    """A finished bundle on a machine with TensorRT."""
    monkeypatch.setenv("SIM2REAL_CACHE", str(tmp_path / "cache"))
    machine.put(monkeypatch, "10.3.0")
    return bundles.copy_of("mlp", tmp_path / "bundle")


def test_engines_are_built_here(bundle, capsys):
    assert main(["export", str(bundle), "--engine", "--precisions", "fp32,fp16"]) == 0
    printed = capsys.readouterr()
    assert "fp16  pass: largest difference" in printed.out and "p99" in printed.out
    assert f"engine: {engine_devices(bundle)[0]} fp" in printed.out
    assert "build" in printed.err and "prove" in printed.err


def test_a_build_without_a_single_pass_is_an_error(bundle, monkeypatch, capsys):
    machine.put(monkeypatch, "10.3.0", faults=["build"])
    assert main(["export", str(bundle), "--engine"]) == 2
    printed = capsys.readouterr()
    assert "insufficient workspace" in printed.out and "no engine reproduced" in printed.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "give --jetson USER@HOST, or --engine"),
        (["--engine", "--jetson", "a@b"], "give either --engine"),
        (["--engine", "--power-mode", "MAXN"], "--power-mode only with --jetson"),
        (["--engine", "--precisions", "fp64"], "allowed: fp32, fp16, int8"),
        (["--engine", "--out", "elsewhere"], "--out cannot go with it"),
    ],
)
def test_options_that_do_not_go_together_are_refused(bundle, capsys, options, said):
    assert main(["export", str(bundle), *options]) == 2
    assert said in capsys.readouterr().err


def test_without_an_engine_the_script_is_named(bundle, capsys):
    say_what_is_left(str(bundle))
    said = capsys.readouterr().out
    assert "engine: pending; on the device, in the bundle's folder: python3 build_on_device.py" in said
