"""rep.distribution: values that are drawn anew at each evaluation, with NumPy; the numbers are the stand-in's own."""

from __future__ import annotations

from typing import Any

import numpy as np
from pxr import Sdf

from ._nodes import Distribution, plain
from ._rep import Rep
from ._usd import is_number


def contents(rep: Rep) -> dict[str, Any]:
    """The module's functions."""

    def bounds(what: str, *values: Any) -> tuple[list[np.ndarray], int]:
        """Numbers or flat vectors of one length, as arrays, and that length (0: plain numbers)."""
        for value in values:
            plain(what, value)
            if not is_number(value) and not (
                isinstance(value, (list, tuple)) and value and all(is_number(v) for v in value)
            ):
                raise TypeError(f"{what} takes numbers or flat tuples of numbers, got {value!r}")
        lengths = {len(v) if isinstance(v, (list, tuple)) else 0 for v in values}
        if len(lengths) > 1:
            raise ValueError(f"{what}: arguments of different lengths {values!r}")
        return [np.asarray(v, float) for v in values], lengths.pop()

    def made(kind: str, draw: Any, seed: int | None, width: int, num_samples: int) -> Distribution:
        if type(num_samples) is not int or num_samples < 1:
            raise ValueError(f"distribution.{kind}: num_samples must be 1 or more, got {num_samples!r}")

        def samples(rng: np.random.Generator, count: int) -> list[Any]:
            rows = np.atleast_1d(draw(rng, (count, width) if width else (count,)))
            return [tuple(row) for row in rows.tolist()] if width else rows.tolist()

        return Distribution(rep, kind, samples, seed, width)

    def uniform(lower: Any, upper: Any, num_samples: int, seed: int | None, name: str | None) -> Distribution:
        (low, high), width = bounds("distribution.uniform", lower, upper)
        if np.any(low > high):
            raise ValueError(f"distribution.uniform: lower {lower!r} is above upper {upper!r}")
        return made("uniform", lambda rng, shape: rng.uniform(low, high, shape), seed, width, num_samples)

    def log_uniform(lower: Any, upper: Any, num_samples: int, seed: int | None, name: str | None) -> Distribution:
        (low, high), width = bounds("distribution.log_uniform", lower, upper)
        if np.any(low <= 0) or np.any(low > high):
            raise ValueError(f"distribution.log_uniform: 0 < lower <= upper, got {lower!r}, {upper!r}")
        draw = lambda rng, shape: np.exp(rng.uniform(np.log(low), np.log(high), shape))  # noqa: E731
        return made("log_uniform", draw, seed, width, num_samples)

    def normal(mean: Any, std: Any, num_samples: int, seed: int | None, name: str | None) -> Distribution:
        (centre, spread), width = bounds("distribution.normal", mean, std)
        if np.any(spread < 0):
            raise ValueError(f"distribution.normal: std {std!r} is negative")
        return made("normal", lambda rng, shape: rng.normal(centre, spread, shape), seed, width, num_samples)

    def one_type(what: str, values: Any) -> int:
        if not isinstance(values, list):
            raise TypeError(f"{what} takes a Python list, got {type(values).__name__}")
        plain(what, values)
        if not values:
            raise ValueError(f"{what} got an empty list")
        kinds = {type(v).__name__ for v in values}
        if len(kinds) > 1:
            raise ValueError(f"{what} takes values of one type, got {', '.join(sorted(kinds))}")
        paths = [isinstance(v, str) and Sdf.Path.IsValidPathString(v) and v.startswith("/") for v in values]
        if any(paths):
            known = [bool(rep.stage().GetPrimAtPath(v)) for v in values]
            if any(known) and not all(known):
                raise ValueError(f"{what}: some strings are prims and some are not: {values!r}")
        return len(values[0]) if isinstance(values[0], (tuple, list)) else 0

    def choice(
        choices: Any, weights: Any, num_samples: int, seed: int | None, with_replacements: bool, name: str | None
    ) -> Distribution:
        width = one_type("distribution.choice", choices)
        if weights is not None:
            plain("distribution.choice(weights=)", weights)
            if len(weights) != len(choices) or min(weights) < 0 or sum(weights) <= 0:
                raise ValueError(f"distribution.choice: weights {weights!r} do not fit {len(choices)} choices")
        chances = None if weights is None else np.asarray(weights, float) / float(sum(weights))

        def samples(rng: np.random.Generator, count: int) -> list[Any]:
            if not with_replacements and count > len(choices):
                raise ValueError(f"choice without replacement: {count} of {len(choices)}")
            picked = rng.choice(len(choices), count, replace=with_replacements, p=chances)
            return [choices[i] for i in picked]

        return Distribution(rep, "choice", samples, None if seed == -1 else seed, width)

    def sequence(items: Any, ordered: bool, seed: int | None, name: str | None, stride: int | None) -> Distribution:
        width = one_type("distribution.sequence", items)
        step = 1 if stride is None else stride
        if type(step) is not int or step < 1:
            raise ValueError(f"distribution.sequence: stride must be 1 or more, got {stride!r}")
        state: dict[str, Any] = {"next": 0, "left": []}

        def index(rng: np.random.Generator) -> int:
            if ordered:
                found = state["next"]
                state["next"] = (found + step) % len(items)
                return found
            if not state["left"]:
                state["left"] = list(range(len(items)))
            return state["left"].pop(int(rng.integers(len(state["left"]))))

        def samples(rng: np.random.Generator, count: int) -> list[Any]:
            first = index(rng)
            found = items[first : first + step]
            if len(found) != count:
                raise ValueError(
                    f"distribution.sequence gives {len(found)} item(s) per evaluation for {count} prims; its stride"
                    " says how many"
                )
            return found

        made = Distribution(rep, "sequence", samples, None if seed == -1 else seed, width)
        made.on_restart(lambda: state.update(next=0, left=[]))
        return made

    def combine(distributions: Any, name: str | None) -> Distribution:
        if not isinstance(distributions, (list, tuple)) or not distributions:
            raise TypeError("distribution.combine takes a list of distributions and numbers")
        for part in distributions:
            if not is_number(part) and not (isinstance(part, Distribution) and part.width == 0):
                raise TypeError(f"distribution.combine takes numbers and distributions of numbers, got {part!r}")

        def samples(rng: np.random.Generator, count: int) -> list[Any]:
            columns = [p.sample(count) if isinstance(p, Distribution) else [p] * count for p in distributions]
            return [tuple(float(v) for v in row) for row in zip(*columns, strict=True)]

        return Distribution(rep, "combine", samples, None, len(distributions))

    return rep.functions(
        "distribution",
        {
            "uniform": uniform,
            "log_uniform": log_uniform,
            "normal": normal,
            "choice": choice,
            "sequence": sequence,
            "combine": combine,
        },
    )
