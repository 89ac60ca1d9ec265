"""What all objects of one stand-in for ``tensorrt`` share: its version, its faults, the CUDA stand-in, its types."""

from __future__ import annotations

from typing import Any

import numpy as np

from tensorrt_double.cudart import Cudart
from tensorrt_double.strict import make_object

MAGIC = b"TRTD"
_NUMPY = {"FLOAT": np.float32, "HALF": np.float16, "INT8": np.int8, "INT32": np.int32, "BOOL": np.bool_}
_NUMPY |= {"INT64": np.int64, "UINT8": np.uint8}


class World:
    """What the objects of one package share."""

    def __init__(self, module: Any, table: Any, played: Any, cudart: Cudart, faults: set[str]) -> None:
        self.module, self.played, self.cudart, self.faults = module, played, cudart, faults
        self.version: str = table["version"]
        self.numbers = tuple(int(part) for part in self.version.split("."))
        self.sm = "{}.{}".format(*cudart.gpu.sm)

    def make(self, name: str, *args: Any) -> Any:
        """An object of one of the package's classes."""
        return make_object(getattr(self.module, name), self.played[name], *args)

    def need(self, value: Any, kind: str, what: str) -> None:
        """Refuse a value of another type, as the bindings do."""
        if not isinstance(value, getattr(self.module, kind)):
            raise TypeError(f"{what}(): incompatible function arguments: {value!r} is no {kind}")

    def nptype(self, dtype: Any) -> Any:
        """The NumPy type of a tensor's."""
        self.need(dtype, "DataType", "nptype")
        if dtype.name not in _NUMPY:
            raise TypeError("Could not resolve TensorRT datatype to an equivalent numpy datatype.")
        return _NUMPY[dtype.name]

    def start(self, logger: Any) -> None:
        """Fail as the bindings do where the library gives no object."""
        if "start" in self.faults:
            self.error(logger, "CUDA initialization failure with error: 35")
            raise TypeError("pybind11::init(): factory function returned nullptr")

    def error(self, logger: Any, text: str) -> None:
        """Tell the logger."""
        logger.log(self.module.ILogger.Severity.ERROR, text)


def dims(shape: Any) -> tuple[int, ...]:
    """A shape, as the bindings convert one. Raises: TypeError."""
    if not isinstance(shape, (tuple, list)) or not all(isinstance(size, (int, np.integer)) for size in shape):
        raise TypeError(f"incompatible function arguments: {shape!r} is no Dims")
    return tuple(int(size) for size in shape)


def as_logger(world: World, logger: Any, what: str) -> Any:
    """A logger that was made as the bindings want it. Raises: TypeError."""
    world.need(logger, "ILogger", what)
    if not getattr(logger, "_made", False):
        raise TypeError("ILogger.__init__() must be called when overriding __init__")
    return logger
