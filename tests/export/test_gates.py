"""The gates measure what they say, and ModelOpt is asked where it is and nowhere else."""

import sys

import numpy as np
import pytest

from sim2real.export import ExportError, Gate, TargetGate
from sim2real.export.modelopt import VARIABLE, modelopt_python, quantize_with_modelopt
from sim2real.export.quantize import in_batches

NAMES = ("hip", "knee")


def test_errors_are_relative_to_how_far_a_joint_moves():
    """A tenth of the spread is 10 %, whatever the scale; the worst joint is named."""
    rng = np.random.default_rng(0)
    wanted = rng.normal(size=(5000, 2)) * (1.0, 100.0)
    spread = wanted.std(axis=0)
    found = wanted + spread * (0.02, 0.1) * np.sign(rng.normal(size=wanted.shape))
    for factor in (1.0, 1e-3):
        measured = TargetGate(relative_rmse=0.11).measure(found * factor, wanted * factor, NAMES)
        assert measured["relative_rmse"] == pytest.approx(0.1) == measured["relative_max"]
        assert measured["worst_joint"] == "knee" and measured["passes"]
    assert not TargetGate(relative_rmse=0.09).measure(found, wanted, NAMES)["passes"]
    assert not TargetGate(relative_rmse=0.2, relative_max=0.05).measure(found, wanted, NAMES)["passes"]


def test_a_joint_that_stands_still_does_not_blow_up():
    """It is measured by a hundredth of the other's spread."""
    wanted = np.stack([np.zeros(100), np.linspace(-1, 1, 100)], axis=1)
    found = wanted + (1e-5, 0.0)
    measured = TargetGate().measure(found, wanted, NAMES)
    assert measured["worst_joint"] == "hip" and measured["relative_rmse"] < 0.01 and measured["passes"]


def test_what_is_no_number_never_passes():
    """Nor does the reason try to print it."""
    found = np.zeros((4, 2))
    found[2, 1] = np.nan
    gate = TargetGate()
    measured = gate.measure(found, np.ones((4, 2)), NAMES)
    assert not measured["passes"] and measured["relative_rmse"] is None
    assert gate.said(measured, 4) == "gives what is no number on 4 held-out decisions"


def test_choices_are_compared_with_float_and_with_labels():
    """One of four chooses otherwise, and was wrong before."""
    base = np.eye(2)[[0, 0, 1, 1]]
    measured = Gate(agreement=0.7).measure(np.eye(2)[[0, 0, 1, 0]], base, np.array([0, 0, 1, 0]))
    assert (measured["top1_agreement"], measured["accuracy"], measured["accuracy_drop"]) == (0.75, 1.0, -0.25)
    assert measured["passes"] and not Gate(agreement=0.8).measure(base[::-1], base, np.array([0, 0, 1, 1]))["passes"]


def test_states_are_cut_along_the_robots():
    """Observations along the first axis, states along the second; nothing is lost."""
    feeds = {"x": np.arange(40 * 3).reshape(40, 3), "h": np.arange(2 * 40 * 5).reshape(2, 40, 5)}
    parts = in_batches(feeds, states=("h",))
    assert [part["h"].shape[1] for part in parts] == [len(part["x"]) for part in parts]
    np.testing.assert_array_equal(np.concatenate([part["x"] for part in parts]), feeds["x"])
    np.testing.assert_array_equal(np.concatenate([part["h"] for part in parts], axis=1), feeds["h"])


def test_modelopt_is_where_the_variable_says(monkeypatch, tmp_path):
    """Unset: none. A path that is no file: an error."""
    monkeypatch.delenv(VARIABLE, raising=False)
    assert modelopt_python() is None
    monkeypatch.setenv(VARIABLE, str(tmp_path / "python"))
    with pytest.raises(ExportError, match="which is no file; name a Python interpreter, or unset it"):
        modelopt_python()
    monkeypatch.setenv(VARIABLE, sys.executable)
    assert modelopt_python() == sys.executable


def test_an_interpreter_without_modelopt_is_an_error_with_its_words(tmp_path):
    """This one has none: its last line is told, and no temporary file stays."""
    from export.test_half import GEMM, WEIGHTS, network

    batches = in_batches({"x": np.zeros((4, 3), np.float32)})
    with pytest.raises(ExportError, match="ended with 1; it said: .*No module named 'modelopt'"):
        quantize_with_modelopt(sys.executable, network([GEMM], WEIGHTS), tmp_path, batches)
    assert list(tmp_path.iterdir()) == []
    two = [{"x": np.zeros((4, 3), np.float32), "h": np.zeros((1, 4, 2), np.float32)}]
    with pytest.raises(ExportError, match="networks with one input; this one has x, h"):
        quantize_with_modelopt(sys.executable, network([GEMM], WEIGHTS), tmp_path, two)
