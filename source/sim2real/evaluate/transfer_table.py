"""Played episodes on disk: a file of JSON lines for each engine, only ever appended to.

The first line says what all episodes share (engine, contract, seed, rules). A run that is killed keeps every episode
that it reported; a last line that was cut in half is dropped at the next start, and that episode is played again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from sim2real.evaluate.episodes import EvaluationError
from sim2real.evaluate.transfer_plan import Episode
from sim2real.evaluate.transfer_rollout import PlayedEpisode


class PlayedTable:
    """The episodes of one policy in one engine."""

    def __init__(self, path: Path, identity: dict[str, Any]) -> None:
        """Open or begin a table.

        Args:
            path: the file; folders are made when the first episode is written.
            identity: what all episodes share, as JSON types.

        Raises:
            EvaluationError: the file belongs to another run, or a line other than the last is damaged.
        """
        self.path, self.identity = path, identity
        self._played: dict[Episode, PlayedEpisode] = {}
        self._load()

    def __len__(self) -> int:
        return len(self._played)

    def __iter__(self) -> Iterator[PlayedEpisode]:
        return iter(sorted(self._played.values(), key=lambda played: (played.variant, played.number)))

    def variant(self, name: str) -> list[PlayedEpisode]:
        """The episodes of a variant, by number."""
        return [played for played in self if played.variant == name]

    def missing(self, episodes: Iterable[Episode]) -> list[Episode]:
        """Those that were not played yet, in the order given."""
        return [episode for episode in episodes if episode not in self._played]

    def append(self, played: Sequence[PlayedEpisode]) -> None:
        """Add episodes; when this returns they are on disk.

        Raises:
            EvaluationError: the disk is full or not writable; the table keeps what it had.
        """
        lines = [] if self._written() else [self.identity]
        lines += [episode.to_dict() for episode in played]
        data = "".join(json.dumps(line, separators=(",", ":"), allow_nan=False) + "\n" for line in lines).encode()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab", buffering=0) as file:
                size = file.seek(0, os.SEEK_END)
                try:
                    written = 0
                    while written < len(data):
                        written += file.write(data[written:])
                    os.fsync(file.fileno())
                except OSError:
                    file.truncate(size)
                    raise
        except OSError as error:
            raise EvaluationError(
                f"cannot write to {self.path}: {error.strerror}; the {len(self)} episodes written so far are kept, free"
                " some space or mend the permissions and run the same command again"
            ) from error
        self._played.update((Episode(episode.number, episode.variant), episode) for episode in played)

    def _written(self) -> bool:
        return self.path.exists() and self.path.stat().st_size > 0

    def _load(self) -> None:
        if not self._written():
            return
        data = self.path.read_bytes()
        whole = data.rfind(b"\n") + 1
        kept = 0
        lines = data[:whole].split(b"\n")[:-1]
        for number, line in enumerate(lines, start=1):
            try:
                content = json.loads(line)
                if number == 1:
                    self._check(content)
                else:
                    played = PlayedEpisode.from_dict(content)
                    self._played.setdefault(Episode(played.number, played.variant), played)
            except (ValueError, TypeError, KeyError) as error:
                if number == len(lines) and number > 1:  # written in the moment of the crash
                    break
                raise EvaluationError(
                    f"{self.path}, line {number} is damaged ({error}); delete this line to play its episode again, or"
                    " the file to start over"
                ) from error
            kept += len(line) + 1
        if kept < len(data):
            with self.path.open("r+b") as file:
                file.truncate(kept)

    def _check(self, found: dict[str, Any]) -> None:
        wanted = json.loads(json.dumps(self.identity))
        if found == wanted:
            return
        keys = sorted(key for key in {*found, *wanted} if found.get(key) != wanted.get(key))
        raise EvaluationError(
            f"{self.path} holds episodes of another run: {', '.join(keys)} differ; choose another --out, or delete the"
            " file to start over"
        )
