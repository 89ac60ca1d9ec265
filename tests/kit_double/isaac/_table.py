"""Classes and functions out of the table of isaacsim: every name binds, and those without a body say so."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from kit_double import Kit, StrictObject, bind, signature_of

_TABLE = Path(__file__).parents[1] / "data" / "isaac.json"
Body = Callable[..., Any]


@cache
def table() -> dict[str, Any]:
    """Names by module: a function by version, a class by what both versions share and what one alone has."""
    return json.loads(_TABLE.read_text(encoding="utf-8"))["modules"]


def names_in(module: str, version: str) -> dict[str, Any]:
    """What a module has in this Isaac Sim: signatures of functions, ``{method: signature}`` of classes."""
    found: dict[str, Any] = {}
    for name, by in table()[module].items():
        row = by.get(version, by.get("both"))
        if row is None:
            continue
        if isinstance(row, str):
            found[name] = row
        elif "both" in by:
            extra = by.get(version, {})
            found[name] = {**by["both"]["methods"], **extra}
        else:
            found[name] = dict(row["methods"])
    return found


def parts_of(text: str) -> tuple[set[str], bool, str]:
    """Decorators, whether it is a coroutine, and the bracketed arguments."""
    head, _, rest = text.partition("(")
    return set(re.findall(r"@(\w+)", head)), "async" in head.split(), f"({rest}"


def unplayed(name: str) -> Body:
    """A body that says that the stand-in does not play it."""

    def body(*_: Any, **__: Any) -> Any:
        raise NotImplementedError(f"{name} exists, but the stand-in does not play it")

    return body


def functions(kit: Kit, module: str, bodies: Mapping[str, Body]) -> dict[str, Any]:
    """A module's functions, defaults filled in; coroutine functions stay such."""
    made = {}
    for name, row in names_in(module, kit.version).items():
        if isinstance(row, str):
            _, _, arguments = parts_of(row)
            made[name] = _call(kit, f"{module}.{name}", arguments, bodies.get(name) or unplayed(f"{module}.{name}"))
    return made


def _call(kit: Kit, name: str, arguments: str, body: Body) -> Callable[..., Any]:
    signature = signature_of(arguments)

    def play(*args: Any, **kwargs: Any) -> Any:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return body(*bound.args, **bound.kwargs)

    return kit.function(name, signature, play)


def make_class(
    kit: Kit, module: str, name: str, base: type, bodies: Mapping[str, Body], also: Mapping[str, Any] | None = None
) -> type:
    """A class of the table.

    Args:
        kit: The installation.
        module: The module in the table.
        name: The class.
        base: Its base, another class of the table or ``StrictObject``.
        bodies: What plays methods and properties, by name; each gets all arguments as declared.
        also: Class attributes beside them.
    """
    rows = names_in(module, kit.version)[name]
    space: dict[str, Any] = {"_kit_double": True, "__doc__": f"{module}.{name}", **(also or {})}
    for method, text in rows.items():
        decorators, _, arguments = parts_of(text)
        full = f"{module}.{name}.{method}"
        body = bodies.get(method)
        if "property" in decorators:
            space[method] = property(body or unplayed(full))
        elif decorators & {"classmethod", "staticmethod"}:
            space[method] = _static(kit, full, arguments, body, "classmethod" in decorators)
        elif body is not None or method not in dir(base) or method == "__init__":
            space[method] = _method(kit, full, arguments, body or unplayed(full))
    for method in bodies:
        if method not in rows and not hasattr(base, method):
            raise KeyError(f"{module}.{name} has no {method!r} in the table of Isaac Sim {kit.version}")
    return type(name, (base,), space)


def _method(kit: Kit, full: str, arguments: str, body: Body) -> Callable[..., Any]:
    signature = signature_of(arguments)
    where = f"in Isaac Sim {kit.version} "

    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        bound = bind(full, signature, (self, *args), kwargs, where)
        kit.check_thread(full)
        kit.journal.add(full, {k: v for k, v in bound.arguments.items() if k != "self"})
        bound.apply_defaults()
        return body(*bound.args, **bound.kwargs)

    call.__name__ = full.rpartition(".")[2]
    call.__signature__ = signature  # type: ignore[attr-defined]
    return call


def _static(kit: Kit, full: str, arguments: str, body: Body | None, on_class: bool) -> Any:
    inner = re.sub(r"^\(cls(, )?", "(", arguments) if on_class else arguments
    return staticmethod(_call(kit, full, inner, body or unplayed(full)))


class Base(StrictObject):
    """The root of the classes."""

    _kit_double = True
