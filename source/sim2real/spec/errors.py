"""The error of a spec: where it stands, what came, what is allowed."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from sim2real.errors import Sim2RealError


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong; its text is ``file:line: key.path: what came; what is allowed``."""

    source: str
    """The file as the user named it, or ``<string>``."""
    line: int | None
    """Line in the file, from 1; None where there is none."""
    key: str
    """Dotted path of the key; empty for the file as a whole."""
    message: str
    """What came, what is allowed, what to do."""

    def __str__(self) -> str:
        place = self.source if self.line is None else f"{self.source}:{self.line}"
        return f"{place}: {self.key}: {self.message}" if self.key else f"{place}: {self.message}"


class SpecError(Sim2RealError):
    """A spec that cannot be read; its text has one line for each fault, in the order of the file."""

    def __init__(self, *faults: Fault) -> None:
        """Take at least one fault."""
        self.faults = tuple(sorted(faults, key=lambda fault: fault.line or 0))
        super().__init__(*self.faults)

    def __str__(self) -> str:
        return "\n".join(str(fault) for fault in self.faults)


def listing(names: Iterable[str]) -> str:
    """Return ``a, b, c`` for a message."""
    return ", ".join(names)


def did_you_mean(got: str, allowed: Iterable[str]) -> str:
    """Return ``; did you mean 'x'?`` when ``got`` looks like one of ``allowed``, else nothing."""
    close = difflib.get_close_matches(got, list(allowed), n=1, cutoff=0.6)
    return f"; did you mean '{close[0]}'?" if close else ""
