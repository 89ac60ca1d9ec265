"""What makes the stand-in strict: a call is bound to a written signature, a name outside the table does not exist.

A signature comes from a table, as ``"(a, b=1, *, c=None)"`` or as ``{"params": [...], "var_kw": ...}``, or from the
Python function that plays it. Binding says what came, what is allowed and what was probably meant. A default that is
not a literal in the table (``usdrt.Sdf.Path()``) stays an ``Opaque`` text: no play may compute with it.
"""

from __future__ import annotations

import ast
import difflib
import enum
import inspect
from collections.abc import Callable, Iterable, Mapping
from types import ModuleType
from typing import Any

Entry = str | Mapping[str, Any] | inspect.Signature


class Opaque(str):
    """A default of a table that is no Python literal, as text."""


def nearest(name: str, allowed: Iterable[str], most: int = 3) -> str:
    """``; nearest: 'a', 'b'`` of the allowed names, or nothing where none is near."""
    names = sorted(allowed)
    near = difflib.get_close_matches(name, names, n=most, cutoff=0.5)
    by_case = [n for n in names if n.lower().replace("_", "") == name.lower().replace("_", "") and n not in near]
    found = [*by_case, *near][:most]
    return "; nearest: " + ", ".join(repr(n) for n in found) if found else ""


def signature_of(entry: Entry) -> inspect.Signature:
    """The signature that a table's entry states."""
    if isinstance(entry, inspect.Signature):
        return entry
    return _parse(entry) if isinstance(entry, str) else _from_params(entry)


def _default(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except ValueError:
        return Opaque(ast.unparse(node))


def _parse(text: str) -> inspect.Signature:
    """``"@classmethod (a, *, b=1)"`` as a signature; decorators before the bracket say nothing about the arguments."""
    arguments = ast.parse(f"def f{text[text.index('(') :]}: ...").body[0].args  # type: ignore[attr-defined]
    kinds = inspect.Parameter
    placed = [*arguments.posonlyargs, *arguments.args]
    defaults = [inspect.Parameter.empty] * (len(placed) - len(arguments.defaults))
    defaults += [_default(node) for node in arguments.defaults]
    parameters = [
        kinds(
            a.arg, kinds.POSITIONAL_ONLY if i < len(arguments.posonlyargs) else kinds.POSITIONAL_OR_KEYWORD, default=d
        )
        for i, (a, d) in enumerate(zip(placed, defaults, strict=True))
    ]
    if arguments.vararg:
        parameters.append(kinds(arguments.vararg.arg, kinds.VAR_POSITIONAL))
    for a, node in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        parameters.append(kinds(a.arg, kinds.KEYWORD_ONLY, default=_default(node) if node else kinds.empty))
    if arguments.kwarg:
        parameters.append(kinds(arguments.kwarg.arg, kinds.VAR_KEYWORD))
    return inspect.Signature(parameters)


def _from_params(entry: Mapping[str, Any]) -> inspect.Signature:
    """A signature of the Replicator table: ``{"params": [{"name": ..., "default": "None"}], "var_kw": "kwargs"}``.

    A row may say ``"kind"``: ``"keyword_only"`` or ``"var_positional"``; without one it is either.
    """
    kinds = inspect.Parameter
    named = {
        "var_positional": kinds.VAR_POSITIONAL,
        "keyword_only": kinds.KEYWORD_ONLY,
        "either": kinds.POSITIONAL_OR_KEYWORD,
    }
    parameters = []
    for row in entry["params"]:
        default = _default(ast.parse(row["default"], mode="eval").body) if "default" in row else kinds.empty
        parameters.append(kinds(row["name"], named[row.get("kind", "either")], default=default))
    if entry.get("var_kw"):
        parameters.append(kinds(str(entry["var_kw"]).lstrip("*"), kinds.VAR_KEYWORD))
    return inspect.Signature(parameters)


def bind(name: str, entry: Entry, args: tuple, kwargs: Mapping[str, Any], where: str = "") -> inspect.BoundArguments:
    """The arguments of a call by parameter name; defaults are not filled in.

    Raises:
        TypeError: a keyword that is not in the table, an argument missing, twice or too many.
    """
    signature = signature_of(entry)
    open_keywords = any(p.kind is p.VAR_KEYWORD for p in signature.parameters.values())
    takes = [p.name for p in signature.parameters.values() if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    unknown = [] if open_keywords else [key for key in kwargs if key not in takes]
    if unknown:
        key = unknown[0]
        raise TypeError(f"{name}() takes no keyword {key!r}{nearest(key, takes)}; {where}it takes {signature}")
    try:
        return signature.bind(*args, **kwargs)
    except TypeError as error:
        raise TypeError(f"{name}(): {error}; {where}it takes {signature}") from None


def check_callable(what: str, function: Any, count: int, optional: bool = True) -> None:
    """``function`` can be called with ``count`` positional arguments, as the event does that it is given to.

    Raises:
        TypeError: it is no callable, or its signature does not take that many.
    """
    if function is None and optional:
        return
    if not callable(function):
        raise TypeError(f"{what} must be a callable, got {type(function).__name__}")
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # a builtin without a signature
        return
    try:
        signature.bind(*[None] * count)
    except TypeError as error:
        raise TypeError(
            f"{what} is called with {count} argument(s), but {function!r} is {signature}: {error}"
        ) from None


def check_plain(what: str, value: Any, kinds: type | tuple[type, ...]) -> Any:
    """A value of exactly these Python types: a binding rejects NumPy's scalars, and a bool is no number here.

    Raises:
        TypeError: another type; says how to convert.
    """
    allowed = kinds if isinstance(kinds, tuple) else (kinds,)
    if type(value) in allowed or (isinstance(value, enum.Enum) and isinstance(value, allowed)):
        return value
    names = " or ".join(kind.__name__ for kind in allowed)
    hint = f"; convert it with {allowed[0].__name__}()" if hasattr(value, "dtype") or isinstance(value, bool) else ""
    raise TypeError(f"{what} must be {names}, got {type(value).__module__}.{type(value).__name__}{hint}")


class BoundEnum(enum.Enum):
    """An enum of a C++ binding: ``int()`` of a member is its value, but no member equals a number."""

    def __int__(self) -> int:
        return self.value

    def __index__(self) -> int:
        return self.value


class StrictModule(ModuleType):
    """A module of the stand-in: it has the names it was given and its imported sub-modules, nothing else."""

    __path__: list[str]

    def __init__(self, name: str, version: str, contents: Mapping[str, Any]) -> None:
        super().__init__(name, f"Stand-in for {name} of Isaac Sim {version}.")
        self.__path__ = []  # every module may have sub-modules; the finder knows which
        self.__dict__["_isaac_version"] = version
        self.__dict__.update(contents)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        known = [key for key in self.__dict__ if not key.startswith("_")]
        raise AttributeError(
            f"{self.__name__} of Isaac Sim {self.__dict__['_isaac_version']} has no {name!r} in the stand-in's table"
            f"{nearest(name, known)}"
        )

    def __setattr__(self, name: str, value: Any) -> None:
        # The import machinery binds sub-modules; anything else would hide a misspelt name.
        if name.startswith("__") or isinstance(value, StrictModule) or name in self.__dict__:
            super().__setattr__(name, value)
        else:
            raise AttributeError(f"{self.__name__} has no {name!r}, so it cannot be set")


class StrictObject:
    """Base of classes that stand for bound C++ ones: setting an attribute that the class lacks raises.

    A subclass in the code under test takes any attribute, as a Python subclass of a bound class does.
    """

    _own_names: frozenset[str] = frozenset()

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_") and _is_double(type(self)) and not hasattr(type(self), name):
            public = [n for n in dir(type(self)) if not n.startswith("_")]
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}{nearest(name, public)}")
        object.__setattr__(self, name, value)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        public = [n for n in dir(type(self)) if not n.startswith("_")]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}{nearest(name, public)}")


def _is_double(cls: type) -> bool:
    return cls.__module__.startswith("kit_double") or bool(cls.__dict__.get("_kit_double", False))


def play(
    name: str, entry: Entry, record: Callable[[str, dict[str, Any]], None], body: Callable, where: str
) -> Callable:
    """A function under ``name`` that binds to ``entry``, records the call and then runs ``body`` with what was bound.

    ``body`` gets the arguments as they were given, so its own defaults apply; where a table has a default that the
    body lacks, give the body that parameter.
    """
    signature = signature_of(entry)

    def call(*args: Any, **kwargs: Any) -> Any:
        bound = bind(name, signature, args, kwargs, where)
        record(name, dict(bound.arguments))
        return body(*bound.args, **bound.kwargs)

    call.__name__ = call.__qualname__ = name.rpartition(".")[2]
    call.__signature__ = signature  # type: ignore[attr-defined]
    call.__doc__ = body.__doc__
    call.__module__ = "kit_double"
    return call
