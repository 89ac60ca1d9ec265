"""The spec that the panel edits: its text, which keeps comments and units, and the data that the loader makes of it."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from sim2real.paths import presets_dir
from sim2real.spec import Spec, parse_spec
from sim2real.studio.errors import StudioError
from sim2real.studio.workspace import write_atomic

if TYPE_CHECKING:
    from sim2real.studio.workspace import Workspace

SPECS = "specs"
"""Folder of the specs that runs were started with, below the studio's own."""


@dataclass(frozen=True, kw_only=True)
class SpecDocument:
    """A spec as text; every version is a value of its own, which makes undo cheap."""

    text: str
    """The YAML."""
    name: str
    """What it is called: a preset, or a file of the workspace."""
    preset: bool = False
    """Whether ``name`` is a preset and the text is still the preset's."""
    folder: str | None = None
    """Where the files of samples that it names are looked for; None: absolute paths only."""

    @classmethod
    def of_preset(cls, name: str) -> SpecDocument:
        """Return a preset that comes with the library.

        Raises:
            StudioError: there is none of this name, or it cannot be read.
        """
        path = presets_dir() / "randomization" / f"{name}.yaml"
        return cls.of_file(path, name, preset=True)

    @classmethod
    def of_file(cls, path: Path, name: str, *, preset: bool = False) -> SpecDocument:
        """Return a file's spec.

        Raises:
            StudioError: the file cannot be read.
            SpecError: it is no valid spec.
        """
        try:
            text = path.read_bytes().decode("utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise StudioError(f"spec '{name}' cannot be read: {error}; choose another") from error
        document = cls(text=text, name=name, preset=preset, folder=str(path.parent))
        _ = document.spec
        return document

    @cached_property
    def spec(self) -> Spec:
        """The spec as data.

        Raises:
            SpecError: the text is no valid spec; every fault has its line.
        """
        return parse_spec(self.text, self.name, None if self.folder is None else Path(self.folder))

    def with_seed(self, seed: int) -> SpecDocument:
        """Return the spec with another seed."""
        text, count = re.subn(r"(?m)^(seed:[ \t]*)[^#\s]+", lambda found: f"{found[1]}{seed}", self.text, count=1)
        if not count:
            raise StudioError("the spec has no line 'seed: 7' of its own; edit the file")
        return self.edited(text)

    def edited(self, text: str) -> SpecDocument:
        """Return a version with another text.

        Raises:
            SpecError: the text is no valid spec.
        """
        if text == self.text:
            return self
        document = SpecDocument(text=text, name=self.name, folder=self.folder)
        _ = document.spec
        return document

    def argument(self, workspace: Workspace) -> str:
        """Return what ``--spec`` takes: the preset's name, or the path of a file with this text."""
        if self.preset:
            return self.name
        digest = hashlib.sha256(self.text.encode("utf-8")).hexdigest()[:12]
        path = workspace.private / SPECS / f"{Path(self.name).stem}-{digest}.yaml"
        if not path.is_file():
            write_atomic(path, self.text)
        return str(path)
