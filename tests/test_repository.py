"""What holds for every tracked file: small, free of machine paths, and locked without a registry's name."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import tomllib

ROOT = Path(__file__).parents[1]
MAX_LINES = 400
MAX_BYTES = 5_000_000
# Written apart, so that this file does not find itself.
MACHINE_PATH = re.compile(
    "/(?:" + "|".join(["root", "home/[a-z]+", "Users/[A-Za-z]+", "work/(?:main|shared)"]) + r")(?:/|\b)"
)


@pytest.fixture(scope="module")
def tracked() -> list[Path]:
    """The tracked files; in an unpacked archive without git, there is nothing to ask."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in names.split("\0") if name and (ROOT / name).is_file()]


def text_of(path: Path) -> str | None:
    """The file's text; None for a binary file."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


def test_python_files_stay_short(tracked):
    """A file over 400 lines is asking to be two."""
    python = [path for path in tracked if path.suffix == ".py"]
    assert python
    long = {
        str(path.relative_to(ROOT)): lines for path in python if (lines := len(text_of(path).splitlines())) > MAX_LINES
    }
    assert not long


def test_no_large_file(tracked):
    """Pictures and results are committed small; data and weights are made, not stored."""
    assert not [str(path.relative_to(ROOT)) for path in tracked if path.stat().st_size > MAX_BYTES]


def test_no_machine_path(tracked):
    """No file carries the path of the machine that wrote it."""
    found = {}
    for path in tracked:
        if hits := MACHINE_PATH.findall(text_of(path) or ""):
            found[str(path.relative_to(ROOT))] = hits[:3]
    assert not found


@pytest.mark.parametrize("text", ["/" + "root/x", "/" + "home/alice/x", "cd /" + "work/main"])
def test_machine_path_pattern_bites(text):
    """The pattern above finds what it is there for."""
    assert MACHINE_PATH.search(text)


def test_lock_names_no_registry():
    """The lock holds names, versions and hashes; where they come from is the installer's configuration."""
    lock = (ROOT / "requirements.lock").read_text()
    assert not re.search(r"://|--index|--find-links|--extra-index| @ |^-e ", lock, flags=re.MULTILINE)


def test_lock_is_pinned_hashed_and_sorted():
    """Every line is name==version with at least one SHA-256, in alphabetical order."""
    lock = (ROOT / "requirements.lock").read_text()
    entries = re.findall(
        r"^([a-z0-9][a-z0-9.-]*)==\S+(?: ; [^\\]+)? \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)",
        lock,
        re.MULTILINE,
    )
    starts = re.findall(r"^[^#\s].*", lock, re.MULTILINE)
    assert len(entries) == len(starts) > 100
    names = [name for name, _ in entries]
    assert names == sorted(names)


def test_lock_holds_the_direct_dependencies():
    """What pyproject pins, the lock pins to the same version."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    lock = dict(re.findall(r"^([a-z0-9.-]+)==(\S+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE))
    extras = project["project"]["optional-dependencies"]
    locked = [requirement for extra in ("lab", "physx", "jetson", "dev") for requirement in extras[extra]]
    for requirement in [*locked, *project["build-system"]["requires"]]:
        name, version = re.fullmatch(r"([a-z0-9-]+)(?:\[[a-z,]+\])?==(\S+)", requirement).groups()
        assert lock[name] == version, requirement


def test_licences_name_every_direct_dependency():
    """LICENSES.md has a row for each dependency that pyproject names."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    document = (ROOT / "LICENSES.md").read_text()
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    for requirement in (line for group in groups for line in group):
        name = re.match(r"[a-z0-9-]+", requirement).group()
        assert f"`{name}`" in document, name
