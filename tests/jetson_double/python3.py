"""The device's ``python3``: a script runs without sim2real and TensorRT's package, and finds a Jetson's libcudart.

The CUDA runtime answers what is asked before an engine runs (which GPU, which version); memory and streams are not
there, since this device builds and runs its engines with trtexec.
"""

from __future__ import annotations

import ctypes
import os
import runpy
import sys
from collections.abc import Callable

PROJECT = ("sim2real", "sim2real_tasks", "torch", "onnx", "asyncssh")


class Absent:
    """Finds nothing for what a device has not, whatever this machine has."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name.partition(".")[0] in (*PROJECT, "tensorrt"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


class Function:
    """A function of a library: takes the attributes that ctypes' functions have."""

    def __init__(self, call: Callable[..., object]) -> None:
        self.call = call

    def __call__(self, *args: object) -> object:
        """Call it."""
        return self.call(*args)


class Cudart:
    """The functions that tell about the GPU; every other is there and says that it is not supported (801)."""

    def __init__(self, gpu: str) -> None:
        self.gpu, self.sm = gpu, {"Orin": (8, 7), "NVIDIA Thor": (11, 0), "Xavier": (7, 2)}[gpu]

    def __getattr__(self, name: str) -> Function:
        """A function by its name in C; made once, since its argument types are set on it."""
        known = getattr(type(self), name.removeprefix("cuda").lower(), None)
        function = Function((lambda *args: 801) if known is None else known.__get__(self))
        setattr(self, name, function)
        return function

    def getdevicecount(self, out) -> int:
        out._obj.value = 1
        return 0

    def setdevice(self, device: int) -> int:
        return 0

    def devicegetattribute(self, out, number: int, device: int) -> int:
        out._obj.value = {75: self.sm[0], 76: self.sm[1]}.get(number, 1)
        return 0

    def getdeviceproperties(self, address: int, device: int) -> int:
        ctypes.memmove(address, self.gpu.encode() + b"\0", len(self.gpu) + 1)
        return 0

    def runtimegetversion(self, out) -> int:
        out._obj.value = 12060
        return 0

    drivergetversion = runtimegetversion

    def geterrorname(self, code: int) -> bytes:
        return b"cudaErrorNotSupported"

    geterrorstring = geterrorname


def main() -> None:
    """Run the script in the arguments as the device would."""
    sys.meta_path.insert(0, Absent())
    library, load = Cudart(os.environ["JETSON_DOUBLE_GPU"]), ctypes.CDLL

    def open_library(name, *args: object, **kwargs: object):
        return library if "cudart" in str(name) else load(name, *args, **kwargs)

    ctypes.CDLL = open_library  # type: ignore[misc, assignment]
    sys.argv = sys.argv[1:]
    runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
