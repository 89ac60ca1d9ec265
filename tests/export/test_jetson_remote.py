"""Our folder on the device: verified both ways, no link is followed, nothing else is ever deleted."""

import shlex
import shutil
import subprocess

import pytest

from jetson_fixtures import device, with_link
from sim2real.export.jetson import DeviceError, JetsonError
from sim2real.export.jetson.remote import STEP_SCRIPT, Workspace


def in_folder(double, action):
    """Make a folder there and call ``await action(work, folder here)``."""

    async def go(link, home):
        work = await Workspace.create(link, home)
        return await action(work, double.home / work.path.rpartition("/")[2])

    return with_link(double, go)


def test_files_go_and_come_whole(tmp_path):
    """Every byte, and the device's hash is compared."""
    content = bytes(range(256)) * 5000

    async def action(work, folder):
        await work.send({"a.onnx": content, "b.npz": b""})
        return await work.fetch("a.onnx"), await work.fetch("b.npz")

    with device(tmp_path) as double:
        assert in_folder(double, action) == (content, b"")


def test_what_is_spoilt_on_the_way_is_noticed(tmp_path):
    """The hash there is another than here."""

    async def action(work, folder):
        await work.send({"a.onnx": b"weights"})

    with device(tmp_path, damage="a.onnx") as double:
        with pytest.raises(DeviceError, match="a.onnx arrived damaged"):
            in_folder(double, action)


def test_a_link_is_not_followed(tmp_path):
    """A plan that points to another file is not fetched."""
    secret = tmp_path / "secret"
    secret.write_text("secret")

    async def action(work, folder):
        (folder / "fp16.plan").symlink_to(secret)
        await work.fetch("fp16.plan")

    with device(tmp_path) as double:
        with pytest.raises(DeviceError, match="no plain file"):
            in_folder(double, action)


def test_what_is_too_large_or_missing_is_not_fetched(tmp_path):
    """A device cannot fill this machine."""

    async def large(work, folder):
        await work.send({"a.plan": b"x" * 11})
        await work.text("a.plan", limit=10)

    async def missing(work, folder):
        await work.text("a.plan")

    with device(tmp_path) as double:
        with pytest.raises(DeviceError, match="has 11 bytes; at most 10"):
            in_folder(double, large)
        with pytest.raises(DeviceError, match="a.plan is missing"):
            in_folder(double, missing)


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "-rf", "a b", "a;b", "$(x)", "", ".hidden", "a/b", "A"])
def test_no_other_names_are_written(tmp_path, name):
    """Names are ours, of a small alphabet."""
    with pytest.raises(JetsonError, match="not the name of one of our files"):
        Workspace(None, "/data/u/.sim2real-ABCDEFGHIJ").at(name)


@pytest.mark.parametrize("path", ["/", "/data/u", "/data/u/.sim2real-../..", "/data/u/.sim2real-AB", "relative", ""])
def test_nothing_else_is_deleted(path):
    """A path that is not such a folder never reaches the device."""
    import asyncio

    with pytest.raises(JetsonError, match="not a folder of ours"):
        asyncio.run(Workspace(None, path).remove())


def step(folder, *words):
    """Call the script as the device does."""
    command = shlex.join(["sh", str(folder / STEP_SCRIPT.name), *words])
    return subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60)


def finished(folder, name):
    """Wait for the end of a step."""
    while (state := step(folder, "status", name).stdout.strip()) == "running":
        pass
    return state


def test_steps_outlive_the_shell_that_began_them(tmp_path):
    """Output and exit code are files; words arrive as they were; a folder's name changes nothing."""
    folder = tmp_path / "a 'b' $(touch owned); c"
    folder.mkdir()
    shutil.copy(STEP_SCRIPT, folder)
    assert step(folder, "status", "build").stdout == "none\n"
    nasty = "$(touch owned) ; touch owned"
    assert step(folder, "start", "build", "60", "sh", "-c", 'printf %s "$1"; exit 3', "x", nasty).returncode == 0
    assert finished(folder, "build") == "done 3"
    assert (folder / "build.log").read_text() == nasty
    assert not list(tmp_path.rglob("owned*"))


def test_steps_end_in_time_or_when_told(tmp_path):
    """A limit gives 124, a stop 143, and a device that was switched off none."""
    shutil.copy(STEP_SCRIPT, tmp_path)
    step(tmp_path, "start", "slow", "0.05", "sleep", "60")
    assert finished(tmp_path, "slow") == "done 124"
    step(tmp_path, "start", "watch", "60", "sleep", "60")
    assert step(tmp_path, "status", "watch").stdout == "running\n"
    while not (tmp_path / "watch.run").exists():
        assert step(tmp_path, "status", "watch").stdout == "running\n"
    step(tmp_path, "stop", "watch")
    assert finished(tmp_path, "watch") == "done 143"
    (tmp_path / "off.pid").write_text("1 another-boot\n")
    assert step(tmp_path, "status", "off").stdout == "gone\n"


def test_steps_have_names_of_ours_alone(tmp_path):
    """Anything else is refused by the script too."""
    shutil.copy(STEP_SCRIPT, tmp_path)
    for name in ("../x", "a b", "", "A", "-x"):
        assert step(tmp_path, "start", name, "1", "true").returncode == 2
