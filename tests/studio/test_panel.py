"""The panel takes what is good, keeps what is bad out, forgets nothing, and never waits."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from sim2real.spec import SpecError, load_spec, parse_spec
from sim2real.studio import Panel, StudioError, WorkspaceError
from studio.waiting import until

SHELL = ["/bin/sh"]


@pytest.fixture
def panel(tmp_path: Path):
    """A panel of an empty workspace whose verbs are run by a shell that knows none."""
    made = Panel(tmp_path, SHELL)
    yield made
    made.close()


def reopened(panel: Panel) -> Panel:
    """The same workspace in another window."""
    panel.close()
    return Panel(panel.workspace.root, SHELL)


def test_a_bad_value_never_enters(panel: Panel):
    """The old value stays, the message stands at the field until it is set well; nothing can be undone."""
    assert "whole number" in str(panel.set("train.num_envs", "ten"))
    assert panel.value("train.num_envs") is None and not panel.can_undo
    assert list(panel.errors) == ["train.num_envs"]
    assert panel.set("train.num_envs", "16") is None
    assert panel.value("train.num_envs") == 16 and not panel.errors


def test_the_loader_has_the_last_word(panel: Panel):
    """What the spec's loader refuses is refused at the field, in its words."""
    message = panel.set("physics.signals.command.latency.range", "0 50000")
    assert message is not None and "allowed: 0 to 10 s" in message
    assert panel.spec_text() == load_text("go2")


def load_text(preset: str) -> str:
    """A preset as it was written."""
    from sim2real.paths import presets_dir

    return (presets_dir() / "randomization" / f"{preset}.yaml").read_text(encoding="utf-8")


def test_every_change_can_be_undone_and_redone(panel: Panel):
    """All the way back, all the way forth; a new change forgets what was undone."""
    changes = [
        ("train.num_envs", 16),
        ("physics.terms.base_mass.range", (0.5, 1.5)),
        ("physics.terms.push.on", False),
        ("robot.task", "panda"),
        ("train.num_envs", None),
    ]
    states = []
    for key, value in changes:
        states.append((dict(panel.values.given), panel.spec_text()))
        assert panel.set(key, value) is None
    last = (dict(panel.values.given), panel.spec_text())
    for state in reversed(states):
        assert panel.undo() and (panel.values.given, panel.spec_text()) == state
    assert not panel.undo() and not panel.can_undo
    while panel.redo():
        pass
    assert (panel.values.given, panel.spec_text()) == last
    panel.undo()
    panel.set("train.seed", 3)
    assert not panel.can_redo and not panel.redo()


def test_setting_what_is_set_is_no_change(panel: Panel):
    """A window may write back what it shows; undo has nothing to do with that."""
    for section in panel.sections:
        for field in panel.fields(section.key):
            assert panel.set(field.key, field.show(panel.value(field.key))) is None, field.key
    assert not panel.can_undo and panel.values.given == {}


def test_a_reopened_panel_is_as_it_was(panel: Panel):
    """Values, edited ranges and what is switched off come back."""
    panel.set("robot.task", "go2_rough")
    panel.set("train.iterations", 7)
    panel.set("physics.terms.motor_strength.on", False)
    panel.set("robot.seed", 2**64 - 1)
    before = (dict(panel.values.given), panel.spec_text(), panel.values.document)
    again = reopened(panel)
    assert (again.values.given, again.spec_text(), again.values.document) == before and not again.notices
    assert again.values.document.spec.seed == 2**64 - 1
    assert again.set("physics.terms.motor_strength.on", True) is None
    again.close()


def test_a_preset_replaces_the_spec(panel: Panel):
    """Undo brings the old one back; an unknown one changes nothing."""
    panel.set("physics.terms.base_mass.range", "0.5 1.5")
    edited = panel.spec_text()
    panel.apply_preset("avoidance")
    assert panel.spec_text() == load_text("avoidance") and panel.value("robot.spec") == "avoidance"
    with pytest.raises(StudioError, match="nowhere"):
        panel.apply_preset("nowhere")
    panel.undo()
    assert panel.spec_text() == edited


def test_a_robot_brings_its_spec_along(panel: Panel):
    """In one step, and only as long as nobody chose or edited another."""
    panel.set("robot.task", "panda")
    assert panel.value("robot.spec") == "panda"
    panel.undo()
    assert (panel.value("robot.task"), panel.value("robot.spec")) == ("go2", "go2")
    panel.set("physics.terms.base_mass.range", "0.5 1.5")
    panel.set("robot.task", "panda")
    assert panel.value("robot.spec") == "go2"


def test_a_state_is_saved_and_loaded(panel: Panel):
    """Into the workspace, and from there alone."""
    panel.set("train.num_envs", 32)
    panel.set("physics.terms.base_mass.range", "0.5 1.5")
    assert panel.save("states/mine") == "states/mine.yaml"
    text = panel.spec_text()
    panel.undo()
    panel.undo()
    panel.load("states/mine.yaml")
    assert panel.value("train.num_envs") == 32 and panel.spec_text() == text
    panel.undo()
    assert panel.value("train.num_envs") is None
    for path in ("../mine.yaml", "/etc/hostname"):
        with pytest.raises(WorkspaceError):
            panel.save(path)
        with pytest.raises(WorkspaceError):
            panel.load(path)


def test_a_spec_is_saved_and_loaded(panel: Panel):
    """As a file that every verb takes; values stay as they are when it is loaded."""
    panel.set("train.num_envs", 32)
    panel.set("physics.terms.push.on", False)
    wanted = panel.values.document.spec
    assert panel.save("mine.spec.yaml") == "mine.spec.yaml"
    assert load_spec(panel.workspace.root / "mine.spec.yaml") == wanted
    panel.apply_preset("avoidance")
    panel.load("mine.spec.yaml")
    assert panel.values.document.spec == wanted and panel.value("train.num_envs") == 32
    assert panel.value("robot.spec") == "mine"


@pytest.mark.parametrize(
    "text, part",
    [
        ("", "neither"),
        ("[1, 2]", "neither"),
        ("studio: 2\n", "neither"),
        ("studio: 1\nspec: {preset: true}\n", "has a name"),
        ("studio: 1\nspec: {name: go2, preset: true}\nvalues: [1]\n", "mappings"),
        ("schema: 1\nseed: x\n", "seed"),
        ("a: [", "no valid YAML"),
        ("schema: 1\n# \udc80\n", "cannot be read"),
    ],
)
def test_what_is_no_state_changes_nothing(panel: Panel, text: str, part: str):
    """It is refused with a reason; the panel stays as it is."""
    (panel.workspace.root / "bad.yaml").write_bytes(text.encode("utf-8", "surrogateescape"))
    panel.set("train.num_envs", 32)
    before = (dict(panel.values.given), panel.spec_text())
    with pytest.raises((StudioError, SpecError), match=part):
        panel.load("bad.yaml")
    assert (panel.values.given, panel.spec_text()) == before


def test_a_broken_state_is_set_aside(panel: Panel):
    """The panel opens all the same, says so, and the old file is kept."""
    state = panel.workspace.private / "panel.yaml"
    state.write_text("studio: 1\nspec: {name: x, text: 'schema: 1'}\n")
    again = reopened(panel)
    assert "began anew" in again.notices[0] and again.spec_text() == load_text("go2")
    assert "schema" in (panel.workspace.private / "panel.broken.yaml").read_text()
    again.close()


def test_values_of_another_release_are_told_of(panel: Panel):
    """A field that is gone, or takes another kind of value, costs that value and no more."""
    state = panel.workspace.private / "panel.yaml"
    state.write_text(
        "studio: 1\nspec: {name: go2, preset: true}\n"
        "values: {train.num_envs: 8, train.gone: 1, train.iterations: many, train.out: ../../x, x: 1}\n"
    )
    again = reopened(panel)
    assert again.values.given == {"train.num_envs": 8}
    assert [notice.partition(":")[0] for notice in again.notices] == [
        "train.gone",
        "train.iterations",
        "train.out",
        "x",
    ]
    again.close()


def test_unknown_names_are_said(panel: Panel):
    """A typing mistake in a front end does not pass in silence."""
    for wrong in (
        lambda: panel.set("train.num_env", 1),
        lambda: panel.set("nowhere.x", 1),
        lambda: panel.value("train.x"),
        lambda: panel.fields("trian"),
        lambda: panel.outputs("trian"),
        lambda: panel.start("train.begin"),
        lambda: panel.cancel("20000101"),
        lambda: panel.job("20000101"),
    ):
        with pytest.raises(StudioError):
            wrong()


def test_the_version_grows_with_every_change(panel: Panel):
    """A window that sees the same number need not draw."""
    seen = panel.poll()
    assert panel.poll() == seen
    for change in (
        lambda: panel.set("train.num_envs", 4),
        lambda: panel.set("train.num_envs", "x"),
        lambda: panel.undo(),
        lambda: panel.apply_preset("ur5"),
    ):
        change()
        assert panel.poll() > seen
        seen = panel.poll()


def test_threads_may_set_at_once(panel: Panel):
    """No change is lost, and each can be undone."""
    keys = ["train.num_envs", "train.iterations", "train.seed", "train.save_every"]

    def work(key: str) -> None:
        for value in range(1, 9):
            panel.set(key, value)

    threads = [threading.Thread(target=work, args=(key,)) for key in keys]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert panel.values.given == dict.fromkeys(keys, 8)
    steps = 0
    while panel.undo():
        steps += 1
    assert steps == 8 * len(keys) and panel.values.given == {}


def test_a_verb_runs_as_a_job(panel: Panel):
    """The command gets the verb and its arguments; the job is there when the workspace is opened again."""
    (panel.workspace.root / "robot").write_text('echo "$@"\n')
    (panel.workspace.root / "my.urdf").write_text("<robot/>")
    panel.set("robot.urdf", "my.urdf")
    job = panel.start("robot.add")
    assert job.action == "robot.add" and job.state in ("running", "done")
    until(lambda: panel.poll() > 0 and panel.job(job.id).over)
    found = panel.job(job.id)
    assert (found.state, found.log) == ("done", (f"add {panel.workspace.root / 'my.urdf'}",))
    again = reopened(panel)
    assert again.job(job.id) == found
    again.remove(job.id)
    assert again.jobs == ()
    again.close()


def test_an_action_that_is_not_ready_says_why(panel: Panel):
    """The button's reason is the error's."""
    why = panel.why_not("export.start")
    assert why is not None and "train first" in why
    with pytest.raises(StudioError, match="train first"):
        panel.start("export.start")
    assert panel.jobs == ()


def test_without_a_command_only_verbs_are_missing(panel: Panel, monkeypatch: pytest.MonkeyPatch):
    """The remedy is the reason; editing goes on."""
    with pytest.raises(StudioError, match="no program"):
        panel.set_command(["/nowhere/sim2real.sh"])
    monkeypatch.setenv("SIM2REAL_COMMAND", "/nowhere/sim2real.sh")
    panel.set_command(None)
    why = panel.why_not("train.start")
    assert why is not None and "/nowhere/sim2real.sh" in why
    assert panel.set("train.num_envs", 4) is None and panel.why_not("visual.preview") is None


def test_the_file_of_a_job_is_the_spec_that_acted(panel: Panel):
    """A run keeps what it was started with, whatever is edited later; the same spec is the same file."""
    assert panel.values.spec_argument() == "go2"
    panel.set("physics.terms.push.on", False)
    path = Path(panel.values.spec_argument())
    assert parse_spec(path.read_text()) == panel.values.document.spec
    assert panel.workspace.private in path.parents and panel.values.spec_argument() == str(path)
    panel.set("robot.seed", 8)
    assert panel.values.spec_argument() != str(path) and path.is_file()


def test_samples_beside_a_spec_are_found_from_anywhere(panel: Panel):
    """A spec that names a file beside it still names it when a run reads its copy."""
    root = panel.workspace.root
    (root / "mine").mkdir()
    (root / "mine" / "mass.csv").write_text("mass\n0.9\n1.1\n")
    (root / "mine" / "it.yaml").write_text(
        "schema: 1\nseed: 1\nterms:\n  m: {target: body.mass, op: scale, dist: {empirical: {file: mass.csv}}}\n"
        "  n: {target: body.mass, op: add, unit: kg, dist: {uniform: [0, 1]}}\n"
    )
    panel.load("mine/it.yaml")
    assert panel.set("physics.terms.n.range", "0 2") is None
    assert load_spec(panel.values.spec_argument()) == panel.values.document.spec
