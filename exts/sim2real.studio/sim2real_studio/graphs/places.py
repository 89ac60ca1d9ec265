"""Where on the stage our own prims stand, all of them in a layer that can be taken away."""

from __future__ import annotations

import re

HOME = "/Sim2RealStage"
"""Below it stand distractors, materials and a dome light, where the stage has none."""
DOME = f"{HOME}/dome"


def material_path(path: str) -> str:
    """The material of a thing: one name for each path, also where two paths differ only in their slashes."""
    import hashlib

    short = hashlib.sha256(path.encode()).hexdigest()[:8]
    return f"{HOME}/materials/{re.sub('[^A-Za-z0-9_]', '_', path.strip('/'))}_{short}"


def shader_path(path: str) -> str:
    """The shader of a thing's material."""
    return f"{material_path(path)}/shader"


def distractor_path(planned: str) -> str:
    """Where a plan's distractor stands."""
    return f"{HOME}/distractors/{planned.rpartition('/')[2]}"
