"""The avoidance task refuses what it would not apply."""

import pytest

from sim2real.spec import Spec, load_spec, parse_spec
from sim2real_tasks.avoidance.terms import TaskSpecError, check_spec

STAGES = "\ncurriculum: {stages: [{name: all, iterations: 10, range: 1.0}]}\n"
ADR = "\ncurriculum: {adr: {}}\n"


@pytest.fixture(scope="module")
def spec() -> Spec:
    return load_spec("avoidance")


def test_preset_is_accepted(spec: Spec) -> None:
    """The lab's own preset passes."""
    check_spec(spec)


@pytest.mark.parametrize("curriculum", [STAGES, ADR])
def test_curricula_are_refused(spec: Spec, curriculum: str) -> None:
    """No range of this task moves, by success or by stages."""
    with pytest.raises(TaskSpecError, match="curriculum: this task reads none; remove the section"):
        check_spec(parse_spec(spec.to_yaml() + curriculum))


def test_the_rovers_preset_is_accepted(spec: Spec) -> None:
    """Bodies, wheels, drives and signals beside the lab's own terms; those are still held to their names."""
    rover = load_spec("rover")
    check_spec(rover)
    other = rover.to_yaml().replace("camera_position:", "camera_place:")
    with pytest.raises(
        TaskSpecError, match="terms.camera_place: this task has no such term.*this one 'camera_position'"
    ):
        check_spec(parse_spec(other))


def added(spec: Spec, *, term: str = "", signals: str = "") -> Spec:
    """The lab's preset with one more term, or with signals."""
    text = spec.to_yaml().replace("terms:\n", f"terms:\n  more: {{{term}}}\n") if term else spec.to_yaml()
    return parse_spec(text + (f"signals:\n  {signals}\n" if signals else ""))


@pytest.mark.parametrize(
    ("term", "said"),
    [
        (
            "target: root.velocity, op: add, unit: m/s, dist: {uniform: [[0, 0, 0], [1, 0, 0]]}",
            "rover level and",
        ),
        (
            "target: joint.velocity, op: add, unit: rad/s, dist: {uniform: [0, 1]}, select: '.*'",
            "rover level and",
        ),
        ("target: geometry.scale, op: scale, dist: {uniform: [1, 1.1]}, when: build, select: base", "fixed sizes"),
        (
            "target: camera.position, op: add, unit: m, dist: {uniform: [[0, 0, 0], [0, 0, 1]]}",
            "call this one 'camera_position'",
        ),
    ],
)
def test_terms_that_would_change_nothing_are_refused(spec: Spec, term: str, said: str) -> None:
    """With the name of the term, and what to do."""
    with pytest.raises(TaskSpecError, match=f"terms.more: .*{said}"):
        check_spec(added(spec, term=term))


@pytest.mark.parametrize(
    ("signals", "said"),
    [
        ("wheel_speed: {white: 0.1}", "signals.wheel_speed: this task has no such signal; it has depth"),
        ("depth: {latency: 0.02, white: 0.1}", "signals.depth.white: .*stands in vision.depth; remove it"),
        ("depth: {exposure: 0.01}", "signals.depth.exposure: a picture only comes late or not at all"),
        ("depth: {dropout: 0.1, on_dropout: zero}", "signals.depth.on_dropout: .*write 'hold'"),
        ("command: {latency: 0.02}\n  action: {latency: 0.02}", "command and action are the same here"),
    ],
)
def test_signals_that_mean_nothing_here_are_refused(spec: Spec, signals: str, said: str) -> None:
    """Of what is not there, or of a part that a picture has not."""
    with pytest.raises(TaskSpecError, match=said):
        check_spec(added(spec, signals=signals))


def test_a_camera_with_a_clock_is_accepted(spec: Spec) -> None:
    """Either name of the command, and all that a picture's way can be."""
    for command in ("command", "action"):
        check_spec(added(spec, signals=f"{command}: {{latency: 0.02, jitter: 0.001, bias: 0.01}}"))
    check_spec(
        added(spec, signals="depth: {latency: 0.02, jitter: 0.001, dropout: 0.1, period: 0.03, phase: 0.01, bus: usb}")
    )
