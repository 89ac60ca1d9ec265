"""The contract's JSON schema, made of the dataclasses themselves, so that it cannot say anything else than they do.

It is published as ``docs/contract.schema.json`` for programs that are not ours. It says keys, types and closed sets of
values; what fits together (a joint that an action names is one of the robot's) only reading finds out.
"""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Mapping
from typing import Any

from sim2real.contract.actions import ACTIONS
from sim2real.contract.joints import DRIVES
from sim2real.contract.schema import OBSERVATIONS, SCHEMA, Contract
from sim2real.contract.state import KINDS, LAYOUTS, ORDERS

_CLOSED: dict[tuple[str, str], tuple[str, ...]] = {
    ("ObservationTerm", "kind"): tuple(KINDS),
    ("Joint", "drive"): DRIVES,
    ("StateObservation", "layout"): LAYOUTS,
    ("StateObservation", "history_order"): ORDERS,
}
"""Fields that hold one of a few texts, beside the kinds of observations and actions."""


def json_schema() -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of a contract, as ``Contract.to_dict`` writes it."""
    definitions: dict[str, Any] = {}
    top = _object(Contract, definitions)
    top["properties"]["schema"] = {"const": SCHEMA}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"sim2real contract, schema {SCHEMA}",
        **top,
        "$defs": dict(sorted(definitions.items())),
    }


def json_schema_text() -> str:
    """The content of ``docs/contract.schema.json``."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def _object(cls: type, definitions: dict[str, Any]) -> dict[str, Any]:
    """A dataclass: every field is there, and nothing else."""
    hints = typing.get_type_hints(cls)
    names = [field.name for field in dataclasses.fields(cls)]
    properties = {name: _value(hints[name], definitions) for name in names}
    for name in names:
        if (cls.__name__, name) in _CLOSED:
            properties[name] = {"enum": list(_CLOSED[cls.__name__, name])}
    kinds = {known: kind for kind, known in (*ACTIONS.items(), *OBSERVATIONS.items())}
    if cls in kinds:
        properties["kind"] = {"const": kinds[cls]}
    return {"type": "object", "properties": properties, "required": names, "additionalProperties": False}


def _value(hint: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    """A type of a field."""
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if dataclasses.is_dataclass(hint):
        name = typing.cast(type, hint).__name__
        if name not in definitions:
            definitions[name] = {}
            definitions[name].update(_object(typing.cast(type, hint), definitions))
        return {"$ref": f"#/$defs/{name}"}
    if origin in (typing.Union, types.UnionType):
        return {"anyOf": [_value(part, definitions) for part in parts]}
    if origin is tuple and parts[-1] is Ellipsis:
        return {"type": "array", "items": _value(parts[0], definitions)}
    if origin is tuple:
        items = [_value(part, definitions) for part in parts]
        return {"type": "array", "prefixItems": items, "items": False, "minItems": len(items)}
    if origin is not None and issubclass(origin, Mapping):
        return {"type": "object", "additionalProperties": _value(parts[1], definitions)}
    plain = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}
    return {} if hint is Any else {"type": plain[hint]}
