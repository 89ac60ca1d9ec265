"""What the panel holds at one moment: frozen, so that a worker may read it while a person goes on editing."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from sim2real.studio.errors import FieldError, WorkspaceError
from sim2real.studio.fields import Field

if TYPE_CHECKING:
    from sim2real.studio.document import SpecDocument
    from sim2real.studio.section import Section
    from sim2real.studio.workspace import Workspace

_NUMBERS = itertools.count(1)


class Values(Mapping[str, Any]):
    """Values by field key; what was not set is the field's default."""

    def __init__(
        self,
        given: Mapping[str, Any],
        document: SpecDocument,
        workspace: Workspace,
        sections: tuple[Section, ...],
    ) -> None:
        """Take what was set.

        Args:
            given: values by key, of fields that are no part of the spec.
            document: the spec.
            workspace: where files are.
            sections: the panel's sections.
        """
        self.revision = next(_NUMBERS)
        """Differs between any two states of a process."""
        self.given = dict(given)
        """What was set, without defaults."""
        self.document = document
        """The spec as text and as data."""
        self.workspace = workspace
        """Where files are."""
        self.sections = sections
        """The panel's sections."""
        self._fields: dict[str, dict[str, Field]] = {}

    def fields(self, section_key: str) -> dict[str, Field]:
        """Return a section's fields by key, in order."""
        if section_key not in self._fields:
            section = next((section for section in self.sections if section.key == section_key), None)
            self._fields[section_key] = {} if section is None else {f.key: f for f in section.fields(self)}
        return self._fields[section_key]

    def field(self, key: str) -> Field:
        """Return a field.

        Raises:
            KeyError: there is none of this key now.
        """
        return self.fields(key.partition(".")[0])[key]

    def __getitem__(self, key: str) -> Any:
        field = self.field(key)
        value = self.given.get(key, field.default)
        # A choice that is offered no more (another spec, a card that was removed) gives way to the first.
        return field.default if field.kind == "choice" and value not in field.choices else value

    def __iter__(self) -> Iterator[str]:
        for section in self.sections:
            yield from self.fields(section.key)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def spec_argument(self) -> str:
        """Return what ``--spec`` takes for the spec as it is now: a preset's name, or a file, written where missing.

        The file's name tells its content, so that the same spec is the same file, and a run keeps what it began with.
        """
        return self.document.argument(self.workspace)


def check_value(field: Field, value: Any, workspace: Workspace) -> Any:
    """Return the value that a field takes for what came; a path is inside of the workspace, and relative to it.

    Raises:
        FieldError: the field takes no such value.
    """
    checked = field.check(value)
    if field.kind != "path" or checked is None:
        return checked
    try:
        return workspace.relative(checked)
    except WorkspaceError as error:
        raise field.fault(str(error)) from error


def checked_values(
    given: Mapping[str, Any], document: SpecDocument, workspace: Workspace, sections: tuple[Section, ...]
) -> tuple[dict[str, Any], list[str]]:
    """Return what the fields take of a file's values, and a line about each that they do not."""
    kept, dropped = dict(given), []
    while True:  # a value may decide which fields there are: look again until nothing more is dropped
        values = Values(kept, document, workspace, sections)
        good: dict[str, Any] = {}
        for key, value in kept.items():
            try:
                good[key] = check_value(values.field(key), value, workspace)
            except KeyError:
                dropped.append(f"{key}: there is no such field any more; left out")
            except FieldError as error:
                dropped.append(f"{key}: {error.message}; left out")
        if good == kept:
            return good, dropped
        kept = good
