"""``build_on_device.py``: one file, the tested lines, nothing but JetPack."""

import ast
import json
import runpy
import sys

import pytest

from sim2real.contract import check_file, read_manifest
from sim2real.deploy import tensorrt_cuda
from sim2real.deploy.tensorrt_network import open_engine
from sim2real.deploy.tensorrt_record import check_seal
from sim2real.export import ExportError
from sim2real.export.tensorrt import add_build_script, build_script, make_plan
from sim2real.export.tensorrt.script import MODULES, SCRIPT_FILE, plan_of_script
from tensorrt_double import bundles, machine

NOT_IN_3_8 = ("removeprefix", "removesuffix", "cache", "pairwise", "bit_count", "is_relative_to", "with_stem")


@pytest.fixture(scope="module")
def text():
    """The script of a recurrent policy."""
    return build_script(make_plan(bundles.made("gru"), latency_runs=10))


def test_it_holds_its_plan(text):
    assert plan_of_script(text) == make_plan(bundles.made("gru"), latency_runs=10)
    with pytest.raises(ExportError, match="no build_on_device.py"):
        plan_of_script("print(1)")


def test_it_needs_the_standard_library_and_numpy(text):
    allowed = set(sys.stdlib_module_names) | {"numpy", "tensorrt"}
    for node in ast.walk(ast.parse(text)):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module] if isinstance(node, ast.ImportFrom) else []
        assert {name.partition(".")[0] for name in names} <= allowed


def test_it_is_python_3_8(text):
    tree = ast.parse(text, feature_version=(3, 8))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            keywords = {keyword.arg for keyword in node.keywords}
            assert not keywords & {"strict", "kw_only", "slots"}, ast.unparse(node)
        if isinstance(node, ast.Attribute):
            assert node.attr not in NOT_IN_3_8, ast.unparse(node)
        if isinstance(node, ast.With):  # in parentheses only since 3.9
            assert not ast.get_source_segment(text, node).startswith("with (")
        merged = isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr)
        if merged and any(isinstance(side, ast.Dict | ast.DictComp) for side in (node.left, node.right)):
            raise AssertionError(f"dicts are merged since 3.9: {ast.unparse(node)}")


def test_every_line_is_a_tested_one(text):
    from sim2real.export.tensorrt.script import _source

    lines = set().union(*(_source(module).splitlines() for module in MODULES))
    body = text.partition("# sim2real.errors")[2].rpartition('if __name__ == "__main__"')[0].splitlines()
    marks = {f"# {module}" for module in MODULES} | {""}
    assert [line for line in body if line not in lines | marks] == []


def run(monkeypatch, script, *arguments):
    """Run the script as a program, with its own copies of everything."""
    monkeypatch.setattr(sys, "argv", [str(script), *arguments])
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(script), run_name="__main__")
    return end.value.code


def on_the_device(monkeypatch, version="10.3.0"):
    """The machine of the script, which finds its libraries by itself."""
    import ctypes

    here = machine.put(monkeypatch, version)
    monkeypatch.setattr(ctypes, "CDLL", lambda name: here.cudart)
    return here


@pytest.mark.parametrize("version", ["8.5.2", "10.3.0", "11.4.0"])
def test_it_builds_the_engines_of_the_bundle_that_it_lies_in(monkeypatch, tmp_path, capsys, version):
    here = on_the_device(monkeypatch, version)
    bundle = bundles.copy_of("gru", tmp_path / "bundle")
    script = add_build_script(bundle, latency_runs=10)
    assert run(monkeypatch, script) == 0
    assert "chosen: " in capsys.readouterr().out
    assert here.cudart.is_clean
    manifest = read_manifest(bundle)
    for name in manifest.files:
        check_file(manifest, bundle, name)
    monkeypatch.setattr(tensorrt_cuda, "load_library", lambda candidates=None: here.cudart)
    monkeypatch.setattr("sim2real.deploy.tensorrt_device.l4t_release", lambda: None)  # the script saw this machine's
    open_engine(bundle).close()


def test_it_tells_its_progress_as_json(monkeypatch, tmp_path, capsys):
    on_the_device(monkeypatch)
    bundle = bundles.copy_of("mlp", tmp_path / "bundle")
    script = add_build_script(bundle, latency_runs=10)
    out = tmp_path / "out"
    assert run(monkeypatch, script, "--json", "--out", str(out), "--precisions", "fp32") == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["stage"] for line in lines] == ["probe", "build", "prove", "done", "record"]
    record = json.loads((out / "record.json").read_text())
    assert lines[-1]["record"] == check_seal(record, "record") and record["chosen"] == "fp32"
    assert not (bundle / "engines").exists()  # another folder was asked for


def test_it_says_what_is_missing(monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    monkeypatch.setenv("PATH", "")
    bundle = bundles.copy_of("mlp", tmp_path / "bundle")
    assert run(monkeypatch, add_build_script(bundle)) == 2
    assert "python3-libnvinfer" in capsys.readouterr().out


def test_an_engine_that_fails_its_proof_ends_with_1(monkeypatch, tmp_path, capsys):
    here = on_the_device(monkeypatch)
    here.trt.double.faults.add("build")
    bundle = bundles.copy_of("mlp", tmp_path / "bundle")
    assert run(monkeypatch, add_build_script(bundle)) == 1
    assert "chosen: none" in capsys.readouterr().out


def test_it_is_listed_in_the_bundle(tmp_path):
    bundle = bundles.copy_of("mlp", tmp_path / "bundle")
    for settings in ({}, {"workspace_mib": 256}):
        path = add_build_script(bundle, **settings)
        assert check_file(read_manifest(bundle), bundle, SCRIPT_FILE) == path.read_bytes()
    assert plan_of_script(path.read_text()).workspace_mib == 256


def test_a_name_that_two_modules_define_is_found(monkeypatch):
    from sim2real.export.tensorrt import script

    real = script._source
    monkeypatch.setattr(script, "_source", lambda module: real(module) + "\nclass Engine:\n    pass\n")
    with pytest.raises(ExportError, match="'Engine' of .* is defined in .* too"):
        build_script(make_plan(bundles.made("mlp")))
