"""Reading and checking plain values: what every part of the contract does in the same way.

Canonical JSON in both directions, objects whose keys are exactly a dataclass's fields, and one form of complaint:
which key, what came, what is allowed.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from sim2real.contract.errors import ContractError

NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
"""A name of ours: of a policy, an input, an output."""
LABEL = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]{0,127}")
"""A name that others gave: of a task, a joint, a link."""
_SHA256 = re.compile(r"[0-9a-f]{64}")


def canonical_json(data: Any) -> str:
    """One text per value: sorted keys, no spaces, shortest round-trip floats, NaN refused."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def parse_json(text: str, source: str) -> Any:
    """JSON values of a text. Raises: ContractError with line and column."""
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise ContractError(
            f"{source}: not JSON: {error.msg} at line {error.lineno}, column {error.colno}. The file is damaged."
        ) from None
    except ValueError as error:
        raise ContractError(f"{source}: not JSON: {error}.") from None


def _refuse_constant(name: str) -> float:
    """JSON has no NaN and no infinity."""
    raise ValueError(f"{name} is not a number that a contract may hold")


def keys(cls: type, data: Any, where: str) -> dict[str, Any]:
    """A copy of a JSON object whose keys are exactly the dataclass's fields."""
    if not isinstance(data, Mapping):
        raise ContractError(f"{where} is {type(data).__name__}; it must be an object.")
    allowed = [f.name for f in fields(cls)]
    unknown = sorted(set(data) - set(allowed))
    missing = [name for name in allowed if name not in data]
    if unknown or missing:
        parts = [f"unknown key {name!r}" for name in unknown] + [f"missing key {name!r}" for name in missing]
        raise ContractError(f"{where}: {', '.join(parts)}; the keys are: {', '.join(allowed)}.")
    return dict(data)


def objects(cls: Any, data: Any, where: str) -> tuple[Any, ...]:
    """A list of JSON objects as instances of a dataclass of plain fields."""
    need(isinstance(data, list), where, type(data).__name__, "a list of objects")
    return tuple(cls(**keys(cls, item, f"{where}[{i}]")) for i, item in enumerate(data))


def plain(value: Any, where: str) -> Any:
    """A deep copy in plain JSON values (tuples become lists). Raises: ContractError."""
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise ContractError(f"{where} holds something that JSON cannot: {error}.") from None


def need(holds: bool, where: str, value: Any, allowed: str) -> None:
    """Raise a ContractError unless the condition holds."""
    if not holds:
        raise ContractError(f"{where} is {value!r}; it must be {allowed}.")


def is_number(value: Any) -> bool:
    """Whether a value is a finite number, and no boolean."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def is_sha256(value: Any) -> bool:
    """Whether a value is 64 hexadecimal digits."""
    return isinstance(value, str) and _SHA256.fullmatch(value) is not None


def need_name(value: Any, where: str) -> None:
    """Check a name of ours."""
    need(NAME.fullmatch(str(value)) is not None, where, value, "a lower-case name")


def need_label(value: Any, where: str) -> None:
    """Check a name that others gave."""
    good = isinstance(value, str) and LABEL.fullmatch(value) is not None
    need(good, where, value, "a name of letters, digits, '_', '-' and '.'")


def need_whole(owner: Any, name: str, prefix: str, least: int) -> None:
    """Check that a field is an integer of at least ``least``."""
    value = getattr(owner, name)
    whole = isinstance(value, int) and not isinstance(value, bool)
    need(whole and value >= least, prefix + name, value, f"an integer of at least {least}")


def need_text(value: Any, where: str) -> None:
    """Check a text that is not empty."""
    need(isinstance(value, str) and bool(value), where, value, "a text")


def number(owner: Any, name: str, prefix: str, above: float, limit: float) -> None:
    """Make a field a float and check above < value <= limit."""
    value = getattr(owner, name)
    good = is_number(value) and above < value <= limit
    need(good, prefix + name, value, f"a number above {above:g} and up to {limit:g}")
    object.__setattr__(owner, name, float(value))


def at_least_zero(owner: Any, name: str, prefix: str, optional: bool = False) -> None:
    """Make a field a float of 0 or more; None stays where that is allowed."""
    value = getattr(owner, name)
    if optional and value is None:
        return
    allowed = "a number of 0 or more" + (", or null" if optional else "")
    need(is_number(value) and value >= 0.0, prefix + name, value, allowed)
    object.__setattr__(owner, name, float(value))


def labels(owner: Any, name: str, prefix: str) -> None:
    """Make a field a tuple of names, each once."""
    value = getattr(owner, name)
    good = isinstance(value, (list, tuple)) and all(isinstance(v, str) and LABEL.fullmatch(v) for v in value)
    need(good and len(set(value)) == len(value), prefix + name, value, "a list of names, each once")
    object.__setattr__(owner, name, tuple(value))


def numbers(owner: Any, name: str, prefix: str, lengths: Sequence[int]) -> None:
    """Make a field a tuple of floats of one of the given lengths."""
    value = getattr(owner, name)
    good = isinstance(value, (list, tuple)) and len(value) in lengths and all(is_number(v) for v in value)
    need(good, prefix + name, value, f"a list of {' or '.join(map(str, sorted(set(lengths))))} numbers")
    object.__setattr__(owner, name, tuple(float(v) for v in value))


def as_range(value: Any, where: str) -> tuple[float, float]:
    """A pair low <= high as floats."""
    good = isinstance(value, (list, tuple)) and len(value) == 2 and all(is_number(v) for v in value)
    need(good and value[0] <= value[1], where, value, "[low, high] with low <= high")
    return (float(value[0]), float(value[1]))


def optional_range(owner: Any, name: str, prefix: str) -> None:
    """Make a field a pair low <= high; None stays."""
    value = getattr(owner, name)
    if value is not None:
        object.__setattr__(owner, name, as_range(value, prefix + name))
