"""Robot & task: what is trained, in which engine, and by which spec."""

from __future__ import annotations

from typing import Any

from sim2real.studio import catalogue
from sim2real.studio.actions import Action
from sim2real.studio.document import SpecDocument
from sim2real.studio.fields import Field
from sim2real.studio.outputs import Output, Table
from sim2real.studio.section import Section
from sim2real.studio.values import Values
from sim2real.studio.workspace import Workspace

ORDER = 10


def fields(values: Values) -> tuple[Field, ...]:
    """Return task, engine, device and spec."""
    document = values.document
    presets = catalogue.specs()
    return (
        Field(
            key="robot.task",
            label="Robot and task",
            help="What is trained and tested; the preset that goes with it comes along. 'Add robot' adds your own.",
            kind="choice",
            choices=catalogue.tasks(),
            default="go2",
        ),
        Field(
            key="robot.physics",
            label="Physics engine",
            help="Engine that training runs in. isaacsim_physx needs Isaac Sim; the two others run without it.",
            kind="choice",
            choices=catalogue.PHYSICS,
            default="newton_mjwarp",
        ),
        Field(
            key="robot.device",
            label="Device",
            help="Where training runs; auto takes the first GPU, else the CPU.",
            kind="choice",
            choices=catalogue.DEVICES,
            default="auto",
        ),
        Field(
            key="robot.spec",
            label="Randomization",
            help="The spec that says what is uncertain. Choosing another one replaces edited ranges; undo brings them "
            "back.",
            kind="choice",
            choices=presets if document.name in presets else (document.name, *presets),
            default=document.name,
        ),
        Field(
            key="robot.seed",
            label="Seed of the draws",
            help="The same seed gives the same world, episode and frame everywhere: here, in training, in Isaac Sim.",
            kind="integer",
            low=0,
            high=2**64 - 1,
            step=1,
            default=document.spec.seed,
        ),
        Field(
            key="robot.urdf",
            label="URDF to add",
            help="A robot description below the workspace, for 'Add robot'.",
            kind="path",
            optional=True,
            hint="robots/my.urdf",
            advanced=True,
        ),
    )


def edit(values: Values, key: str, value: Any) -> SpecDocument | None:
    """Return the spec after a change of its preset or seed."""
    if key == "robot.spec":
        return values.document if value == values.document.name else SpecDocument.of_preset(value)
    if key == "robot.seed":
        return values.document.with_seed(value)
    return None


def follow(values: Values, key: str, value: Any) -> SpecDocument | None:
    """Return the spec of another task, as long as the spec is still the one that goes with the old task."""
    goes_with = catalogue.SPEC_OF_TASK
    old, new = goes_with.get(values["robot.task"]), goes_with.get(value) if key == "robot.task" else None
    unchanged = values.document.preset and values.document.name == old
    return SpecDocument.of_preset(new) if new is not None and new != old and unchanged else None


def inspect(values: Values, _workspace: Workspace) -> list[str]:
    """Return the command that tells what the spec would write into the engine."""
    return ["inspect", values.spec_argument(), "--task", values["robot.task"], "--physics", values["robot.physics"]]


def add_robot(values: Values, workspace: Workspace) -> list[str]:
    """Return the command that makes a task of a URDF."""
    return ["robot", "add", str(workspace.path(values["robot.urdf"]))]


def why_no_robot(values: Values) -> str | None:
    """Return what is missing before a robot can be added."""
    urdf = values["robot.urdf"]
    if urdf is None:
        return "give 'URDF to add' first"
    return None if values.workspace.path(urdf).is_file() else f"there is no file {urdf} in the workspace"


def outputs(values: Values, _workspace: Workspace) -> list[Output]:
    """Show what the spec says, in short."""
    spec = values.document.spec
    rows = (
        ("Spec", values.document.name + ("" if values.document.preset else " (edited)")),
        ("Seed", str(spec.seed)),
        ("Randomized quantities", str(len(spec.terms))),
        ("Signals with latency or errors", str(len(spec.signals))),
        ("Pictures", ", ".join(spec.vision) or "as rendered"),
        ("Digest", spec.digest[:12]),
    )
    return [Table(title="The spec", columns=("What", "Value"), rows=rows)]


SECTION = Section(
    key="robot",
    title="Robot & task",
    help="Choose what to train, the physics engine, and the randomization to begin with.",
    fields=fields,
    edit=edit,
    follow=follow,
    outputs=outputs,
    actions=(
        Action(
            key="robot.inspect",
            label="Check in engine",
            help="Starts the engine once and lists what the spec will write, where, and what this engine cannot do.",
            argv=inspect,
        ),
        Action(
            key="robot.add",
            label="Add robot",
            help="Checks the URDF and makes a task of it; what had to be guessed is marked in its card.",
            argv=add_robot,
            ready=why_no_robot,
        ),
    ),
)
