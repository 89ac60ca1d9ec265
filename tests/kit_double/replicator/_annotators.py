"""Annotators: one per name and render product; their arrays are views that the next step overwrites."""

from __future__ import annotations

from typing import Any

import numpy as np

from kit_double import StrictObject, nearest

from ._augment import Augmentation, Step, from_function
from ._ground_truth import KNOWN, PLAYED
from ._products import HydraTexture, product_of
from ._rep import Rep


class AnnotatorRegistryError(Exception):
    """An unknown annotator or augmentation."""


class AnnotatorError(Exception):
    """An annotator in the wrong state."""


class Annotator(StrictObject):
    """What ``annotators.get`` gives."""

    def __init__(self, rep: Rep, source: str, params: Any, device: str | None, copies: bool) -> None:
        self._rep = rep
        self._source = source
        self._public_name = source
        self._params = dict(params or {})
        self._device = device
        self._copies = copies
        self._product: HydraTexture | None = None
        self._steps: list[Step] = []
        self._frame: Any = None
        self._last: dict[str, Any] = {}

    @property
    def name(self) -> str:
        """The name under which a writer sees it."""
        return self._public_name

    def attach(self, *args: Any, **kwargs: Any) -> None:
        """Begins to follow one render product."""
        self._rep.annotators.attach(self, *args, **kwargs)

    def detach(self, *args: Any, **kwargs: Any) -> None:
        """Ceases to follow it."""
        self._rep.annotators.detach(self, *args, **kwargs)

    def get_data(self, *args: Any, **kwargs: Any) -> Any:
        """The last frame."""
        return self._rep.annotators.get_data(self, *args, **kwargs)

    def augment(self, *args: Any, **kwargs: Any) -> Annotator:
        """Adds an augmentation to this annotator and gives it back."""
        return self._rep.annotators.augment(self, *args, **kwargs)

    def augment_compose(self, *args: Any, **kwargs: Any) -> Annotator:
        """Adds several."""
        return self._rep.annotators.augment_compose(self, *args, **kwargs)

    def _result(self, product: HydraTexture, copy: bool) -> dict[str, Any]:
        """The raw result of this product's frame; arrays lie in the product's buffers unless copied."""
        if self._frame is not product._frame:  # once per frame: the noise of a step is drawn once
            self._frame = product._frame
            found = PLAYED[self._source](product._frame, self._params, self._rep.background)
            if "data" in found:
                data = found["data"]
                for step in self._steps:
                    data = step.run(data)
                if isinstance(data, np.ndarray) and data.dtype.names is None:
                    data = product._keep(f"{self._source}-{id(self)}", data)
                found = {**found, "data": data}
            self._last = found
        found = dict(self._last)
        if copy and isinstance(found.get("data"), np.ndarray):
            found["data"] = found["data"].copy()
        return found

    def _on_device(self, found: dict[str, Any], device: str | None, copy: bool) -> dict[str, Any]:
        """The result with its array where it was asked for; the stand-in's Warp arrays lie on the host."""
        wanted, data = device or self._device, found.get("data")
        if wanted is None or data is None:
            return found
        if wanted.startswith("cuda") and isinstance(data, np.ndarray) and data.dtype.names is None:
            import warp as wp

            return {**found, "data": wp.array(data, device="cpu", copy=copy)}
        if wanted == "cpu" and hasattr(data, "numpy"):
            return {**found, "data": data.numpy()}
        return found


class Annotators:
    """The registry of one installation."""

    def __init__(self, rep: Rep) -> None:
        self._rep = rep
        self.attached: list[Annotator] = []
        self.augmentations: dict[str, Augmentation] = {}
        self.renamed: dict[str, Annotator] = {}
        self.default_annotators = list(KNOWN)
        plain = {name: rep.function(f"Annotator.{name}", getattr(self, f"_{name}"), self._entry(name)) for name in
                 ("attach", "detach", "get_data", "augment", "augment_compose")}  # fmt: skip
        self.attach, self.detach = plain["attach"], plain["detach"]
        self.get_data, self.augment = plain["get_data"], plain["augment"]
        self.augment_compose = plain["augment_compose"]

    @staticmethod
    def _entry(name: str) -> str:
        from ._rep import entry_of

        entry = entry_of(f"Annotator.{name}", "5.1")
        assert entry is not None
        return entry.replace("(", "(annotator, ", 1)

    def get(self, name: str, init_params: Any, render_product_idxs: Any, device: str | None, do_array_copy: bool):
        """An annotator by name.

        Raises:
            AnnotatorRegistryError: an unknown name. ValueError: an unknown device.
        """
        if device not in (None, "cpu", "cuda") and not str(device).startswith("cuda:"):
            raise ValueError(f"annotators.get: device {device!r}: 'cpu', 'cuda' or 'cuda:<index>'")
        if name in self.renamed:
            source = self.renamed[name]
            made = Annotator(
                self._rep, source._source, {**source._params, **(init_params or {})}, device, do_array_copy
            )
            made._steps, made._public_name = list(source._steps), name
            return made
        if name not in KNOWN:
            raise AnnotatorRegistryError(f"no annotator {name!r}{nearest(str(name), KNOWN)}")
        return Annotator(self._rep, name, init_params, device, do_array_copy)

    def _attach(self, annotator: Annotator, render_products: Any) -> None:
        values = render_products if isinstance(render_products, (list, tuple)) else [render_products]
        if len(values) != 1:
            raise NotImplementedError(f"Annotator.attach takes one render product, got {len(values)}")
        if annotator._product is not None:
            raise AnnotatorError(f"the annotator {annotator.name!r} is attached already; detach() it first")
        if annotator._source not in PLAYED:
            raise NotImplementedError(f"the annotator {annotator._source!r} exists, but the stand-in does not play it")
        annotator._product = product_of(self._rep, "Annotator.attach", values[0])
        annotator._product._users += 1
        self.attached.append(annotator)
        self._rep.kit.resources.add("annotator", annotator.name, annotator)

    def _detach(self, annotator: Annotator, render_products: Any) -> None:
        if annotator._product is not None:
            annotator._product._users -= 1
            annotator._product = None
            self.attached.remove(annotator)
            self._rep.kit.resources.discard(annotator)

    def _get_data(self, annotator: Annotator, device: str | None, do_array_copy: bool, use_legacy_structure: bool):
        product = annotator._product
        if product is None:
            raise AnnotatorError(f"the annotator {annotator.name!r} is not attached")
        product._alive("get_data()")
        if product._frame is None:
            raise AnnotatorError(f"the annotator {annotator.name!r} has no data before the first orchestrator step")
        found = annotator._on_device(annotator._result(product, do_array_copy), device, do_array_copy)
        if "data" not in found:
            return found
        data = found["data"]
        if not use_legacy_structure:
            return {"data": data, **found.get("info", {})}
        return {"data": data, "info": found["info"]} if "info" in found else data

    def resolve(self, augmentation: Any) -> Augmentation:
        """An augmentation itself or by its registered name."""
        if isinstance(augmentation, str):
            return self.augmentation(augmentation)
        if not isinstance(augmentation, Augmentation):
            raise TypeError(f"an augmentation comes from Augmentation.from_function, got {type(augmentation).__name__}")
        return augmentation

    def _augment(
        self, annotator: Annotator, augmentation: Any, data_out_shape: Any, name: str | None, device: Any, extra: Any
    ) -> Annotator:
        if annotator._product is not None:
            raise AnnotatorError("augment() comes before attach()")
        index = len(self._rep.graph.nodes) + len(self._steps())
        annotator._steps.append(Step(self._rep, self.resolve(augmentation), data_out_shape, extra, index))
        if name is not None:
            annotator._public_name = name
        return annotator

    def _augment_compose(self, annotator: Annotator, augmentations: Any, name: str | None) -> Annotator:
        for one in augmentations:
            self._augment(annotator, one, None, None, None, {})
        if name is not None:
            annotator._public_name = name
        return annotator

    def _steps(self) -> list[Step]:
        return [step for annotator in self.attached for step in annotator._steps]

    def restart(self) -> None:
        """Seeds of augmentations begin anew."""
        for step in self._steps():
            step.restart()

    def register_augmentation(self, name: str, augmentation: Any) -> None:
        """Keeps an augmentation under a name, for the whole process."""
        found = self.resolve(augmentation)
        if name in self.augmentations:
            self._rep.warn(f"the augmentation {name!r} is registered already", fault=True)
        self.augmentations[name] = found
        self._rep.kit.resources.add("augmentation", name, found)

    def unregister_augmentation(self, name: str) -> None:
        """Forgets it."""
        found = self.augmentation(name)
        del self.augmentations[name]
        if found not in self.augmentations.values():
            self._rep.kit.resources.discard(found)

    def augmentation(self, name: str) -> Augmentation:
        """A registered augmentation."""
        if name not in self.augmentations:
            raise AnnotatorRegistryError(f"no augmentation {name!r}{nearest(str(name), self.augmentations)}")
        return self.augmentations[name]


def contents(rep: Rep) -> tuple[dict[str, Any], type]:
    """The functions of rep.annotators and the class AnnotatorRegistry."""
    registry = rep.annotators

    def first(source: Any) -> Annotator:
        return registry.get(source, None, None, None, True) if isinstance(source, str) else source

    def augment(source_annotator: Any, augmentation: Any, data_out_shape: Any, name: Any, device: Any, extra: Any):
        return registry._augment(first(source_annotator), augmentation, data_out_shape, name, device, extra)

    def augment_compose(source_annotator: Any, augmentations: Any, name: Any) -> Annotator:
        return registry._augment_compose(first(source_annotator), augmentations, name)

    def register(name: str, annotator: Any) -> None:
        registry.renamed[name] = first(annotator)

    def made(augment_function: Any, data_out_shape: Any, documentation: Any, extra: Any) -> Augmentation:
        return from_function(rep, augment_function, data_out_shape, extra)

    def names() -> list[str]:
        return [*KNOWN, *registry.renamed]

    def forget(name: str) -> None:
        if name not in registry.renamed:
            raise AnnotatorRegistryError(f"no annotator {name!r} was registered")
        del registry.renamed[name]

    class augmentation_type(Augmentation):  # noqa: N801
        _kit_double = True

        def __init__(self, *_: Any, **__: Any) -> None:
            raise TypeError("make an Augmentation with Augmentation.from_function(...)")

    augmentation_type.__name__ = augmentation_type.__qualname__ = "Augmentation"
    augmentation_type.from_function = staticmethod(rep.function("Augmentation.from_function", made))
    refuse = rep.unplayed("annotators", "Augmentation.from_node")["Augmentation.from_node"]
    augmentation_type.from_node = staticmethod(rep.function("Augmentation.from_node", refuse))

    class AnnotatorRegistry:
        _kit_double = True
        _default_annotators = registry.default_annotators

    bodies: dict[str, Any] = {
        "get_annotator": registry.get,
        "register_augmentation": registry.register_augmentation,
        "unregister_augmentation": registry.unregister_augmentation,
        "get_augmentation": registry.augmentation,
        "get_registered_annotators": names,
        "unregister_annotator": forget,
        **rep.unplayed("AnnotatorRegistry", "register_annotator_from_node"),
    }
    for name, function in rep.functions("AnnotatorRegistry", bodies).items():
        setattr(AnnotatorRegistry, name, staticmethod(function))
    functions = rep.functions(
        "annotators",
        {
            "get": registry.get,
            "register": register,
            "register_augmentation": registry.register_augmentation,
            "unregister_augmentation": registry.unregister_augmentation,
            "get_augmentation": registry.augmentation,
            "get_registered_annotators": names,
            "augment": augment,
            "augment_compose": augment_compose,
        },
    )
    types = {"Annotator": Annotator, "Augmentation": augmentation_type, "AnnotatorError": AnnotatorError}
    return {**functions, **types, "AnnotatorRegistry": AnnotatorRegistry}, AnnotatorRegistry
