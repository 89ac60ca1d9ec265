"""Train: a policy in an engine, or the avoidance classifier on a dataset; curves while it goes."""

from __future__ import annotations

from typing import Any

from sim2real.studio import catalogue
from sim2real.studio.actions import Action
from sim2real.studio.fields import Field
from sim2real.studio.outputs import Curve, FileLink, Output, Table, Text, series
from sim2real.studio.runs import read_curve_rows, read_json
from sim2real.studio.section import Section
from sim2real.studio.values import Values
from sim2real.studio.workspace import Workspace

ORDER = 50
MOST_POINTS = 500
"""Points of a curve that is drawn; longer trainings are thinned."""


def fields(values: Values) -> tuple[Field, ...]:
    """Return how long, how wide and where to train."""
    task = values["robot.task"]
    pictures = task == catalogue.AVOIDANCE
    return (
        Field(
            key="train.out",
            label="Run folder",
            help="Where checkpoints and curves go. The same folder again goes on after the last checkpoint.",
            kind="path",
            default=f"runs/train/{task}",
        ),
        Field(
            key="train.randomize",
            label="Randomize",
            help="Train with the spec of the panel; off trains in the nominal world.",
            kind="toggle",
            default=True,
            hidden=pictures,
        ),
        Field(
            key="train.num_envs",
            label="Environments",
            help="Robots that are simulated side by side. 4096 suit a GPU, 64 to 256 a CPU.",
            kind="integer",
            low=1,
            high=1_000_000,
            step=64,
            optional=True,
            hint="the task's; 256 on a CPU",
            hidden=pictures,
        ),
        Field(
            key="train.iterations",
            label="Iterations",
            help="Iterations in all; a run that has as many already is finished.",
            kind="integer",
            low=1,
            high=10_000_000,
            step=50,
            optional=True,
            hint="as the task says",
            hidden=pictures,
        ),
        Field(
            key="train.seed",
            label="Training seed",
            help="Seed of the weights and of exploration. The draws have the spec's own seed.",
            kind="integer",
            low=0,
            high=2**31 - 1,
            step=1,
            optional=True,
            hint="the tool's",
            advanced=True,
        ),
        Field(
            key="train.save_every",
            label="Save every",
            help="Iterations between two checkpoints.",
            kind="integer",
            unit="iterations",
            low=1,
            high=1_000_000,
            step=25,
            optional=True,
            hint="25",
            advanced=True,
            hidden=pictures,
        ),
        Field(
            key="train.curriculum",
            label="Curriculum",
            help="Stages in which the spec comes to act, with gates; none lets all of it act from the start.",
            kind="choice",
            choices=("none", *catalogue.curricula()),
            default="none",
            advanced=True,
            hidden=pictures,
        ),
        Field(
            key="train.start",
            label="Begin with",
            help="Run folder whose networks to begin with (fine-tuning).",
            kind="path",
            optional=True,
            hint="runs/train/plain",
            advanced=True,
            hidden=pictures,
        ),
        Field(
            key="train.privileged",
            label="Teacher",
            help="Let the actor see what the critic sees: a teacher for a student.",
            kind="toggle",
            default=False,
            advanced=True,
            hidden=pictures,
        ),
        Field(
            key="train.teacher",
            label="Learn from teacher",
            help="Run folder of a teacher, which the robot's actor imitates.",
            kind="path",
            optional=True,
            advanced=True,
            hidden=pictures,
        ),
        Field(
            key="train.ranks",
            label="Processes",
            help="Train with so many processes, one on each GPU.",
            kind="integer",
            low=1,
            high=64,
            step=1,
            optional=True,
            hint="1",
            advanced=True,
            hidden=pictures,
        ),
        Field(
            key="train.data",
            label="Dataset",
            help="Folder of the frames that the classifier learns from; 'Dataset' makes one.",
            kind="path",
            default=values["dataset.out"],
            hidden=not pictures,
        ),
        Field(
            key="train.epochs",
            label="Epochs",
            help="Passes over the training frames.",
            kind="integer",
            low=1,
            high=10_000,
            step=1,
            optional=True,
            hint="as the preset says",
            hidden=not pictures,
        ),
        Field(
            key="train.batch_size",
            label="Batch",
            help="Frames per step.",
            kind="integer",
            unit="frames",
            low=1,
            high=65_536,
            step=16,
            optional=True,
            hint="as the preset says",
            advanced=True,
            hidden=not pictures,
        ),
        Field(
            key="train.learning_rate",
            label="Learning rate",
            help="Learning rate of the classifier; its peak under the default preset.",
            kind="number",
            low=1e-8,
            high=10.0,
            optional=True,
            hint="as the preset says",
            advanced=True,
            hidden=not pictures,
        ),
    )


_OPTIONS = {
    "--num-envs": "train.num_envs",
    "--iterations": "train.iterations",
    "--save-every": "train.save_every",
    "--ranks": "train.ranks",
}
_OF_PICTURES = {
    "--epochs": "train.epochs",
    "--batch-size": "train.batch_size",
    "--learning-rate": "train.learning_rate",
}


def train(values: Values, workspace: Workspace) -> list[str]:
    """Return the command that trains, or goes on."""
    common = ["--out", str(workspace.path(values["train.out"])), "--device", values["robot.device"]]
    common += _given(values, {"--seed": "train.seed"})
    if values["robot.task"] == catalogue.AVOIDANCE:
        return ["train", "--data", str(workspace.path(values["train.data"])), *common, *_given(values, _OF_PICTURES)]
    words = ["train", values["robot.task"], "--physics", values["robot.physics"], *common, *_given(values, _OPTIONS)]
    if values["train.randomize"]:
        words += ["--spec", values.spec_argument()]
    if values["train.curriculum"] != "none":
        words += ["--curriculum", values["train.curriculum"]]
    if values["train.privileged"]:
        words.append("--privileged")
    for option, key in (("--teacher", "train.teacher"), ("--from", "train.start")):
        if values[key] is not None:
            words += [option, str(workspace.path(values[key]))]
    return words


def _given(values: Values, options: dict[str, str]) -> list[str]:
    return [word for option, key in options.items() if values[key] is not None for word in (option, str(values[key]))]


def why_not_train(values: Values) -> str | None:
    """Return what is missing before a training can begin."""
    if values["robot.task"] == catalogue.AVOIDANCE:
        data = values["train.data"]
        if not (values.workspace.path(data) / "dataset.json").is_file():
            return f"{data} is no dataset; generate one first, or choose another under 'Dataset'"
    elif values["robot.physics"] == "isaacsim_physx":
        return "isaacsim_physx trains inside of Isaac Sim: run standalone/train_policy.py with its python.sh"
    return None


def why_not_play(values: Values) -> str | None:
    """Return what is missing before a policy can be played."""
    if values["robot.task"] == catalogue.AVOIDANCE:
        return "the avoidance policy is driven by 'Transfer'"
    folder = values.workspace.path(values["train.out"])
    return (
        None if any(folder.glob("model_*.pt")) else f"there is no checkpoint in {values['train.out']} yet; train first"
    )


def play(values: Values, workspace: Workspace) -> list[str]:
    """Return the command that plays the last checkpoint and prints numbers."""
    run = str(workspace.path(values["train.out"]))
    return ["play", run, "--headless", "--episodes", "16", "--physics", values["robot.physics"]]


def outputs(values: Values, workspace: Workspace) -> list[Output]:
    """Show the curves of the run folder, or what the classifier reached."""
    folder = workspace.path(values["train.out"])
    if values["robot.task"] == catalogue.AVOIDANCE:
        return _classifier(folder, workspace)
    rows = read_curve_rows(folder)
    if not rows:
        return [Text(lines=(f"Nothing in {values['train.out']} yet.",))]
    thin = rows[:: max(1, len(rows) // MOST_POINTS)]
    steps = [row.get("env_steps", 0) for row in thin]
    shown: list[Output] = [
        Curve(
            title="Reward",
            series=(series("reward of an episode", steps, [row.get("reward") for row in thin]),),
            x_label="env steps",
            y_label="reward",
        ),
        Curve(
            title="Episode length",
            series=(series("steps of an episode", steps, [row.get("episode_length") for row in thin]),),
            x_label="env steps",
            y_label="steps",
        ),
        _last(rows[-1]),
    ]
    if (folder / "curves.png").is_file():
        shown.append(FileLink(label="All curves", path=workspace.relative(folder / "curves.png")))
    return shown


def _last(row: dict[str, Any]) -> Table:
    """The newest iteration in numbers."""
    cells = [("Iteration", str(row.get("iteration"))), ("Env steps", f"{row.get('env_steps', 0):,}")]
    if row.get("steps_per_s"):
        cells.append(("Env steps per second", f"{row['steps_per_s']:,.0f}"))
    for name, value in (row.get("log") or {}).items():
        if name.startswith("Metrics/") and isinstance(value, int | float):
            cells.append((name.removeprefix("Metrics/").replace("/", ": ").replace("_", " "), f"{value:.3f}"))
    return Table(title="Newest iteration", columns=("What", "Value"), rows=tuple(cells))


def _classifier(folder: Any, workspace: Workspace) -> list[Output]:
    found = read_json(folder / "metrics.json")
    if found is None:
        return [Text(lines=("The classifier's figures come when the training ends.",))]
    rows = tuple(
        (name.replace("_", " "), f"{value:.4g}" if isinstance(value, float) else str(value))
        for name, value in found.items()
        if isinstance(value, int | float | str) and not isinstance(value, bool)
    )
    shown: list[Output] = [Table(title="The classifier", columns=("What", "Value"), rows=rows)]
    if (folder / "confusion.png").is_file():
        shown.append(FileLink(label="Confusion", path=workspace.relative(folder / "confusion.png")))
    return shown


SECTION = Section(
    key="train",
    title="Train",
    help="Train a policy with the randomization above. A training goes on when this window is closed.",
    fields=fields,
    outputs=outputs,
    actions=(
        Action(
            key="train.start",
            label="Train",
            help="Starts the training, or goes on after the last checkpoint in the run folder.",
            argv=train,
            ready=why_not_train,
        ),
        Action(
            key="train.play",
            label="Play",
            help="Plays 16 episodes of the last checkpoint and tells reward, length and failures.",
            argv=play,
            ready=why_not_play,
        ),
    ),
)
