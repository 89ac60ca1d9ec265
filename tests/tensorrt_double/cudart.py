"""A strict stand-in for libcudart: the calls that an engine makes, on memory of the host.

It plays what matters for being right. Work on a stream happens at the next synchronisation and not before, so whoever
reads too early reads what was there. A device's address is no address of the host. A freed address, a call with other
argument types than were declared, an unknown function and a call that a recording stream forbids raise.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

ERRORS = {
    1: ("cudaErrorInvalidValue", "invalid argument"),
    2: ("cudaErrorMemoryAllocation", "out of memory"),
    35: ("cudaErrorInsufficientDriver", "CUDA driver version is insufficient for CUDA runtime version"),
    100: ("cudaErrorNoDevice", "no CUDA-capable device is detected"),
    900: ("cudaErrorStreamCaptureUnsupported", "operation not permitted when stream is capturing"),
    901: ("cudaErrorStreamCaptureInvalidated", "operation failed due to a previous error during capture"),
}
_DEVICE_BASE = 0x7_0000_0000_0000  # far from anything that the host maps
_PAGE = 1 << 32


class MisuseError(AssertionError):
    """A call that the real library answers with undefined behaviour."""


@dataclass
class Gpu:
    """The machine that is played."""

    name: str = "Orin"
    sm: tuple[int, int] = (8, 7)
    integrated: bool = True
    count: int = 1
    runtime: int = 12060
    memory: int = 1 << 30


@dataclass
class Stream:
    """Work that waits, and the recording that is under way."""

    work: list[Callable[[], None]] = field(default_factory=list)
    recording: list[Callable[[], None]] | None = None
    broken: bool = False


class Function:
    """A function of the library: it must be given its types before it is called, as ctypes needs it."""

    def __init__(self, name: str, call: Callable[..., Any]) -> None:
        self.name, self._call = name, call
        self.argtypes: list[Any] | None = None
        self.restype: Any = None

    def __call__(self, *args: Any) -> Any:
        if self.argtypes is None or self.restype is None:
            raise MisuseError(f"{self.name} was called before its types were declared; pointers would lose 32 bits")
        if len(args) != len(self.argtypes):
            raise TypeError(f"{self.name} takes {len(self.argtypes)} arguments, got {len(args)}")
        for argtype, arg in zip(self.argtypes, args, strict=True):
            argtype.from_param(arg)  # raises where ctypes would
            if argtype is ctypes.c_int and not -(2**31) <= int(arg) < 2**31:
                raise MisuseError(f"{self.name}: {arg} does not fit an int")
        return self._call(*args)


class Cudart:
    """The library.

    Args:
        gpu: the machine.
        faults: function -> error code that it returns instead of working.
    """

    def __init__(self, gpu: Gpu | None = None, faults: dict[str, int] | None = None) -> None:
        self.gpu, self.faults = gpu or Gpu(), dict(faults or {})
        self.host: dict[int, Any] = {}
        """Host address -> its memory."""
        self.device: dict[int, Any] = {}
        """Device address -> its memory (a view of the host's where it is mapped)."""
        self.mapped: dict[int, int] = {}
        """Host address -> device address."""
        self.streams: dict[int, Stream] = {}
        self.graphs: dict[int, list[Callable[[], None]]] = {}
        self.launchable: dict[int, list[Callable[[], None]]] = {}
        self.calls: list[str] = []
        self.launches = 0
        self._next = 1
        self._functions: dict[str, Function] = {}

    def __getattr__(self, name: str) -> Function:
        """A function by name; the real library raises AttributeError too for what it lacks."""
        play = type(self).__dict__.get(f"_{name}")
        if play is None or not name.startswith("cuda"):
            raise AttributeError(f"libcudart double: undefined symbol: {name}")
        if name not in self._functions:

            def call(*args: Any) -> Any:
                self.calls.append(name)
                if name in self.faults:
                    if name == "cudaStreamEndCapture":  # a recording ends also where it fails
                        self.streams[args[0]].recording = None
                    return self.faults[name]
                return play(self, *args)

            self._functions[name] = Function(name, call)
        return self._functions[name]

    # What the tests ask.

    @property
    def is_clean(self) -> bool:
        """Whether everything was given back."""
        return not (self.host or self.device or self.streams or self.graphs or self.launchable)

    def memory(self, address: int, count: int) -> Any:
        """A device address's memory. Raises: MisuseError for one that was freed, or never was."""
        for start, memory in self.device.items():
            if start <= address < start + len(memory):
                if address + count > start + len(memory):
                    raise MisuseError(f"{count} bytes at {address:#x} reach beyond an allocation")
                return (ctypes.c_ubyte * count).from_buffer(memory, address - start)
        raise MisuseError(f"{address:#x} is no address of the GPU, or was freed")

    def enqueue(self, handle: int, work: Callable[[], None]) -> None:
        """Put work on a stream, or into its recording."""
        if not handle:
            raise MisuseError("stream 0 was used: TensorRT then waits for the whole GPU")
        stream = self.streams.get(handle)
        if stream is None:
            raise MisuseError(f"{handle} is no stream, or was destroyed")
        (stream.work if stream.recording is None else stream.recording).append(work)

    def is_recording(self, handle: int) -> bool:
        """Whether a stream records."""
        return self.streams[handle].recording is not None

    # The functions.

    def _handle(self) -> int:
        self._next += 1
        return self._next * 16

    def _set(self, out: Any, value: int) -> int:
        out._obj.value = value
        return 0

    def _cudaGetDeviceCount(self, out: Any) -> int:
        return self._set(out, self.gpu.count) if self.gpu.count else 100

    def _cudaSetDevice(self, device: int) -> int:
        return 0 if 0 <= device < self.gpu.count else 1

    def _cudaDeviceGetAttribute(self, out: Any, number: int, device: int) -> int:
        known = {18: int(self.gpu.integrated), 19: 1, 75: self.gpu.sm[0], 76: self.gpu.sm[1]}
        return self._set(out, known[number])

    def _cudaGetDeviceProperties(self, address: int, device: int) -> int:
        name = self.gpu.name.encode() + b"\0"
        ctypes.memmove(address, name, len(name))
        return 0

    def _cudaRuntimeGetVersion(self, out: Any) -> int:
        return self._set(out, self.gpu.runtime)

    def _cudaDriverGetVersion(self, out: Any) -> int:
        return self._set(out, self.gpu.runtime)

    def _cudaGetLastError(self) -> int:
        return 0

    def _cudaGetErrorName(self, code: int) -> bytes:
        return ERRORS.get(code, ("cudaErrorUnknown", ""))[0].encode()

    def _cudaGetErrorString(self, code: int) -> bytes:
        return ERRORS.get(code, ("", "unknown error"))[1].encode()

    def _refuses_memory(self, size: int) -> int:
        if any(stream.recording is not None for stream in self.streams.values()):
            return 900
        return 2 if size > self.gpu.memory else 0

    def _cudaMalloc(self, out: Any, size: int) -> int:
        code = self._refuses_memory(size)
        if code:
            return code
        address = _DEVICE_BASE + self._handle() * _PAGE
        self.device[address] = bytearray(b"\xaa" * size)
        return self._set(out, address)

    def _cudaFree(self, address: int) -> int:
        if self.device.pop(address, None) is None:
            raise MisuseError(f"cudaFree of {address:#x}, which is not allocated")
        return 0

    def _cudaHostAlloc(self, out: Any, size: int, flags: int) -> int:
        code = self._refuses_memory(size)
        if code:
            return code
        memory = (ctypes.c_ubyte * size)()
        ctypes.memset(memory, 0xAA, size)
        address = ctypes.addressof(memory)
        self.host[address] = memory
        if flags & 2:
            device = _DEVICE_BASE + self._handle() * _PAGE
            self.mapped[address] = device
            self.device[device] = memory
        return self._set(out, address)

    def _cudaFreeHost(self, address: int) -> int:
        if self.host.pop(address, None) is None:
            raise MisuseError(f"cudaFreeHost of {address:#x}, which is not allocated")
        device = self.mapped.pop(address, None)
        if device is not None:
            del self.device[device]
        return 0

    def _cudaHostGetDevicePointer(self, out: Any, address: int, flags: int) -> int:
        return self._set(out, self.mapped[address]) if address in self.mapped and flags == 0 else 1

    def _cudaMemcpyAsync(self, target: int, source: int, count: int, kind: int, stream: int) -> int:
        on_device, on_host = (target, source) if kind == 1 else (source, target)
        if kind not in (1, 2) or on_host not in self.host or count > len(self.host[on_host]):
            raise MisuseError(f"cudaMemcpyAsync: kind {kind}, {count} bytes, host address {on_host:#x}")
        self.memory(on_device, count)

        def copy() -> None:
            ends = [self.host[on_host], self.memory(on_device, count)]
            into, out_of = ends if kind == 2 else ends[::-1]
            ctypes.memmove(ctypes.addressof(into), ctypes.addressof(out_of), count)

        self.enqueue(stream, copy)
        return 0

    def _cudaStreamCreateWithFlags(self, out: Any, flags: int) -> int:
        handle = self._handle()
        self.streams[handle] = Stream()
        return self._set(out, handle)

    def _cudaStreamSynchronize(self, handle: int) -> int:
        stream = self.streams[handle]
        if stream.recording is not None:
            stream.broken = True
            return 900
        work, stream.work = stream.work, []
        for step in work:
            step()
        return 0

    def _cudaStreamDestroy(self, handle: int) -> int:
        if self.streams.pop(handle, None) is None:
            raise MisuseError("cudaStreamDestroy of a stream that is not there")
        return 0

    def _cudaStreamBeginCapture(self, handle: int, mode: int) -> int:
        if self.streams[handle].work or mode != 1:
            raise MisuseError("a recording begins on an idle stream, in thread-local mode")
        self.streams[handle].recording = []
        return 0

    def _cudaStreamEndCapture(self, handle: int, out: Any) -> int:
        stream = self.streams[handle]
        recorded, stream.recording = stream.recording, None
        if recorded is None:
            raise MisuseError("cudaStreamEndCapture without a beginning")
        if stream.broken:
            stream.broken = False
            return 901
        graph = self._handle()
        self.graphs[graph] = recorded
        return self._set(out, graph)

    def _cudaGraphInstantiateWithFlags(self, out: Any, graph: int, flags: int) -> int:
        handle = self._handle()
        self.launchable[handle] = self.graphs[graph]
        return self._set(out, handle)

    def _cudaGraphLaunch(self, handle: int, stream: int) -> int:
        self.launches += 1
        for work in self.launchable[handle]:
            self.enqueue(stream, work)
        return 0

    def _cudaGraphExecDestroy(self, handle: int) -> int:
        del self.launchable[handle]
        return 0

    def _cudaGraphDestroy(self, handle: int) -> int:
        del self.graphs[handle]
        return 0
