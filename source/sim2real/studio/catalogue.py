"""What can be chosen: tasks, engines, presets. Names alone, so that the panel needs neither Isaac Lab nor torch."""

from __future__ import annotations

import os
import re
from pathlib import Path

from sim2real.paths import presets_dir
from sim2real.spec import preset_names

TASKS = ("go2", "go2_rough", "anymal_c", "anymal_c_rough", "g1", "panda", "ur5", "avoidance")
"""Tasks that come with the library, by the short names that verbs take."""
AVOIDANCE = "avoidance"
"""The task that is trained on pictures of a dataset."""
PHYSICS = ("newton_mjwarp", "ovphysx", "isaacsim_physx")
"""Engines that Isaac Lab runs a task in; the last one only inside of Isaac Sim."""
DEVICES = ("auto", "cpu", "cuda")
"""Where training runs."""
SPEC_OF_TASK = {
    "go2": "go2",
    "go2_rough": "go2",
    "anymal_c": "anymal_c",
    "anymal_c_rough": "anymal_c",
    "g1": "humanoid",
    "panda": "panda",
    "ur5": "ur5",
    "avoidance": "avoidance",
}
"""The preset that goes with a task."""
_CARD = re.compile(r"[a-z][a-z0-9_]*")


def card_tasks() -> list[str]:
    """Return the tasks of robots that a person added with ``robot add``, by their registered names."""
    own = os.environ.get("SIM2REAL_ROBOTS") or os.path.join(
        os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config"), "sim2real", "robots"
    )
    found: dict[str, str] = {}
    for folder in (Path(own), presets_dir() / "robots"):
        for path in sorted(folder.glob("*.yaml")):
            kind = _kind(path)
            if _CARD.fullmatch(path.stem) and kind:
                words = "-".join(word.capitalize() for word in path.stem.split("_"))
                prefix = "Sim2Real-Velocity-Flat" if kind == "velocity" else "Sim2Real-Reach"
                found.setdefault(path.stem, f"{prefix}-{words}")
    return list(found.values())


def _kind(path: Path) -> str:
    try:
        found = re.search(r"^kind:[ \t]*['\"]?(velocity|reach)\b", path.read_text(encoding="utf-8-sig"), re.MULTILINE)
    except (OSError, UnicodeDecodeError):
        return ""
    return found[1] if found else ""


def tasks() -> tuple[str, ...]:
    """Return every task that can be chosen."""
    return (*TASKS, *card_tasks())


def specs() -> tuple[str, ...]:
    """Return the presets of specs."""
    return tuple(preset_names())


def curricula() -> tuple[str, ...]:
    """Return the presets of curricula."""
    return tuple(sorted(path.stem for path in (presets_dir() / "curricula").glob("*.yaml")))
