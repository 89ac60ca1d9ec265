"""Episodes whose conditions come from a spec: `transfer BUNDLE --spec go2` plays what the policy was trained on.

A term becomes a number for each episode, drawn by the seed, the term's name and the episode's (`sim2real.draws`), and
for each joint or link by its name too: the same one in every engine, whatever order an engine keeps. Links that are
tied to each other for good share one draw, because Isaac Lab may have made one body of them. What the players cannot do
alike in all engines is left out, and the report lists it with the reason. Starts stay the transfer test's own, so that
an episode begins alike under all conditions.
"""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np

from sim2real.contract import Robot
from sim2real.draws import Draws
from sim2real.evaluate.engines.latency import LONGEST_S
from sim2real.evaluate.engines.player import LinkChanges
from sim2real.evaluate.episodes import EvaluationError
from sim2real.spec.distributions import Normal
from sim2real.spec.signals import SignalSpec
from sim2real.spec.spec import Spec
from sim2real.spec.terms import Term

OPS = {
    "shape.friction": "set",
    "body.mass": "scale",
    "body.payload": "add",
    "body.com": "add",
    "actuator.kp": "scale",
    "actuator.kd": "scale",
    "actuator.strength": "scale",
    "actuator.effort_limit": "scale",
    "joint.zero_offset": "add",
}
"""Targets that are played, and how their draw must meet the nominal value."""
FACTORS_OF = {"actuator.kp": (0,), "actuator.kd": (1,), "actuator.effort_limit": (2,), "actuator.strength": (0, 1, 2)}
"""Which of stiffness, damping and effort limit a target multiplies."""
FELT = ("joint_pos", "joint_vel", "base_ang_vel", "base_lin_vel")
"""Signals that are disturbed; a robot's state names them alike."""
PARTS = ("bias", "scale", "white", "noise_density", "quantum")
"""What of such a signal is played."""
ABOUT = ("unit", "bus", "mount", "provenance")
"""What of a signal says something about the others."""


@dataclass(frozen=True, kw_only=True, eq=False)
class SpecEpisodes:
    """A spec as the players can play it."""

    spec: Spec
    """What is uncertain."""
    joints: tuple[str, ...]
    """The contract's, in its order."""
    heads: Mapping[str, str]
    """Link -> the link nearest to the base of those that it is tied to for good; links with mass."""
    rate_hz: float
    """Decisions in a second [Hz]."""
    terms: Mapping[str, Term] = field(init=False)
    """Terms that are played, by name."""
    left_out: tuple[str, ...] = field(init=False)
    """What is not, and why."""

    def __post_init__(self) -> None:
        """Choose what can be played. Raises: EvaluationError: a term that selects nothing, or a latency too long."""
        played, left_out = {}, []
        for name, term in sorted(self.spec.terms.items()):
            reason = self._cannot(term)
            if reason is None:
                played[name] = term
                if term.target != "shape.friction" and not self._selected(term):
                    raise EvaluationError(
                        f"terms.{name}: select '{term.select}' fits none of {', '.join(self._elements(term))}"
                    )
            else:
                left_out.append(f"{name}: {reason}")
        frictions = [name for name, term in played.items() if term.target == "shape.friction"]
        if len(frictions) > 1:
            raise EvaluationError(f"terms {', '.join(frictions)}: the players know one friction of robot and ground")
        object.__setattr__(self, "terms", played)
        object.__setattr__(self, "left_out", (*left_out, *self._signals_left_out()))

    def _cannot(self, term: Term) -> str | None:
        """Why a term is not played; None: it is."""
        target = term.target
        if target.startswith(("root.", "joint.position", "joint.velocity")):
            return "the start is drawn as the transfer test's rules say"
        if target not in OPS:
            return f"no player applies {target} alike in all engines"
        if term.op != OPS[target]:
            return f"{target} is played with op '{OPS[target]}' alone, not '{term.op}'"
        if term.when not in ("reset", "startup"):
            return f"it is drawn at {term.when}; episodes have constant conditions"
        if term.asset != "robot" or term.mirror:
            return "players know draws of the robot, each for itself"
        if target == "body.mass" and term.keep != "density":
            return "players scale a mass with its inertia: keep: density"
        if target == "shape.friction" and term.each != "world":
            return "players know one friction of robot and ground: each: world"
        return None

    def _signals_left_out(self) -> list[str]:
        said, nothing = [], SignalSpec()
        for name, signal in sorted(self.spec.signals.items()):
            known = ("latency",) if name == "command" else PARTS if name in FELT else ()
            given = [f.name for f in fields(SignalSpec) if getattr(signal, f.name) != getattr(nothing, f.name)]
            not_played = [part for part in given if part not in (*known, *ABOUT)]
            if not_played:
                said.append(f"signals.{name}: {', '.join(not_played)}")
        return said

    def _elements(self, term: Term) -> list[str]:
        return list(self.heads) if term.target.startswith("body.") else list(self.joints)

    def _selected(self, term: Term) -> list[str]:
        return [name for name in self._elements(term) if re.fullmatch(term.select, name)]

    def _draw(self, seed: int, name: str, term: Term, numbers: Sequence[int]) -> dict[str, np.ndarray]:
        """What each selected element gets, (n,) or (n, 3)."""
        draws, found = Draws(seed), {}
        for element in self._selected(term):
            own = self.heads.get(element, element) if term.target.startswith("body.") else element
            stream = f"transfer/{name}" if term.each == "world" else f"transfer/{name}/{own}"
            found[element] = draws.sample(stream, term.dist, numbers)[:, 0].astype(np.float64)
        return found

    def values(self, seed: int, numbers: Sequence[int]) -> dict[str, Any]:
        """What an episode of these numbers is played under, as `Conditions` takes it; the rest is nominal.

        Returns:
            some of `friction` (n,), `latency_s` (n,), `drives` (n, joints, 3), `links`.
        """
        count, found = len(numbers), {}
        drives = np.ones((count, len(self.joints), 3))
        links = tuple(self.heads)
        change = LinkChanges(
            names=links,
            mass=np.ones((count, len(links))),
            load=np.zeros((count, len(links))),
            com=np.zeros((count, len(links), 3)),
            heads=self.heads,
        )
        for name, term in self.terms.items():
            if term.target == "shape.friction":
                found["friction"] = Draws(seed).sample(f"transfer/{name}", term.dist, numbers)[:, 0].astype(np.float64)
                continue
            for element, value in self._draw(seed, name, term, numbers).items():
                if term.target in FACTORS_OF:
                    drives[:, self.joints.index(element), FACTORS_OF[term.target]] *= value[:, None]
                elif term.target == "body.mass":
                    change.mass[:, links.index(element)] *= value
                elif term.target == "body.payload":
                    change.load[:, links.index(element)] += value
                elif term.target == "body.com":
                    change.com[:, links.index(element)] += value
        command = self.spec.signals.get("command")
        if command is not None and command.latency is not None:
            latency = Draws(seed).sample("transfer/command.latency", command.latency, numbers)[:, 0].astype(np.float64)
            if latency.max() > LONGEST_S:
                raise EvaluationError(
                    f"signals.command.latency: {latency.max():g} s was drawn; players delay by up to {LONGEST_S:g} s"
                )
            found["latency_s"] = np.maximum(latency, 0.0)
        return {**found, "drives": drives, "links": change}

    def zero_offset(self, seed: int, numbers: Sequence[int]) -> np.ndarray:
        """Reading of each encoder minus the joint's true place [rad or m], (n, joints)."""
        offset = np.zeros((len(numbers), len(self.joints)))
        for name, term in self.terms.items():
            if term.target == "joint.zero_offset":
                for joint, value in self._draw(seed, name, term, numbers).items():
                    offset[:, self.joints.index(joint)] += value
        return offset

    def felt(self, seed: int, numbers: Sequence[int], step: int, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """What sensors tell of a state at a decision: arrays (n, k) by the names of `RobotState`."""
        told = dict(state)
        for name in FELT:
            if name not in self.spec.signals or name not in state:
                continue
            value = state[name]
            scale, bias = (self._of_episode(seed, numbers, name, part, value.shape[1]) for part in ("scale", "bias"))
            spread = np.hypot(
                self._of_episode(seed, numbers, name, "white", value.shape[1]),
                self._of_episode(seed, numbers, name, "noise_density", value.shape[1]) * math.sqrt(self.rate_hz),
            )
            noise = Draws(seed).sample(
                f"transfer/{name}/noise", Normal(0.0, 1.0), numbers, occurrence=step, count=value.shape[1]
            )
            value = value * (1.0 + scale) + bias + spread * noise
            quantum = self._of_episode(seed, numbers, name, "quantum", value.shape[1])
            coarse = np.where(quantum > 0.0, quantum, 1.0)
            told[name] = np.where(quantum > 0.0, np.round(value / coarse) * coarse, value)
        return told

    def _of_episode(self, seed: int, numbers: Sequence[int], name: str, part: str, size: int) -> np.ndarray:
        """What an episode drew of a part, 0 where there is none; (n, size)."""
        dist = getattr(self.spec.signals[name], part)
        if dist is None:
            return np.zeros((len(numbers), size))
        values = Draws(seed).sample(f"transfer/{name}/{part}", dist, numbers, count=1 if dist.dim > 1 else size)
        return values.reshape(len(numbers), -1).astype(np.float64)


def rigid_heads(urdf: Path, robot: Robot) -> dict[str, str]:
    """For each link with mass: the link nearest to the base of those that it is tied to for good.

    Joints that the contract does not name are fixed, as everywhere in a transfer test.
    """
    root = ET.parse(urdf).getroot()
    parents = {}
    for joint in root.findall("joint"):
        parent, child = joint.find("parent"), joint.find("child")
        if parent is not None and child is not None:
            tied = joint.get("name") not in robot.joint_names
            parents[child.get("link", "")] = (parent.get("link", ""), tied)

    def mass(link: ET.Element) -> float:
        found = link.find("inertial/mass")
        return 0.0 if found is None else float(found.get("value", 0.0))

    weighs = {link.get("name", ""): mass(link) > 0.0 for link in root.findall("link")}
    heads = {}
    for name in (name for name, heavy in weighs.items() if heavy):
        head = at = name
        while at in parents and parents[at][1]:
            at = parents[at][0]
            head = at if weighs.get(at) else head
        heads[name] = head
    return heads


def read_spec(name: str, robot: Robot, rate_hz: float, urdf: Path | None = None) -> SpecEpisodes:
    """A spec by its name or file, for a contract's robot.

    Raises:
        SpecError: no such spec, or a mistake in it.
        EvaluationError: it cannot be played.
        RobotMismatch: the robot's description is not there.
    """
    from sim2real.evaluate.engines.urdf import find_urdf
    from sim2real.spec import load_spec

    spec = load_spec(name)
    heads = rigid_heads(find_urdf(robot, urdf), robot)
    return SpecEpisodes(spec=spec, joints=robot.joint_names, heads=heads, rate_hz=rate_hz)
