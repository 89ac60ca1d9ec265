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
