"""Classes made of a table of names: what the table lacks raises, as a version of TensorRT that lacks it would.

Methods take the positions and keywords of the table's overloads and no others; properties are read-only where the table
says so; an enum takes no number in a member's place. What a method does is given beside the table; a name that is in
the table and is not played raises ``NotImplementedError``, so that no test passes by accident.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

TABLES = Path(__file__).parent / "tables"
VERSIONS = tuple(sorted((path.stem for path in TABLES.glob("*.json")), key=lambda v: [int(p) for p in v.split(".")]))


def read_table(version: str) -> dict[str, Any]:
    """The table of a version."""
    return json.loads((TABLES / f"{version}.json").read_text())


class Member:
    """A member of an enum: equal to itself alone, never to a number."""

    def __init__(self, enum: str, name: str, value: int) -> None:
        self.name, self.value, self._enum = name, value, enum

    def __int__(self) -> int:
        return self.value

    def __index__(self) -> int:
        return self.value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Member) and (self._enum, self.value) == (other._enum, other.value)

    def __hash__(self) -> int:
        return hash((self._enum, self.value))

    def __repr__(self) -> str:
        return f"<{self._enum.rpartition('.')[2]}.{self.name}: {self.value}>"

    def __str__(self) -> str:
        return f"{self._enum.rpartition('.')[2]}.{self.name}"


class EnumMeta(type):
    """An enum's class: it has its members and nothing else."""

    def __getattr__(cls, name: str) -> Any:
        raise AttributeError(f"type object 'tensorrt.{cls.__name__}' has no attribute '{name}'")

    def __instancecheck__(cls, value: Any) -> bool:
        return isinstance(value, Member) and value._enum == cls._full  # type: ignore[attr-defined]


def make_enum(full: str, members: Mapping[str, int]) -> type:
    """An enum of a table."""
    made = {name: Member(full, name, value) for name, value in members.items()}
    return EnumMeta(full.rpartition(".")[2], (), {**made, "_full": full, "__members__": made})


def checked(owner: str, name: str, overloads: list[list[str]], play: Callable[..., Any] | None) -> Callable[..., Any]:
    """A method that takes what one of the overloads takes."""

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        for parameters in overloads:
            names = [parameter.rstrip("=") for parameter in parameters]
            needed = {parameter for parameter in parameters if not parameter.endswith("=")}
            given = [*names[: len(args)], *kwargs]
            if len(args) <= len(names) and len(set(given)) == len(given) and needed <= set(given) <= set(names):
                break
        else:
            shown = " or ".join(f"({', '.join(parameters)})" for parameters in overloads)
            raise TypeError(f"{name}(): incompatible function arguments; {owner}.{name} takes {shown}")
        if play is None:
            raise NotImplementedError(f"the stand-in does not play {owner}.{name}")
        return play(self, *args, **kwargs)

    method.__name__ = name
    return method


def make_class(name: str, table: Mapping[str, Any], played: type, constants: Mapping[str, Any]) -> type:
    """A class with the table's names and what ``played`` does.

    ``played`` gives methods by name, ``get_<property>`` and ``set_<property>``, and ``begin``, which takes the place of
    a constructor for objects that only other objects make.
    """
    body: dict[str, Any] = dict(constants)
    for method, overloads in table["methods"].items():
        body[method] = checked(name, method, overloads, played.__dict__.get(method))
    for prop, mode in table["properties"].items():
        body[prop] = _property(name, prop, mode, played)
    if "__init__" not in table["methods"]:

        def refuse(self: Any, *args: Any, **kwargs: Any) -> None:
            raise TypeError(f"tensorrt.{name}: No constructor defined!")

        body["__init__"] = refuse

    def set_attribute(self: Any, attribute: str, value: Any) -> None:
        inherited = type(self).__dict__.get("__module__") != __name__  # a subclass in Python takes anything
        if attribute not in table["properties"] and not attribute.startswith("_") and not inherited:
            raise AttributeError(f"'{name}' object has no attribute '{attribute}'")
        object.__setattr__(self, attribute, value)

    body["__setattr__"] = set_attribute
    for special in ("__buffer__", "__bytes__"):
        if special in played.__dict__:
            body[special] = played.__dict__[special]
    body["__module__"] = __name__
    return type(name, (), body)


def _property(owner: str, name: str, mode: str, played: type) -> property:
    """A property of the table."""

    def get(self: Any) -> Any:
        getter = played.__dict__.get(f"get_{name}")
        if getter is None:
            raise NotImplementedError(f"the stand-in does not play {owner}.{name}")
        return getter(self)

    def put(self: Any, value: Any) -> None:
        setter = played.__dict__.get(f"set_{name}")
        if setter is None:
            raise NotImplementedError(f"the stand-in does not play setting {owner}.{name}")
        setter(self, value)

    return property(get, put) if mode == "rw" else property(get)


def make_object(cls: type, played: type, *args: Any) -> Any:
    """An object of a class that has no constructor."""
    made = object.__new__(cls)
    played.begin(made, *args)  # type: ignore[attr-defined]
    return made
