"""Warming: finds every module with kernels, calls hooks that exist, and never stops a set-up."""

from pathlib import Path

from sim2real.cli import warm

SOURCE = Path(warm.__file__).parents[2]


def test_modules_with_kernels_are_found(tmp_path):
    """A file with a kernel is found under its dotted name; one without is not."""
    folder = tmp_path / "sim2real" / "vision"
    folder.mkdir(parents=True)
    (folder / "kernels.py").write_text("import warp as wp\n\n\n@wp.kernel\ndef f(): ...\n")
    (folder / "plain.py").write_text("x = 1\n")
    assert warm.kernel_modules(tmp_path) == ["sim2real.vision.kernels"]


def test_own_kernels_compile():
    """The kernels of this checkout compile for the CPU, those with a Warp module of their own too."""
    names = warm.kernel_modules(SOURCE)
    assert "sim2real.cli.warm" not in names
    assert "sim2real.lab.guard_kernels" in names
    warm.compile_kernels([names[0], "sim2real.lab.guard_kernels"])


def test_absent_hook_is_passed_over(monkeypatch):
    """A hook of a module that is not there yet is no failure; one of an existing module is called."""
    called = []
    monkeypatch.setattr(warm, "a_hook", lambda: called.append(True), raising=False)
    assert warm.run_hook("sim2real.no_such_package.warm:warm") is False
    assert warm.run_hook("sim2real.cli.warm:a_hook") is True
    assert called == [True]


def test_failing_part_is_named_and_the_rest_goes_on(monkeypatch, capsys):
    """A part that raises is a warning with its name; the next part still runs, and the exit code tells."""
    done = []

    def compile_kernels(names):
        done.extend(names)
        if names == ["first"]:
            raise RuntimeError("no compiler")

    monkeypatch.setattr(warm, "kernel_modules", lambda source: ["first", "second"])
    monkeypatch.setattr(warm, "compile_kernels", compile_kernels)
    monkeypatch.setattr(warm, "HOOKS", ())
    assert warm.main() == 1
    assert done == ["first", "second"]
    assert "first: RuntimeError: no compiler" in capsys.readouterr().err
