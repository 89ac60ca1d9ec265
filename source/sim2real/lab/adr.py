"""Automatic domain randomization: each parameter's range grows where the policy succeeds at its edge.

Half of the episodes are played at the edge of one parameter: this parameter sits at its lower or its upper bound, all
others are drawn as ever. How well these episodes went moves that bound, outwards at `grow` or better, inwards at
`shrink` or worse, never beyond the declared range and never inside the start range. A bound is judged by its own
episodes only, so ranges become lopsided where the robot is. Which episodes are played at which edge is a keyed draw:
it depends on the world and the episode, not on how many worlds there are.

Source: OpenAI et al., "Solving Rubik's Cube with a Robot Hand", 2019, section 5.2 (Algorithm 1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sim2real.errors import Sim2RealError

if TYPE_CHECKING:
    import torch

EDGE_SHARE = 0.5
"""Share of the episodes that are played at an edge."""
STREAM = "curriculum/adr"
"""Name of the draws that say which episode is played at which edge; no term can have it."""


class CurriculumError(Sim2RealError):
    """A curriculum that cannot be run here, or a saved state of another one."""


@dataclass(frozen=True, kw_only=True)
class AdrParameter:
    """One term whose range moves; bounds have one number per component, SI."""

    name: str
    """The term's name."""
    low: tuple[float, ...]
    """Outermost lower bound, as declared."""
    high: tuple[float, ...]
    """Outermost upper bound."""
    start_low: tuple[float, ...]
    """Lower bound at the start; the range never becomes smaller than the start range."""
    start_high: tuple[float, ...]
    """Upper bound at the start."""
    log: bool = False
    """Whether steps are taken in the logarithm."""

    def __post_init__(self) -> None:
        """Raise CurriculumError unless low <= start_low <= start_high <= high, component by component."""
        rows = zip(self.low, self.start_low, self.start_high, self.high, strict=True)
        for low, start_low, start_high, high in rows:
            if not low <= start_low <= start_high <= high:
                raise CurriculumError(
                    f"curriculum of '{self.name}': start range [{start_low:g}, {start_high:g}] is not inside the"
                    f" declared range [{low:g}, {high:g}]; start inside it"
                )


class Adr:
    """Bounds of the parameters, and how the episodes at each went.

    Edge `2 k` is the lower bound of parameter k and `2 k + 1` its upper one.
    """

    def __init__(
        self,
        parameters: Sequence[AdrParameter],
        *,
        grow: float,
        shrink: float,
        step: float,
        episodes: int,
        device: str,
    ) -> None:
        """Start with the start ranges.

        Args:
            parameters: what moves, at least one.
            grow: an edge with this mean metric or more moves outwards.
            shrink: an edge with this mean metric or less moves inwards.
            step: how far, as a share of the declared range.
            episodes: an edge is judged after so many episodes.
            device: where the metric lies.
        """
        import torch

        self.parameters = tuple(parameters)
        self.grow, self.shrink, self.step, self.episodes = grow, shrink, step, episodes
        self._low = [np.array(parameter.start_low, np.float64) for parameter in self.parameters]
        self._high = [np.array(parameter.start_high, np.float64) for parameter in self.parameters]
        # One place more than there are edges: what counts for none lands there, without a branch on the device.
        self._sums = torch.zeros(self.edges + 1, dtype=torch.float64, device=device)
        self._counts = torch.zeros(self.edges + 1, dtype=torch.int64, device=device)
        self.rates: list[float | None] = [None] * self.edges
        """Mean metric when each edge was judged last."""
        self.moves = 0
        """How often a bound was moved."""

    @property
    def edges(self) -> int:
        """Number of bounds."""
        return 2 * len(self.parameters)

    def bounds(self, k: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Return the present bounds of a parameter."""
        return tuple(map(float, self._low[k])), tuple(map(float, self._high[k]))

    def choose(self, seed: int, world: torch.Tensor, episode: torch.Tensor) -> torch.Tensor:
        """Return the edge at which each of some episodes is played, -1 for none, int32 (n,).

        Args:
            seed: the spec's seed.
            world: global world ids, int32 (n,).
            episode: the episodes that are about to begin, int32 (n,).
        """
        import torch
        import warp as wp

        from sim2real.draws import Draws
        from sim2real.spec import UniformInt

        wp.init()  # without it, arrays of torch are no arrays of Warp yet
        options = round(self.edges / EDGE_SHARE)
        drawn = Draws(seed).sample_warp(
            STREAM, UniformInt(0, options - 1), wp.from_torch(world.contiguous()), wp.from_torch(episode.contiguous())
        )
        edge = wp.to_torch(drawn)[:, 0].to(torch.int32)
        return torch.where(edge < self.edges, edge, torch.full_like(edge, -1))

    def record(self, edge: torch.Tensor, metric: torch.Tensor, counts: torch.Tensor) -> None:
        """Note how some episodes went; nothing waits for the device.

        Args:
            edge: where each was played, int32 (n,), -1 for none.
            metric: how it went, in [0, 1], (n,).
            counts: whether it was played to its end, bool (n,).
        """
        import torch

        place = torch.where(counts & (edge >= 0), edge, torch.full_like(edge, self.edges)).long()
        self._sums.index_add_(0, place, metric.to(torch.float64))
        self._counts.index_add_(0, place, torch.ones_like(place))

    def judge(self) -> list[int]:
        """Move the bounds that were tried often enough; return the parameters that moved.

        This waits for the device. In a distributed run all ranks must call it at the same step: they share what they
        saw, so that they keep the same bounds.
        """
        import torch

        sums, counts = self._sums[:-1].clone(), self._counts[:-1].clone()
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            torch.distributed.all_reduce(sums)
            torch.distributed.all_reduce(counts)
        total, seen = sums.cpu().numpy(), counts.cpu().numpy()
        moved: list[int] = []
        ripe = np.flatnonzero(seen >= self.episodes)
        for edge in ripe:
            rate = float(total[edge] / seen[edge])
            self.rates[edge] = rate
            direction = 1 if rate >= self.grow else -1 if rate <= self.shrink else 0
            if direction and self._move(int(edge), direction):
                moved.append(int(edge) // 2)
                self.moves += 1
        if len(ripe):
            index = torch.as_tensor(ripe, device=self._sums.device)
            self._sums[index], self._counts[index] = 0.0, 0
        return sorted(set(moved))

    def _move(self, edge: int, direction: int) -> bool:
        k, upper = divmod(edge, 2)
        parameter = self.parameters[k]
        to, back = (np.log, np.exp) if parameter.log else (np.asarray, np.asarray)
        low, high = to(np.array(parameter.low)), to(np.array(parameter.high))
        stride = self.step * (high - low) * direction
        bound = self._high if upper else self._low
        before = bound[k]
        now = to(before) + (stride if upper else -stride)
        inner, outer = (parameter.start_high, parameter.high) if upper else (parameter.start_low, parameter.low)
        bound[k] = np.clip(back(now), np.minimum(inner, outer), np.maximum(inner, outer))
        return not np.array_equal(before, bound[k])

    def entropy(self) -> float:
        """Return the entropy of the present ranges relative to the declared ones [nats per component]: 0 when all are
        open, more negative the narrower they are; closed ranges count as 1e-6 of the declared one.
        """
        shares = []
        for k, parameter in enumerate(self.parameters):
            to = np.log if parameter.log else np.asarray
            span = to(np.array(parameter.high)) - to(np.array(parameter.low))
            width = to(self._high[k]) - to(self._low[k])
            open_ = span > 0.0
            shares.extend(np.maximum(width[open_] / span[open_], 1e-6))
        return float(np.mean(np.log(shares))) if shares else 0.0

    def openness(self) -> float:
        """Return the mean share of the declared ranges that is open, from 0 to 1."""
        shares = []
        for parameter, low, high in zip(self.parameters, self._low, self._high, strict=True):
            width = np.array(parameter.high) - np.array(parameter.low)
            shares.append(np.mean(np.divide(high - low, width, out=np.ones_like(width), where=width > 0.0)))
        return float(np.mean(shares))

    def log(self) -> dict[str, float]:
        """Return numbers to plot: entropy, and each parameter's bounds and rates."""
        found: dict[str, float] = {"entropy": self.entropy(), "moves": float(self.moves)}
        for k, parameter in enumerate(self.parameters):
            for side, bound in (("low", self._low[k]), ("high", self._high[k])):
                for i, value in enumerate(bound):
                    found[f"{parameter.name}/{side}{f'_{i}' if len(bound) > 1 else ''}"] = float(value)
            for side, rate in zip(("low", "high"), self.rates[2 * k : 2 * k + 2], strict=True):
                if rate is not None:
                    found[f"{parameter.name}/rate_{side}"] = rate
        return found

    def state_dict(self) -> dict[str, Any]:
        """Return everything that is needed to go on, as plain numbers."""
        return {
            "parameters": {
                parameter.name: {"low": self._low[k].tolist(), "high": self._high[k].tolist()}
                for k, parameter in enumerate(self.parameters)
            },
            "sums": self._sums.tolist(),
            "counts": self._counts.tolist(),
            "rates": list(self.rates),
            "moves": self.moves,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a saved state.

        Raises:
            CurriculumError: it was saved for other parameters, or lies outside the declared ranges.
        """
        import torch

        names = [parameter.name for parameter in self.parameters]
        if list(state["parameters"]) != names:
            raise CurriculumError(
                f"the saved curriculum moves {list(state['parameters'])}, this one moves {names}; resume with the"
                " spec of that run"
            )
        for k, parameter in enumerate(self.parameters):
            saved = state["parameters"][parameter.name]
            low, high = np.array(saved["low"], np.float64), np.array(saved["high"], np.float64)
            if np.any(low < parameter.low) or np.any(high > parameter.high) or np.any(low > high):
                raise CurriculumError(
                    f"the saved bounds of '{parameter.name}', {saved['low']} to {saved['high']}, lie outside the"
                    f" declared range {list(parameter.low)} to {list(parameter.high)}; resume with the spec of that run"
                )
            self._low[k], self._high[k] = low, high
        self._sums = torch.as_tensor(state["sums"], dtype=torch.float64, device=self._sums.device)
        self._counts = torch.as_tensor(state["counts"], dtype=torch.int64, device=self._counts.device)
        self.rates, self.moves = list(state["rates"]), int(state["moves"])
