"""The few functions of the CUDA runtime that an engine needs, called through ctypes.

``libcudart`` comes with every TensorRT, so nothing has to be installed or compiled on a robot. Every function has its
argument types (pointers have 64 bits) and every return value is looked at.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import glob
import os
import sys
from typing import Any

import numpy as np

from sim2real.deploy.tensorrt_device import EngineError

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
