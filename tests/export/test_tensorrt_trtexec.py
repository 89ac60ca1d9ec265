"""The ``trtexec`` route: arguments by version, verdicts, and a whole build with a strict player of the program."""

import contextlib
import io
import json
import subprocess
import sys

import numpy as np
import pytest

from jetson_double import trtexec as player
from sim2real.deploy.tensorrt_device import EngineError
from sim2real.export.tensorrt import make_plan
from sim2real.export.tensorrt import trtexec as ours
from sim2real.export.tensorrt.on_device import Workshop, build_all
from sim2real.export.tensorrt.plan import PRECISIONS, choose
from sim2real.export.tensorrt.trtexec import Trtexec, banner_version, find_trtexec, read_outputs, read_times
from tensorrt_double import bundles, machine

VERSIONS = {"8.5.2": (8, 5, 2), "8.6.2": (8, 6, 2), "10.3.0": (10, 3, 0), "10.16.2": (10, 16, 2), "11.4.0": (11, 4, 0)}


@pytest.fixture
def program(monkeypatch, tmp_path):
    """A trtexec of a version, played in this process; returns its path and the commands that it was given."""
    path = tmp_path / "bin" / "trtexec"
    path.parent.mkdir()
    path.write_text("#!/bin/false\n")
    path.chmod(0o755)
    monkeypatch.setattr(ours, "PLACES", (str(path),))
    monkeypatch.setenv("PATH", "")
    commands = []

    def put(version, fault=""):
        monkeypatch.setenv("JETSON_DOUBLE_TENSORRT", version)
        monkeypatch.setenv("JETSON_DOUBLE_FAULT", fault)

        def run(command, **settings):
            if command[0] == "nvpmodel":
                raise FileNotFoundError(command[0])
            assert isinstance(command, list) and not settings.get("shell")
            commands.append(command)
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed), contextlib.chdir(settings.get("cwd") or "."):
                code = player.main(command[1:])
            return subprocess.CompletedProcess(command, code, stdout=printed.getvalue().encode())

        monkeypatch.setattr(subprocess, "run", run)
        machine.put(monkeypatch, "10.3.0")
        monkeypatch.setitem(sys.modules, "tensorrt", None)
        return path

    put.commands = commands
    return put


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", bundles.KINDS)
def test_every_version_builds_proves_and_times_every_network(program, tmp_path, version, kind):
    program(version)
    source = bundles.made(kind)
    record = build_all(make_plan(source), source, tmp_path / "out", workshop=Workshop())
    assert record["route"] == "trtexec" and record["device"]["tensorrt"] == version
    for name in PRECISIONS:
        assert record["parity"][name]["status"] == "pass", record["parity"][name]
        assert 0 < record["parity"][name]["vectors"] <= 8
        assert record["latency"][name]["p50"] > 0
    for command in program.commands:
        assert not [argument for argument in command if argument in ("--best", "--fp8", "--workspace")]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("precision", PRECISIONS)
def test_no_version_is_given_an_option_that_it_lacks(version, precision, tmp_path):
    numbers = VERSIONS[version]
    plan = make_plan(bundles.made("gru"), batch=(1, 2, 4), optimization_level=2)
    choice = choose(plan, precision, numbers)
    build = ours.build_arguments(numbers, plan, choice, tmp_path / "a.onnx", tmp_path / "a.plan", tmp_path / "t.cache")
    times = [ours.time_arguments(numbers, plan, tmp_path / "a.plan", tmp_path / "t.json", with_) for with_ in (0, 1)]
    known = player.known_options(numbers)
    for arguments in (build, *times):
        assert {argument[2:].partition("=")[0] for argument in arguments} <= known
    assert ("--buildOnly" in build) is (numbers < (8, 6)) is not ("--skipInference" in build)
    assert f"--minShapes={plan.golden['inputs'] and 'observation'}:1x17,h_in:1x1x8" in build
    assert "--maxShapes=observation:4x17,h_in:1x4x8" in build
    assert ("--noTF32" in build) is (precision == "fp32")
    assert ("--stronglyTyped" in build) is (choice.typed and numbers[0] == 10)


def test_what_versions_time_is_the_same():
    plan = make_plan(bundles.made("mlp"))
    old, new = (ours.time_arguments(v, plan, "p", "t", transfers=False)[-3:] for v in ((10, 3, 0), (11, 4, 0)))
    assert {"--useCudaGraph", "--useSpinWait", "--noDataTransfers"} == set(old)
    assert not {"--useCudaGraph", "--noDataTransfers", "--includeDataTransfers"} & set(new)
    assert "--includeDataTransfers" in ours.time_arguments((11, 4, 0), plan, "p", "t", transfers=True)


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("&&&& RUNNING TensorRT.trtexec [TensorRT v8502] # trtexec", "8.5.2"),
        ("[TensorRT v8602]", "8.6.2"),
        ("[TensorRT v100300]", "10.3.0"),
        ("[TensorRT v101303]", "10.13.3"),
        ("[TensorRT v110400]", "11.4.0"),
    ],
)
def test_the_banner_says_the_version(text, version):
    assert banner_version(text) == version


@pytest.mark.parametrize("text", ["", "trtexec", "[TensorRT v8401]"])
def test_no_version_or_an_old_one_is_refused(text):
    with pytest.raises(EngineError):
        banner_version(text)


def finished(monkeypatch, code, text):
    monkeypatch.setattr(
        subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, code, stdout=text.encode())
    )
    return Trtexec("trtexec", "10.3.0")


@pytest.mark.parametrize(
    ("code", "text", "said"),
    [
        (1, "[E] Unknown option: --x\n&&&& FAILED TensorRT.trtexec", "exit code 1, FAILED.: .E. Unknown option: --x"),
        (0, "&&&& FAILED TensorRT.trtexec", "exit code 0, FAILED"),
        (1, "&&&& PASSED TensorRT.trtexec", "exit code 1, PASSED"),
        (0, "nothing of the kind", "no verdict"),
        (-9, "", "exit code -9, no verdict"),
    ],
)
def test_exit_code_and_verdict_have_to_agree(monkeypatch, code, text, said):
    with pytest.raises(EngineError, match=said):
        finished(monkeypatch, code, text).run(["--onnx=x"])


def test_a_build_that_wrote_no_file_is_no_build(monkeypatch, tmp_path):
    program = finished(monkeypatch, 0, "&&&& PASSED")
    plan = make_plan(bundles.made("mlp"))
    with pytest.raises(EngineError, match="wrote no file. Is the disk full"):
        program.build(plan, choose(plan, "fp32", (10, 3, 0)), tmp_path / "a.onnx", tmp_path / "a.plan", None)
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_a_failure_of_each_precision(program, tmp_path):
    program("10.3.0", "disk_full")
    source = bundles.made("mlp")
    record = build_all(make_plan(source), source, tmp_path / "out", workshop=Workshop("trtexec"))
    assert record["chosen"] is None and {entry["status"] for entry in record["parity"].values()} == {"fail"}
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["record.json"]


def test_a_precision_that_answers_wrongly_is_not_kept(program, tmp_path):
    program("8.6.2", "wrong_fp16")  # where a flag makes FP16
    source = bundles.made("gru")
    record = build_all(make_plan(source), source, tmp_path / "out", workshop=Workshop("trtexec"))
    assert record["parity"]["fp16"]["status"] == "fail" and "fp16" not in record["engines"]
    assert record["chosen"] in ("fp32", "int8")


def test_a_build_that_never_ends_is_stopped(monkeypatch):
    def run(command, timeout, **_):
        raise subprocess.TimeoutExpired(command, timeout)

    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(EngineError, match="did not end within 60 s"):
        Trtexec("trtexec", "10.3.0", timeout_s=60).run([])


def test_a_program_that_cannot_be_started_is_named(tmp_path):
    with pytest.raises(EngineError, match="cannot be started"):
        Trtexec(tmp_path / "absent", "10.3.0").run([])


def test_the_program_is_looked_for(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(ours, "PLACES", (str(tmp_path / "absent"), sys.executable))
    assert str(find_trtexec()) == sys.executable
    monkeypatch.setattr(ours, "PLACES", ())
    with pytest.raises(EngineError, match="libnvinfer-bin"):
        find_trtexec()


def test_percentiles_are_of_all_runs(tmp_path):
    path = tmp_path / "times.json"
    path.write_text(json.dumps([{"latencyMs": i / 10, "computeMs": 1.0} for i in range(1, 1001)]))
    found = read_times(path)
    assert found["runs"] == 1000 and found["max"] == 100.0
    assert found["p50"] == pytest.approx(50.05) and found["p99"] == pytest.approx(99.001)
    assert read_times(path, "computeMs")["p99.9"] == 1.0


@pytest.mark.parametrize("text", [None, "", "[]", "{", '[{"other": 1}]', '[{"latencyMs": "x"}]'])
def test_times_that_cannot_be_read_are_refused(tmp_path, text):
    if text is not None:
        (tmp_path / "t.json").write_text(text)
    with pytest.raises(EngineError, match="cannot be read|no times"):
        read_times(tmp_path / "t.json")


def test_outputs_are_read_with_their_shape(tmp_path):
    path = tmp_path / "out.json"
    path.write_text('[ { "name" : "a"\n , "dimensions" : "2x3"\n , "values" : [ 1, 2, 3, 4, 5, 6.5 ] } ]')
    found = read_outputs(path)["a"]
    np.testing.assert_array_equal(found, np.array([[1, 2, 3], [4, 5, 6.5]], np.float32))
    path.write_text('[ { "name" : "a", "dimensions" : "2x3", "values" : [ nan ] } ]')
    with pytest.raises(EngineError, match="cannot be read"):
        read_outputs(path)
