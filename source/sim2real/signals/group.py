"""Several signals at once: one launch for all that an observation group reads, and one or two for their resets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sim2real.draws.bank import DrawBank, Stream
from sim2real.signals.errors import SignalError
from sim2real.signals.path import SignalPath

if TYPE_CHECKING:
    import torch
    import warp as wp


class SignalGroup:
    """Paths that are read together; each says to the bit what it would say alone."""

    def __init__(self, paths: Sequence[SignalPath]) -> None:
        """Join paths.

        Args:
            paths: of the same worlds, on one device. Their draws move into arrays of the group; they can still be read
                and reset alone.

        Raises:
            SignalError: no path, or paths of different worlds or devices.
        """
        import warp as wp

        from sim2real.signals.error_kernels import Errors
        from sim2real.signals.kernels import PathState, Signal

        self.paths = tuple(paths)
        if not self.paths:
            raise SignalError("a group of signals: got none; give one or more")
        first = self.paths[0]
        self._worlds = (first.num_envs, first.first_world, first.device)
        for path in self.paths:
            if (path.num_envs, path.first_world, path.device) != self._worlds:
                raise SignalError(
                    f"signals.{path.name} and signals.{first.name} are of different worlds or devices; give each"
                    " its own group"
                )
        self._banks = [first.bank] if len(self.paths) == 1 else self._join()
        self._signals = wp.array([path.kernel_signal for path in self.paths], dtype=Signal, device=first.device)
        self._errors = wp.array([path.kernel_errors for path in self.paths], dtype=Errors, device=first.device)
        self._states = wp.array([path.state for path in self.paths], dtype=PathState, device=first.device)
        streams = max([1, *(len(bank.streams) for bank in self._banks)])
        self._occurrence = wp.zeros((first.num_envs, streams), dtype=wp.int32, device=first.device)

    def _join(self) -> list[DrawBank]:
        """Draw all paths' numbers by as few launches as their names allow: a name stands once in a bank."""
        num_envs, first_world, device = self._worlds
        parts: list[list[SignalPath]] = []
        for path in self.paths:
            names = {stream.name for stream in path.bank.streams}
            part = next((p for p in parts if p[0].seed == path.seed and not names & _names(p)), None)
            if part is None:
                parts.append([path])
            else:
                part.append(path)
        banks = []
        for part in parts:
            streams: list[Stream] = [stream for path in part for stream in path.bank.streams]
            bank = DrawBank(part[0].seed, streams, num_envs, device, first_world)
            bank.worlds = part[0].worlds
            at = 0
            for path in part:
                width = path.bank.values.shape[1]
                path.place_draws(bank.values[:, at : at + width])
                at += width
            banks.append(bank)
        return banks

    def __call__(self, data: Sequence[torch.Tensor], *, again: bool = False) -> list[torch.Tensor]:
        """Return what the policy reads now, as each path's call would; tensors of the caller's own.

        Args:
            data: for each path, what :meth:`SignalPath.__call__` takes.
            again: the data of now are given once more.
        """
        for path, x in zip(self.paths, data, strict=True):
            path.give(x, again=again)
        self.launch(again=again)
        return [path.read().clone() for path in self.paths]

    def launch(self, *, again: bool = False) -> None:
        """Take the paths' ``samples`` through them; :meth:`SignalPath.read` gives what is read."""
        import warp as wp

        from sim2real.signals.kernels import observe

        dim = (self.paths[0].num_envs, len(self.paths))
        wp.launch(
            observe,
            dim=dim,
            inputs=[self._signals, self._errors, self._states, int(not again)],
            device=self.paths[0].device,
        )

    def reset(self, rows: Any = None, episode: wp.array | None = None) -> None:
        """Begin an episode in some worlds, as :meth:`SignalPath.reset` of every path."""
        import warp as wp

        from sim2real.signals.kernels import begin_all

        first = self.paths[0]
        entries = first.entries(rows)
        if entries.n == 0:
            return
        given = first.resets if episode is None else episode
        inputs = [entries.index, int(episode is not None), given, self._states]
        wp.launch(begin_all, dim=(entries.n, len(self.paths)), inputs=inputs, device=first.device)
        for bank in self._banks:
            if bank.streams:
                bank.draw(entries, first.episodes, self._occurrence)
        for path in self.paths:
            path.began = True


def _names(paths: Sequence[SignalPath]) -> set[str]:
    """Return the names under which paths draw."""
    return {stream.name for path in paths for stream in path.bank.streams}
