"""The verbs benchmark, and export with a Jetson: a finished bundle gets engines and a spec of their latency."""

import json
import shutil

import pytest

from jetson_fixtures import device
from sim2real.cli.main import main
from sim2real.contract import check_file, engine_devices, engine_record, read_manifest
from tensorrt_double.bundles import copy_of


@pytest.fixture
def bundle(tmp_path):
    """A copy of a finished bundle, in a folder whose name a shell would execute."""
    return copy_of("mlp", tmp_path / "a b; $(touch owned) 'c' -x")


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home directory of its own, with a key and no known hosts."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SIM2REAL_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    (tmp_path / "home" / ".ssh").mkdir(parents=True)
    return tmp_path / "home"


def test_a_bundle_gets_its_engines(tmp_path, bundle, home, capsys):
    """Refused without the fingerprint; then built, proven, timed, weighed, fetched, and the spec of it inspected."""
    before = read_manifest(bundle).files
    with device(tmp_path, no_python_tensorrt=False) as double:
        shutil.copy(double.root / "client_key", home / ".ssh" / "id_ed25519")
        arguments = ["export", str(bundle), "--jetson", double.address, "--precisions", "fp16"]
        assert main(arguments) == 2
        said = capsys.readouterr().err
        fingerprint = double.host_key.get_fingerprint()
        assert f"--accept-new-host-key {fingerprint}" in said and double.commands == []
        assert main([*arguments, "--accept-new-host-key", fingerprint]) == 0
        assert double.refused == [] and double.leftovers() == []
    out = capsys.readouterr()
    for stage in ("connect", "probe", "send", "build", "prove", "time", "fetch", "add"):
        assert f"\n{stage:<8}" in f"\n{out.err}", stage
    (name,) = engine_devices(bundle)
    record = engine_record(bundle, name)
    assert record["chosen"] == "fp16" and "chosen: fp16\n" in out.out and "golden vectors within" in out.out
    manifest = read_manifest(bundle)
    added = {file.rpartition("/")[2] for file in manifest.files if file not in before}
    assert added == {"fp16.plan", "fp16.layers.json", "record.json", "device.json", "latency_spec.yaml"}
    for file in manifest.files:
        check_file(manifest, bundle, file)
    told = json.loads((bundle / "engines" / name / "device.json").read_text())
    assert told["probe"]["l4t"] == "36.4.3" and told["measured"]["fp16"]["power"]["watts"] > 5.0
    assert main(["inspect", str(bundle / "engines" / name / "latency_spec.yaml")]) == 0
    assert "policy -> command" in capsys.readouterr().out
    assert not list(tmp_path.rglob("owned*"))


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["{bundle}"], "is a finished bundle; give --jetson USER@HOST"),
        (["{bundle}", "--jetson", "u@h", "--out", "x"], "is a finished bundle; --out cannot go with it"),
        (["{bundle}", "--jetson", "h; rm -rf ~"], "is no address of a device"),
        (["{bundle}", "--jetson", "u@h", "--precisions", "fp8"], "fp8"),
        (["{bundle}", "--power-mode", "MAXN"], "--power-mode only with --jetson"),
        (["{tmp}", "--run", "x"], "give either"),
        (["--policy", "p", "--data", "d"], "give --out DIR"),
    ],
)
def test_what_does_not_go_together_is_said(tmp_path, bundle, home, capsys, arguments, message):
    """Before any work, in one line, with exit code 2."""
    filled = [word.format(bundle=bundle, tmp=tmp_path) for word in arguments]
    assert main(["export", *filled]) == 2
    err = capsys.readouterr().err
    assert message in err and err.count("\n") == 1


def test_a_benchmark_here(tmp_path, bundle, capsys):
    """Really timed on the CPU; TensorRT's rows say not_run and why; the quoted table stands beside it."""
    assert main(["benchmark", str(bundle), "--runs", "10", "--out", str(tmp_path / "out")]) == 0
    data = json.loads((tmp_path / "out" / "benchmark.json").read_text())
    here = [row for row in data["rows"] if row["runtime"] != "TensorRT"]
    assert {row["precision"] for row in here} >= {"float", "int8"}
    for row in here:
        assert 0.0 < row["latency_ms"]["p50"] <= row["latency_ms"]["p99_9"] and row["latency_ms"]["count"] == 10
        assert row["watts"] == "not_run"
    there = [row for row in data["rows"] if row["runtime"] == "TensorRT"]
    assert [row["precision"] for row in there] == ["fp32", "fp16", "int8"]
    assert all(row["latency_ms"] == row["watts"] == "not_run" and "--jetson" in row["reason"] for row in there)
    text = (tmp_path / "out" / "benchmark.md").read_text()
    assert text in capsys.readouterr().out and "| Jetson Orin Nano | ResNet18 | INT8 | 8 ms | 7 W |" in text


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["resnet19"], "there is no network 'resnet19'; allowed: resnet18, resnet50"),
        (["{bundle}", "--runs", "3"], "3 runs; allowed: 10 and more"),
    ],
)
def test_a_wrong_benchmark_is_refused(bundle, capsys, arguments, message):
    """With what is allowed."""
    assert main(["benchmark", *(word.format(bundle=bundle) for word in arguments)]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("name, millions", [("resnet18", 11.69), ("resnet50", 25.56)])
def test_the_reference_networks_have_their_published_size(name, millions):
    """Parameters as in torchvision's table."""
    from sim2real.export.jetson.reference import resnet

    assert sum(p.numel() for p in resnet(name).parameters()) / 1e6 == pytest.approx(millions, abs=0.005)


@pytest.mark.slow
def test_a_reference_network_is_built_on_a_device(tmp_path, home, capsys):
    """ResNet18 at 224, float and INT8, timed here and on the loopback's device."""
    with device(tmp_path) as double:
        shutil.copy(double.root / "client_key", home / ".ssh" / "id_ed25519")
        double.write_known_hosts(path=home / ".ssh" / "known_hosts")
        assert main(["benchmark", "resnet18", "--runs", "10", "--jetson", double.address]) == 0
    out = capsys.readouterr().out
    for precision in ("fp32", "fp16", "int8"):
        assert f"| resnet18 | {precision} | TensorRT 10.3.0" in out
    assert out.count(" W |") >= 3
