"""Counts what would make the host wait for a device, and Warp's launches, by who asks for it.

On a CPU nothing waits, so that what would on a GPU has to be told from the calls themselves: a tensor that becomes a
Python number (`item`, `bool`, `int`, `float`, `tolist`), an operation whose result's size depends on the data
(`nonzero`, a mask as an index, `masked_select`, `unique`), a copy to the host (`cpu`, `numpy`, `tolist`), a device
array made of a Python sequence, `synchronize` of either library, and `numpy` of a Warp array. Each is put down to the
file of the innermost caller outside of torch, Warp and this one, and counts as ours when any caller is a file of ours.
Warp takes a CPU tensor as a kernel's argument by way of NumPy, where it takes a CUDA tensor as it is; this is left out.
On a CPU `to("cpu")` does nothing and cannot be told.
"""

from __future__ import annotations

import contextlib
import functools
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from torch.utils._python_dispatch import TorchDispatchMode

OPERATIONS = (
    "_local_scalar_dense",
    "nonzero",
    "nonzero_numpy",
    "masked_select",
    "equal",
    "is_nonzero",
    "unique",
    "_unique",
    "_unique2",
    "unique_dim",
    "unique_consecutive",
    "bincount",
    "repeat_interleave",
)
"""ATen operations that read data on the host."""
BY_MASK = ("index", "index_put", "index_put_", "_index_put_impl_", "_unsafe_index")
"""ATen operations that do with a mask among their indices."""
OF_TENSORS = ("cpu", "numpy", "tolist")
"""Methods of a tensor that copy to the host; on a CPU they reach no operation."""
OF_WARP = ("synchronize", "synchronize_device", "synchronize_stream", "synchronize_event")
"""Functions of Warp that wait."""


@functools.cache
def our_folders() -> tuple[str, ...]:
    """Where our packages lie."""
    import sim2real

    source = Path(sim2real.__file__).parents[1]
    return tuple(f"{source}/{package}/" for package in ("sim2real", "sim2real_tasks"))


@dataclass(frozen=True, kw_only=True)
class Counts:
    """What happened between begin and end."""

    syncs: Counter[str] = field(default_factory=Counter)
    """Waits by `what file:line`."""
    ours: Counter[str] = field(default_factory=Counter)
    """Those that a file of ours asks for, itself or through others."""
    launches: Counter[str] = field(default_factory=Counter)
    """Warp's launches by the kernel's module and name."""

    def note(self, what: str) -> None:
        """Count a wait."""
        caller, ours = _callers()
        self.syncs[f"{what} {caller}"] += 1
        if ours is not None:
            self.ours[f"{what} {caller}" + ("" if ours == caller else f" for {ours}")] += 1

    @property
    def our_launches(self) -> dict[str, int]:
        """Launches of our own kernels."""
        return {name: n for name, n in sorted(self.launches.items()) if name.startswith("sim2real")}


class _Operations(TorchDispatchMode):
    """Sees every ATen operation."""

    def __init__(self, counts: Counts) -> None:
        super().__init__()
        self._counts = counts

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        by_mask = name in BY_MASK and any(_is_mask(index) for index in args[1])
        to_host = name == "_to_copy" and str((kwargs or {}).get("device")) == "cpu"
        if name in OPERATIONS or by_mask or to_host:
            self._counts.note(name)
        return func(*args, **(kwargs or {}))


def _is_mask(index: Any) -> bool:
    import torch

    return index is not None and index.dtype in (torch.bool, torch.uint8)


def _callers() -> tuple[str, str | None]:
    """Return `file:line` of the innermost caller, and of the innermost one of ours."""
    frame, innermost, folders = sys._getframe(2), "?", our_folders()
    while frame is not None:
        name = frame.f_code.co_filename
        place = f"{name}:{frame.f_lineno}"
        if name.startswith(folders):
            return (place if innermost == "?" else innermost), place
        if (
            innermost == "?"
            and name != __file__
            and not any(f"/{part}/" in name for part in ("torch", "warp", "numpy"))
        ):
            innermost = place
        frame = frame.f_back
    return innermost, None


def _asked_by_warp() -> bool:
    """Whether the next caller outside of torch is Warp."""
    frame = sys._getframe(2)
    while frame is not None and "/torch/" in frame.f_code.co_filename:
        frame = frame.f_back
    return frame is not None and "/warp/" in frame.f_code.co_filename


@contextlib.contextmanager
def counted() -> Iterator[Counts]:
    """Count what happens inside."""
    import torch
    import warp as wp

    counts = Counts()
    with contextlib.ExitStack() as stack:

        def replace(owner: Any, name: str, made: Any) -> None:
            own = owner.__dict__.get(name)
            setattr(owner, name, made)
            stack.callback(delattr, owner, name) if own is None else stack.callback(setattr, owner, name, own)

        def watch(owner: Any, name: str, but_warp: bool = False) -> None:
            original = getattr(owner, name)

            def noted(*args: Any, **kwargs: Any) -> Any:
                if not (but_warp and _asked_by_warp()):
                    counts.note(name)
                return original(*args, **kwargs)

            replace(owner, name, noted)

        def watch_made(owner: Any, name: str, at: int) -> None:
            original = getattr(owner, name)

            def noted(*args: Any, **kwargs: Any) -> Any:
                data = args[at] if len(args) > at else kwargs.get("data")
                asking = sys._getframe(1).f_code.co_filename
                own = any(f"/{part}/" in asking for part in ("torch", "warp"))
                if isinstance(data, list | tuple | np.ndarray | int | float) and not own:
                    counts.note(name)
                return original(*args, **kwargs)

            replace(owner, name, noted)

        for name in OF_TENSORS:
            watch(torch.Tensor, name, but_warp=True)
        for name in OF_WARP:
            watch(wp, name)
        for name in ("numpy", "list"):
            watch(wp.array, name)
        watch(torch.cuda, "synchronize")
        for name in ("tensor", "as_tensor"):
            watch_made(torch, name, 0)
        for name in ("__init__", "assign"):
            watch_made(wp.array, name, 1)
        launch, relaunch = wp.launch, wp.Launch.launch

        def noted_launch(kernel: Any, *args: Any, **kwargs: Any) -> Any:
            if not kwargs.get("record_cmd"):
                counts.launches[f"{kernel.module.name}.{kernel.key}"] += 1
            return launch(kernel, *args, **kwargs)

        def noted_again(self: Any, *args: Any, **kwargs: Any) -> Any:
            counts.launches[f"{self.kernel.module.name}.{self.kernel.key}"] += 1
            return relaunch(self, *args, **kwargs)

        replace(wp, "launch", noted_launch)
        replace(wp.Launch, "launch", noted_again)
        stack.enter_context(_Operations(counts))
        yield counts
