"""Augmentations as OgnAugment runs them: from the source text alone, among five names, when scripts may run.

A kernel that closes over anything, or that uses a helper or a constant of its module, fails here as it does there.
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

from kit_double import StrictObject

from ._rep import Rep

OPT_IN = "/app/omni.graph.scriptnode/opt_in"
FUTURE = "from __future__ import annotations"


class AugmentationError(Exception):
    """An augmentation that cannot be built."""


class Augmentation(StrictObject):
    """A function or Warp kernel over an annotator's array; made by ``from_function``."""

    def __init__(self, rep: Rep, function: Any, shape: Any, params: dict[str, Any]) -> None:
        self._rep = rep
        self._function = function
        self._shape = shape
        self._params = params


def from_function(rep: Rep, augment_function: Any, data_out_shape: Any, extra: dict[str, Any]) -> Augmentation:
    """Checks a kernel or function by its source.

    Raises:
        AugmentationError: it has no source text, is decorated otherwise than ``@wp.kernel``, lacks ``data_in`` or (a
            kernel) ``data_out``, has annotations that are text, closes over variables, or lacks a parameter.
    """
    import warp as wp

    is_kernel = isinstance(augment_function, wp.Kernel)
    plain = augment_function.func if is_kernel else augment_function
    if not inspect.isfunction(plain) or plain.__name__ == "<lambda>":
        raise AugmentationError(f"an augmentation is a function or a Warp kernel in a file, got {augment_function!r}")
    try:
        text = textwrap.dedent(inspect.getsource(plain))
    except OSError as error:
        raise AugmentationError(f"{plain.__name__}: its source cannot be read: {error}") from None
    if plain.__closure__:
        raise AugmentationError(f"{plain.__name__} closes over {plain.__code__.co_freevars}; only its text is copied")
    if is_kernel and not text.lstrip().startswith("@wp.kernel"):
        raise AugmentationError(
            f"{plain.__name__} must be decorated literally @wp.kernel, not {text.splitlines()[0]!r}"
        )
    parameters = inspect.signature(plain).parameters
    if any(isinstance(p.annotation, str) for p in parameters.values()):
        raise AugmentationError(f"{plain.__name__}: annotations are text; take {FUTURE!r} out of its module")
    needed = ["data_in", "data_out"] if is_kernel else ["data_in"]
    if missing := [name for name in needed if name not in parameters]:
        raise AugmentationError(f"{plain.__name__} has no parameter {missing}")
    if not is_kernel and "data_out" in parameters:
        raise AugmentationError(f"{plain.__name__} returns its array; data_out belongs to kernels")
    if unknown := sorted(set(extra) - set(parameters)):
        raise AugmentationError(f"{plain.__name__} has no parameter {unknown}; it has {list(parameters)}")
    _check_shape(data_out_shape)
    return Augmentation(rep, augment_function, data_out_shape, dict(extra))


def _check_shape(shape: Any) -> None:
    if shape is None:
        return
    if not isinstance(shape, tuple) or not all(type(v) is int for v in shape):
        raise AugmentationError(f"data_out_shape must be a tuple of whole numbers, got {shape!r}")
    if -1 in shape:
        raise AugmentationError(f"data_out_shape {shape}: -1 counts bytes, not elements; give the numbers")


class Step:
    """An augmentation on one annotator: its compiled text, its parameters and its generator."""

    def __init__(self, rep: Rep, augmentation: Augmentation, shape: Any, overrides: dict[str, Any], index: int) -> None:
        _check_shape(shape)
        import warp as wp

        function = augmentation._function
        self._rep = rep
        self._kernel = isinstance(function, wp.Kernel)
        plain = function.func if self._kernel else function
        self._name = plain.__name__
        parameters = inspect.signature(plain).parameters
        params = {**augmentation._params, **overrides}
        if unknown := sorted(set(params) - set(parameters)):
            raise AugmentationError(f"{self._name} has no parameter {unknown}; it has {list(parameters)}")
        self._order = [n for n in parameters if n not in ("data_in", "data_out", "seed")]
        lacking = [n for n in self._order if n not in params and parameters[n].default is inspect.Parameter.empty]
        if lacking:
            raise AugmentationError(f"{self._name} needs {lacking}")
        self._values = {n: params.get(n, parameters[n].default) for n in self._order}
        for name, value in self._values.items():
            if isinstance(value, np.generic):
                raise TypeError(f"{self._name}({name}=) got a NumPy scalar; convert it with .item()")
        self._names = list(parameters)
        self._shape = shape or augmentation._shape
        if params.get("seed") == 0:
            rep.warn(f"{self._name}(seed=0): seeds begin at 1", fault=True)
        self._seed = params.get("seed")
        self._index = index
        self._rng: np.random.Generator | None = None
        self._warned = False
        self._text = textwrap.dedent(inspect.getsource(plain))
        self._file = inspect.getsourcefile(plain) or "<augmentation>"
        self._first = inspect.getsourcelines(plain)[1]
        self._made: Any = None

    def restart(self) -> None:
        """The seeds begin anew with the orchestrator."""
        self._rng = None

    def _compiled(self) -> Any:
        """The function made again from its text, with ``wp, np, og, carb, rep`` and nothing else."""
        if self._made is None:
            import importlib

            import warp as wp

            names = {"wp": wp, "np": np, "og": SimpleNamespace(), "carb": importlib.import_module("carb")}
            names["__name__"] = f"kit_double_augmentation_{self._name}"
            names["rep"] = importlib.import_module("omni.replicator.core")
            # The line numbers of the file, so that Warp finds the source of the kernel again.
            code = compile("\n" * (self._first - 1) + self._text, self._file, "exec", dont_inherit=True)
            exec(code, names)  # noqa: S102
            self._made = names[self._name]
        return self._made

    def run(self, data: Any) -> Any:
        """The array after this step, empty where scripts may not run or the ranks or types do not fit."""
        if not self._rep.setting(OPT_IN):
            if not self._warned:
                self._rep.warn("Augmentation cannot run, script nodes are disabled.")
                self._warned = True
            return np.zeros(0, np.float32)
        array = data.numpy() if hasattr(data, "numpy") else np.asarray(data)
        if self._rng is None:
            base = self._seed if self._seed and self._seed > 0 else self._rep.graph.global_seed()
            self._rng = np.random.default_rng([base, self._index])
        seed = int(self._rng.integers(2147483647))
        try:
            return self._launch(array, seed) if self._kernel else self._call(array, seed)
        except Exception as error:  # there it would be an error in the log and an empty array
            raise AugmentationError(
                f"{self._name} failed; only wp, np, og, carb and rep exist there: {error}"
            ) from error

    def _call(self, array: np.ndarray, seed: int) -> np.ndarray:
        fed = array[..., None] if array.ndim == 2 else array
        known = {"data_in": fed.copy(), "seed": seed, **self._values}
        found = self._compiled()(**{name: known[name] for name in self._names})
        if found is None:
            raise AugmentationError(f"{self._name} must return its array")
        return np.asarray(found)

    def _launch(self, array: np.ndarray, seed: int) -> Any:
        import warp as wp

        kernel = self._compiled()
        kinds = inspect.signature(kernel.func).parameters
        wanted, channels = kinds["data_in"].annotation, 1 if array.ndim == 2 else array.shape[2]
        if wp.dtype_to_numpy(wanted.dtype) != array.dtype:
            self._rep.error(f"{self._name}: data_in is {array.dtype}, the kernel takes {wanted.dtype.__name__}")
            return np.zeros(0, np.float32)
        height, width = array.shape[:2]
        dims: Callable[[], Any] = {
            1: lambda: (height * width * channels,),
            2: lambda: (height, width) if channels == 1 else (height * width, channels),
            3: lambda: (height, width, channels),
        }[wanted.ndim]
        fed = wp.array(array.reshape(dims()), dtype=wanted.dtype, device="cpu")
        out = kinds["data_out"].annotation
        shape = self._shape or fed.shape
        if len(shape) != out.ndim:
            self._rep.error(f"{self._name}: data_out has {out.ndim} axes, its shape is {shape}")
            return np.zeros(0, np.float32)
        result = wp.zeros(shape, dtype=out.dtype, device="cpu")
        launch = {1: fed.shape, 2: (height, width) if channels == 1 else (height * width,), 3: (height, width)}
        known = {"data_in": fed, "data_out": result, "seed": seed, **self._values}
        wp.launch(kernel, dim=launch[wanted.ndim], inputs=[known[name] for name in self._names], device="cpu")
        return result
