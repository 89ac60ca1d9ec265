"""Engines join a finished bundle: covered by hashes, exchanged whole, and never at the cost of the bundle."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from contract.state_contracts import make
from sim2real.contract import (
    ContractError,
    add_engine,
    check_file,
    engine_devices,
    engine_record,
    file_record,
    read_manifest,
    read_parity,
    write_manifest,
)


@pytest.fixture
def folder(tmp_path):
    """A bundle of a contract, a network's file and a parity."""
    files = {"walk.onnx": b"network", "parity.json": b'{"precisions": {"float": {"status": "pass"}}, "engines": {}}'}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    write_manifest(tmp_path, make(), {name: file_record(content) for name, content in files.items()})
    return tmp_path


def test_an_engine_is_covered_and_the_contract_stays(folder, tmp_path_factory):
    """Bytes and files are taken; each is checked by hash; contract and other files are as before."""
    before = read_manifest(folder)
    plan = tmp_path_factory.mktemp("build") / "int8.plan"
    plan.write_bytes(b"int8 plan")
    record = {"tensorrt": "10.3.0", "parity": {"fp16": {"status": "pass", "max_abs_error": 0.002}}}
    where = add_engine(folder, "orin_nano", {"fp16.plan": b"fp16 plan", "int8.plan": plan}, record)
    after = read_manifest(folder)
    assert where == folder / "engines" / "orin_nano" and engine_devices(folder) == ("orin_nano",)
    assert after.contract == before.contract and {n: after.files[n] for n in before.files} == before.files
    assert check_file(after, folder, "engines/orin_nano/int8.plan") == b"int8 plan"
    assert engine_record(folder, "orin_nano") == record
    assert read_parity(folder)["engines"] == {"orin_nano": record["parity"]}
    assert read_parity(folder)["precisions"]["float"]["status"] == "pass"
    (where / "fp16.plan").write_bytes(b"fp16 plaN")
    with pytest.raises(ContractError, match="fp16.plan: not the file that was exported"):
        check_file(after, folder, "engines/orin_nano/fp16.plan")


def test_a_device_is_exchanged_and_others_stay(folder):
    """The second build of a device takes the place of its first; no leftovers; nothing said of parity is not_run."""
    add_engine(folder, "thor", {"a.plan": b"a"}, {"tensorrt": "10.13"})
    add_engine(folder, "orin", {"old.plan": b"old", "log": b""}, {"parity": {}})
    add_engine(folder, "orin", {"new.plan": b"new"}, {"parity": {"float": "pass"}})
    names = [name for name in read_manifest(folder).files if name.startswith("engines/")]
    assert names == [f"engines/{n}" for n in ("orin/new.plan", "orin/record.json", "thor/a.plan", "thor/record.json")]
    assert sorted(path.name for path in (folder / "engines").iterdir()) == ["orin", "thor"]
    assert sorted(path.name for path in (folder / "engines" / "orin").iterdir()) == ["new.plan", "record.json"]
    assert read_parity(folder)["engines"] == {"orin": {"float": "pass"}, "thor": "not_run"}


@pytest.mark.parametrize("bad", ["../x", "", "a/b", ".hidden", "a b", "$(id)"])
def test_names_cannot_leave_the_folder(folder, bad):
    """Neither the device's nor a file's."""
    with pytest.raises(ContractError, match="it must be a name of letters"):
        add_engine(folder, bad, {}, {})
    with pytest.raises(ContractError, match="it must be a name of letters"):
        add_engine(folder, "orin", {bad: b""}, {})
    assert engine_devices(folder) == ()


def test_what_cannot_be_added_changes_nothing(folder, tmp_path_factory):
    """A record that is no JSON, a file that is not there, a taken name, a folder that is no bundle."""
    add_engine(folder, "orin", {"a.plan": b"a"}, {})
    before = (folder / "contract.json").read_bytes()
    for files, record, message in (
        ({}, {"p50": float("nan")}, "record of orin holds something that JSON cannot"),
        ({"b.plan": tmp_path_factory.mktemp("none") / "b.plan"}, {}, "engine of orin cannot be written"),
        ({"record.json": b"{}"}, {}, "that name is the record's"),
    ):
        with pytest.raises(ContractError, match=message):
            add_engine(folder, "orin", files, record)
    assert (folder / "contract.json").read_bytes() == before
    assert sorted(path.name for path in (folder / "engines").iterdir()) == ["orin"]
    assert check_file(read_manifest(folder), folder, "engines/orin/a.plan") == b"a"
    with pytest.raises(ContractError, match="not a bundle"):
        add_engine(folder / "nothing", "orin", {}, {})


KILLED = """
import os, shutil, signal, sys
from sim2real.contract import add_engine

CHANGES = ("open", "os.rename", "os.mkdir", "os.remove", "os.rmdir")
folder = sys.argv[1]
add_engine(folder, "orin", {"old.plan": b"old", "x.plan": b"x"}, {"build": 0})
for count in range(1, 200):  # killed before the first touch of a file, the second, ... until nothing is left to touch
    place = f"{folder}-{count}"
    shutil.copytree(folder, place)
    child = os.fork()
    if child == 0:
        left = count

        def hook(event, arguments):
            global left
            left -= event in CHANGES
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(hook)
        add_engine(place, "orin", {"new.plan": bytes(100_000), "x.plan": b"y" * 1000}, {"build": 1})
        os._exit(0)
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0:
        break
print(count)
"""


def test_a_kill_leaves_a_whole_bundle(folder):
    """Killed before each touch of a file in an exchange: what the list names is there and of the right hash."""
    done = subprocess.run([sys.executable, "-c", KILLED, str(folder)], capture_output=True, text=True, check=True)
    kills, found = int(done.stdout) - 1, set()
    assert 5 < kills < 198
    for count in range(1, kills + 2):
        place = Path(f"{folder}-{count}")
        manifest = read_manifest(place)
        assert manifest.contract == make()
        for name in manifest.files:
            check_file(manifest, place, name)
        found.add(frozenset(name for name in manifest.files if name.startswith("engines/")))
        add_engine(place, "orin", {"last.plan": b"last"}, {})
        assert [path.name for path in (place / "engines").iterdir()] == ["orin"]
        assert json.loads(check_file(read_manifest(place), place, "engines/orin/record.json")) == {}
    old, new = (frozenset(f"engines/orin/{n}" for n in (f"{a}.plan", "record.json", "x.plan")) for a in ("old", "new"))
    assert found == {old, frozenset(), new}
