"""The device's ``python3``: a script runs without sim2real, and finds the stand-ins for libcudart and TensorRT.

TensorRT's package is there where ``$JETSON_DOUBLE_PYTHON`` says so; elsewhere the script has to do with trtexec.
"""

from __future__ import annotations

import ctypes
import os
import runpy
import sys
from pathlib import Path

SM = {"Orin": (8, 7), "NVIDIA Thor": (11, 0)}


class Absent:
    """Finds nothing for what a device has not, whatever this machine has."""

    def __init__(self, names: list[str]) -> None:
        self.names = names

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        """Refuse the names, and leave every other to the next finder."""
        if name.partition(".")[0] in self.names:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def main() -> None:
    """Run the script in the arguments as the device would."""
    tests = str(Path(__file__).parents[1])
    sys.path.insert(0, tests)
    from tensorrt_double.cudart import Cudart, Gpu

    name = os.environ["JETSON_DOUBLE_GPU"]
    library, load = Cudart(Gpu(name=name, sm=SM[name])), ctypes.CDLL
    absent = ["sim2real", "sim2real_tasks", "torch", "asyncssh"]
    if os.environ.get("JETSON_DOUBLE_PYTHON"):
        from tensorrt_double.fake import make_tensorrt

        sys.modules["tensorrt"] = make_tensorrt(os.environ["JETSON_DOUBLE_TENSORRT"], library)
    else:
        absent.append("tensorrt")
    sys.path.remove(tests)
    sys.meta_path.insert(0, Absent(absent))

    def open_library(name: object, *args: object, **kwargs: object) -> object:
        return library if "cudart" in str(name) else load(name, *args, **kwargs)

    ctypes.CDLL = open_library  # type: ignore[misc, assignment]
    sys.argv = sys.argv[1:]
    runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
