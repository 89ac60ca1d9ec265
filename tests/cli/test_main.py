"""The dispatcher: the list of verbs, exit codes, and what a person reads when something is wrong."""

import subprocess
import sys
import time
import types

import pytest

from sim2real.cli import main as cli
from sim2real.cli.verbs import VERBS, find_verb
from sim2real.errors import Sim2RealError


@pytest.fixture
def verb_module(monkeypatch):
    """Puts a stand-in module behind the verb 'check' and returns it."""
    module = types.ModuleType("sim2real.cli.check")
    module.HELP = "stand-in"
    module.add_arguments = lambda parser: parser.add_argument("folder")
    module.run = lambda args: 0
    monkeypatch.setitem(sys.modules, "sim2real.cli.check", module)
    return module


def test_help_lists_every_verb(capsys):
    """--help names every verb of the table with its line."""
    assert cli.main(["--help"]) == 0
    shown = capsys.readouterr().out
    for verb in VERBS:
        assert verb.name in shown and verb.help in shown


def test_no_argument_shows_help(capsys):
    """Typing the command alone is a question, not an error."""
    assert cli.main([]) == 0
    assert "usage:" in capsys.readouterr().out


def test_help_is_quick_and_imports_nothing_heavy():
    """--help answers in under half a second and without numpy, torch, warp or Isaac Lab."""
    code = (
        "import sys; from sim2real.cli.main import main; main(['--help']);"
        "print(sorted({'numpy', 'torch', 'warp', 'yaml', 'isaaclab'} & set(sys.modules)))"
    )
    times = []
    for _ in range(3):
        begin = time.monotonic()
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        times.append(time.monotonic() - begin)
    assert done.stdout.splitlines()[-1] == "[]"
    assert min(times) < 0.5


@pytest.mark.parametrize("verb", [verb.name for verb in VERBS])
def test_every_verb_answers_help(verb, capsys):
    """VERB --help works for each, with an example where the table has one, in a process that may lack the verb."""
    try:
        code = cli.main([verb, "--help"])
    except SystemExit as stop:
        code = stop.code
    assert code == 0
    shown = capsys.readouterr().out
    assert verb in shown
    for example in find_verb(verb).examples:
        assert example.endswith("--help") or example in shown


@pytest.mark.parametrize("typed, meant", [("trian", "train"), ("generat", "generate"), ("tests", "test")])
def test_unknown_verb_suggests_the_near_one(typed, meant, capsys):
    """A misspelt verb is answered with the one that was meant, and exit code 2."""
    assert cli.main([typed]) == 2
    assert f"Did you mean '{meant}'?" in capsys.readouterr().err


def test_unknown_verb_without_neighbour_lists_all(capsys):
    """Where nothing is near, the verbs are listed and nothing is guessed."""
    assert cli.main(["zzz"]) == 2
    shown = capsys.readouterr().err
    assert "Did you mean" not in shown
    assert all(verb.name in shown for verb in VERBS)


def test_user_error_is_a_message_not_a_traceback(verb_module, capsys):
    """Sim2RealError, and every class derived from it, becomes one message on stderr and exit code 2."""

    class DatasetError(Sim2RealError):
        pass

    def run(args):
        raise DatasetError(f"{args.folder} is not a dataset")

    verb_module.run = run
    assert cli.main(["check", "runs/x"]) == 2
    assert capsys.readouterr().err == "error: runs/x is not a dataset\n"


def test_our_own_fault_keeps_its_traceback(verb_module):
    """An exception that is not the user's to mend is not hidden."""

    def run(args):
        raise ZeroDivisionError

    verb_module.run = run
    with pytest.raises(ZeroDivisionError):
        cli.main(["check", "runs/x"])


def test_ctrl_c_says_what_is_kept(verb_module, capsys):
    """Ctrl-C ends with 130 and the verb's sentence about what is left behind."""

    def run(args):
        raise KeyboardInterrupt

    verb_module.run = run
    assert cli.main(["check", "runs/x"]) == 130
    assert find_verb("check").kept in capsys.readouterr().err


def test_exit_code_is_the_verbs(verb_module):
    """What run returns is the exit code."""
    verb_module.run = lambda args: 1
    assert cli.main(["check", "x"]) == 1


def test_missing_package_names_it_and_the_remedy(verb_module, capsys):
    """A dependency that is not installed is named together with the way to get it."""

    def run(args):
        import a_package_that_does_not_exist.inner  # noqa: F401

    verb_module.run = run
    assert cli.main(["check", "x"]) == 2
    shown = capsys.readouterr().err
    assert "'a_package_that_does_not_exist'" in shown and "setup" in shown


def test_missing_module_of_ours_is_our_fault(verb_module):
    """A broken import inside sim2real is not blamed on the user's installation."""

    def run(args):
        import sim2real.no_such_module  # noqa: F401

    verb_module.run = run
    with pytest.raises(ModuleNotFoundError):
        cli.main(["check", "x"])


def test_absent_verb_is_an_error_but_not_for_help(monkeypatch, capsys):
    """An installation that lacks a verb says so with exit code 2; its --help still tells what it would do."""
    monkeypatch.setitem(sys.modules, "sim2real.cli.train", None)  # importing it now raises ModuleNotFoundError
    assert cli.main(["train"]) == 2
    assert "not part of this installation" in capsys.readouterr().err
    assert cli.main(["train", "--help"]) == 0
    assert find_verb("train").help in capsys.readouterr().out


def test_arguments_of_the_test_verb_pass_through(monkeypatch):
    """What follows 'test' reaches pytest in its order, and a chosen -m replaces the default one."""
    from sim2real.cli import test as verb

    assert verb.commands(["-x", "tests/spec"])[-1][1] == ["pytest", "-m", "not slow", "-x", "tests/spec"]
    assert verb.commands(["-m", "slow"])[-1][1] == ["pytest", "-m", "slow"]
    assert verb.commands([])[-1][1] == ["pytest", "-m", "not slow", *verb.PARALLEL]
    seen = []
    monkeypatch.setattr(verb, "run", lambda args: seen.append(args.rest) or 0)
    assert cli.main(["test", "-k", "a or b", "tests/cli", "--maxfail=1"]) == 0
    assert seen == [["-k", "a or b", "tests/cli", "--maxfail=1"]]


@pytest.mark.parametrize("verb", ["--version", "-V"])
def test_version(verb, capsys):
    """The version is the package's."""
    import sim2real

    assert cli.main([verb]) == 0
    assert sim2real.__version__ in capsys.readouterr().out
