"""The window as text, for both versions of Kit: a change of what a person sees is a change of these files.

The sections are made up here, one field of every kind and one output of every kind, so that the files tell of the
front end and not of what the library's sections hold. With SIM2REAL_SNAPSHOTS=write the tests write them anew.
"""

import os
import re
from pathlib import Path

import numpy as np
import pytest

from kit_double.ui.tree import tree_text
from sim2real.studio import (
    Action,
    Curve,
    Field,
    FileLink,
    Histogram,
    Panel,
    Picture,
    Section,
    Table,
    Text,
    Timeline,
)
from sim2real.studio.outputs import Lane, Series, Span

SNAPSHOTS = Path(__file__).parent / "snapshots"


def fields(_values):
    """One field of every kind, some with limits, hints, groups."""
    return (
        Field(
            key="demo.mass", label="Mass", help="How heavy.", kind="number", unit="kg", low=0.0, high=9.5, default=2.5
        ),
        Field(key="demo.count", label="Count", help="How many.", kind="integer", low=1, default=3),
        Field(key="demo.span", label="Span", help="From, to.", kind="range", unit="m", default=(0.5, 1.0)),
        Field(
            key="demo.engine",
            label="Engine",
            help="Which.",
            kind="choice",
            choices=("newton", "physx"),
            default="physx",
        ),
        Field(
            key="demo.robot",
            label="Robot",
            help="Whose.",
            kind="choice",
            choices=("go2", "panda"),
            optional=True,
            hint="the spec's",
        ),
        Field(key="demo.noise", label="Noise", help="Whether.", kind="toggle", default=True),
        Field(key="demo.name", label="Name", help="What it is called.", kind="text", default="first"),
        Field(key="demo.out", label="Folder", help="Where to.", kind="path", default="runs/first"),
        Field(key="demo.rare", label="Rare", help="Seldom.", kind="integer", default=1, advanced=True),
        Field(key="demo.term.low", label="Low", help="In a group.", kind="number", default=1.0, group="term"),
    )


def outputs(_values, _workspace):
    """One output of every kind."""
    return [
        Table(title="Table", columns=("what", "value"), rows=(("a", "1"), ("b", "2")), marks=("good", "bad")),
        Picture(title="Picture", pixels=np.zeros((4, 6, 3), np.uint8), caption="all black"),
        Curve(
            title="Curve",
            series=(Series(label="up", x=(0.0, 1.0), y=(0.0, 2.0)), Series(label="flat", x=(0.0,), y=(1.0,))),
            x_label="step",
            y_label="reward",
        ),
        Curve(title="Empty curve", series=()),
        Histogram(title="Histogram", edges=(0.0, 0.5, 1.0), counts=(3, 4), unit="m"),
        Timeline(
            title="Timeline",
            lanes=(Lane(label="imu", spans=(Span(label="bus", begin_ms=1.0, end_ms=3.0),), note="95 %: 4 ms"),),
        ),
        Text(title="Text", lines=("one", "two"), mark="warn"),
        FileLink(label="Report", path="report.html"),
    ]


DEMO = Section(
    key="demo",
    title="Demo",
    help="Everything that a section can have.",
    fields=fields,
    outputs=outputs,
    actions=(
        Action(key="demo.go", label="Go", help="Begins.", argv=lambda values, workspace: ["go"]),
        Action(key="demo.ask", label="Ask", help="Asks first.", confirm="Really?", argv=lambda v, w: ["ask"]),
        Action(key="demo.not", label="Not now", help="Waits.", argv=lambda v, w: [], ready=lambda v: "give a name"),
    ),
)


@pytest.fixture
def demo(studio, tmp_path):
    """The window over a panel of that one section."""
    session = studio.session
    session.panel.close()
    session.panel = Panel(tmp_path / "demo", ["/bin/true"], sections=[DEMO])
    session.open_sections = {"demo", "demo.group.term", "stage"}
    studio.open()
    studio.show()
    studio.show()
    return studio


def compare(name: str, text: str) -> None:
    """Hold a text against its file."""
    path = SNAPSHOTS / name
    if os.environ.get("SIM2REAL_SNAPSHOTS") == "write":
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_everything_a_section_can_have(demo):
    """Fields, actions, outputs, the stage tools and the jobs."""
    compare(f"window_{demo.kit.version}.txt", tree_text("sim2real Studio", tooltips=True))


def test_refusal_question_and_advanced(demo):
    """What changes on the way: a message at a field, a question in place of a button, one field more."""
    before = tree_text("sim2real Studio").splitlines()
    demo.type("demo.mass", "heavy")
    demo.click("demo.ask")
    demo.click("toolbar.advanced")
    demo.show()
    after = tree_text("sim2real Studio").splitlines()
    lines = [f"- {line.strip()}" for line in before if line not in after]
    lines += [f"+ {line.strip()}" for line in after if line not in before]
    compare(f"changes_{demo.kit.version}.txt", "\n".join(lines) + "\n")


def test_question_is_answered(demo):
    """No starts nothing; yes starts the action."""
    demo.click("demo.ask")
    demo.show()
    demo.click("demo.ask.no")
    demo.show()
    assert demo.panel.jobs == () and demo.find("demo.ask") is not None
    demo.click("demo.ask")
    demo.show()
    demo.click("demo.ask.yes")
    demo.wait(lambda: bool(demo.panel.jobs) and demo.panel.jobs[0].over)
    assert demo.panel.jobs[0].argv == ("ask",)


def test_action_that_cannot_start_says_why(demo):
    """The button is greyed out, and the reason stands below it."""
    assert not demo.widget("demo.not").enabled and demo.widget("demo.not.why_not").text == "give a name"
    demo.click("demo.not")
    assert demo.panel.jobs == ()


def test_file_is_opened_with_the_desktop(demo):
    """The program gets the path inside the workspace; a missing helper is no error."""
    from kit_double.kit_app import take_extension_away

    (demo.panel.workspace.root / "report.html").write_text("<p>")
    demo.click("demo.output.7")
    (call,) = demo.kit.journal.calls("*open_file_using_os_default")
    assert call.arguments["path"] == str(demo.panel.workspace.root / "report.html")
    take_extension_away(demo.kit, "omni.kit.window.extensions")
    demo.click("demo.output.7")
    assert demo.notice() == "" or re.search("report", demo.notice())
