"""Tasks of robots that people add: one for every card in `config/robots` and in a folder of their own.

`register` names the tasks, and reads no more of a card than its kind; a card that is wrong says so when its task is
made. Gymnasium finds configurations as attributes of this module, `env_<name>` and `agent_<name>`, which are built from
the card on demand.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

import gymnasium

from sim2real.errors import Sim2RealError
from sim2real.paths import cache_dir, presets_dir

from .robots.card import KINDS, NAME, Card, read_card

DESCRIBED = re.compile(r"own/(?P<card>[a-z0-9_]+)-[0-9a-f]{16}\.urdf")
"""How contracts call the description that a card gives."""
FOLDER_VARIABLE = "SIM2REAL_ROBOTS"
"""Environment variable with a folder of cards."""


def user_folder() -> Path:
    """Folder of a user's own cards: `$SIM2REAL_ROBOTS`, else below the user's configuration."""
    given = os.environ.get(FOLDER_VARIABLE)
    if given:
        return Path(given)
    return Path(os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")) / "sim2real" / "robots"


def card_folders() -> tuple[Path, ...]:
    """Folders in which cards are looked for, the first with a name wins."""
    return user_folder(), presets_dir() / "robots"


def default_folder() -> Path:
    """Folder that `robot add` writes to: `$SIM2REAL_ROBOTS`; else `config/robots` of a checkout, else the user's."""
    checkout = presets_dir() / "robots"
    if os.environ.get(FOLDER_VARIABLE) or presets_dir().name != "config":
        return user_folder()
    return checkout


def card_files() -> dict[str, Path]:
    """Files of cards by name."""
    found: dict[str, Path] = {}
    for folder in card_folders():
        for path in sorted(folder.glob("*.yaml")):
            if NAME.fullmatch(path.stem):
                found.setdefault(path.stem, path)
    return found


def task_name(name: str, kind: str) -> str:
    """Return the Gymnasium name of a card's task: `anymal_b` is `Sim2Real-Velocity-Flat-Anymal-B`."""
    words = "-".join(word.capitalize() for word in name.split("_"))
    return f"Sim2Real-{'Velocity-Flat' if kind == 'velocity' else 'Reach'}-{words}"


def shipped_name(task: str) -> str:
    """Return the task that comes with the toolkit and has this name, in capitals or not; empty where there is none."""
    for name, spec in gymnasium.registry.items():
        if name.lower() == task.lower() and f"{__name__}:" not in str(spec.kwargs.get("env_cfg_entry_point")):
            return str(name)
    return ""


def register() -> dict[str, str]:
    """Register a task for every card; return their names by the cards'."""
    found = {}
    for name, path in card_files().items():
        kind = _kind_of(path)
        if kind not in KINDS:
            print(f"{path}: no robot card: give kind: {' or '.join(KINDS)}; it is left out", file=sys.stderr)
            continue
        task = task_name(name, kind)
        if shipped_name(task):
            print(f"{path}: '{shipped_name(task)}' comes with sim2real; rename the card", file=sys.stderr)
            continue
        found[name] = task
        gymnasium.registry.pop(task, None)  # the same card, registered before
        gymnasium.register(
            id=task,
            entry_point="isaaclab.envs:ManagerBasedRLEnv",
            disable_env_checker=True,
            kwargs={
                "env_cfg_entry_point": f"{__name__}:env_{name}",
                "rsl_rl_cfg_entry_point": f"{__name__}:agent_{name}",
                "default_agent": "rsl_rl",
            },
        )
    return found


def _kind_of(path: Path) -> str:
    """Return what stands at `kind:` in a file; empty where nothing does."""
    try:
        found = re.search(r"^kind:[ \t]*['\"]?(\w+)", path.read_text(encoding="utf-8-sig"), re.MULTILINE)
    except (OSError, UnicodeDecodeError):
        return ""
    return found.group(1) if found else ""


def card_named(name: str) -> Card:
    """Read the card of a name.

    Raises:
        Sim2RealError: there is none, or what is wrong in it.
    """
    files = card_files()
    if name not in files:
        known = f"cards: {', '.join(files)}" if files else "there are none yet"
        raise Sim2RealError(
            f"no robot card '{name}' in {' or '.join(map(str, card_folders()))}; {known}; 'robot add my.urdf' makes one"
        )
    return read_card(files[name])


def described(urdf: str) -> Path:
    """Path of an own robot's description as policies were trained with it.

    Args:
        urdf: what a contract calls it, `own/<card>-<digest>.urdf`.

    Raises:
        Sim2RealError: it is not in the cache and cannot be written again: there is no such card here, or it changed.
    """
    from .robots.own import own_urdf

    named = DESCRIBED.fullmatch(urdf)
    if named is None:
        raise Sim2RealError(f"'{urdf}' is no description of an own robot; they are called own/<card>-<digest>.urdf")
    cached = cache_dir("robots") / urdf
    if cached.is_file():
        return cached
    written = own_urdf(card_named(named["card"]))
    if written.name != cached.name:
        raise Sim2RealError(
            f"the robot card '{named['card']}' or its URDF has changed since: now it gives {written.name}"
        )
    return written


def __getattr__(attribute: str) -> Any:
    """Return the class of a configuration, `env_<name>` or `agent_<name>`, made from the card."""
    what, _, name = attribute.partition("_")
    if what not in ("env", "agent") or not NAME.fullmatch(name):
        raise AttributeError(f"module {__name__!r} has no attribute {attribute!r}")
    card = card_named(name)
    from . import own_cfgs

    return own_cfgs.env_cfg(card) if what == "env" else own_cfgs.agent_cfg(card)
