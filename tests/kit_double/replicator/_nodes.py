"""The graph as objects: items that hold prims, distributions that are sampled, triggers, and what runs under them.

``with item:`` says which prims or which trigger the following nodes belong to. A node under no trigger runs once. The
samples are the stand-in's own: the order of evaluation and the numbers are no promise of Replicator's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from pxr import Sdf, Tf, Usd

from kit_double import StrictObject

from ._rep import Rep
from ._usd import free_path, is_number

GRAPH = "/Replicator/SDGPipeline"


class Node(StrictObject):
    """A node of the graph: what ``item.node`` gives."""

    def __init__(self, rep: Rep, kind: str, run: Callable[[], None] | None = None) -> None:
        self._rep = rep
        self._kind = kind
        self._run = run
        self._index = len(rep.graph.nodes)
        self._trigger = rep.graph.trigger()
        self._path = f"{GRAPH}/{kind}_{self._index:02}"
        rep.graph.add(self)

    def get_prim_path(self) -> str:
        """Where the node stands."""
        return self._path

    def get_type_name(self) -> str:
        """The node's type."""
        return f"omni.replicator.core.{self._kind}"


class ReplicatorItem(StrictObject):
    """What every graph function returns; ``with item:`` makes it the context of the nodes inside."""

    def __init__(self, rep: Rep, node: Node | None, prims: Callable[[], list[Usd.Prim]] | None = None) -> None:
        self._rep = rep
        self._node = node
        self._prims = prims

    @property
    def node(self) -> Node | None:
        """The node, None for ``modify.pose``, which is several."""
        return self._node

    def prims_now(self) -> list[Usd.Prim] | None:
        """The prims that it holds at this evaluation, None where it holds none."""
        return None if self._prims is None else self._prims()

    def get_output_prims(self) -> dict[str, list[Usd.Prim]]:
        """``{"prims": [...]}``."""
        return {"prims": self.prims_now() or []}

    def get_input_prims(self) -> dict[str, list[Usd.Prim]]:
        """``{"prims": [...]}``."""
        return {"prims": self.prims_now() or []}

    def get_output(self, output_name: str) -> Any:
        """An output by name: ``prims`` of what holds prims, ``samples`` of a distribution's last evaluation."""
        if output_name == "prims" and self._prims is not None:
            return self.prims_now()
        raise ValueError(f"this item has no output {output_name!r}")

    def __enter__(self) -> ReplicatorItem:
        self._rep.graph.context.append(self)
        return self

    def __exit__(self, *_: Any) -> None:
        assert self._rep.graph.context.pop() is self


class Distribution(ReplicatorItem):
    """A sampled value; within one evaluation, consumers of the same distribution see the same samples."""

    def __init__(
        self, rep: Rep, kind: str, draw: Callable[[np.random.Generator, int], list], seed: int | None, width: int
    ) -> None:
        super().__init__(rep, Node(rep, kind))
        if seed == 0:
            rep.warn(f"distribution.{kind}(seed=0): Replicator drops seed 0 and draws at random; use 1 or more", True)
        self._draw = draw
        self._seed = seed if seed and seed > 0 else None
        self._width = width
        self._samples: list[Any] = []
        self._rng: np.random.Generator | None = None
        self._on_restart: Callable[[], None] | None = None
        rep.graph.distributions.append(self)

    def on_restart(self, function: Callable[[], None]) -> None:
        """What else begins anew with the sequence."""
        self._on_restart = function

    @property
    def width(self) -> int:
        """Numbers in a sample, 0 of what is no number."""
        return self._width

    def restart(self) -> None:
        """Begins the sequence anew: at every start of the orchestrator, and at a new global seed."""
        self._samples = []
        self._rng = None
        if self._on_restart is not None:
            self._on_restart()

    def forget(self) -> None:
        """The next evaluation draws afresh."""
        self._samples = []

    def sample(self, count: int) -> list[Any]:
        """``count`` samples of this evaluation."""
        if self._rng is None:
            base = self._seed if self._seed is not None else self._rep.graph.global_seed()
            assert self.node is not None
            self._rng = np.random.default_rng([base, 0 if self._seed is not None else self.node._index])
        if len(self._samples) < count:
            self._samples += self._draw(self._rng, count - len(self._samples))
        return self._samples[:count]

    def get_output(self, output_name: str) -> Any:
        if output_name == "samples":
            return list(self._samples)
        return super().get_output(output_name)


class Trigger(ReplicatorItem):
    """When the nodes under it run."""

    subframes = 1
    count = 0
    kind = ""
    fired = False

    def __init__(self, rep: Rep, kind: str, fires: Callable[[], bool], max_execs: int = 0, subframes: int = 1) -> None:
        for name, value in (("max_execs", max_execs), ("rt_subframes", subframes)):
            if type(value) is not int or value < (1 if name == "rt_subframes" else 0):
                raise ValueError(f"trigger.{kind}: {name} must be a whole number, got {value!r}")
        super().__init__(rep, Node(rep, kind))
        self._fires = fires
        self._most = max_execs
        self.subframes = subframes
        self.count = 0
        self.kind = kind
        self.fired = False
        rep.graph.triggers.append(self)

    @property
    def ended(self) -> bool:
        """Whether it fired as often as it may."""
        return bool(self._most) and self.count >= self._most

    def due(self) -> bool:
        """Whether it fires now; asks its condition, so once per frame."""
        return not self.ended and self._fires()


class Graph:
    """All nodes of the stage, in their order."""

    def __init__(self, rep: Rep) -> None:
        self._rep = rep
        self.nodes: list[Node] = []
        self.context: list[ReplicatorItem] = []
        self.triggers: list[Trigger] = []
        self.distributions: list[Distribution] = []
        self.events: set[str] = set()
        self._once: list[Node] = []
        self._random_seed: int | None = None

    def add(self, node: Node) -> None:
        """Takes a node in; one that runs and has no trigger runs once, at the next evaluation."""
        self.nodes.append(node)
        if node._run is not None and node._trigger is None:
            self._once.append(node)
        stage = self._rep.stage()
        if not stage.GetPrimAtPath(GRAPH):
            stage.DefinePrim("/Replicator", "Scope")
            stage.DefinePrim(GRAPH, "OmniGraph")

    def trigger(self) -> Trigger | None:
        """The trigger whose block is open, the innermost."""
        return next((item for item in reversed(self.context) if isinstance(item, Trigger)), None)

    def prims_in(self, what: str, input_prims: Any) -> Callable[[], list[Usd.Prim]]:
        """What a node acts on: ``input_prims``, or the innermost ``with item:`` that holds prims.

        Raises:
            ValueError: neither is there.
        """
        if input_prims is not None:
            return self.as_prims(what, input_prims)
        for item in reversed(self.context):
            if item._prims is not None:
                return item._prims
        raise ValueError(f"{what} outside of `with item:` and without input_prims acts on nothing")

    def as_prims(self, what: str, value: Any) -> Callable[[], list[Usd.Prim]]:
        """Items, paths or lists of them as a function that gives prims.

        Raises:
            ValueError: a ``Usd.Prim`` (Replicator refuses it), or a path without a prim.
        """
        values = list(value) if isinstance(value, (list, tuple)) else [value]
        getters: list[Callable[[], list[Usd.Prim]]] = []
        for one in values:
            if isinstance(one, ReplicatorItem):
                if one._prims is None:
                    raise ValueError(f"{what}: the item holds no prims")
                getters.append(one._prims)
            elif isinstance(one, (str, Sdf.Path)):
                getters.append(self._at(what, str(one)))
            else:
                raise ValueError(f"{what} takes paths and items, got {type(one).__name__}; use str(prim.GetPath())")
        return lambda: [prim for get in getters for prim in get()]

    def _at(self, what: str, path: str) -> Callable[[], list[Usd.Prim]]:
        if not Sdf.Path.IsValidPathString(path) or not self._rep.stage().GetPrimAtPath(path):
            raise ValueError(f"{what}: there is no prim at {path!r}")
        return lambda: [p for p in [self._rep.stage().GetPrimAtPath(path)] if p]

    def global_seed(self) -> int:
        """The global seed, or a random one where none was set."""
        if self._rep.seed:
            return self._rep.seed
        if self._random_seed is None:
            self._random_seed = int(np.random.default_rng().integers(1, 2**31 - 1))
        return self._random_seed

    # Evaluation -----------------------------------------------------------------------------------------------------

    def evaluate(self, frame: bool = True) -> int:
        """One evaluation: what runs once and has not, then what the due triggers hold.

        Args:
            frame: Whether triggers of frames and times count this as a frame; else events and impulses alone.

        Returns:
            The most subframes that a trigger which fired asks for.
        """
        self._rep.stage()
        for distribution in self.distributions:
            distribution.forget()
        once, self._once = self._once, []
        for node in once:
            self._run(node)
        subframes = 1
        for trigger in self.triggers:
            trigger.fired = (frame or trigger.kind == "on_custom_event") and self._due(trigger)
            if trigger.fired:
                trigger.count += 1
                subframes = max(subframes, trigger.subframes)
                for node in self.nodes:
                    if node._trigger is trigger and node._run is not None:
                        self._run(node)
        self.events.clear()
        return subframes

    def _due(self, trigger: Trigger) -> bool:
        try:
            return trigger.due()
        except Exception as error:  # so does OmniGraph with a condition that fails
            self._rep.error(f"the trigger {trigger.kind}: {type(error).__name__}: {error}")
            return False

    def _run(self, node: Node) -> None:
        assert node._run is not None
        try:
            node._run()
        except NotImplementedError:
            raise
        except Exception as error:  # OmniGraph logs what a node raises, and goes on
            self._rep.error(f"{node.get_type_name()} at {node.get_prim_path()}: {type(error).__name__}: {error}")

    def clear(self) -> None:
        """Forgets everything: another stage was opened."""
        for held in (self.nodes, self.context, self.triggers, self.distributions, self._once):
            held.clear()
        self.events.clear()

    def restart(self) -> None:
        """All distributions begin anew, all triggers may fire again."""
        for distribution in self.distributions:
            distribution.restart()
        for trigger in self.triggers:
            trigger.count = 0

    @property
    def all_ended(self) -> bool:
        """Whether there are triggers and none may fire any more."""
        return bool(self.triggers) and all(trigger.ended for trigger in self.triggers)


def per_prim(what: str, value: Any, count: int, one: Callable[[str, Any], Any]) -> list[Any]:
    """A value for each of ``count`` prims: sampled, given one by one in a list, or the same for all.

    Raises:
        ValueError: a list of another length.
    """
    if isinstance(value, Distribution):
        return [one(what, sample) for sample in value.sample(count)]
    if isinstance(value, list) and value and not is_number(value[0]):
        if len(value) not in (1, count):
            raise ValueError(f"{what}: {len(value)} values for {count} prims; Replicator would mix them up silently")
        return [one(what, v) for v in (value * count if len(value) == 1 else value)]
    return [one(what, value)] * count


def plain(what: str, value: Any) -> Any:
    """Refuses NumPy arrays and scalars, which Replicator takes for one opaque element.

    Raises:
        TypeError: it is one, or holds one.
    """
    if isinstance(value, (np.ndarray, np.generic)):
        raise TypeError(f"{what} got a {type(value).__module__}.{type(value).__name__}; give plain numbers (tolist())")
    if isinstance(value, (list, tuple)):
        for inner in value:
            plain(what, inner)
    return value


def new_path(rep: Rep, parent: Any, name: str) -> str:
    """A free path below ``parent``, ``/Replicator`` by default.

    Raises:
        ValueError: the parent is no prim; the name is no identifier.
    """
    if not isinstance(name, str) or not Tf.IsValidIdentifier(name):
        raise ValueError(f"name {name!r} is no valid prim name")
    stage = rep.stage()
    if parent is None:
        if not stage.GetPrimAtPath("/Replicator"):
            stage.DefinePrim("/Replicator", "Scope")
        parent = "/Replicator"
    path = str(parent.GetPath()) if isinstance(parent, Usd.Prim) else str(parent)
    if path != "/" and not stage.GetPrimAtPath(path):
        raise ValueError(f"parent {path!r} is no prim")
    return free_path(stage, f"{path.rstrip('/')}/{name}")
