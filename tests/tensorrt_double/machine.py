"""A machine with a GPU, for a test: its ``tensorrt`` and its libcudart are the stand-ins."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from sim2real.deploy import tensorrt_cuda, tensorrt_device
from tensorrt_double.cudart import Cudart, Gpu
from tensorrt_double.fake import make_tensorrt


@dataclass
class Machine:
    """What was put in place."""

    trt: ModuleType
    cudart: Cudart


def put(
    monkeypatch: Any,
    version: str,
    gpu: Gpu | None = None,
    *,
    faults: Iterable[str] = (),
    cuda_faults: dict[str, int] | None = None,
    l4t: str | None = "36.4.3",
) -> Machine:
    """Make this process's machine one with a TensorRT version and a GPU."""
    cudart = Cudart(gpu, cuda_faults)
    trt = make_tensorrt(version, cudart, faults)
    monkeypatch.setitem(sys.modules, "tensorrt", trt)
    monkeypatch.setattr(tensorrt_cuda, "load_library", lambda candidates=None: cudart)
    monkeypatch.setattr(tensorrt_device, "l4t_release", lambda: l4t)
    return Machine(trt=trt, cudart=cudart)
