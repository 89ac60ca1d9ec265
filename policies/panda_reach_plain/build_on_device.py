#!/usr/bin/env python3
"""Build, prove and time the TensorRT engines of this bundle, on the machine that will run them.

    python3 build_on_device.py            every precision, into engines/<device>/ of the bundle
    python3 build_on_device.py --help     precisions, another folder, another route

Needs Python 3.8, NumPy and TensorRT: its Python package (python3-libnvinfer) or trtexec (libnvinfer-bin). Build in
the power mode that the robot runs in. Written by sim2real 0.1.0 for policy 'reach_panda'; do not edit.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import Any
import argparse
import ctypes
import ctypes.util
import dataclasses
import gc
import glob
import hashlib
import io
import json
import logging
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time

try:
    import numpy as np
except ImportError:
    sys.exit("NumPy is missing: sudo apt install python3-numpy")

PLAN = r"""
{
 "batch": [
  1,
  1,
  1
 ],
 "contract_sha256": "0e9310b37577dd7cf0b27dd77fb6c2211bf0ce6d5d542ecb7994fc11dac650e5",
 "golden": {
  "choice": false,
  "fresh": "fresh",
  "inputs": {
   "observation": "observations"
  },
  "int8_outputs": {
   "action": "actions.int8"
  },
  "outputs": {
   "action": "actions"
  },
  "sha256": "960b510c2165019d64e6030fec72cab58bb3f89175d80d3e6f3b4b1dd1a3751d",
  "shapes": {},
  "states": {},
  "tolerances": {
   "fp16": 0.01,
   "fp32": 0.0001,
   "int8": 0.05
  }
 },
 "latency_runs": 1000,
 "name": "reach_panda",
 "networks": {
  "float": {
   "file": "reach_panda.onnx",
   "sha256": "260ea5f0455fc65d91e19f9f7e5aece3729faa80b9ff6d87838fcb9ae4a219d7"
  },
  "fp16": {
   "file": "reach_panda.fp16.onnx",
   "sha256": "1df8a84f7a28e810dc9fb11d785bf3f09ae7c09a297b67c1bdb2069c6917b2cc"
  },
  "int8": {
   "file": "reach_panda.int8.onnx",
   "sha256": "6befd69b8e559fa9bb9d0dad980058acbde5f5b8be939b174f786612fbac22ba"
  }
 },
 "optimization_level": null,
 "schema": 1,
 "shapes": {
  "observation": [
   -1,
   28
  ]
 },
 "workspace_mib": 1024
}
"""


# sim2real.errors



class Sim2RealError(Exception):
    """A mistake that the reader of the message can mend: the message says what came, what is allowed and what to do."""


# sim2real.deploy.tensorrt_device

OLDEST, NEWEST_MAJOR = (8, 5), 11
_RELEASE = re.compile(r"^#\s*R(\d+)\s*\(release\),\s*REVISION:\s*([\d.]+)")


class EngineError(Sim2RealError):
    """An engine cannot be built or must not run here."""



@dataclass(frozen=True)
class Device:
    """The machine, as far as an engine depends on it."""

    tensorrt: str
    """TensorRT's version, e.g. ``10.3.0``."""
    sm: str
    """Compute capability, e.g. ``8.7``."""
    gpu: str
    """The GPU's name, e.g. ``Orin``."""
    l4t: str | None
    """L4T release of a Jetson, e.g. ``36.4.3``; None: no Jetson."""
    machine: str
    """Processor architecture: ``aarch64`` or ``x86_64``."""

    @property
    def folder(self) -> str:
        """Name of the folder of this machine's engines."""
        text = f"{self.gpu}-sm{self.sm}-trt{self.tensorrt}" + (f"-l4t{self.l4t}" if self.l4t else "")
        return re.sub(r"[^a-z0-9.]+", "-", text.lower()).strip("-.")



def parse_version(text: str) -> tuple[int, ...]:
    """``10.13.3.9`` -> (10, 13, 3, 9); what follows the numbers is left away.

    Raises:
        EngineError: no version, or one that this code was not written for.
    """
    match = re.match(r"\d+(?:\.\d+)+", text.strip())
    if match is None:
        raise EngineError(f"TensorRT says its version is {text!r}; expected is one like 10.3.0.")
    version = tuple(int(part) for part in match.group().split("."))
    if version < OLDEST or version[0] > NEWEST_MAJOR:
        raise EngineError(
            f"TensorRT {text} is here; engines are built and run with {OLDEST[0]}.{OLDEST[1]} up to "
            f"{NEWEST_MAJOR}.x. Use another JetPack, or ONNX Runtime."
        )
    return version



def same_version(one: str, other: str) -> bool:
    """Whether two versions are the same as far as both are given; at least three numbers are compared.

    Python's package says 8.5.2.2 where trtexec says 8.5.2.
    """
    a, b = parse_version(one), parse_version(other)
    length = min(len(a), len(b))
    return length >= 3 and a[:length] == b[:length]



def import_tensorrt() -> Any:
    """TensorRT's Python package.

    Raises:
        EngineError: it is missing, a library of it is missing, or its version is not one of ours.
    """
    try:
        import tensorrt
    except ModuleNotFoundError:
        raise EngineError(
            "TensorRT's Python package is not here. On a Jetson: sudo apt install python3-libnvinfer, and make a "
            "virtual environment with --system-site-packages. On a PC: pip install tensorrt."
        ) from None
    except (ImportError, OSError) as error:
        raise EngineError(
            f"TensorRT's Python package cannot load a library: {error}. A package of another JetPack, or one that is "
            "only half installed: install the libraries of the same TensorRT version."
        ) from None
    parse_version(tensorrt.__version__)
    return tensorrt



def l4t_release(path: Path = Path("/etc/nv_tegra_release")) -> str | None:
    """L4T release of a Jetson, e.g. ``36.4.3``; None where the file is absent (a PC, some containers)."""
    try:
        match = _RELEASE.match(path.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return None
    return None if match is None else f"{match.group(1)}.{match.group(2)}"



def power_mode() -> str | None:
    """Power mode of a Jetson as ``nvpmodel -q`` says it; None where there is none.

    It is kept in the record and not compared: an engine of another mode runs, but its kernels were chosen by timing
    them in this one.
    """
    try:
        done = subprocess.run(["nvpmodel", "-q"], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.search(r"NV Power Mode:\s*(\S+)", done.stdout)
    return match.group(1) if match else None



def read_device(tensorrt: str, sm: str, gpu: str) -> Device:
    """The device of a TensorRT version and a GPU on this machine."""
    parse_version(tensorrt)
    return Device(tensorrt=tensorrt, sm=sm, gpu=gpu, l4t=l4t_release(), machine=platform.machine())


# sim2real.deploy.tensorrt_cuda

_POINTER = ctypes.c_void_p
_OUT = ctypes.POINTER(ctypes.c_void_p)
_INT, _SIZE = ctypes.c_int, ctypes.c_size_t
_OUT_INT = ctypes.POINTER(ctypes.c_int)
SIGNATURES: dict[str, list[Any]] = {
    "cudaGetDeviceCount": [_OUT_INT],
    "cudaSetDevice": [_INT],
    "cudaDeviceGetAttribute": [_OUT_INT, _INT, _INT],
    "cudaGetDeviceProperties": [_POINTER, _INT],
    "cudaRuntimeGetVersion": [_OUT_INT],
    "cudaDriverGetVersion": [_OUT_INT],
    "cudaGetLastError": [],
    "cudaMalloc": [_OUT, _SIZE],
    "cudaFree": [_POINTER],
    "cudaHostAlloc": [_OUT, _SIZE, ctypes.c_uint],
    "cudaFreeHost": [_POINTER],
    "cudaHostGetDevicePointer": [_OUT, _POINTER, ctypes.c_uint],
    "cudaMemcpyAsync": [_POINTER, _POINTER, _SIZE, _INT, _POINTER],
    "cudaStreamCreateWithFlags": [_OUT, ctypes.c_uint],
    "cudaStreamSynchronize": [_POINTER],
    "cudaStreamDestroy": [_POINTER],
    "cudaStreamBeginCapture": [_POINTER, _INT],
    "cudaStreamEndCapture": [_POINTER, _OUT],
    "cudaGraphInstantiateWithFlags": [_OUT, _POINTER, ctypes.c_ulonglong],
    "cudaGraphLaunch": [_POINTER, _POINTER],
    "cudaGraphExecDestroy": [_POINTER],
    "cudaGraphDestroy": [_POINTER],
}
"""Functions that return an error code, with their argument types; in libcudart of CUDA 11, 12 and 13."""
HOST_TO_DEVICE, DEVICE_TO_HOST = 1, 2
NON_BLOCKING = 1
MAPPED = 2
CAPTURE_THREAD_LOCAL = 1
ATTRIBUTE_INTEGRATED, ATTRIBUTE_CAN_MAP = 18, 19
ATTRIBUTE_SM_MAJOR, ATTRIBUTE_SM_MINOR = 75, 76
_PROPERTIES_BYTES = 8192  # more than any version's struct; its first 256 bytes are the name in all of them
_NAMES = ("libcudart.so", "libcudart.so.13", "libcudart.so.12", "libcudart.so.11.0")
_FOLDERS = ("/usr/local/cuda/lib64", "/usr/local/cuda/targets/aarch64-linux/lib")


def library_candidates() -> list[str]:
    """Where libcudart may be, best first: the loader's path, CUDA's folders, NVIDIA's Python packages."""
    found = ctypes.util.find_library("cudart")
    candidates = [found] if found else []
    candidates += list(_NAMES)
    candidates += [os.path.join(folder, name) for folder in _FOLDERS for name in _NAMES]
    for folder in sys.path:
        candidates += sorted(glob.glob(os.path.join(folder, "nvidia", "*", "lib", "libcudart.so.*")), reverse=True)
    return candidates



def load_library(candidates: list[str] | None = None) -> Any:
    """Load libcudart. Raises: EngineError."""
    for name in library_candidates() if candidates is None else candidates:
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    raise EngineError(
        "CUDA's runtime library (libcudart.so) is not here. On a Jetson it comes with JetPack: sudo apt install "
        "nvidia-jetpack, or cuda-cudart alone. In a container, start it with --runtime nvidia."
    )



class Cuda:
    """The CUDA runtime on one GPU.

    Args:
        device: index of the GPU.
        library: a loaded libcudart; None: look for it.

    Raises:
        EngineError: the library or a function of it is missing, or there is no GPU.
    """

    def __init__(self, device: int = 0, library: Any = None) -> None:
        self._library = load_library() if library is None else library
        try:
            for name, argtypes in SIGNATURES.items():
                function = getattr(self._library, name)
                function.argtypes, function.restype = argtypes, ctypes.c_int
            for name in ("cudaGetErrorName", "cudaGetErrorString"):
                function = getattr(self._library, name)
                function.argtypes, function.restype = [_INT], ctypes.c_char_p
        except AttributeError as error:
            raise EngineError(f"libcudart lacks a function: {error}. Wanted is CUDA 11.4 or newer.") from None
        self.device = device
        count = self._int("cudaGetDeviceCount")
        if not 0 <= device < count:
            raise EngineError(f"GPU {device} was asked for; this machine has {count}.")
        self.call("cudaSetDevice", device)

    def call(self, name: str, *args: Any) -> None:
        """Call a function and look at what it returns. Raises: EngineError."""
        code = getattr(self._library, name)(*args)
        if code != 0:
            kind, said = (
                getattr(self._library, text)(code).decode(errors="replace")
                for text in ("cudaGetErrorName", "cudaGetErrorString")
            )
            raise EngineError(f"{name} failed: {kind} ({code}): {said}.")

    def _int(self, name: str, *args: Any) -> int:
        value = ctypes.c_int()
        self.call(name, ctypes.byref(value), *args)
        return value.value

    def _pointer(self, name: str, *args: Any) -> int:
        value = ctypes.c_void_p()
        self.call(name, ctypes.byref(value), *args)
        if not value.value:
            raise EngineError(f"{name} gave no address.")
        return value.value

    def attribute(self, number: int) -> int:
        """An attribute of the GPU."""
        return self._int("cudaDeviceGetAttribute", number, self.device)

    @property
    def sm(self) -> str:
        """Compute capability, e.g. ``8.7``."""
        return f"{self.attribute(ATTRIBUTE_SM_MAJOR)}.{self.attribute(ATTRIBUTE_SM_MINOR)}"

    @property
    def gpu(self) -> str:
        """The GPU's name."""
        buffer = ctypes.create_string_buffer(_PROPERTIES_BYTES)
        self.call("cudaGetDeviceProperties", ctypes.addressof(buffer), self.device)
        return buffer.raw[:256].split(b"\0")[0].decode(errors="replace").strip()

    @property
    def versions(self) -> str:
        """Versions of the runtime and of what the driver supports, e.g. ``12.6 (driver 12.6)``."""
        numbers = [self._int("cudaRuntimeGetVersion"), self._int("cudaDriverGetVersion")]
        runtime, driver = [f"{number // 1000}.{number % 1000 // 10}" for number in numbers]
        return f"{runtime} (driver {driver})"

    @property
    def shares_memory(self) -> bool:
        """Whether GPU and CPU share their memory, as on a Jetson, so that nothing has to be copied."""
        return bool(self.attribute(ATTRIBUTE_INTEGRATED) and self.attribute(ATTRIBUTE_CAN_MAP))

    def clear_error(self) -> None:
        """Forget the last error, so that it is not reported by the next call."""
        self._library.cudaGetLastError()

    def create_stream(self) -> int:
        """A stream of its own: on stream 0 TensorRT waits for the whole GPU."""
        return self._pointer("cudaStreamCreateWithFlags", NON_BLOCKING)

    def end_capture(self, stream: int) -> int:
        """End a capture and return its graph."""
        graph = ctypes.c_void_p()
        self.call("cudaStreamEndCapture", stream, ctypes.byref(graph))
        if not graph.value:
            raise EngineError("cudaStreamEndCapture gave no graph.")
        return graph.value

    def instantiate(self, graph: int) -> int:
        """Make a graph that can be launched."""
        return self._pointer("cudaGraphInstantiateWithFlags", graph, 0)



class Buffer:
    """Memory of one tensor that both sides reach.

    Args:
        cuda: the CUDA runtime.
        shape: shape of the host's view.
        dtype: its type.
        mapped: one piece of memory for both sides; False: pinned memory on the host, and the GPU's own.

    Raises:
        EngineError: no memory. Nothing stays allocated then.
    """

    def __init__(self, cuda: Cuda, shape: tuple[int, ...], dtype: Any, mapped: bool) -> None:
        self._cuda, self.mapped = cuda, mapped
        count = int(np.prod(shape, dtype=np.int64))
        self.bytes = max(1, count * np.dtype(dtype).itemsize)
        self._host: int | None = cuda._pointer("cudaHostAlloc", self.bytes, MAPPED if mapped else 0)
        try:
            if mapped:
                self.device = cuda._pointer("cudaHostGetDevicePointer", self._host, 0)
            else:
                self.device = cuda._pointer("cudaMalloc", self.bytes)
        except EngineError:
            cuda.call("cudaFreeHost", self._host)
            raise
        memory = (ctypes.c_ubyte * self.bytes).from_address(self._host)
        self.array: np.ndarray = np.frombuffer(memory, dtype=dtype, count=count).reshape(shape)
        """The host's view; no longer valid after ``free``."""
        self.array[...] = 0

    def copy(self, kind: int, count: int, stream: int) -> None:
        """Copy the first ``count`` bytes to or from the GPU's own memory; nothing where both share it."""
        if self.mapped:
            return
        ends = (self.device, self._host) if kind == HOST_TO_DEVICE else (self._host, self.device)
        self._cuda.call("cudaMemcpyAsync", *ends, count, kind, stream)

    def free(self) -> None:
        """Give the memory back; a second call does nothing."""
        if self._host is None:
            return
        host, self._host = self._host, None
        self.array = np.empty(0, self.array.dtype)
        if not self.mapped:
            self._cuda.call("cudaFree", self.device)
        self._cuda.call("cudaFreeHost", host)


# sim2real.deploy.tensorrt_engine

_LOG = logging.getLogger("sim2real.tensorrt")


def make_logger(trt: Any) -> Any:
    """A logger for TensorRT that keeps its errors, so that an exception can say them.

    Returns:
        An ``ILogger`` with ``errors()``, which returns what was kept and forgets it.
    """

    class Logger(trt.ILogger):  # type: ignore[misc]
        def __init__(self) -> None:
            trt.ILogger.__init__(self)
            self._errors: list[str] = []

        def log(self, severity: Any, msg: str) -> None:
            if severity in (trt.ILogger.Severity.INTERNAL_ERROR, trt.ILogger.Severity.ERROR):
                self._errors.append(str(msg).strip())
                _LOG.error(msg)
            elif severity == trt.ILogger.Severity.WARNING:
                _LOG.warning(msg)
            else:
                _LOG.debug(msg)

        def errors(self) -> str:
            said = "; ".join(dict.fromkeys(self._errors[-5:])) or "it gave no reason"
            self._errors.clear()
            return said

    return Logger()



def start(kind: Any, logger: Any) -> Any:
    """TensorRT's runtime or builder. Raises: EngineError where CUDA does not let it start."""
    try:
        return kind(logger)
    except TypeError:  # what its bindings say of a null pointer
        raise EngineError(
            f"TensorRT's {kind.__name__.lower()} does not start: {logger.errors()}. Do its version, CUDA's and the "
            "driver's belong together, and does this user see the GPU?"
        ) from None



class Engine:
    """A plan, loaded and ready to answer.

    Example:
        >>> engine = Engine(Path("policy.fp16.plan").read_bytes())
        >>> engine.infer({"observation": observation})["actions"]

    Args:
        plan: content of the plan.
        source: the plan's name, for errors.
        cuda: the CUDA runtime; None: of GPU 0.
        trt: TensorRT's package; None: import it.
        graph: record the work as a CUDA graph where that is allowed.
        mapped: one piece of memory for both sides; None: where the GPU shares the CPU's.

    Raises:
        EngineError: TensorRT does not take the plan, or a tensor is of a type that NumPy has not.
    """

    def __init__(
        self,
        plan: bytes,
        source: str = "the plan",
        *,
        cuda: Cuda | None = None,
        trt: Any = None,
        graph: bool = True,
        mapped: bool | None = None,
    ) -> None:
        self.source = source
        self._trt = import_tensorrt() if trt is None else trt
        self._cuda = Cuda() if cuda is None else cuda
        self._mapped = self._cuda.shares_memory if mapped is None else mapped
        self._buffers: dict[str, Buffer] = {}
        self._graph: tuple[int, int] | None = None
        self._wants_graph = graph
        self.graph_refused: str | None = None
        """Why there is no CUDA graph; None: there is one, or none was tried yet."""
        self._batch: int | None = None
        self._stream: int | None = None
        self._logger = make_logger(self._trt)
        # Both are kept: a runtime must outlive its engine, an engine its context.
        self._runtime = start(self._trt.Runtime, self._logger)
        self._engine = self._need(
            self._runtime.deserialize_cuda_engine(plan),
            "TensorRT does not take this plan: it is damaged, or was built for another TensorRT or another GPU",
        )
        self._context = self._need(
            self._engine.create_execution_context(), "no execution context: the GPU's memory may be full"
        )
        try:
            self._stream = self._cuda.create_stream()
            self._allocate()
        except BaseException:
            self.close()
            raise

    def _need(self, value: Any, what: str) -> Any:
        """A value that TensorRT must not refuse. Raises: EngineError with what its logger said."""
        if value is None or value is False:
            raise EngineError(f"{self.source}: {what}. TensorRT says: {self._logger.errors()}.")
        return value

    def _allocate(self) -> None:
        """Read the tensors and give each memory for the largest batch."""
        trt, engine = self._trt, self._engine
        names = [engine.get_tensor_name(i) for i in range(engine.num_io_tensors)]
        self.inputs = tuple(n for n in names if engine.get_tensor_mode(n) == trt.TensorIOMode.INPUT)
        """Names of the inputs."""
        self.outputs = tuple(n for n in names if n not in self.inputs)
        """Names of the outputs."""
        self.shapes: dict[str, tuple[int, ...]] = {n: tuple(engine.get_tensor_shape(n)) for n in names}
        """Shape of each tensor; -1 is the batch."""
        self.dtypes: dict[str, Any] = {}
        """NumPy type of each tensor."""
        for name in names:
            kind = engine.get_tensor_dtype(name)
            try:
                self.dtypes[name] = np.dtype(trt.nptype(kind))
            except TypeError:
                raise EngineError(f"{self.source}: '{name}' is of type {kind}, which NumPy has not.") from None
        self.batches = self._batch_range()
        """Smallest and largest batch."""
        for name in names:
            shape = with_batch(self.shapes[name], self.batches[1])
            self._buffers[name] = Buffer(self._cuda, shape, self.dtypes[name], self._mapped)
            address = self._buffers[name].device
            self._need(self._context.set_tensor_address(name, address), f"the address of '{name}' was refused")

    def _batch_range(self) -> tuple[int, int]:
        """Smallest and largest batch that the profile allows."""
        low, high = 1, None
        for name in self.inputs:
            shape = self.shapes[name]
            if shape.count(-1) > 1:
                raise EngineError(f"{self.source}: '{name}' has the shape {shape}; only the batch may be free.")
            if -1 not in shape:
                continue
            axis = shape.index(-1)
            least, _, most = self._engine.get_tensor_profile_shape(name, 0)
            low = max(low, least[axis])
            high = most[axis] if high is None else min(high, most[axis])
        return low, 1 if high is None else high

    def infer(self, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Answer once.

        Args:
            feeds: every input by name; all with the same batch.

        Returns:
            Every output by name.

        Raises:
            EngineError: an input is missing, unknown, of another shape or type; or the GPU failed.
        """
        batch = self._check(feeds)
        again = batch == self._batch
        self._set_batch(batch)
        for name in self.inputs:
            self._view(name, batch)[...] = feeds[name]
        if self._graph is not None:
            self._cuda.call("cudaGraphLaunch", self._graph[1], self._stream)
        else:
            self._enqueue(batch)
        self._cuda.call("cudaStreamSynchronize", self._stream)
        outputs = {name: self._view(name, batch).copy() for name in self.outputs}
        if again and self._wants_graph and self._graph is None and self.graph_refused is None:
            self._record_graph(batch, outputs)
        return outputs

    def _check(self, feeds: Mapping[str, np.ndarray]) -> int:
        """The batch of the inputs, which fit."""
        if self._stream is None:
            raise EngineError(f"{self.source}: the engine was closed.")
        if set(feeds) != set(self.inputs):
            raise EngineError(f"{self.source}: given are {sorted(feeds)}; the inputs are {sorted(self.inputs)}.")
        batch = self.batches[0]
        for name in self.inputs:
            if -1 in self.shapes[name]:
                axis = self.shapes[name].index(-1)
                batch = feeds[name].shape[axis] if feeds[name].ndim > axis else -1
                break
        if not self.batches[0] <= batch <= self.batches[1]:
            raise EngineError(
                f"{self.source}: a batch of {batch}; built for {self.batches[0]} to {self.batches[1]}. Build the "
                "engine with another range."
            )
        for name in self.inputs:
            wanted = with_batch(self.shapes[name], batch)
            if feeds[name].shape != wanted or feeds[name].dtype != self.dtypes[name]:
                raise EngineError(
                    f"{self.source}: '{name}' is {feeds[name].dtype} {feeds[name].shape}; it takes "
                    f"{self.dtypes[name]} {wanted}."
                )
        return batch

    def _set_batch(self, batch: int) -> None:
        """Tell the context the shapes of this batch."""
        if batch == self._batch:
            return
        self._batch = None
        self._drop_graph()  # it was recorded for the shapes before
        for name in self.inputs:
            shape = with_batch(self.shapes[name], batch)
            self._need(self._context.set_input_shape(name, shape), f"'{name}' must not have the shape {shape}")
        missing = self._context.infer_shapes()
        if missing:
            raise EngineError(f"{self.source}: TensorRT wants more to be said of {', '.join(missing)}.")
        for name in self.outputs:
            found = tuple(self._context.get_tensor_shape(name))
            if found != with_batch(self.shapes[name], batch):
                raise EngineError(
                    f"{self.source}: '{name}' would be {found}; its batch axis must follow the inputs' batch {batch}."
                )
        self._batch = batch

    def _view(self, name: str, batch: int) -> np.ndarray:
        """The host's view of a tensor at a batch: dense at the start of its memory."""
        shape = with_batch(self.shapes[name], batch)
        return self._buffers[name].array.reshape(-1)[: int(np.prod(shape))].reshape(shape)

    def _enqueue(self, batch: int) -> None:
        """Put copies and inference on the stream."""
        stream = self._stream
        assert stream is not None
        for name in self.inputs:
            self._buffers[name].copy(HOST_TO_DEVICE, self._view(name, batch).nbytes, stream)
        self._need(self._context.execute_async_v3(stream), "the inference could not be started")
        for name in self.outputs:
            self._buffers[name].copy(DEVICE_TO_HOST, self._view(name, batch).nbytes, stream)

    def _record_graph(self, batch: int, wanted: Mapping[str, np.ndarray]) -> None:
        """Record what was just run as a graph, and keep it if it gives the same."""
        stream = self._stream
        assert stream is not None
        try:
            self._graph = self._capture(batch, stream)
            for name in self.outputs:
                self._view(name, batch)[...] = 0
            self._cuda.call("cudaGraphLaunch", self._graph[1], stream)
            self._cuda.call("cudaStreamSynchronize", stream)
            same = all(
                np.allclose(self._view(name, batch), wanted[name], rtol=1e-3, atol=1e-5, equal_nan=True)
                for name in self.outputs
            )
            if not same:
                raise EngineError("the graph gives other outputs than the same work without it")
        except EngineError as error:
            self._cuda.clear_error()
            self._drop_graph()
            self.graph_refused = str(error)
            _LOG.warning("%s: runs without a CUDA graph: %s", self.source, error)

    def _capture(self, batch: int, stream: int) -> tuple[int, int]:
        """The graph of one inference, and what can be launched of it."""
        self._cuda.call("cudaStreamBeginCapture", stream, CAPTURE_THREAD_LOCAL)
        try:
            self._enqueue(batch)
        except EngineError:
            try:
                self._cuda.call("cudaGraphDestroy", self._cuda.end_capture(stream))
            except EngineError:  # a capture that failed has no graph; the stream left it all the same
                self._cuda.clear_error()
            raise
        graph = self._cuda.end_capture(stream)
        try:
            return graph, self._cuda.instantiate(graph)
        except EngineError:
            self._cuda.call("cudaGraphDestroy", graph)
            raise

    def _drop_graph(self) -> None:
        recorded, self._graph = self._graph, None
        if recorded is not None:
            self._cuda.call("cudaGraphExecDestroy", recorded[1])
            self._cuda.call("cudaGraphDestroy", recorded[0])

    @property
    def uses_graph(self) -> bool:
        """Whether a CUDA graph is in use."""
        return self._graph is not None

    @property
    def uses_mapped_memory(self) -> bool:
        """Whether inputs and outputs lie in memory that both sides reach."""
        return self._mapped

    def layers(self) -> dict[str, Any]:
        """What TensorRT's inspector says of the engine: ``Layers``, and its tensors under ``Tensors``."""
        import json

        inspector = self._engine.create_engine_inspector()
        inspector.execution_context = self._context
        said = json.loads(inspector.get_engine_information(self._trt.LayerInformationFormat.JSON))
        # TensorRT 11 renamed the key.
        return {"Layers": said.get("Layers", []), "Tensors": said.get("I/O Tensors", said.get("Bindings", []))}

    def close(self) -> None:
        """Give everything back; a second call does nothing."""
        stream, self._stream = self._stream, None
        if stream is not None:
            self._cuda.call("cudaStreamSynchronize", stream)
            self._drop_graph()
        for buffer in self._buffers.values():
            buffer.free()
        self._buffers = {}
        self._context = self._engine = self._runtime = None
        if stream is not None:
            self._cuda.call("cudaStreamDestroy", stream)

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()



def with_batch(shape: tuple[int, ...], batch: int) -> tuple[int, ...]:
    """A shape with its free axis, -1, filled in."""
    return tuple(batch if size == -1 else size for size in shape)


# sim2real.deploy.tensorrt_proof



@dataclass(frozen=True, eq=False)
class Proof:
    """Recorded decisions of n robots; arrays are (steps, n, ...)."""

    inputs: Mapping[str, np.ndarray]
    """Inputs by name, without the recurrent state."""
    outputs: Mapping[str, np.ndarray]
    """Outputs that are wanted, by name."""
    fresh: np.ndarray
    """bool (steps, n): the first decision of an episode."""
    states: Mapping[str, str]
    """Input of each recurrent state -> the output that is its next value."""
    shapes: Mapping[str, tuple[int, ...]]
    """Shape of every input; -1 is the batch."""
    tolerance: float
    """Largest difference, relative to max(1, largest wanted)."""
    choice: bool = False
    """The largest output is a choice, which has to be the same."""



def read_proof(golden: Mapping[str, np.ndarray], spec: Mapping[str, Any], precision: str) -> Proof:
    """The proof of a precision out of ``golden.npz``.

    Args:
        golden: the arrays of the file.
        spec: the plan's ``golden`` section: which array is which tensor.
        precision: ``fp32``, ``fp16`` or ``int8``.

    Raises:
        EngineError: an array is missing.
    """
    wanted = spec["int8_outputs"] if precision == "int8" and spec["int8_outputs"] else spec["outputs"]
    names = [*spec["inputs"].values(), *wanted.values(), *([spec["fresh"]] if spec["fresh"] else [])]
    missing = [name for name in names if name not in golden]
    if missing:
        raise EngineError(f"the golden vectors lack {', '.join(missing)}; copy the bundle again.")
    by_step = spec["fresh"] is not None

    def steps(name: str) -> np.ndarray:
        return golden[name] if by_step else golden[name][None]

    outputs = {tensor: steps(name) for tensor, name in wanted.items()}
    first = next(iter(outputs.values()))
    fresh = golden[spec["fresh"]] if by_step else np.ones(first.shape[:2], bool)
    return Proof(
        inputs={tensor: steps(name) for tensor, name in spec["inputs"].items()},
        outputs=outputs,
        fresh=fresh,
        states=dict(spec["states"]),
        shapes={name: tuple(shape) for name, shape in spec["shapes"].items()},
        tolerance=float(spec["tolerances"][precision]),
        choice=bool(spec["choice"]),
    )



def prove(infer: Infer, proof: Proof, largest_batch: int = 1, vectors: int | None = None) -> dict[str, Any]:
    """Play the golden vectors and compare.

    Args:
        infer: one inference: tensors in by name -> tensors out by name.
        proof: what to play.
        largest_batch: most robots in one inference.
        vectors: about how many decisions to play; None: all.

    Returns:
        ``status`` (``pass`` or ``fail``), ``vectors``, ``of``, ``max_abs_error``, ``allowed``, ``mean_abs_error`` and,
        for choices, ``same_choice`` (a share).
    """
    steps, robots = proof.fresh.shape
    total = steps * robots
    if vectors is not None and total > vectors:
        steps = min(steps, vectors)
        robots = max(1, min(robots, vectors // steps))
    largest = max(float(np.abs(array).max()) for array in proof.outputs.values())
    errors: list[np.ndarray] = []
    same: list[np.ndarray] = []
    for first in range(0, robots, largest_batch):
        rows = slice(first, min(first + largest_batch, robots))
        state = _zero_state(proof, rows.stop - rows.start)
        for step in range(steps):
            _begin_episodes(state, proof, proof.fresh[step, rows])
            feeds = {name: np.ascontiguousarray(array[step, rows]) for name, array in proof.inputs.items()}
            found = infer({**feeds, **state})
            state = {name: found[output] for name, output in proof.states.items()}
            for name, array in proof.outputs.items():
                wanted = array[step, rows]
                if found[name].shape != wanted.shape:
                    raise EngineError(f"'{name}' is {found[name].shape}; the golden vectors have {wanted.shape}.")
                errors.append(np.abs(found[name].astype(np.float32) - wanted).reshape(len(wanted), -1))
                if proof.choice:
                    same.append(found[name].argmax(-1) == wanted.argmax(-1))
    error = np.concatenate(errors)
    worst = float(error.max()) if np.isfinite(error).all() else float("inf")
    allowed = proof.tolerance * max(1.0, largest)
    result: dict[str, Any] = {
        "status": "pass",
        "vectors": steps * robots,
        "of": total,
        "max_abs_error": worst if np.isfinite(worst) else "not a number",
        "mean_abs_error": float(error.mean()) if np.isfinite(worst) else "not a number",
        "allowed": allowed,
    }
    good = worst <= allowed
    if proof.choice:
        result["same_choice"] = float(np.concatenate(same).mean())
        good = good and result["same_choice"] == 1.0
    result["status"] = "pass" if good else "fail"
    return result



def _zero_state(proof: Proof, batch: int) -> dict[str, np.ndarray]:
    return {name: np.zeros(with_batch(proof.shapes[name], batch), np.float32) for name in proof.states}



def _begin_episodes(state: dict[str, np.ndarray], proof: Proof, fresh: np.ndarray) -> None:
    """Set the state of robots that begin an episode to zero."""
    for name, array in state.items():
        np.moveaxis(array, proof.shapes[name].index(-1), 0)[fresh] = 0.0



def describe(result: Mapping[str, Any]) -> str:
    """One line about a proof."""
    said = f"largest difference {result['max_abs_error']:.3g}" if result["max_abs_error"] != "not a number" else "NaN"
    said += f", allowed {result['allowed']:.3g}, on {result['vectors']} of {result['of']} golden vectors"
    return said + (f", same choices {result['same_choice']:.2%}" if "same_choice" in result else "")



def percentiles(milliseconds: np.ndarray) -> dict[str, float]:
    """p50, p90, p99, p99.9, mean and max of durations [ms], and their number."""
    p50, p90, p99, p999 = np.percentile(milliseconds, [50, 90, 99, 99.9])
    return {
        "p50": float(p50),
        "p90": float(p90),
        "p99": float(p99),
        "p99.9": float(p999),
        "mean": float(milliseconds.mean()),
        "max": float(milliseconds.max()),
        "runs": len(milliseconds),
    }



def measure(infer: Infer, proof: Proof, runs: int) -> dict[str, float]:
    """Time single inferences, from arrays to arrays, over the recorded inputs [ms]; see ``percentiles``."""
    steps, robots = proof.fresh.shape
    feeds = [
        {name: np.ascontiguousarray(array[i % steps, [i // steps % robots]]) for name, array in proof.inputs.items()}
        for i in range(min(steps * robots, 256))
    ]
    state = _zero_state(proof, 1)
    for i in range(max(20, runs // 10)):
        infer({**feeds[i % len(feeds)], **state})
    times = np.empty(runs)
    collecting = gc.isenabled()
    gc.disable()
    try:
        for i in range(runs):
            given = {**feeds[i % len(feeds)], **state}
            began = time.perf_counter()
            infer(given)
            times[i] = time.perf_counter() - began
    finally:
        if collecting:
            gc.enable()
    return percentiles(times * 1e3)


# sim2real.deploy.tensorrt_record

RECORD_SCHEMA = 1
_KEYS = {
    "schema",
    "policy",
    "contract_sha256",
    "device",
    "cuda",
    "power_mode",
    "route",
    "chosen",
    "engines",
    "parity",
    "latency",
    "record_sha256",
}
AGAIN = "Build the engines on this machine: run build_on_device.py of the bundle, or 'sim2real export --engine'."


def seal(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record with its hash."""
    data = {name: value for name, value in record.items() if name != "record_sha256"}
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return dict(data, record_sha256=hashlib.sha256(text.encode()).hexdigest())



def check_seal(record: Any, source: str) -> dict[str, Any]:
    """A record that is whole and unchanged. Raises: EngineError."""
    if not isinstance(record, Mapping) or set(record) != _KEYS or record["schema"] != RECORD_SCHEMA:
        raise EngineError(f"{source}: not a record of engines that this version of sim2real reads. {AGAIN}")
    if seal(record)["record_sha256"] != record["record_sha256"]:
        raise EngineError(f"{source}: the record was changed after the build. {AGAIN}")
    return dict(record)



def record_device(record: Mapping[str, Any]) -> Device:
    """The machine that the engines were built on."""
    return Device(**record["device"])



def check_device(record: Mapping[str, Any], here: Device, source: str) -> None:
    """Refuse engines of another TensorRT, GPU, system or processor.

    Raises:
        EngineError: it names everything that differs.
    """
    built = record_device(record)
    differs = []
    if not same_version(built.tensorrt, here.tensorrt):
        differs.append(f"TensorRT {built.tensorrt}, here is {here.tensorrt}")
    names = {"sm": "compute capability", "gpu": "GPU", "l4t": "L4T", "machine": "processor"}
    for name, said in names.items():
        before, now = getattr(built, name), getattr(here, name)
        if before != now:
            differs.append(f"{said} {before}, here is {now}")
    if differs:
        raise EngineError(f"{source}: built for {'; '.join(differs)}. An engine runs only where it was built. {AGAIN}")



def check_engine(record: Mapping[str, Any], precision: str, plan: bytes, source: str) -> None:
    """Refuse a plan that is not the one of the record, or one that did not prove itself.

    Args:
        record: the record.
        precision: ``fp32``, ``fp16`` or ``int8``.
        plan: content of the plan.
        source: name of the plan, for errors.

    Raises:
        EngineError: truncated, of another content, or of a precision whose proof failed.
    """
    entry = record["engines"].get(precision)
    if entry is None:
        reason = record["parity"].get(precision, {}).get("reason", "it was not asked for")
        built = ", ".join(sorted(record["engines"])) or "none"
        raise EngineError(f"{source}: there is no {precision} engine ({reason}); there is: {built}.")
    wanted = entry["plan"]
    if len(plan) < wanted["bytes"]:
        raise EngineError(f"{source}: truncated: {len(plan)} of {wanted['bytes']} bytes. {AGAIN}")
    if hashlib.sha256(plan).hexdigest() != wanted["sha256"]:
        raise EngineError(f"{source}: not the plan that was built with this record (SHA-256 differs). {AGAIN}")
    if record["parity"][precision]["status"] == "fail":
        raise EngineError(f"{source}: the {precision} engine did not reproduce the golden vectors when it was built.")



def device_dict(device: Device) -> dict[str, Any]:
    """A device as plain values."""
    return dataclasses.asdict(device)


# sim2real.export.tensorrt.plan

PRECISIONS = ("fp32", "fp16", "int8")
PLAN_SCHEMA = 1
_TENSOR = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")


@dataclass(frozen=True)
class BuildPlan:
    """Everything that building and proving the engines of a bundle needs, as plain values."""

    name: str
    """Name of the policy."""
    contract_sha256: str
    """The contract of the bundle."""
    networks: Mapping[str, Mapping[str, str]]
    """``float``, ``fp16``, ``int8`` -> ``file`` and ``sha256`` of the ONNX file; ``float`` is always there."""
    shapes: Mapping[str, tuple[int, ...]]
    """Shape of every input by name; -1 is the batch."""
    golden: Mapping[str, Any]
    """Which array of the golden vectors is which tensor, and how close is close enough; see ``read_proof``."""
    batch: tuple[int, int, int] = (1, 1, 1)
    """Smallest, usual and largest batch. A controller asks for one robot."""
    workspace_mib: int = 1024
    """Most memory that a kernel may use while it works [MiB]; a Jetson Orin Nano has 8 GiB for everything."""
    optimization_level: int | None = None
    """How long to search for kernels, 0 to 5 (TensorRT 8.6 and newer); None: TensorRT's own, 3."""
    latency_runs: int = 1000
    """Timed single inferences."""
    schema: int = PLAN_SCHEMA
    """Version of this plan."""

    def __post_init__(self) -> None:
        """Check the ranges. Raises: EngineError."""
        _need(self.schema == PLAN_SCHEMA, "schema", self.schema, f"{PLAN_SCHEMA}")
        _need(bool(_FILE.fullmatch(self.name)), "name", self.name, "letters, digits, '_', '-' and '.'")
        unknown = sorted(set(self.networks) - {"float", "fp16", "int8"})
        _need("float" in self.networks and not unknown, "networks", sorted(self.networks), "float, and fp16 and int8")
        for kind, network in self.networks.items():
            good = set(network) == {"file", "sha256"} and bool(_FILE.fullmatch(network["file"]))
            _need(good, f"networks.{kind}", dict(network), "a file and its sha256")
        object.__setattr__(self, "shapes", {name: tuple(shape) for name, shape in self.shapes.items()})
        for name, shape in self.shapes.items():
            # trtexec's options take names and shapes between ':' and ','
            _need(bool(_TENSOR.fullmatch(name)), "name of an input", name, "letters, digits and '_'")
            good = shape.count(-1) == 1 and all(size > 0 for size in shape if size != -1)
            _need(good, f"shape of {name}", shape, "positive sizes, and -1 once for the batch")
        object.__setattr__(self, "batch", tuple(self.batch))
        low, usual, high = self.batch
        _need(1 <= low <= usual <= high, "batch", self.batch, "smallest <= usual <= largest, all at least 1")
        _need(self.workspace_mib >= 16, "workspace_mib", self.workspace_mib, "at least 16 MiB")
        level = self.optimization_level
        _need(level is None or 0 <= level <= 5, "optimization_level", level, "0 to 5, or null")
        _need(self.latency_runs >= 10, "latency_runs", self.latency_runs, "at least 10")

    def to_json(self) -> str:
        """The plan as JSON."""
        return json.dumps(dataclasses.asdict(self), indent=1, sort_keys=True, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> BuildPlan:
        """Read what ``to_json`` wrote. Raises: EngineError."""
        try:
            return cls(**json.loads(text))
        except (TypeError, ValueError) as error:
            raise EngineError(
                f"the build plan cannot be read: {error}. Make it again with 'sim2real export'."
            ) from None



def _need(holds: bool, where: str, value: Any, allowed: str) -> None:
    if not holds:
        raise EngineError(f"build plan: {where} is {value!r}; it must be {allowed}.")



@dataclass(frozen=True)
class Choice:
    """How one TensorRT version builds one precision."""

    precision: str
    """``fp32``, ``fp16`` or ``int8``."""
    network: str
    """Which ONNX file: a key of ``BuildPlan.networks``."""
    typed: bool = False
    """The file's own types are binding."""
    flags: tuple[str, ...] = field(default=())
    """Builder flags to set, by name: ``FP16``, ``INT8``."""
    tf32: bool = True
    """Whether products of float32 may be rounded to 10 bits of mantissa."""



def choose(plan: BuildPlan, precision: str, version: tuple[int, ...]) -> Choice:
    """How a TensorRT version builds a precision of a bundle.

    float32 is built without TF32, so that it means what it says. INT8 is what the Q/DQ pairs in the file say; before 11
    the layers between them may be FP16, which is measured to be faster than float32 and never wrong to allow:
    allowing INT8 without FP16 on such a file is.

    A precision that the bundle has no network of did not hold its gate, and a robot refuses an engine of it; so none is
    built, also where TensorRT could make it of the float network.

    Raises:
        EngineError: the bundle has no network of this precision, or there is no such precision.
    """
    major = version[0]
    if precision == "fp32":
        return Choice(precision, "float", typed=major >= 11, tf32=False)
    if precision == "fp16":
        if "fp16" not in plan.networks:
            raise EngineError("this bundle has no FP16 network, so no robot would take its engine; see parity.json.")
        if major < 10:
            return Choice(precision, "float", flags=("FP16",))
        return Choice(precision, "fp16", typed=True)
    if precision == "int8":
        if "int8" not in plan.networks:
            raise EngineError("this bundle has no INT8 network; parity.json has the reason.")
        if major < 11:
            return Choice(precision, "int8", flags=("FP16", "INT8"))
        return Choice(precision, "int8", typed=True)
    raise EngineError(f"precision is {precision!r}; allowed: {', '.join(PRECISIONS)}.")



def check_precisions(precisions: tuple[str, ...]) -> None:
    """Refuse unknown or repeated precisions. Raises: EngineError."""
    wrong = [name for name in precisions if name not in PRECISIONS]
    if wrong or not precisions or len(set(precisions)) != len(precisions):
        raise EngineError(
            f"precisions are {', '.join(precisions) or 'none'}; allowed: {', '.join(PRECISIONS)}, each once."
        )



def cache_key(plan: BuildPlan, choice: Choice, device: Device, route: str) -> str:
    """What an engine depends on, as one hash: where it is equal, the engine need not be built again."""
    parts = {
        "onnx": plan.networks[choice.network]["sha256"],
        "choice": dataclasses.asdict(choice),
        "device": dataclasses.asdict(device),
        "batch": plan.batch,
        "workspace_mib": plan.workspace_mib,
        "optimization_level": plan.optimization_level,
        "route": route,
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()



def version_of(device: Device) -> tuple[int, ...]:
    """The TensorRT version of a device as numbers."""
    return parse_version(device.tensorrt)


# sim2real.export.tensorrt.builder



def build_plan(trt: Any, plan: BuildPlan, choice: Choice, onnx: bytes, timing_cache: Path | None = None) -> bytes:
    """Build one precision and return the serialized engine.

    Args:
        trt: TensorRT's package.
        plan: what to build.
        choice: how.
        onnx: content of the ONNX file.
        timing_cache: file of kernel timings, read and brought up to date; it makes the next build faster.

    Raises:
        EngineError: TensorRT refuses the network, a flag or a shape, or cannot build it.
    """
    logger = make_logger(trt)
    builder = start(trt.Builder, logger)
    network = builder.create_network(network_flags(trt, choice))
    if network is None:
        raise EngineError(f"TensorRT {trt.__version__} makes no network: {logger.errors()}.")
    parser = trt.OnnxParser(network, logger)
    if not parser.parse(onnx):
        raise EngineError(f"TensorRT {trt.__version__} does not take {_name(plan, choice)}: {_errors(parser)}.")
    config = builder.create_builder_config()
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, plan.workspace_mib << 20)
    config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
    if plan.optimization_level is not None and hasattr(config, "builder_optimization_level"):
        config.builder_optimization_level = plan.optimization_level
    for flag in choice.flags:
        config.set_flag(getattr(trt.BuilderFlag, flag))
    if not choice.tf32:
        config.clear_flag(trt.BuilderFlag.TF32)
    _add_profile(builder, config, plan, logger)
    cache = _attach_cache(config, timing_cache)
    built = builder.build_serialized_network(network, config)
    if built is None:
        raise EngineError(
            f"TensorRT {trt.__version__} cannot build {choice.precision} of {_name(plan, choice)}: {logger.errors()}. "
            "If its memory was full, close other programs, or build with a smaller workspace."
        )
    content = bytes(built)
    if cache and timing_cache is not None:
        replace_file(timing_cache, bytes(config.get_timing_cache().serialize()))
    return content



def network_flags(trt: Any, choice: Choice) -> int:
    """The bits of ``create_network``: an explicit batch where that is still a choice, strong typing where asked for."""
    flags = trt.NetworkDefinitionCreationFlag
    bits = 0
    if parse_version(trt.__version__)[0] < 10 and hasattr(flags, "EXPLICIT_BATCH"):
        bits |= 1 << int(flags.EXPLICIT_BATCH)
    if choice.typed:
        bits |= 1 << int(flags.STRONGLY_TYPED)
    return bits



def _name(plan: BuildPlan, choice: Choice) -> str:
    return plan.networks[choice.network]["file"]



def _errors(parser: Any) -> str:
    """What the parser says, node by node."""
    said = [
        f"{error.desc()} (node {error.node()})" for error in (parser.get_error(i) for i in range(parser.num_errors))
    ]
    return "; ".join(said[:3]) or "it gave no reason"



def _add_profile(builder: Any, config: Any, plan: BuildPlan, logger: Any) -> None:
    """The range of batches."""
    profile = builder.create_optimization_profile()
    for name, shape in plan.shapes.items():
        low, usual, high = (with_batch(shape, batch) for batch in plan.batch)
        profile.set_shape(name, low, usual, high)
    if config.add_optimization_profile(profile) < 0:
        raise EngineError(
            f"TensorRT does not take the shapes {plan.shapes} at batches {plan.batch}: {logger.errors()}."
        )



def _attach_cache(config: Any, path: Path | None) -> bool:
    """Use the timings of earlier builds; those of another version or GPU are left away."""
    if path is None:
        return False
    known = path.read_bytes() if path.is_file() else b""
    for content in (known, b"") if known else (b"",):
        cache = config.create_timing_cache(content)
        if cache is not None and config.set_timing_cache(cache, False):
            return True
    return False



def replace_file(path: Path, content: bytes) -> None:
    """Write a file that has its name only when it is whole. Raises: EngineError, e.g. where the disk is full."""
    part = path.with_name(path.name + ".part")
    try:
        with open(part, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except OSError as error:
        try:
            part.unlink()
        except OSError:
            pass
        raise EngineError(f"{path}: cannot be written ({error}). Make room, and run the same again.") from None


# sim2real.export.tensorrt.trtexec

PLACES = (
    "/usr/src/tensorrt/bin/trtexec",
    "/usr/local/bin/trtexec",
    "/opt/tensorrt/bin/trtexec",
    "/usr/local/tensorrt/bin/trtexec",
)
_BANNER = re.compile(r"\[TensorRT v(\d+)\]")
_RESULT = re.compile(r"&&&& (PASSED|FAILED)")
_GPU = re.compile(r"Selected Device:\s*(.+?)\s*$", re.MULTILINE)
_SM = re.compile(r"Compute Capability:\s*(\d+\.\d+)")


def find_trtexec() -> Path:
    """The program. Raises: EngineError."""
    for place in (shutil.which("trtexec"), *PLACES):
        if place and os.access(place, os.X_OK):
            return Path(place)
    raise EngineError(
        f"trtexec is not here (looked on the PATH and at {', '.join(PLACES)}). On a Jetson: sudo apt install "
        "libnvinfer-bin."
    )



def banner_version(text: str) -> str:
    """``[TensorRT v8502]`` -> ``8.5.2``; ``[TensorRT v101303]`` -> ``10.13.3``. Raises: EngineError."""
    match = _BANNER.search(text)
    if match is None:
        raise EngineError("trtexec does not say its version; expected is a line with '[TensorRT v100300]'.")
    number = int(match.group(1))
    # 8.x wrote major, minor, patch as 1, 1 and 2 digits; later ones as 2, 2 and 2
    parts = (number // 1000, number // 100 % 10) if number < 10000 else (number // 10000, number // 100 % 100)
    version = f"{parts[0]}.{parts[1]}.{number % 100}"
    parse_version(version)
    return version



def selected_gpu(text: str) -> tuple[str, str]:
    """Name and compute capability of the GPU that trtexec chose. Raises: EngineError."""
    gpu, sm = _GPU.search(text), _SM.search(text)
    if gpu is None or sm is None:
        raise EngineError("trtexec does not say which GPU it runs on.")
    return gpu.group(1), sm.group(1)



class Trtexec:
    """The program at work.

    Args:
        program: its path.
        version: its version; None: ask it.
        timeout_s: how long a build may take [s].
    """

    def __init__(self, program: Path, version: str | None = None, timeout_s: float = 3600.0) -> None:
        self.program, self.timeout_s = program, timeout_s
        if version is None:
            # Without a model it prints its banner, its help and an exit code of no meaning.
            version = banner_version(self._run(["--help"])[1])
        self.version = version
        self._numbers = parse_version(version)

    def _run(self, arguments: Sequence[str], cwd: Path | None = None) -> tuple[int, str]:
        """Exit code and everything that it printed."""
        try:
            done = subprocess.run(
                [str(self.program), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                cwd=cwd,
                timeout=self.timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise EngineError(f"trtexec did not end within {self.timeout_s:.0f} s and was stopped.") from None
        except OSError as error:
            raise EngineError(f"{self.program}: cannot be started ({error}).") from None
        return done.returncode, done.stdout.decode(errors="replace")

    def run(self, arguments: Sequence[str], cwd: Path | None = None) -> str:
        """Run it and return what it printed. Raises: EngineError unless exit code and verdict both say success."""
        code, output = self._run(arguments, cwd)
        verdict = _RESULT.findall(output)
        if code != 0 or not verdict or verdict[-1] != "PASSED":
            lines = [line for line in output.splitlines() if "[E]" in line or "nknown option" in line]
            said = "; ".join(line.strip() for line in lines[-3:]) or "it gave no reason"
            word = verdict[-1] if verdict else "no verdict"
            raise EngineError(f"trtexec {self.version} failed (exit code {code}, {word}): {said}.")
        return output

    def build(self, plan: BuildPlan, choice: Choice, onnx: Path, target: Path, timing_cache: Path | None) -> str:
        """Build one precision into ``target`` and return what was printed. Raises: EngineError."""
        part = target.with_name(target.name + ".part")
        try:
            output = self.run(build_arguments(self._numbers, plan, choice, onnx, part, timing_cache))
            if not part.is_file() or not part.stat().st_size:
                raise EngineError(f"trtexec says it built {target.name}, and wrote no file. Is the disk full?")
            with open(part, "rb") as file:
                os.fsync(file.fileno())
            os.replace(part, target)
        finally:
            if part.exists():
                part.unlink()
        return output

    def time(self, plan: BuildPlan, engine: Path, transfers: bool = True) -> dict[str, float]:
        """Latency of single inferences at the smallest batch [ms].

        Args:
            plan: what was built.
            engine: the file of the plan.
            transfers: with the copies to and from the GPU; False: its work alone.
        """
        with tempfile.TemporaryDirectory(prefix="sim2real-trtexec-") as folder:
            times = Path(folder) / "times.json"
            self.run(time_arguments(self._numbers, plan, engine, times, transfers))
            return read_times(times, "latencyMs" if transfers else "computeMs")

    def infer(self, plan: BuildPlan, engine: Path, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """One inference: the program is started, given files and read; values come back with 6 digits."""
        with tempfile.TemporaryDirectory(prefix="sim2real-trtexec-") as folder:
            work = Path(folder)
            loads = []
            for i, (name, array) in enumerate(feeds.items()):
                (work / f"in{i}.bin").write_bytes(np.ascontiguousarray(array, np.float32).tobytes())
                loads.append(f"{name}:in{i}.bin")
            shapes = ",".join(f"{name}:{_dims(array.shape)}" for name, array in feeds.items())
            arguments = [f"--loadEngine={engine.resolve()}", f"--shapes={shapes}", f"--loadInputs={','.join(loads)}"]
            arguments += ["--exportOutput=out.json", "--iterations=1", "--warmUp=0", "--duration=0", "--avgRuns=1"]
            if self._numbers[0] >= 11:
                arguments.append("--includeDataTransfers")
            self.run(arguments, cwd=work)
            return read_outputs(work / "out.json")



def _dims(shape: Sequence[int]) -> str:
    return "x".join(str(size) for size in shape)



def _shapes(plan: BuildPlan, batch: int) -> str:
    return ",".join(f"{name}:{_dims(with_batch(shape, batch))}" for name, shape in plan.shapes.items())



def build_arguments(
    version: tuple[int, ...], plan: BuildPlan, choice: Choice, onnx: Path, target: Path, timing_cache: Path | None
) -> list[str]:
    """trtexec's arguments to build one precision with a version."""
    low, usual, high = plan.batch
    arguments = [
        f"--onnx={onnx}",
        f"--saveEngine={target}",
        f"--minShapes={_shapes(plan, low)}",
        f"--optShapes={_shapes(plan, usual)}",
        f"--maxShapes={_shapes(plan, high)}",
        f"--memPoolSize=workspace:{plan.workspace_mib}",
        "--profilingVerbosity=detailed",
        "--buildOnly" if version < (8, 6) else "--skipInference",
    ]
    if choice.typed and version[0] < 11:
        arguments.append("--stronglyTyped")
    arguments += [f"--{flag.lower()}" for flag in choice.flags]
    if not choice.tf32:
        arguments.append("--noTF32")
    if timing_cache is not None:
        arguments.append(f"--timingCacheFile={timing_cache}")
    if plan.optimization_level is not None and version >= (8, 6):
        arguments.append(f"--builderOptimizationLevel={plan.optimization_level}")
    return arguments



def time_arguments(version: tuple[int, ...], plan: BuildPlan, engine: Path, times: Path, transfers: bool) -> list[str]:
    """trtexec's arguments to time an engine, such that versions measure the same.

    From 11 on CUDA graphs, spinning and no transfers are the default; before they have to be asked for.
    """
    arguments = [
        f"--loadEngine={engine}",
        f"--shapes={_shapes(plan, plan.batch[0])}",
        "--warmUp=500",
        "--duration=10",
        "--percentile=50,90,95,99,99.9",
        f"--exportTimes={times}",
    ]
    if version[0] >= 11:
        return arguments + (["--includeDataTransfers"] if transfers else [])
    return [*arguments, "--useCudaGraph", "--useSpinWait", *([] if transfers else ["--noDataTransfers"])]



def read_times(path: Path, key: str = "latencyMs") -> dict[str, float]:
    """Percentiles out of the file of ``--exportTimes``.

    trtexec's own percentiles leave some runs away; these are of all of them. ``latencyMs`` is the way there, the
    computation and the way back, without the time that the launch took.

    Raises:
        EngineError: no such file, or nothing in it.
    """
    try:
        runs = json.loads(path.read_text(encoding="utf-8"))
        values = np.array([float(run[key]) for run in runs])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EngineError(f"trtexec's times cannot be read: {error!r}.") from None
    if not len(values) or not np.isfinite(values).all():
        raise EngineError("trtexec measured no times.")
    return percentiles(values)



def read_outputs(path: Path) -> dict[str, np.ndarray]:
    """Tensors out of the file of ``--exportOutput``. Raises: EngineError."""
    try:
        found: dict[str, Any] = {}
        for tensor in json.loads(path.read_text(encoding="utf-8")):
            shape = [int(size) for size in re.findall(r"\d+", tensor["dimensions"])]
            found[tensor["name"]] = np.array(tensor["values"], np.float32).reshape(shape)
        return found
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise EngineError(f"trtexec's outputs cannot be read: {error!r}.") from None


# sim2real.export.tensorrt.on_device

ROUTES = ("auto", "python", "trtexec")
GOLDEN = "golden.npz"
RECORD = "record.json"
TIMING_CACHE = "timing.cache"
_TRTEXEC_VECTORS = 8  # each is a start of the program


def quiet(stage: str, precision: str, message: str) -> None:
    """Says nothing of the progress."""



class Workshop:
    """The machine's tools: TensorRT's Python package, or trtexec where that is missing.

    Args:
        route: ``python``, ``trtexec``, or ``auto``: the first of them that is there.

    Raises:
        EngineError: there is neither, or no GPU.
    """

    def __init__(self, route: str = "auto") -> None:
        if route not in ROUTES:
            raise EngineError(f"route is {route!r}; allowed: {', '.join(ROUTES)}.")
        self.trt: Any = None
        self.cuda: Cuda | None = None
        self.trtexec: Trtexec | None = None
        self.route = "python"
        try:
            if route == "trtexec":
                raise EngineError("not asked for")
            self.trt = import_tensorrt()
            self.cuda = Cuda()
            self.device = read_device(self.trt.__version__, self.cuda.sm, self.cuda.gpu)
        except EngineError as missing:
            if route == "python":
                raise
            self.route = "trtexec"
            try:
                self.trtexec = Trtexec(find_trtexec())
            except EngineError as error:
                raise EngineError(f"{missing} {error}" if route == "auto" else str(error)) from None
            self.device = self._device_of_trtexec()

    def _device_of_trtexec(self) -> Device:
        """The GPU as CUDA names it; trtexec names it in each run, which is compared."""
        assert self.trtexec is not None
        self.cuda = Cuda()
        return read_device(self.trtexec.version, self.cuda.sm, self.cuda.gpu)

    def build(self, plan: BuildPlan, choice: Choice, onnx: Path, target: Path, timing_cache: Path) -> None:
        """Build one precision into a file."""
        if self.trtexec is None:
            replace_file(target, build_plan(self.trt, plan, choice, onnx.read_bytes(), timing_cache))
            return
        output = self.trtexec.build(plan, choice, onnx, target, timing_cache)
        gpu, sm = selected_gpu(output)
        if sm != self.device.sm:
            target.unlink()
            raise EngineError(f"trtexec built for {gpu} ({sm}), not for {self.device.gpu} ({self.device.sm}).")

    def try_out(self, plan: BuildPlan, target: Path, proof: Proof | None) -> dict[str, Any]:
        """Prove an engine and time it: ``parity``, ``latency`` and what is known of how it runs."""
        if self.trtexec is None:
            with Engine(target.read_bytes(), str(target), cuda=self.cuda, trt=self.trt) as engine:
                found: dict[str, Any] = {"parity": _not_run("no golden vectors"), "latency": None}
                if proof is not None:
                    found["parity"] = prove(engine.infer, proof, engine.batches[1])
                    found["latency"] = measure(engine.infer, proof, plan.latency_runs)
                layers = engine.layers()
                found["layers"] = len(layers["Layers"])
                found["layer_information"] = layers
                found["cuda_graph"] = engine.graph_refused or engine.uses_graph
                found["mapped_memory"] = engine.uses_mapped_memory
            return found
        program = self.trtexec
        parity = _not_run("no golden vectors")
        if proof is not None:
            parity = prove(lambda feeds: program.infer(plan, target, feeds), proof, 1, _TRTEXEC_VECTORS)
        return {"parity": parity, "latency": program.time(plan, target)}



def build_all(
    plan: BuildPlan,
    source: Path,
    out: Path,
    precisions: tuple[str, ...] = PRECISIONS,
    workshop: Workshop | None = None,
    say: Say = quiet,
) -> dict[str, Any]:
    """Build, prove and time the engines of a bundle on this machine.

    Args:
        plan: what to build.
        source: folder of the ONNX files and the golden vectors.
        out: folder of the engines; made where it is missing.
        precisions: which to build.
        workshop: the tools; None: what is here.
        say: told of the progress: stage, precision, message.

    Returns:
        The record, as written to ``record.json``. ``chosen`` is the precision with the shortest p99 among those that
        reproduce the golden vectors; None where none does.

    Raises:
        EngineError: no TensorRT, no GPU, a file of the bundle is missing or not the one of the plan, or the disk does
            not take it. What is whole stays, and the same call goes on from there.
    """
    check_precisions(precisions)
    shop = Workshop() if workshop is None else workshop
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / RECORD).unlink(missing_ok=True)  # what follows makes it untrue
    except OSError as error:
        raise EngineError(f"{out}: cannot be written ({error}).") from None
    golden = _read_golden(plan, source)
    say("probe", "", f"{shop.device.gpu}, sm {shop.device.sm}, TensorRT {shop.device.tensorrt}, by {shop.route}")
    engines: dict[str, Any] = {}
    parity: dict[str, Any] = {name: _not_run("not asked for") for name in PRECISIONS}
    latency: dict[str, Any] = {}
    for precision in precisions:
        proof = None if golden is None else read_proof(golden, plan.golden, precision)
        try:
            choice = choose(plan, precision, version_of(shop.device))
        except EngineError as error:
            parity[precision] = _not_run(str(error))
            say("skip", precision, str(error))
            continue
        try:
            entry = _build_one(shop, plan, choice, source, out, say)
            say("prove", precision, "golden vectors")
            tried = shop.try_out(plan, out / entry["plan"]["file"], proof)
        except EngineError as error:
            parity[precision] = {"status": "fail", "reason": str(error)}
            say("fail", precision, str(error))
            continue
        information = tried.pop("layer_information", None)
        parity[precision], latency[precision] = tried.pop("parity"), tried.pop("latency")
        if parity[precision]["status"] == "fail":
            say("fail", precision, describe(parity[precision]))
            _forget(out, precision)
            continue
        if information is not None:
            replace_file(out / f"{precision}.layers.json", json.dumps(information, indent=1).encode())
        engines[precision] = dict(entry, **tried)
        say("done", precision, _summary(parity[precision], latency[precision]))
    passed = [name for name in engines if parity[name]["status"] == "pass"]
    record = seal(
        {
            "schema": RECORD_SCHEMA,
            "policy": plan.name,
            "contract_sha256": plan.contract_sha256,
            "device": device_dict(shop.device),
            "cuda": None if shop.cuda is None else shop.cuda.versions,
            "power_mode": power_mode(),
            "route": shop.route,
            "chosen": min(passed, key=lambda name: latency[name]["p99"]) if passed else None,
            "engines": engines,
            "parity": parity,
            "latency": {"unit": "ms", "batch": 1, **latency},
        }
    )
    replace_file(out / RECORD, (json.dumps(record, indent=2, sort_keys=True) + "\n").encode())
    return record



def _not_run(reason: str) -> dict[str, Any]:
    return {"status": "not_run", "reason": reason}



def _summary(parity: Mapping[str, Any], latency: Mapping[str, Any] | None) -> str:
    said = f"proof {parity['status']}"
    if parity["status"] == "pass":
        said += f": {describe(parity)}"
    return said if latency is None else f"{said}; p50 {latency['p50']:.3g} ms, p99 {latency['p99']:.3g} ms"



def _read_golden(plan: BuildPlan, source: Path) -> dict[str, np.ndarray] | None:
    """The golden vectors; None where the plan names none."""
    if not plan.golden:
        return None
    content = _read_checked(source / GOLDEN, plan.golden["sha256"])
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}



def _read_checked(path: Path, sha256: str) -> bytes:
    """A file of the bundle, proven to be the plan's. Raises: EngineError."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise EngineError(f"{path}: cannot be read ({error.strerror}). Copy the whole bundle again.") from None
    if hashlib.sha256(content).hexdigest() != sha256:
        raise EngineError(f"{path}: not the file that the plan was made of. Copy the whole bundle again.")
    return content



def _forget(out: Path, precision: str) -> None:
    """Remove an engine that must not be used."""
    for name in (f"{precision}.json", f"{precision}.plan", f"{precision}.layers.json"):
        try:
            (out / name).unlink()
        except FileNotFoundError:
            pass



def _build_one(shop: Workshop, plan: BuildPlan, choice: Choice, source: Path, out: Path, say: Say) -> dict[str, Any]:
    """One engine, built now or before; and its part of the record."""
    precision = choice.precision
    network = plan.networks[choice.network]
    onnx = source / network["file"]
    _read_checked(onnx, network["sha256"])
    key = cache_key(plan, choice, shop.device, shop.route)
    target, note = out / f"{precision}.plan", out / f"{precision}.json"
    known = _known(note, target, key)
    if known is not None:
        say("cached", precision, "built before of the same file with the same settings")
        return known
    _forget(out, precision)
    say("build", precision, f"{network['file']}; this can take minutes")
    began = time.monotonic()
    shop.build(plan, choice, onnx, target, out / TIMING_CACHE)
    content = target.read_bytes()
    entry = {
        "plan": {"file": target.name, "sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)},
        "onnx": dict(network),
        "key": key,
        "strongly_typed": choice.typed,
        "flags": list(choice.flags),
        "tf32": choice.tf32,
        "batch": list(plan.batch),
        "workspace_mib": plan.workspace_mib,
        "optimization_level": plan.optimization_level,
        "seconds": round(time.monotonic() - began, 3),
    }
    replace_file(note, json.dumps(entry, indent=2).encode())
    return entry



def _known(note: Path, target: Path, key: str) -> dict[str, Any] | None:
    """What was built before under this key, if it is whole."""
    try:
        entry = json.loads(note.read_text(encoding="utf-8"))
        content = target.read_bytes()
        whole = hashlib.sha256(content).hexdigest() == entry["plan"]["sha256"]
        return entry if whole and entry["key"] == key else None
    except (OSError, ValueError, KeyError, TypeError):
        return None



def engine_files(out: Path, record: Mapping[str, Any]) -> list[str]:
    """Names of the files that belong to the record's engines."""
    names = []
    for precision, entry in record["engines"].items():
        names.append(entry["plan"]["file"])
        if (out / f"{precision}.layers.json").is_file():
            names.append(f"{precision}.layers.json")
    return names



def list_in_bundle(bundle: Path, device: str, record: Mapping[str, Any]) -> None:
    """Name the engines in the bundle's ``contract.json``, as ``sim2real.contract.add_engine`` does."""
    manifest = json.loads((bundle / "contract.json").read_text(encoding="utf-8"))
    prefix = f"engines/{device}/"
    files = {name: entry for name, entry in manifest["files"].items() if not name.startswith(prefix)}
    folder = bundle / "engines" / device
    for name in [*engine_files(folder, record), RECORD]:
        content = (folder / name).read_bytes()
        files[prefix + name] = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    manifest["files"] = {name: files[name] for name in sorted(files)}
    text = json.dumps(manifest, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    replace_file(bundle / "contract.json", text.encode())



def device_main(plan: BuildPlan, bundle: Path, argv: list[str] | None = None) -> int:
    """The command line of ``build_on_device.py``.

    Args:
        plan: what to build.
        bundle: the folder that the script lies in.
        argv: arguments; None: the program's.

    Returns:
        0: an engine passed its proof; 1: none did; 2: nothing could be built.
    """
    parser = argparse.ArgumentParser(description="Build and prove the TensorRT engines of this bundle on this machine.")
    parser.add_argument("--bundle", type=Path, default=bundle, help="the bundle (default: where this script lies)")
    parser.add_argument("--out", type=Path, help="folder of the engines (default: engines/<device>/ of the bundle)")
    parser.add_argument("--precisions", default=",".join(PRECISIONS), help="which to build (default: %(default)s)")
    parser.add_argument("--route", choices=ROUTES, default="auto", help="TensorRT's Python package, or trtexec")
    parser.add_argument("--json", action="store_true", help="print one JSON object per line")
    args = parser.parse_args(argv)

    def say(stage: str, precision: str, message: str) -> None:
        line = {"stage": stage, "precision": precision, "message": message}
        text = json.dumps(line) if args.json else f"{stage:<7}{precision:<6}{message}"
        print(text, flush=True)

    try:
        shop = Workshop(args.route)
        device = shop.device.folder
        out = args.bundle / "engines" / device if args.out is None else args.out
        record = build_all(plan, args.bundle, out, tuple(args.precisions.split(",")), shop, say)
        if args.out is None:
            list_in_bundle(args.bundle, device, record)
    except EngineError as error:
        say("error", "", str(error))
        return 2
    if args.json:
        print(json.dumps({"stage": "record", "device": device, "folder": str(out), "record": record}), flush=True)
    else:
        print(f"engines: {out}; chosen: {record['chosen'] or 'none'}")
    return 0 if record["chosen"] else 1



def script_main(plan: str, script: str) -> int:
    """What ``build_on_device.py`` calls: its plan as text, and its own path."""
    return device_main(BuildPlan.from_json(plan), Path(script).resolve().parent)


if __name__ == "__main__":
    sys.exit(script_main(PLAN, __file__))
