"""An export that is killed, or whose disk takes no more: the older bundle or none is there, and the next one succeeds.

One process imports torch; each interrupted export is a child that it forks, so that a kill -9 falls on an exact moment:
a stage of the export, or a step of the exchange of the folders.
"""

import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sim2real.contract import read_manifest
from sim2real.deploy import JointPolicyRuntime
from sim2real.export import folder as folder_module
from sim2real.export.errors import ExportError
from sim2real.export.folder import bundle_folder
from tensorrt_double import bundles

TESTS = Path(__file__).parents[1]
STAGES = (("export", "float"), ("make", "fp16"), ("make", "int8"), ("golden", ""), ("time", "int8"), ("write", ""))
STEPS = ("exchanged", "between two renames", "after two renames")
START = """
import json, os, resource, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import torch
torch.set_num_threads(1)
from export.recorded import recorded
from sim2real.export import ExportError, JointExportCfg, export_joint_policy, folder
from sim2real.export.progress import quiet

given = recorded("mlp")

def export(out, say=quiet):
    export_joint_policy(*given, out, JointExportCfg(latency_runs=3, calibrators=("minmax",)), say=say)

def in_a_child(work, *args):
    child = os.fork()
    if child == 0:
        try:
            work(*args)
        finally:
            sys.stdout.flush()
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
"""
KILLED = """
def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)

def killed(out, moment):
    if "two renames" in moment:
        folder._exchange = lambda one, other: False
    if moment == "between two renames":
        rename = Path.rename
        Path.rename = lambda self, target: die() if self.name == "new" else rename(self, target)
    elif moment in ("exchanged", "after two renames"):
        take = folder._take_the_name
        folder._take_the_name = lambda work, out: die(take(work, out))
    export(out, lambda stage, precision, message: die() if [stage, precision] == moment else None)

for out, moment in json.loads(sys.argv[2]):
    print(out, in_a_child(killed, Path(out), moment), flush=True)
"""
FULL = """
def on_a_full_disk(out, limit):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        export(out)
    except ExportError as error:
        print(error)

for out, limit in json.loads(sys.argv[2]):
    in_a_child(on_a_full_disk, Path(out), limit)
"""


def in_a_process(code, work):
    """What a process prints that exports as `code` says, line by line."""
    command = [sys.executable, "-c", START + code, str(TESTS), json.dumps(work)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


@pytest.fixture
def older(tmp_path):
    """Makes a folder with an older bundle in it, which has other networks than the new one."""

    def make(name):
        out = tmp_path / name / "bundle"
        out.parent.mkdir()
        return bundles.copy_of("mlp", out)

    return make


def leftovers(out):
    """What lies beside a bundle."""
    return [path.name for path in out.parent.iterdir() if path != out]


def loads(out):
    """The number of inputs of a bundle that is whole and has proven itself."""
    for name in ("float", "int8"):
        runtime = JointPolicyRuntime(out, threads=1, precision=name)
        assert runtime.proven
    return runtime.contract.state.size


def test_a_killed_export_leaves_the_older_bundle_or_none(tmp_path, older):
    """kill -9 in six stages and three steps of the exchange, with and without an older bundle there."""
    work, before = [], {}
    for i, moment in enumerate((*STAGES, *STEPS)):
        out = older(f"older-{i}")
        before[out] = read_manifest(out)
        work.append((str(out), moment))
        if moment in STAGES:
            none = tmp_path / f"none-{i}" / "bundle"
            none.parent.mkdir()
            work.append((str(none), moment))
    assert in_a_process(KILLED, work) == [f"{out} -9" for out, _ in work]
    for place, moment in work:
        out = Path(place)
        assert len(leftovers(out)) == 1 and leftovers(out)[0].startswith(".bundle.partial-"), moment
        if moment == "between two renames":
            assert not out.exists()
            assert {path.name for path in (out.parent / leftovers(out)[0]).iterdir()} == {"new", "old"}
        elif moment in STEPS:
            assert loads(out) and read_manifest(out) != before[out], moment
        elif out in before:
            assert loads(out) and read_manifest(out) == before[out], moment
        else:
            assert not out.exists(), moment
        put_another(out)
        assert leftovers(out) == [], moment
        assert loads(out) and read_manifest(out) == read_manifest(bundles.made("mlp"))


def put_another(out):
    """Let a bundle take the place, as an export does."""
    with bundle_folder(out) as work:
        shutil.copytree(bundles.made("mlp"), work, dirs_exist_ok=True)


def test_a_bundle_that_was_moved_aside_comes_back(older):
    """As a kill between two renames leaves it: the next export puts the older bundle back, also where it fails."""
    out = older("a")
    before = read_manifest(out)
    aside = out.parent / ".bundle.partial-1"
    shutil.copytree(bundles.made("mlp"), aside / "new")
    out.rename(aside / "old")
    with pytest.raises(ExportError, match="parity"), bundle_folder(out):
        raise ExportError("parity")
    assert read_manifest(out) == before and loads(out)
    assert leftovers(out) == []


def test_a_running_exports_folder_is_no_leftover(tmp_path):
    """Two exports of one name at once: each finishes, the later one's bundle stays."""
    out = tmp_path / "bundle"
    with bundle_folder(out) as first:
        (first / "contract.json").write_text("first")
        put_another(out)
        assert first.is_dir() and loads(out)
    assert (out / "contract.json").read_text() == "first"
    assert leftovers(out) == []


def test_a_file_system_without_locks_takes_a_bundle(tmp_path, monkeypatch):
    """As some network file systems: the bundle is written, and a folder that may be another export's stays."""
    other = tmp_path / ".bundle.partial-1"
    other.mkdir()

    def refuse(handle, operation):
        raise OSError(errno.EBADF, "no locks here")

    monkeypatch.setattr("fcntl.flock", refuse)
    put_another(tmp_path / "bundle")
    assert loads(tmp_path / "bundle") and leftovers(tmp_path / "bundle") == [other.name]


def test_names_are_taken_as_they_are(tmp_path):
    """A name with signs of a pattern in it cleans no other bundle's folders."""
    other = tmp_path / ".ab.partial-1"
    other.mkdir()
    put_another(tmp_path / "[ab]*")
    assert other.is_dir() and loads(tmp_path / "[ab]*")


def test_an_exchange_is_done_or_not_done(tmp_path):
    """Two folders have changed names where it says so; one that is not there cannot be exchanged."""
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    assert folder_module._exchange(one, other) is False and one.is_dir() and not other.exists()
    (other / "inside").mkdir(parents=True)
    done = folder_module._exchange(one, other)
    assert (one / "inside").is_dir() is done and (other / "inside").is_dir() is not done


def test_a_failed_rename_changes_nothing(older, monkeypatch):
    """The system refuses the new folder its name: the older bundle has its own again."""
    out = older("a")
    before = read_manifest(out)
    rename = Path.rename

    def refuse(self, target):
        if self.name == "new":
            raise PermissionError("no")
        return rename(self, target)

    monkeypatch.setattr(folder_module, "_exchange", lambda one, other: False)
    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(ExportError, match=r"cannot be written \(no\). Nothing was changed"):
        put_another(out)
    assert read_manifest(out) == before and leftovers(out) == []


def test_a_full_disk_leaves_nothing(tmp_path, older):
    """No file above 2 kB, or above 60 kB (the networks fit, the golden vectors do not): an error that says so."""
    work = [(str(older(f"older-{limit}")), limit) for limit in (2_000, 60_000)]
    work += [(str(tmp_path / f"none-{limit}"), limit) for limit in (2_000, 60_000)]
    said = in_a_process(FULL, work)
    assert len(said) == 4
    for (place, _), line in zip(work, said, strict=True):
        out = Path(place)
        assert line.startswith(f"{out}: cannot be written (") and line.endswith("Nothing was changed.")
        assert not [name for name in os.listdir(out.parent) if "partial" in name]
        assert not out.exists() if out.name.startswith("none") else loads(out)
