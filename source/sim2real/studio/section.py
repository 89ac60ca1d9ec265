"""Sections: the panel's chapters, found by looking into one folder. A new section is one file there.

A file of ``sim2real/studio/sections/`` whose name does not begin with ``_`` holds ``ORDER``, a number, and ``SECTION``,
a :class:`Section`. Its fields and actions have keys that begin with the section's.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sim2real.studio.actions import Action
from sim2real.studio.errors import StudioError
from sim2real.studio.fields import Field
from sim2real.studio.outputs import Output

if TYPE_CHECKING:
    from sim2real.studio.document import SpecDocument
    from sim2real.studio.values import Values
    from sim2real.studio.workspace import Workspace

PACKAGE = "sim2real.studio.sections"
"""Where sections are looked for."""


def no_outputs(_values: Values, _workspace: Workspace) -> list[Output]:
    """Show nothing."""
    return []


@dataclass(frozen=True, kw_only=True)
class Section:
    """One chapter of the panel."""

    key: str
    """Name, which its fields' and actions' keys begin with."""
    title: str
    """Heading."""
    help: str
    """What it is for, in a sentence or two."""
    fields: Callable[[Values], tuple[Field, ...]]
    """What can be set now; it may depend on other sections' values, but not on its own fields'."""
    actions: tuple[Action, ...] = ()
    """Its buttons."""
    outputs: Callable[[Values, Workspace], list[Output]] = no_outputs
    """What it shows; called in a thread, since it may read files."""
    edit: Callable[[Values, str, Any], SpecDocument | None] | None = None
    """For sections whose fields are parts of the spec: return the spec with the checked value of a field in it, or None
    where this field is no part of the spec. May raise FieldError or SpecError, and then nothing changes."""
    follow: Callable[[Values, str, Any], SpecDocument | None] | None = None
    """For fields that another spec goes with: return it, or None where the spec stays. The value itself is kept."""


def discover() -> tuple[Section, ...]:
    """Return every section, in the order of their numbers.

    Raises:
        StudioError: a file holds no section, or two have one key.
    """
    package = importlib.import_module(PACKAGE)
    found: list[tuple[float, Section]] = []
    for info in pkgutil.iter_modules(package.__path__):
        if info.name.startswith("_"):
            continue
        module = importlib.import_module(f"{PACKAGE}.{info.name}")
        order, section = getattr(module, "ORDER", None), getattr(module, "SECTION", None)
        if not isinstance(order, int | float) or not isinstance(section, Section):
            raise StudioError(f"{PACKAGE}.{info.name} has no ORDER and SECTION; a section's file needs both")
        if any(section.key == other.key for _, other in found):
            raise StudioError(f"{PACKAGE}.{info.name}: '{section.key}' is the key of two sections; give each its own")
        for action in section.actions:
            if not action.key.startswith(f"{section.key}."):
                raise StudioError(f"{PACKAGE}.{info.name}: action '{action.key}' has to begin with '{section.key}.'")
        found.append((float(order), section))
    return tuple(section for _, section in sorted(found, key=lambda pair: pair[0]))
