"""A card as text that explains itself, and as a table for a terminal."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from pathlib import Path

from .card import Card, JointCard

_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./")


def _word(text: str) -> str:
    """Return a text as YAML has it: in quotes where it would be read as something else."""
    odd = text.lower() in ("", "y", "n", "yes", "no", "on", "off", "true", "false", "null", "none", "~")
    plain = set(text) <= _PLAIN and text[:1].isalpha() and not odd
    return text if plain or (text[:1] == "/" and set(text) <= _PLAIN) else json.dumps(text, ensure_ascii=False)


def _names(names: Iterable[str]) -> str:
    return f"[{', '.join(map(_word, names))}]"


def _number(value: float) -> str:
    return f"{value:.9g}" if value else "0"


def _pair(pair: tuple[float, float]) -> str:
    return f"[{_number(pair[0])}, {_number(pair[1])}]"


def _joint(joint: JointCard) -> str:
    limits = "none" if joint.limits is None else _pair(joint.limits)
    rest = ", ".join(
        f"{name}: {_number(getattr(joint, name))}" for name in ("effort", "velocity", "kp", "kd", "armature", "pose")
    )
    return f"  {_word(joint.name)}: {{limits: {limits}, {rest}}}"


def card_text(card: Card, command: str) -> str:
    """Return a card as commented YAML that `read_card` reads as the same card.

    Args:
        card: the card.
        command: that wrote it.
    """
    task = dataclasses.asdict(card.task)
    walks = card.kind == "velocity"
    lines = [
        f"# {card.name}: what {card.urdf.name} does not say and the task has to know.",
        f"# Written by: {command}",
        "# What stands under 'guesses' was not read but guessed: compare each with the robot, mend the figure, and set",
        "# confirm to false. Limits, efforts and speeds are used as they stand here, over those of the URDF.",
        "schema: 1",
        f"kind: {card.kind}  # velocity: a base that floats follows speeds; reach: an arm on a base that stays",
        f"urdf: {_word(str(card.urdf))}  # absolute, or relative to this file",
        f"sha256: {card.sha256}  # of the URDF; another file is refused",
    ]
    if card.package_paths:
        lines.append(f"package_paths: {_names(map(str, card.package_paths))}  # where its meshes lie")
    lines.append(f"base: {_word(card.base)}  # the root link")
    if walks:
        lines.append(f"height: {_number(card.height)}  # of the base at the start of an episode [m]")
    lines += [
        "",
        "# In the order of actions and observations, on every engine. Angles [rad], torques [N·m]; sliders [m], [N];",
        "# limits: none for a joint that turns without end; pose: where an episode starts and an action of 0 leads.",
        "joints:",
        *map(_joint, card.joints),
        f"frozen: {_names(card.frozen)}  # joints held at 0, no part of the task",
    ]
    if walks:
        lines.append(f"feet: {_names(card.feet)}  # links that stand on the ground")
    else:
        lines.append(f"end_effector: {_word(card.end_effector)}  # link that reaches")
    said = "commanded speeds [m/s], turn [rad/s]" if walks else "targets in the base's frame [m], angles [rad]"
    lines += [
        f"friction: {_number(card.friction)}  # coefficient of all its surfaces",
        "",
        f"task:  # {said}; action_scale: radians for an action of 1",
        *(
            f"  {name}: {_number(value) if isinstance(value, float | int) else _pair(value)}"
            for name, value in task.items()
        ),
        "",
        "guesses:",
        *(
            f"  {name}: {{confirm: {str(guess.confirm).lower()}, why: {json.dumps(guess.why, ensure_ascii=False)}}}"
            for name, guess in card.guesses.items()
        ),
    ]
    return "\n".join(lines) + "\n"


def card_table(card: Card) -> str:
    """Return a card as a table of joints, and what else it says."""
    width = max(5, *(len(joint.name) for joint in card.joints))
    lines = [f"{'joint':<{width}}  {'limits':>18} {'effort':>8} {'speed':>7} {'kp':>8} {'kd':>8} {'pose':>8}"]
    for joint in card.joints:
        limits = "endless" if joint.limits is None else f"{joint.limits[0]:.3f} to {joint.limits[1]:.3f}"
        lines.append(
            f"{joint.name:<{width}}  {limits:>18} {joint.effort:>8.4g} {joint.velocity:>7.3g}"
            f" {joint.kp:>8.3g} {joint.kd:>8.3g} {joint.pose:>8.3f}"
        )
    if card.frozen:
        lines.append(f"held at 0: {', '.join(card.frozen)}")
    if card.kind == "velocity":
        lines.append(f"base: {card.base}, floats, starts {card.height:g} m above the ground")
        lines.append(f"feet: {', '.join(card.feet)}")
    else:
        lines.append(f"base: {card.base}, stays")
        lines.append(f"end-effector: {card.end_effector}")
    return "\n".join(lines)


def guess_lines(card: Card) -> list[str]:
    """Return what is left to confirm, a line each."""
    return [f"  {name}: {guess.why}" for name, guess in card.guesses.items() if guess.confirm]


def write_card(card: Card, command: str) -> Path:
    """Write a card where it says that it lies; return the path."""
    card.path.parent.mkdir(parents=True, exist_ok=True)
    card.path.write_text(card_text(card, command), encoding="utf-8")
    return card.path
