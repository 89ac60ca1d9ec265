"""What happens between resets: per-world timers of interval and step terms, and wrenches with a duration.

Times are counted in steps, rounded to the nearest one, at least one: whole numbers neither drift nor depend on when a
run was resumed. A wrench without a duration lasts until its term is drawn again; one drawn at reset, for the episode.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sim2real.engines.engine import Rows
from sim2real.engines.launch import RowsKernel, float_array, int_array, starts_of
from sim2real.engines.ops import around, pause
from sim2real.engines.streams import around_dim

if TYPE_CHECKING:
    import warp as wp

    from sim2real.draws.bank import DrawBank
    from sim2real.engines.resolve import Resolved

DIRECTIONS = {None: 0, "any": 1, "horizontal": 2, "x": 3, "y": 4, "z": 5}
"""The kernels' numbers for directions; None is a vector."""
HOLDS = 2**31 - 1
"""Steps of a wrench that lasts until its term is drawn again."""


def timed(resolved: Resolved) -> bool:
    """Whether a term is drawn between resets."""
    return resolved.term.when in ("interval", "step")


class Timers:
    """Countdowns and wrenches of all worlds."""

    def __init__(
        self,
        terms: list[Resolved],
        pushes: list[Resolved],
        rewriting: set[str],
        bank: DrawBank,
        part: wp.array,
        *,
        num_bodies: int,
        step_dt: float | None,
    ) -> None:
        """Set everything to rest.

        Args:
            terms: all terms that are drawn.
            pushes: those that are applied as wrenches.
            rewriting: names of the terms that change the engine's model.
            bank: the draws.
            part: how much of its range a curriculum uses, float32 (1,).
            num_bodies: bodies of a world.
            step_dt: time of a step [s]; None where no term needs it.
        """
        import warp as wp

        device = str(bank.device)
        self._device, self._bank, self._num_worlds = device, bank, bank.num_worlds
        self.terms = [resolved for resolved in terms if timed(resolved)]
        self.pushes = pushes
        self.names = tuple(name for resolved in self.terms for name in self._streams(resolved))
        n = self._num_worlds
        self.countdown = wp.zeros((n, len(self.terms)), dtype=wp.int32, device=device)
        self.left = wp.zeros((n, len(pushes)), dtype=wp.int32, device=device)
        self.fire = wp.zeros((n, len(bank.streams)), dtype=wp.int32, device=device)
        self.pushed = wp.full(n, -1, dtype=wp.int32, device=device)
        self.rewritten = wp.full(n, -1, dtype=wp.int32, device=device)
        self.wrench = wp.zeros((n, num_bodies if pushes else 0, 6), dtype=wp.float32, device=device)
        self.rewrites = any(resolved.name in rewriting for resolved in self.terms)
        self._per_second = 1.0 / step_dt if step_dt else 0.0
        settle = self._settle_inputs(rewriting)
        self._restart = RowsKernel(self._kernels().settle_timers, [1, *settle], device)
        self._settle = RowsKernel(self._kernels().settle_timers, [0, *settle], device)
        self._sum = self._sum_kernel(part)
        self._every = int_array([resolved.term.when == "step" for resolved in self.terms], device)
        table = np.full((len(self.terms), 3), -1, np.int32)
        for k, resolved in enumerate(self.terms):
            numbers = [bank.numbers[name] for name in self._streams(resolved)]
            table[k, : len(numbers)] = numbers
        self._table = wp.array(table, dtype=wp.int32, device=device)

    @staticmethod
    def _kernels() -> Any:
        from sim2real.engines import push_kernels

        return push_kernels

    def _streams(self, resolved: Resolved) -> list[str]:
        """Return the streams that are drawn when a timed term is."""
        names = [resolved.name, around(resolved.name), pause(resolved.name)]
        return [name for name in names if name in self._bank.numbers]

    def _settle_inputs(self, rewriting: set[str]) -> list[Any]:
        device, bank = self._device, self._bank
        pauses = [bank.columns.get(pause(resolved.name)) for resolved in self.terms]
        return [
            bank.values,
            self._per_second,
            self.fire,
            int_array([bank.numbers[resolved.name] for resolved in self.terms], device),
            int_array([-1 if columns is None else columns.start for columns in pauses], device),
            int_array([resolved.name in rewriting for resolved in self.terms], device),
            self.countdown,
            int_array([bank.numbers[resolved.name] for resolved in self.pushes], device),
            int_array([self._steps(resolved) for resolved in self.pushes], device),
            int_array([not timed(resolved) for resolved in self.pushes], device),
            self.left,
            self.pushed,
            self.rewritten,
        ]

    def _steps(self, resolved: Resolved) -> int:
        """Return how many steps a wrench lasts."""
        seconds = resolved.term.duration_s
        return HOLDS if seconds is None else max(1, int(seconds * self._per_second + 0.5))

    def _sum_kernel(self, part: wp.array) -> RowsKernel:
        device, bank = self._device, self._bank
        on_body: dict[int, list[tuple[int, ...]]] = {}
        for f, resolved in enumerate(self.pushes):
            term, wide = resolved.term, around_dim(resolved)
            column = bank.columns[resolved.name].start
            beside = bank.columns[around(resolved.name)].start if wide else -1
            for body, slot in zip(resolved.elements, resolved.slots, strict=True):
                entry = (f, 3 * (term.target == "body.torque"), DIRECTIONS[term.direction])
                places = (column + slot * term.dist.dim, beside + slot * wide)
                on_body.setdefault(body, []).append((*entry, *places))
        entries = np.array([entry for found in on_body.values() for entry in found], np.int32).reshape(-1, 5)
        inputs = [
            bank.values,
            part,
            self.left,
            int_array(list(on_body), device),
            int_array(starts_of(on_body.values()), device),
            *(int_array(entries[:, i], device) for i in range(5)),
            self.wrench,
        ]
        return RowsKernel(self._kernels().sum_wrenches, inputs, device, width=len(on_body))

    def restart(self, rows: Rows) -> Rows | None:
        """Begin the timers and the wrenches of an episode; return the rows that are pushed anew, if any can be."""
        if not self.terms and not self.pushes:
            return None
        self._restart(rows)
        return self.resume(rows)

    def resume(self, rows: Rows) -> Rows | None:
        """Add up what acts now; return the rows if anything can act."""
        if not self.pushes:
            return None
        self._sum(rows)
        return rows

    def tick(self, occurrence: wp.array, rows: Rows) -> None:
        """Count one step in these worlds; `fire` and the occurrences then say what is to be drawn."""
        import warp as wp

        if self.terms:
            inputs = [rows.index, self._every, self._table, self.countdown, occurrence, self.fire]
            wp.launch(self._kernels().tick_timers, dim=rows.n, inputs=inputs, device=self._device)

    def settle(self, rows: Rows) -> tuple[Rows | None, Rows | None]:
        """Start what was drawn; return the rows that are pushed anew and those to be written anew."""
        if not self.terms and not self.pushes:
            return None, None
        self._settle(rows)
        pushed = Rows(index=self.pushed, n=rows.n) if self.pushes else None
        if pushed is not None:
            self._sum(pushed)
        return pushed, Rows(index=self.rewritten, n=rows.n) if self.rewrites else None

    def vectors(self, resolved: Resolved) -> wp.array:
        """Return the draws of a term with a direction as vectors, float32 (num_worlds, selected, 3)."""
        import warp as wp

        bank, wide, term = self._bank, around_dim(resolved), resolved.term
        vectors = wp.zeros((self._num_worlds, len(resolved.slots), 3), dtype=wp.float32, device=self._device)
        beside = bank.columns[around(resolved.name)].start if wide else -1
        inputs = [
            bank.values,
            int_array(resolved.slots, self._device),
            DIRECTIONS[term.direction],
            bank.columns[resolved.name].start,
            term.dist.dim,
            beside,
            wide,
            vectors,
        ]
        wp.launch(self._kernels().direct_draws, dim=vectors.shape[:2], inputs=inputs, device=self._device)
        return vectors


def places(bank: DrawBank, terms: list[Resolved]) -> tuple[list[str], np.ndarray, np.ndarray, np.ndarray]:
    """Return name, column, middle and 1 / half range of every number that can vary."""
    names, columns, middles, scales = [], [], [], []
    for resolved in terms:
        dist = resolved.term.dist
        lows, highs = dist.bounds()
        axes = "" if dist.dim == 1 else "xyzabcdefg"
        for slot, label in enumerate(resolved.labels):
            for i, (low, high) in enumerate(zip(lows, highs, strict=True)):
                if high > low:
                    part = f"{resolved.name}[{label}]" if resolved.count > 1 else resolved.name
                    names.append(f"{part}.{axes[i]}" if axes else part)
                    columns.append(bank.columns[resolved.name].start + slot * dist.dim + i)
                    middles.append(0.5 * (low + high))
                    scales.append(2.0 / (high - low))
    return names, np.array(columns, np.int32), np.array(middles, np.float32), np.array(scales, np.float32)


def placing_kernel(
    bank: DrawBank, columns: np.ndarray, middles: np.ndarray, scales: np.ndarray, placed: wp.array
) -> RowsKernel:
    """Return the kernel that maps draws to [-1, 1] over their declared bounds."""
    from sim2real.engines.fold_kernels import place_in_range

    device = str(bank.device)
    inputs = [
        bank.values,
        int_array(columns, device),
        float_array(middles, device),
        float_array(scales, device),
        placed,
    ]
    return RowsKernel(place_in_range, inputs, device)
