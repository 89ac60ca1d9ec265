"""The spec: what is uncertain, as frozen data with a stable fingerprint."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from typing import Any

from sim2real.spec.curriculum import CurriculumSpec
from sim2real.spec.frozen import FrozenDict
from sim2real.spec.rates import Rates
from sim2real.spec.signals import SignalSpec
from sim2real.spec.terms import Term

SCHEMA = 1
"""The version of the file format that this code reads."""
SEED_LIMIT = 2**64
UNSUPPORTED = ("error", "skip_declared")
"""What may be said about terms that an engine cannot do."""


@dataclass(frozen=True, kw_only=True)
class Spec:
    """What is uncertain about a robot and its world; all numbers in SI."""

    schema: int = SCHEMA
    """Version of the file format."""
    seed: int
    """Seed of every draw, in [0, 2^64)."""
    rates: Rates = field(default_factory=Rates)
    """Rates of the robot's loops, which convert steps to seconds."""
    unsupported: str = "error"
    """What happens to a term that the engine cannot do: ``error``, or ``skip_declared``, which leaves it out where its
    own ``skip_on`` names the engine."""
    terms: FrozenDict[str, Term] = field(default_factory=FrozenDict)
    """Uncertain quantities by name; the name is part of the random key."""
    signals: FrozenDict[str, SignalSpec] = field(default_factory=FrozenDict)
    """Uncertain signals by name."""
    vision: FrozenDict[str, Any] = field(default_factory=FrozenDict)
    """What is uncertain about pictures, by kind: ``depth`` a DepthNoiseSpec; ``light``, ``colour``, ``occlusion`` and
    ``texture`` an ImageSpec; ``stage`` a VisionStageSpec."""
    curriculum: CurriculumSpec = field(default_factory=CurriculumSpec)
    """How ranges change during training."""

    @property
    def digest(self) -> str:
        """Return the SHA-256 of the canonical form, 64 hex digits.

        It covers every value that changes a draw, in SI, and neither provenance nor comments nor the order of keys.
        """
        from sim2real.spec.writing import canonical

        text = json.dumps(_rounded(canonical(self)), sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(text.encode("utf-8")).hexdigest()

    def to_yaml(self) -> str:
        """Return the spec as YAML in SI units; reading it gives an equal spec."""
        from sim2real.spec.writing import to_yaml

        return to_yaml(self)

    def with_seed(self, seed: int) -> Spec:
        """Return the same spec with another seed, in [0, 2^64).

        Raises:
            ValueError: outside that range.
        """
        if isinstance(seed, bool) or int(seed) != seed or not 0 <= seed < SEED_LIMIT:
            raise ValueError(f"seed: got {seed!r}; give a whole number from 0 to 2^64 - 1")
        return replace(self, seed=int(seed))

    def targeting(self, target: str) -> dict[str, Term]:
        """Return the terms on one target by name."""
        return {name: term for name, term in self.terms.items() if term.target == target}


def _rounded(value: Any) -> Any:
    """Write floats with 12 digits, so that 2 deg and 0.0349065850398866 rad are one number."""
    if isinstance(value, dict):
        return {key: _rounded(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(entry) for entry in value]
    return f"{value + 0.0:.12g}" if isinstance(value, float) else value
