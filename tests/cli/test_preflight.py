"""What set-up checks before it downloads, and that nobody's consent is ever assumed."""

import re
import sys
from importlib import metadata
from pathlib import Path

import pytest

from sim2real.cli import preflight, terms

ROOT = Path(__file__).parents[2]
LOCK = (ROOT / "requirements.lock").read_text()


def test_platform():
    """The lock is for Linux on x86_64; elsewhere set-up stops and names what does work there."""
    assert preflight.check_platform("Linux", "x86_64").level == "ok"
    for system, machine in [("Linux", "aarch64"), ("Darwin", "arm64"), ("Windows", "AMD64")]:
        finding = preflight.check_platform(system, machine)
        assert finding.level == "stop" and machine in finding.text and "pip install" in finding.text


@pytest.mark.parametrize(
    "version, level", [("2.31", "stop"), ("2.34", "stop"), ("2.35", "ok"), ("2.36", "ok"), ("3.0", "ok"), ("", "stop")]
)
def test_glibc(version, level):
    """Versions compare as numbers; no glibc (musl) is a stop of its own."""
    assert preflight.check_glibc(version).level == level


@pytest.mark.parametrize(
    "cpuinfo, level",
    [("flags\t\t: fpu sse4_2 avx avx2\n", "ok"), ("flags\t\t: fpu sse4_2 xsave\n", "stop"), ("", "warn")],
)
def test_avx(cpuinfo, level):
    """Without AVX the engines would die with an illegal instruction: stop before downloading."""
    assert preflight.check_cpu(cpuinfo).level == level


def test_avx_is_a_word_not_a_prefix():
    """'avx512f' alone, as an odd mask shows it, is not AVX."""
    assert preflight.check_cpu("flags : fpu avx512f\n").level == "stop"


def test_disk():
    """Too little room is a stop that names both figures and the place."""
    assert preflight.check_disk(12.5, 12.0, "/somewhere").level == "ok"
    finding = preflight.check_disk(3.24, 12.0, "/somewhere")
    assert finding.level == "stop"
    assert all(part in finding.text for part in ("3.2 GB", "12 GB", "/somewhere"))


@pytest.mark.parametrize("driver, level", [(None, "ok"), ("535.183.01", "warn"), ("580.65.06", "ok"), ("590.1", "ok")])
def test_driver(driver, level):
    """No driver is fine (CPU), an old one is a warning, never a stop."""
    assert preflight.check_driver(driver).level == level


def ask_never(question):
    raise AssertionError("nobody may be asked here")


def test_terms_unanswered_without_a_terminal_are_refused(capsys):
    """No terminal and no flag: refused, with the list, the flag and the variable shown."""
    said = []
    assert not preflight.ask_terms(
        LOCK, remembered="", accepted=False, interactive=False, ask=ask_never, say=said.append
    )
    text = "\n".join(said)
    for part in ("ovphysx", "ovstage", "omniverseclient", "nvidia-cudnn-cu13", "--accept-nvidia-terms", "https://"):
        assert part in text


@pytest.mark.parametrize(
    "answer, accepted", [("y", True), ("Yes", True), ("", False), ("n", False), ("yep", False), ("1", False)]
)
def test_terms_asked_once_default_no(answer, accepted):
    """At a terminal only y or yes accepts; pressing return does not."""
    questions = []

    def ask(question):
        questions.append(question)
        return answer

    got = preflight.ask_terms(LOCK, remembered="", accepted=False, interactive=True, ask=ask, say=lambda text: None)
    assert got is accepted
    assert len(questions) == 1 and "[y/N]" in questions[0]


def test_terms_end_of_input_is_no():
    """A closed terminal is no consent."""

    def ask(question):
        raise EOFError

    assert not preflight.ask_terms(
        LOCK, remembered="", accepted=False, interactive=True, ask=ask, say=lambda text: None
    )


def test_terms_flag_answers_and_still_shows_them():
    """The flag answers for the user, who still reads in the log what was accepted."""
    said = []
    assert preflight.ask_terms(LOCK, remembered="", accepted=True, interactive=True, ask=ask_never, say=said.append)
    assert "ovphysx" in said[0]


def test_terms_remembered_for_the_same_packages_only():
    """An answer is good for the packages and versions it was given for, and for no other."""
    remembered = terms.terms_digest(LOCK) + "\n"
    silent = {"accepted": False, "interactive": False, "ask": ask_never}
    assert preflight.ask_terms(LOCK, remembered=remembered, say=ask_never, **silent)
    newer = re.sub(r"^ovphysx==\S+", "ovphysx==99.0", LOCK, flags=re.MULTILINE)
    assert newer != LOCK
    assert not preflight.ask_terms(newer, remembered=remembered, say=lambda text: None, **silent)
    other = re.sub(r"^tqdm==\S+", "tqdm==99.0", LOCK, flags=re.MULTILINE)
    assert preflight.ask_terms(other, remembered=remembered, say=ask_never, **silent)


def test_a_lock_without_such_packages_asks_nothing():
    """Where nothing needs consent nobody is asked."""
    assert preflight.ask_terms(
        "numpy==2.0 \\\n", remembered="", accepted=False, interactive=False, ask=ask_never, say=ask_never
    )


def test_machine_that_lacks_something_stops_before_the_terms(tmp_path, monkeypatch, capsys):
    """A machine that cannot run it is told so; the question about terms is not put."""
    stop = [preflight.Finding(level="stop", text="no AVX here")]
    monkeypatch.setattr(preflight, "inspect_machine", lambda where, needed_gb: stop)
    monkeypatch.setattr(preflight, "ask_terms", ask_never)
    paths = ["--lock", str(ROOT / "requirements.lock"), "--venv", str(tmp_path / ".venv"), "--remembered", "none"]
    assert preflight.main(paths) == 2
    shown = capsys.readouterr().err
    assert "no AVX here" in shown and "Nothing was downloaded" in shown


def test_disk_needed_is_less_for_an_update(tmp_path, monkeypatch):
    """A finished environment only needs room for what changed; an unfinished one needs all of it."""
    asked = []
    monkeypatch.setattr(preflight, "inspect_machine", lambda where, needed_gb: asked.append(needed_gb) or [])
    monkeypatch.setattr(preflight, "ask_terms", lambda *args, **kwargs: True)
    venv = tmp_path / ".venv"
    (venv / "bin").mkdir(parents=True)
    (venv / "bin" / "python").touch()
    paths = ["--lock", str(ROOT / "requirements.lock"), "--venv", str(venv), "--remembered", "none"]
    assert preflight.main(paths) == 0
    (venv / "sim2real-stamp").touch()
    assert preflight.main(paths) == 0
    assert asked == [preflight.DISK_NEW_GB, preflight.DISK_UPDATE_GB]


def test_odd_value_of_the_variable_is_an_error(tmp_path, monkeypatch, capsys):
    """SIM2REAL_ACCEPT_NVIDIA_TERMS=yes is not taken for consent, nor silently ignored."""
    monkeypatch.setattr(preflight, "inspect_machine", lambda where, needed_gb: [])
    monkeypatch.setenv(preflight.ACCEPT_VARIABLE, "yes")
    paths = ["--lock", str(ROOT / "requirements.lock"), "--venv", str(tmp_path), "--remembered", "none"]
    assert preflight.main(paths) == 2
    assert preflight.ACCEPT_VARIABLE in capsys.readouterr().err


def closed_source(name: str) -> bool:
    """Whether a package's metadata, as installed, names proprietary terms."""
    info = metadata.metadata(name)
    stated = [info.get("License-Expression", ""), info.get("License", "")[:200], *(info.get_all("Classifier") or [])]
    return any("proprietary" in text.lower() or "licenseref-nvidia" in text.lower() for text in stated)


def test_every_closed_package_of_the_lock_is_listed():
    """Installed metadata that says 'proprietary' is in the table of terms, or was read and found open."""
    listed = {name for group in terms.TERMS for name in group.packages}
    closed = []
    for name in terms.locked_versions(LOCK):
        try:
            if closed_source(name):
                closed.append(name)
        except metadata.PackageNotFoundError:
            continue  # the lock's marker leaves it out on this Python
    assert "ovphysx" in closed, "the metadata was read"
    assert set(closed) <= listed | set(terms.OPEN_AFTER_READING)


def test_every_nvidia_name_of_the_lock_is_classified():
    """Also without metadata: a new nvidia-* or ov* package in the lock must be looked at by someone."""
    listed = {name for group in terms.TERMS for name in group.packages} | set(terms.OPEN_AFTER_READING)
    suspects = {name for name in terms.locked_versions(LOCK) if re.match(r"nvidia-|ov[a-z]+|omniverse", name)}
    assert suspects and suspects <= listed


def test_listed_packages_are_in_the_lock_and_in_the_licence_table():
    """The table names nothing that is not downloaded, and LICENSES.md names all of it."""
    document = (ROOT / "LICENSES.md").read_text()
    for group in terms.TERMS:
        for name in group.packages:
            assert name in terms.locked_versions(LOCK), name
            assert f"`{name}`" in document, name


def test_preflight_needs_the_standard_library_alone():
    """Both files run before anything is installed: they import the standard library, each other, and nothing else."""
    sys.path.insert(0, str(ROOT / "tests"))
    from imports_rule import imports_of

    for module in (preflight, terms):
        text = Path(module.__file__).read_text()
        roots = {item.target for item in imports_of(text, module.__name__)}
        outside = {name for name in roots if name.partition(".")[0] not in sys.stdlib_module_names}
        assert all(name.startswith("sim2real.cli.terms.") for name in outside), outside
