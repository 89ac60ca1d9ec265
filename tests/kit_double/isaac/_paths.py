"""Prims by path and by regular expression, segment by segment."""

from __future__ import annotations

import re
from typing import Any

from pxr import Usd


def find(stage: Usd.Stage, what: str, paths: Any, regex: bool = True) -> list[Usd.Prim]:
    """The prims of one or several paths; each segment of a path is a regular expression.

    Raises:
        TypeError: no text. ValueError: nothing is there.
    """
    texts = [paths] if isinstance(paths, str) else list(paths)
    found: list[Usd.Prim] = []
    for text in texts:
        if not isinstance(text, str):
            raise TypeError(f"{what} takes paths as text, got {type(text).__name__}")
        if not text.startswith("/"):
            raise ValueError(f"{what}: the path {text!r} does not begin with '/'")
        prims = [stage.GetPseudoRoot()]
        for segment in text.strip("/").split("/"):
            if regex:
                pattern = re.compile(f"^(?:{segment})$")
                prims = [child for prim in prims for child in prim.GetAllChildren() if pattern.match(child.GetName())]
            else:
                prims = [child for prim in prims if (child := prim.GetChild(segment))]
        if not prims:
            raise ValueError(f"{what}: no prim matches {text!r}")
        found += [prim for prim in prims if prim not in found]
    return found
