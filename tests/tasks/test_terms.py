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


def test_events_may_apply_the_rest() -> None:
    """With a spec's events the preset of the rover drives the lab; the task's own targets are still held to names."""
    rover = load_spec("rover")
    with pytest.raises(TaskSpecError, match="terms.base_mass: this task has no such term"):
        check_spec(rover)
    check_spec(rover, events=True)
    other = rover.to_yaml().replace("camera_position:", "camera_place:")
    with pytest.raises(TaskSpecError, match="terms.camera_place: this task has no such term"):
        check_spec(parse_spec(other), events=True)
