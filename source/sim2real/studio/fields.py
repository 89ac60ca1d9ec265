"""Fields: what a person may change, as data that any window can draw and no window has to check.

A field takes what a widget holds, a value or the text that was typed, and answers with the value or with a
:class:`~sim2real.studio.errors.FieldError`. What it refuses never enters the panel.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

from sim2real.spec.errors import did_you_mean, listing
from sim2real.studio.errors import FieldError

KINDS = ("number", "integer", "range", "choice", "toggle", "text", "path")
"""What a field may hold: float, int, (low, high), one of ``choices``, bool, str, a path as str."""
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_YES, _NO = ("true", "yes", "on", "1"), ("false", "no", "off", "0")
LONGEST_TEXT = 10_000
"""Longest text of a field, in characters."""


@dataclass(frozen=True, kw_only=True)
class Field:
    """One thing that can be set."""

    key: str
    """Section and name, such as ``train.num_envs``; unique in the panel."""
    label: str
    """What stands before it."""
    help: str
    """One or two sentences: the tooltip."""
    kind: str
    """One of :data:`KINDS`."""
    unit: str = ""
    """Unit of a number, as shown behind it; empty for none."""
    low: float | None = None
    """Smallest value, in ``unit``; None: no limit."""
    high: float | None = None
    """Largest value, in ``unit``; None: no limit."""
    step: float | None = None
    """What one click of a spinner changes, in ``unit``."""
    choices: tuple[str, ...] = ()
    """Allowed words of a ``choice``."""
    default: Any = None
    """The value until another is set; for a part of the spec, what the spec says now."""
    advanced: bool = False
    """Shown only on demand."""
    group: str = ""
    """Heading below which it stands in its section, such as the name of a term; empty: at the top."""
    optional: bool = False
    """Whether it may stay empty, which is None: the tool decides."""
    hidden: bool = False
    """Whether it does not apply to what is set elsewhere; its value is kept."""
    pattern: str = ""
    """Regular expression for the whole of a text; empty: any."""
    example: str = ""
    """A text that fits ``pattern``, for the message."""
    hint: str = ""
    """Shown in the empty widget: what the tool does then."""

    def check(self, value: Any) -> Any:
        """Return the value that stands for what came: a value, or text that was typed.

        Raises:
            FieldError: it is none that the field takes.
        """
        if self.optional and (value is None or (isinstance(value, str) and not value.strip())):
            return None
        return _CHECKS[self.kind](self, value)

    def show(self, value: Any) -> str:
        """Return a value as the text that a person would type; :meth:`check` reads it back."""
        if value is None:
            return ""
        if self.kind == "toggle":
            return "true" if value else "false"
        if self.kind == "range":
            return f"{_short(value[0])}, {_short(value[1])}"
        return _short(value) if isinstance(value, float) else str(value)

    def fault(self, message: str) -> FieldError:
        """Return the error to raise for this field."""
        return FieldError(self.key, message)

    @property
    def allowed(self) -> str:
        """What may be given, in words."""
        unit = f" {self.unit}" if self.unit else ""
        what = {"integer": "a whole number", "range": "low, high"}.get(self.kind, "a number")
        if self.low is not None and self.high is not None:
            return f"{what} from {_short(self.low)} to {_short(self.high)}{unit}"
        if self.low is not None:
            return f"{what} of at least {_short(self.low)}{unit}"
        return (
            f"{what} of at most {_short(self.high)}{unit}" if self.high is not None else f"{what}{unit and ' in'}{unit}"
        )


def _short(value: Any) -> str:
    if isinstance(value, int):
        return str(value)
    number = float(value)
    return str(int(number)) if number == int(number) and abs(number) < 1e15 else repr(number)


def _number(field: Field, value: Any) -> float:
    if isinstance(value, str):
        text = value.strip()
        if not text.isascii() or not _NUMBER.fullmatch(text):
            raise field.fault(f"got {text!r}; give {field.allowed}")
        number = float(text)
    elif isinstance(value, bool) or not hasattr(value, "__float__"):
        raise field.fault(f"got {value!r}; give {field.allowed}")
    else:
        number = float(value)
    if not math.isfinite(number):
        raise field.fault(f"got {number}; give a finite number")
    outside = (field.low is not None and number < field.low) or (field.high is not None and number > field.high)
    if outside:
        raise field.fault(f"got {_short(number)}; give {field.allowed}")
    return number


def _integer(field: Field, value: Any) -> int:
    if isinstance(value, str) and re.fullmatch(r"\s*[+-]?\d{1,20}\s*", value):
        value = int(value)  # exact, where a float is not
    if isinstance(value, bool) or not isinstance(value, int):
        number = _number(field, value)
        if number != math.floor(number):
            raise field.fault(f"got {_short(number)}; give {field.allowed}")
        value = int(number)
    if (field.low is not None and value < field.low) or (field.high is not None and value > field.high):
        raise field.fault(f"got {value}; give {field.allowed}")
    return value


def _range(field: Field, value: Any) -> tuple[float, float]:
    if isinstance(value, str):
        parts: Any = [part for part in re.split(r"[\s,;]+", value.strip().strip("[]()")) if part]
    elif hasattr(value, "__len__") and not isinstance(value, dict):
        parts = list(value)
    else:
        raise field.fault(f"got {value!r}; give {field.allowed}")
    if len(parts) != 2:
        raise field.fault(f"got {len(parts)} numbers; give {field.allowed}")
    low, high = (_number(field, part) for part in parts)
    if low > high:
        raise field.fault(f"low {_short(low)} is above high {_short(high)}; give low, high")
    return low, high


def _choice(field: Field, value: Any) -> str:
    word = str(value).strip()
    if word not in field.choices:
        raise field.fault(f"got {word!r}{did_you_mean(word, field.choices)}; give one of {listing(field.choices)}")
    return word


def _toggle(field: Field, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word not in _YES + _NO:
        raise field.fault(f"got {value!r}; give true or false")
    return word in _YES


def _text(field: Field, value: Any) -> str:
    text = str(value).strip()
    if not text:
        raise field.fault("is empty; give a text")
    if len(text) > LONGEST_TEXT or not text.replace("\n", " ").isprintable():
        raise field.fault(f"got {len(text)} characters; give printable text of at most {LONGEST_TEXT}")
    if field.pattern and not re.fullmatch(field.pattern, text):
        raise field.fault(f"got {text!r}; give one such as {field.example}")
    return text


def _path(field: Field, value: Any) -> str:
    text = _text(field, value)
    if "\n" in text or text.startswith("-"):
        raise field.fault(f"got {text!r}; give a path below the workspace, such as runs/first")
    return text


_CHECKS = {
    "number": _number,
    "integer": _integer,
    "range": _range,
    "choice": _choice,
    "toggle": _toggle,
    "text": _text,
    "path": _path,
}
