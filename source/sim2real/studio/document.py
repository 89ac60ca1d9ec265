"""The spec that the panel edits: its text, which keeps comments and units, and the data that the loader makes of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path as FilePath
from typing import TYPE_CHECKING

import yaml

from sim2real.paths import presets_dir
from sim2real.spec import Spec, parse_spec
from sim2real.spec.nodes import Node
from sim2real.studio import spec_text
from sim2real.studio.errors import StudioError
from sim2real.studio.spec_text import Path
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
    off: tuple[Path, ...] = ()
    """Entries that are switched off: they stay in ``text`` and are left out of what acts."""

    @classmethod
    def of_preset(cls, name: str) -> SpecDocument:
        """Return a preset that comes with the library.

        Raises:
            StudioError: there is none of this name, or it cannot be read.
        """
        path = presets_dir() / "randomization" / f"{name}.yaml"
        return cls.of_file(path, name, preset=True)

    @classmethod
    def of_file(cls, path: FilePath, name: str, *, preset: bool = False) -> SpecDocument:
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
    def acting(self) -> str:
        """The text of what acts: without the entries that are switched off."""
        text = self.text
        for path in self.off:
            if spec_text.has(text, path):
                text = spec_text.removed(text, path)
        return text

    @property
    def root(self) -> Node:
        """The whole text, switched off or not, as a tree."""
        return spec_text.read(self.text, self.folder)

    @cached_property
    def spec(self) -> Spec:
        """What acts, as data.

        Raises:
            SpecError: the text is no valid spec; every fault has its line.
        """
        return parse_spec(self.acting, self.name, None if self.folder is None else FilePath(self.folder))

    def with_seed(self, seed: int) -> SpecDocument:
        """Return the spec with another seed."""
        return self.edited(spec_text.replaced(self.text, ("seed",), str(seed)))

    def bare(self) -> SpecDocument:
        """Return the same without what was read from it, which is a thousand times its text: for those that wait."""
        return replace(self)

    def edited(self, text: str) -> SpecDocument:
        """Return a version with another text.

        Raises:
            SpecError: what acts of it is no valid spec.
        """
        return self if text == self.text else self._checked(text, self.off)

    def switched(self, path: Path, on: bool) -> SpecDocument:
        """Return a version in which an entry acts, or does not.

        Raises:
            SpecError: what acts then is no valid spec.
        """
        others = tuple(other for other in self.off if other != path)
        return self._checked(self.text, others if on else (*others, path))

    def _checked(self, text: str, off: tuple[Path, ...]) -> SpecDocument:
        document = SpecDocument(text=text, name=self.name, folder=self.folder, off=off)
        _ = document.spec
        return document

    def to_write(self) -> str:
        """Return what acts as the text of a file that may lie anywhere: files of samples have absolute names."""
        text = self.acting
        for path, name in _sample_files(self.root.node):
            if self.folder is not None and not FilePath(name).is_absolute() and spec_text.has(text, path):
                text = spec_text.replaced(text, path, spec_text.flow(str(FilePath(self.folder) / name)))
        return text

    def argument(self, workspace: Workspace) -> str:
        """Return what ``--spec`` takes: the preset's name, or the path of a file with this text."""
        if self.preset:
            return self.name
        text = self.to_write()
        digest = hashlib.sha256(text.encode("utf-8")).hexdigest()[:12]
        path = workspace.private / SPECS / f"{FilePath(self.name).stem}-{digest}.yaml"
        if not path.is_file():
            write_atomic(path, text)
        return str(path)


def _sample_files(node: yaml.Node, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Yield the place and the name of every file of samples that a spec names, where it can be changed."""
    if not isinstance(node, yaml.MappingNode):
        return
    for key, value in node.value:
        here = (*path, str(key.value))
        if here[-2:] == ("empirical", "file") and isinstance(value, yaml.ScalarNode):
            yield here, str(value.value)
        else:
            yield from _sample_files(value, here)
