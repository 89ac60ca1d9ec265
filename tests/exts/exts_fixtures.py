"""What the tests of the extension share."""

from __future__ import annotations

from typing import Any

from sim2real.spec import parse_spec


def spec_of(seed: int = 7, **terms: str) -> Any:
    """Return a spec of terms that are given as YAML, by name."""
    lines = "\n".join(f"  {name}: {text}" for name, text in terms.items())
    return parse_spec(f"schema: 1\nseed: {seed}\nterms:\n{lines}\n", "test")
