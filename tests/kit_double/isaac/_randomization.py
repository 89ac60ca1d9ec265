"""isaacsim.replicator.domain_randomization: what was asked of which view and when; the numbers are not drawn here."""

from __future__ import annotations

from typing import Any

import numpy as np

from kit_double import Kit

from ._table import functions

OPERATIONS = ("direct", "additive", "scaling")


class Randomization:
    """One installation's views and what they are to be given."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self.views: dict[str, dict[str, Any]] = {"rigid prim": {}, "articulation": {}}
        self.context: Any = None
        self.envs: int | None = None
        self.inside: list[str] = []
        self.asked: list[tuple[str, str, dict[str, Any]]] = []
        self.steps: list[list[int]] = []


class Gate:
    """A ``with`` block of a trigger or gate."""

    def __init__(self, state: Randomization, kind: str) -> None:
        self._state, self._kind = state, kind

    def __enter__(self) -> Gate:
        if self._kind.startswith("gate") and "trigger" not in self._state.inside:
            raise ValueError(f"{self._kind} stands inside `with dr.trigger.on_rl_frame(...)`")
        self._state.inside.append(self._kind)
        return self

    def __exit__(self, *_: Any) -> None:
        self._state.inside.pop()


def contents(kit: Kit, package: str) -> dict[str, dict[str, Any]]:
    """The functions by sub-module.

    Args:
        kit: The installation.
        package: ``isaacsim.replicator.domain_randomization``, or the experimental one of 6.0, where views have a name.
    """
    state = Randomization(kit)
    kit.state[package] = state

    def register(kind: str) -> Any:
        def call(view: Any, name: str | None = None) -> None:
            key = name if name is not None else getattr(view, "name", None)
            if not isinstance(key, str):
                raise ValueError(f"register_{kind.replace(' ', '_')}_view: the view has no name")
            if key in state.views[kind]:
                raise ValueError(f"the {kind} view {key!r} is registered already")
            state.views[kind][key] = view

        return call

    def randomize(kind: str) -> Any:
        def call(view_name: str, operation: str, num_buckets: Any, *values: Any, **more: Any) -> None:
            if view_name not in state.views[kind]:
                raise ValueError(f"the {kind} view {view_name!r} is not registered; it has {list(state.views[kind])}")
            ask(kind, view_name, operation, values, more)

        return call

    def ask(kind: str, name: str, operation: str, values: tuple[Any, ...], more: dict[str, Any]) -> None:
        if operation not in OPERATIONS:
            raise ValueError(f"operation {operation!r}: one of {', '.join(OPERATIONS)}")
        if not any(one.startswith("gate") for one in state.inside):
            raise ValueError("randomize_* stands inside a gate: dr.gate.on_interval or dr.gate.on_env_reset")
        given = [value for value in (*values, *more.values()) if value is not None]
        if not given:
            raise ValueError(f"randomize {name}: nothing is given")
        if any(not hasattr(type(value), "sample") for value in given):
            raise TypeError(f"randomize {name}: values are rep.distribution items")
        state.asked.append((kind, name, more))

    def on_rl_frame(num_envs: int) -> Gate:
        if type(num_envs) is not int or num_envs < 1:
            raise ValueError(f"on_rl_frame: num_envs must be 1 or more, got {num_envs!r}")
        state.envs = num_envs
        return Gate(state, "trigger")

    def step(reset_inds: Any) -> None:
        if state.envs is None:
            raise RuntimeError("step_randomization before dr.trigger.on_rl_frame")
        found = [] if reset_inds is None else np.asarray(reset_inds).astype(int).ravel().tolist()
        if any(not 0 <= i < state.envs for i in found):
            raise IndexError(f"step_randomization: {found} is not within 0 .. {state.envs - 1}")
        state.steps.append(found)

    def register_context(simulation_context: Any = None) -> None:
        state.context = simulation_context

    def on_interval(interval: int) -> Gate:
        return Gate(state, f"gate every {interval}")

    names = {
        "physics_view": {
            "register_simulation_context": register_context,
            "register_rigid_prim_view": register("rigid prim"),
            "register_articulation_view": register("articulation"),
            "step_randomization": step,
            "randomize_rigid_prim_view": randomize("rigid prim"),
            "randomize_articulation_view": randomize("articulation"),
            "randomize_simulation_context": lambda operation, gravity: ask("context", "", operation, (gravity,), {}),
        },
        "gate": {"on_interval": on_interval, "on_env_reset": lambda: Gate(state, "gate on reset")},
        "trigger": {"on_rl_frame": on_rl_frame},
        "utils": {},
    }
    if kit.is_6 and "experimental" in package:
        names["physics_view"]["cleanup"] = lambda: [views.clear() for views in state.views.values()] and None
    return {name: functions(kit, f"{package}.{name}", bodies) for name, bodies in names.items()}
