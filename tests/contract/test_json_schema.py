"""The published JSON schema is the dataclasses', and it takes what they write and nothing less."""

import copy
from pathlib import Path

import jsonschema
import pytest

from contract import test_schema
from contract.state_contracts import make
from sim2real.contract import JointEffortAction, RecurrentState, json_schema, json_schema_text

PUBLISHED = Path(__file__).parents[2] / "docs" / "contract.schema.json"
MOVES = make(
    history=2,
    memory=(RecurrentState(size=8),),
    action=JointEffortAction(joints=("knee", "hip", "ankle"), offset=(0, 0, 0), clip=(None, (-1, 1), None)),
)
CONTRACTS = {"moves": MOVES, "sees": test_schema.make()}


def test_the_published_file_is_up_to_date():
    """Write it anew with `python -c "from sim2real.contract import json_schema_text as t; print(t(), end='')"`."""
    assert PUBLISHED.read_text(encoding="utf-8") == json_schema_text()


@pytest.mark.parametrize("name", CONTRACTS)
def test_what_is_written_is_valid(name):
    """A classifier's contract, and one of a recurrent policy that gives efforts."""
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(CONTRACTS[name].to_dict(), schema)


def spots(value, path=()):
    """Every key of every object, by its path."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        if isinstance(value, dict):
            yield (*path, key)
        yield from spots(inner, (*path, key))


@pytest.mark.parametrize("name", CONTRACTS)
def test_no_key_may_be_missing_and_none_may_be_added(name):
    """Every key of every object in turn, but those of objects with free keys."""
    data, validator = CONTRACTS[name].to_dict(), jsonschema.Draft202012Validator(json_schema())
    free = {"ranges", "controller", "camera", "sensor", "motor"}
    tried = 0
    for path in spots(data):
        if free & set(path[:-1]):
            continue
        spoilt = copy.deepcopy(data)
        holder = spoilt
        for key in path[:-1]:
            holder = holder[key]
        holder["unheard_of"] = holder[path[-1]]
        assert not validator.is_valid(spoilt), path
        del holder["unheard_of"], holder[path[-1]]
        assert not validator.is_valid(spoilt), path
        tried += 1
    assert tried > 20


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("schema",), 2),
        (("action", "kind"), "torque"),
        (("observation", "terms", 0, "kind"), "smell"),
        (("robot", "joints", 0, "drive"), "hydraulic"),
        (("robot", "start_pos"), [0.0, 0.0]),
        (("memory", 0, "size"), "8"),
        (("rate_hz",), None),
    ],
)
def test_other_values_are_invalid(path, value):
    """Closed sets, lengths and types."""
    data = MOVES.to_dict()
    holder = data
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = value
    assert not jsonschema.Draft202012Validator(json_schema()).is_valid(data)
