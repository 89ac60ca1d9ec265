"""Writers: a payload per captured frame, in the three structures that Replicator knows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from kit_double import StrictObject, nearest

from ._annotators import Annotator
from ._ground_truth import PLAYED
from ._nodes import Trigger
from ._products import HydraTexture, product_of
from ._rep import Rep
from ._trigger import from_source

ON_FRAME = "omni.replicator.core.OgnOnFrame"
STRUCTURES = ("legacy", "annotator", "renderproduct")
UNPLAYED = ("KittiWriter", "CocoWriter", "CosmosWriter", "FPSWriter", "PoseWriter", "DataVisualizationWriter",
            "DOPEWriter", "YCBVideoWriter", "PytorchWriter")  # fmt: skip


class WriterRegistryError(Exception):
    """An unknown or invalid writer."""


class WriterError(Exception):
    """A writer that lacks what is asked of it."""


class Attached:
    """A writer on its render products."""

    def __init__(self, rep: Rep, writer: Any, products: list[HydraTexture], trigger: Any) -> None:
        self._rep = rep
        self.writer = writer
        self.products = products
        self.scheduled = 0
        self._trigger = trigger
        self._condition: Callable[[], bool] | None = None
        if callable(trigger):
            self._condition = from_source(trigger)
        elif isinstance(trigger, str) and trigger != ON_FRAME:
            raise WriterError(f"the writer trigger {trigger!r} is no node type of the stand-in")
        elif trigger is not None and not isinstance(trigger, (str, Trigger)):
            raise ValueError(f"a writer's trigger is a trigger, a function or None, got {type(trigger).__name__}")
        registry = rep.annotators
        self.annotators: dict[HydraTexture, list[Annotator]] = {}
        for product in products:
            made = []
            for one in writer.annotators:
                source = registry.get(one, None, None, None, True) if isinstance(one, str) else one
                if not isinstance(source, Annotator):
                    raise WriterRegistryError(f"a writer's annotators are names and annotators, got {one!r}")
                copy = Annotator(rep, source._source, source._params, source._device, source._copies)
                copy._steps, copy._public_name = source._steps, source._public_name
                if source._source not in PLAYED:
                    raise NotImplementedError(f"the annotator {source._source!r} exists; the stand-in does not play it")
                made.append(copy)
            self.annotators[product] = made
            product._users += 1

    def due(self) -> bool:
        """Whether this frame is written."""
        if self._trigger is None:
            self.scheduled, due = max(0, self.scheduled - 1), self.scheduled > 0
            return due
        if isinstance(self._trigger, Trigger):
            return self._trigger.fired
        return self._condition() if self._condition is not None else True

    def payload(self) -> dict[str, Any]:
        """The frame as the writer sees it."""
        structure = self.writer.data_structure.lower()
        if structure not in STRUCTURES:
            raise ValueError(f"data_structure {structure!r}: 'legacy', 'renderProduct' or 'annotator'")
        data: dict[str, Any] = {
            "swhFrameNumber": 0,
            "reference_time": self._rep.orchestrator.reference_time,
            "distribution_outputs": {},
            "trigger_outputs": {t.kind: t.count for t in self._rep.graph.triggers},
            "named_outputs": {},
        }
        for product in self.products:
            name, camera, size = product._name, product._camera, list(product._resolution)
            if structure == "legacy":
                data[f"rp_{name}"] = {"camera": camera, "resolution": size}
            elif structure == "renderproduct":
                data.setdefault("renderProducts", {})[name] = {"camera": camera, "resolution": size}
            else:
                held = data.setdefault("annotators", {})
                held.setdefault("camera", {})[name] = camera
                held.setdefault("resolution", {})[name] = size
            for annotator in self.annotators[product]:
                found = annotator._on_device(annotator._result(product, annotator._copies), None, annotator._copies)
                key = annotator.name
                if structure == "legacy":
                    if "info" not in found and "data" in found:
                        found = found["data"]
                    data[key if len(self.products) == 1 else f"{key}-{name}"] = found
                    continue
                flat = {k: v for k, v in found.items() if k != "info"} | found.get("info", {})
                if structure == "renderproduct":
                    data["renderProducts"][name][key] = flat
                else:
                    data["annotators"].setdefault(key, {})[name] = flat
        return data


class Writers:
    """The registry of one installation, and the base class of writers."""

    def __init__(self, rep: Rep) -> None:
        self._rep = rep
        self.known: dict[str, type] = {}
        self.categories: dict[str, list[str]] = {}
        self.attached: list[Attached] = []
        self.defaults: list[str] = []
        self.base = _writer_type(rep, self)

    def register(self, writer: Any, category: str | None) -> None:
        """Takes a class in, for the whole process."""
        if not isinstance(writer, type) or not issubclass(writer, self.base):
            raise WriterRegistryError(f"register_writer takes a class below rep.Writer, got {writer!r}")
        name = writer.__name__
        if name in self.known:
            self._rep.warn(f"the writer {name!r} is registered already", fault=name not in self.defaults)
        self.known[name] = writer
        if category:
            self.categories.setdefault(category, []).append(name)
        self._rep.kit.resources.add("writer class", name, writer)

    def unregister(self, writer_name: str) -> None:
        """Forgets it, detached."""
        if writer_name not in self.known:
            raise WriterRegistryError(f"no writer {writer_name!r}{nearest(str(writer_name), self.known)}")
        found = self.known.pop(writer_name)
        for held in list(self.attached):
            if type(held.writer) is found:
                self.detach(held.writer)
        for names in self.categories.values():
            if writer_name in names:
                names.remove(writer_name)
        self._rep.kit.resources.discard(found)

    def get(self, writer_name: str, init_params: Any, render_products: Any, trigger: Any) -> Any:
        """An instance that ``initialize`` fills: Python's ``__init__`` does not run before."""
        if writer_name in UNPLAYED and writer_name not in self.known:
            raise NotImplementedError(f"the writer {writer_name!r} exists, but the stand-in does not play it")
        if writer_name not in self.known:
            raise WriterRegistryError(f"no writer {writer_name!r}{nearest(str(writer_name), self.known)}")
        made = self.known[writer_name].__new__(self.known[writer_name])
        if init_params:
            made.initialize(**init_params)
        if render_products:
            made.attach(render_products, trigger=trigger)
        return made

    def attach(self, writer: Any, render_products: Any, trigger: Any) -> None:
        """Attaches a writer to products."""
        values = list(render_products) if isinstance(render_products, (list, tuple)) else [render_products]
        if not values:
            raise ValueError("Writer.attach got no render product")
        if any(hasattr(v, "add_done_callback") for v in values):
            raise ValueError("Writer.attach got a task; await attach_async, or create the product from a prim's path")
        if not isinstance(writer.annotators, Iterable) or isinstance(writer.annotators, str):
            raise WriterRegistryError(f"a writer's annotators are a list, got {writer.annotators!r}")
        if not writer.annotators:
            self._rep.warn(f"{type(writer).__name__} has no annotators: was it initialized?", fault=True)
        products = [product_of(self._rep, "Writer.attach", value) for value in values]
        self.attached.append(Attached(self._rep, writer, products, trigger))
        writer.num_written = 0
        self._rep.kit.resources.add("writer", type(writer).__name__, writer)

    def detach(self, writer: Any) -> None:
        """Detaches a writer from all its products."""
        for held in [a for a in self.attached if a.writer is writer]:
            self.attached.remove(held)
            for product in held.products:
                product._users -= 1
        self._rep.kit.resources.discard(writer)

    def write(self) -> None:
        """Gives the frame to the writers that are due; what one raises, OmniGraph logs."""
        for held in list(self.attached):
            if any(product._frame is None or product._destroyed for product in held.products):
                gone = [p._path for p in held.products if p._destroyed]
                if gone:
                    self._rep.error(f"{type(held.writer).__name__} is attached to {gone}, which is destroyed")
                continue
            if held.due():
                try:
                    held.writer._write(held.payload())
                except NotImplementedError:
                    raise
                except Exception as error:
                    name = type(held.writer).__name__
                    self._rep.error(f"the writer {name} raised {type(error).__name__}: {error}")


def _writer_type(rep: Rep, registry: Writers) -> type:
    """The class ``rep.Writer``."""

    def play(name: str, body: Callable[..., Any]) -> Callable[..., Any]:
        from ._rep import entry_of

        entry = entry_of(f"Writer.{name}", rep.kit.version)
        assert entry is not None
        inner = "(self)" if entry == "()" else entry.replace("(", "(self, ", 1)
        played = rep.function(f"Writer.{name}", lambda self, **a: body(self, **a), inner)
        return lambda self, *args, **kwargs: played(self, *args, **kwargs)

    def named(self: Any) -> dict[str, Annotator]:
        found = {}
        for one in self.annotators:
            made = rep.annotators.get(one, None, None, None, True) if isinstance(one, str) else one
            found[made.name] = made
        return found

    def put_annotator(self: Any, annotator: Any, name: str | None) -> None:
        if not isinstance(annotator, Annotator):
            raise TypeError(f"Writer.add_annotator takes an annotator, got {type(annotator).__name__}")
        if name:
            annotator._public_name = name
        self.annotators = list({**named(self), annotator.name: annotator}.values())

    def put_augmentation(self: Any, annotator_name: str, augmentation: Any, extra: Any) -> None:
        held = named(self)
        if annotator_name not in held:
            raise WriterError(f"no annotator {annotator_name!r} to augment; the writer has {list(held)}")
        rep.annotators._augment(held[annotator_name], augmentation, None, None, None, extra)
        self.annotators = list(held.values())

    def attached_annotators(self: Any) -> list[Annotator]:
        held = [one for one in registry.attached if one.writer is self]
        return [annotator for one in held for made in one.annotators.values() for annotator in made]

    def put_write(self: Any) -> None:
        for held in registry.attached:
            if held.writer is self:
                held.scheduled += 1

    async def join_async(self: Any, render_products: Any, trigger: Any = ON_FRAME) -> None:
        values = list(render_products) if isinstance(render_products, (list, tuple)) else [render_products]
        done: list[Any] = []
        for value in values:
            found = await value if hasattr(value, "add_done_callback") else value
            done += found if isinstance(found, list) else [found]
        registry.attach(self, done, trigger)

    class Writer(StrictObject):
        """The base of writers: ``write(data)`` is theirs."""

        _kit_double = True
        backend = None
        version = "0.0.0"
        annotators: Any = None
        metadata: Any = None
        num_written: Any = None
        data_structure = "legacy"
        _is_metadata_written = False
        _last: Any = None

        def __new__(cls, *_: Any, **__: Any) -> Any:
            made = super().__new__(cls)
            made.num_written, made.annotators, made.version = 0, [], "0.0.0"
            return made

        def write(self, data: dict) -> None:
            """Every writer has its own."""
            raise NotImplementedError(f"{type(self).__name__} has no write(data)")

        def initialize(self, **kwargs: Any) -> None:
            """Runs ``__init__``."""
            rep.kit.journal.add("omni.replicator.core.Writer.initialize", {"writer": type(self).__name__, **kwargs})
            self.__init__(**kwargs)  # type: ignore[misc]

        def on_final_frame(self) -> None:
            """After the last frame."""

        def get_metadata(self) -> None:
            """Fills ``metadata``."""
            self.metadata = {
                "name": type(self).__name__,
                "version": self.version,
                "replicator_global_seed:": rep.graph.global_seed(),
            }

        def write_metadata(self) -> None:
            """Writes it, where there is a backend."""
            if self.backend is not None:
                import importlib

                functional = importlib.import_module("omni.replicator.core.functional")
                self.backend.schedule(functional.write_json, data=self.metadata, path="metadata.txt")
                self._is_metadata_written = True

        def _write(self, data: dict) -> None:
            if not self._is_metadata_written:
                self.get_metadata()
                self.write_metadata()
            self._last = data
            self.write(data)
            self.num_written += 1

        def get_node(self) -> Any:
            """Its node."""
            raise NotImplementedError("Writer.get_node() exists, but the stand-in does not play it")

        attach = play("attach", lambda self, **a: registry.attach(self, **a))
        attach_async = play("attach_async", join_async)
        detach = play("detach", lambda self: registry.detach(self))
        add_annotator = play("add_annotator", put_annotator)
        augment_annotator = play("augment_annotator", put_augmentation)
        get_annotators = play("get_annotators", named)
        get_annotator = play("get_annotator", lambda self, name: named(self).get(name))
        get_data = play("get_data", lambda self: self._last)
        get_attached_annotators = play("get_attached_annotators", attached_annotators)
        schedule_write = play("schedule_write", put_write)

    return Writer


def contents(rep: Rep) -> tuple[dict[str, Any], type]:
    """The functions of rep.writers and the class WriterRegistry."""
    registry: Writers = rep.writers

    def get(name: str, init_params: Any, render_products: Any, trigger: Any) -> Any:
        return registry.get(name, init_params, render_products, trigger)

    def get_writers(category: str | None) -> dict[str, type]:
        names = registry.categories.get(category, []) if category else list(registry.known)
        return {name: registry.known[name] for name in names}

    def detach_all() -> None:
        for held in list(registry.attached):
            registry.detach(held.writer)

    def get_attached_writers(render_products: Any) -> dict[str, Any]:
        values = render_products if isinstance(render_products, list) else [render_products]
        wanted = [product_of(rep, "get_attached_writers", v) for v in values]
        return {type(a.writer).__name__: a.writer for a in registry.attached if any(p in wanted for p in a.products)}

    class WriterRegistry:
        _kit_double = True
        _default_writers = registry.defaults

    bodies = {
        "register": registry.register,
        "unregister": registry.unregister,
        "get": registry.get,
        "get_writers": get_writers,
        "detach_all": detach_all,
        "get_attached_writers": get_attached_writers,
    }
    for name, function in rep.functions("WriterRegistry", bodies).items():
        setattr(WriterRegistry, name, staticmethod(function))
    functions = rep.functions(
        "writers",
        {
            "get": get,
            "register_writer": registry.register,
            "unregister_writer": registry.unregister,
            **rep.unplayed("writers", "register_node_writer"),
        },
    )
    errors = {"WriterRegistryError": WriterRegistryError, "WriterError": WriterError}
    return {**functions, **errors, "Writer": registry.base, "WriterRegistry": WriterRegistry}, WriterRegistry
