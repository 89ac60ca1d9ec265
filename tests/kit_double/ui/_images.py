"""Pictures made of bytes, and plots."""

from __future__ import annotations

from typing import Any

from .._strict import StrictObject, check_callable, check_plain
from ._state import state
from ._values import IwpFillPolicy, PlotType, TextureFormat
from ._widget import Widget, define

CHANNELS = 4


def _check_size(size: Any) -> tuple[int, int]:
    """``[width, height]``.

    Raises:
        TypeError, ValueError: no list of two positive Python ints.
    """
    if not isinstance(size, (list, tuple)) or len(size) != 2:
        raise TypeError(f"an image's size is [width, height], got {size!r}")
    for side in size:
        if check_plain("an image's side", side, int) <= 0:
            raise ValueError(f"an image's size is positive, got {size!r}")
    return size[0], size[1]


class ImageProvider(StrictObject):
    """Base of what an ImageWithProvider shows."""

    _kit_double = True

    def __init__(self) -> None:
        self._pixels: Any = None
        self._size = (0, 0)
        self._dead = False
        state().kit.resources.add("image provider", type(self).__name__, self, weak=True)

    def destroy(self):
        """Gives the texture back."""
        self._dead = True
        self._pixels = None
        state().kit.resources.discard(self)

    def _take(self, what: str, pixels: Any, size: tuple[int, int]) -> None:
        if self._dead:
            raise RuntimeError(f"{what} on a destroyed ui.{type(self).__name__}")
        ui = state()
        ui.kit.check_thread(what)
        ui.kit.journal.add(f"omni.ui.{type(self).__name__}.{what}", {"size": size})
        self._pixels, self._size = pixels, size

    width = property(lambda self: self._size[0])
    height = property(lambda self: self._size[1])
    is_reference_valid = property(lambda self: self._pixels is not None)


class ByteImageProvider(ImageProvider):
    """RGBA bytes; sizes are ``[width, height]`` while arrays are (height, width, 4)."""

    def set_data_array(self, array, size):
        """Shows a C-contiguous uint8 array (height, width, 4).

        Raises:
            TypeError, ValueError: another type, order or shape.
        """
        import numpy as np

        width, height = _check_size(size)
        if not isinstance(array, np.ndarray) or array.dtype != np.uint8:
            raise TypeError(
                f"set_data_array takes a uint8 ndarray, got {getattr(array, 'dtype', type(array).__name__)}"
            )
        if not array.flags.c_contiguous:
            raise ValueError("set_data_array takes a C-contiguous array; use numpy.ascontiguousarray()")
        if array.shape != (height, width, CHANNELS):
            raise ValueError(
                f"set_data_array: [{width}, {height}] (width, height) needs an array of shape "
                f"{(height, width, CHANNELS)}, got {array.shape}"
            )
        self._take("set_data_array", array.copy(), (width, height))

    def set_bytes_data(self, bytes, sizes, format=TextureFormat.RGBA8_UNORM, stride=-1):
        """Shows a flat list of Python numbers, 4 for each pixel.

        Raises:
            TypeError, ValueError: NumPy's scalars, another length or format.
        """
        import numpy as np

        width, height = _check_size(sizes)
        if format is not TextureFormat.RGBA8_UNORM:
            raise TypeError(f"format must be a ui.TextureFormat, got {format!r}")
        if not isinstance(bytes, (list, tuple)) or any(type(value) not in (int, float) for value in bytes):
            raise TypeError("set_bytes_data takes a list of Python ints; use array.flatten().tolist()")
        if len(bytes) != width * height * CHANNELS:
            raise ValueError(
                f"set_bytes_data: [{width}, {height}] needs {width * height * CHANNELS} numbers, got {len(bytes)}"
            )
        pixels = np.array(bytes).astype(np.uint8).reshape(height, width, CHANNELS)
        self._take("set_bytes_data", pixels, (width, height))

    def set_bytes_data_from_gpu(self, gpu_bytes, sizes, format=TextureFormat.RGBA8_UNORM, stride=-1):
        """Takes a device pointer, which is not read here."""
        check_plain("set_bytes_data_from_gpu: the pointer", gpu_bytes, int)
        if format is not TextureFormat.RGBA8_UNORM:
            raise TypeError(f"format must be a ui.TextureFormat, got {format!r}")
        self._take("set_bytes_data_from_gpu", gpu_bytes, _check_size(sizes))


@define("(provider=None)", fill_policy=IwpFillPolicy)
class ImageWithProvider(Widget):
    """Shows what a provider has."""

    def _begin(self, provider=None) -> None:  # type: ignore[override]
        if provider is not None and not isinstance(provider, (ImageProvider, str)):
            raise TypeError(f"ui.ImageWithProvider takes an ImageProvider or a url, got {type(provider).__name__}")
        self._provider = provider

    def _end(self) -> None:
        super()._end()
        self._provider = None


@define("(type=None, scale_min=3.4028234663852886e38, scale_max=3.4028234663852886e38, *args)")
class Plot(Widget):
    """A curve or a histogram. Kit hangs on a value that is no Python float; here it is a TypeError."""

    def _begin(self, type=None, scale_min=0.0, scale_max=0.0, args=()) -> None:  # type: ignore[override]
        if type is not None and not isinstance(type, PlotType):
            raise TypeError(f"ui.Plot: type must be a ui.Type, got {type!r}")
        self._type = type or PlotType.LINE
        self.scale_min, self.scale_max = scale_min, scale_max
        self._data: list[Any] = []
        self._provider: tuple[Any, int] | None = None
        self.set_data(*args)

    def _scale(name: str) -> property:  # type: ignore[misc]
        def put(self: Any, value: Any) -> None:
            setattr(self, f"_{name}", check_plain(f"ui.Plot: {name}", value, (int, float)))

        return property(lambda self: getattr(self, f"_{name}"), put)

    scale_min, scale_max = _scale("scale_min"), _scale("scale_max")
    type = property(lambda self: self._type)

    def set_data(self, *args):
        """The values, each of them a Python float."""
        self._check_alive("setting data")
        for value in args:
            check_plain("ui.Plot: a value", value, float)
        self._data = list(args)

    def set_xy_data(self, xy_data):
        """The points of a LINE2D plot: pairs of Python floats."""
        self._check_alive("setting data")
        if self._type is not PlotType.LINE2D:
            raise ValueError(f"set_xy_data is for ui.Type.LINE2D, this plot is {self._type}")
        for pair in xy_data:
            if len(pair) != 2:
                raise ValueError(f"set_xy_data takes pairs, got {pair!r}")
            for value in pair:
                check_plain("ui.Plot: a value", value, float)
        self._data = [tuple(pair) for pair in xy_data]

    def set_data_provider_fn(self, fn, data_count):
        """A function that gives value ``index`` as a float."""
        self._check_alive("setting data")
        check_callable("ui.Plot: the provider", fn, 1, optional=False)
        self._provider = (fn, check_plain("ui.Plot: data_count", data_count, int))

    def has_data_provider_fn(self):
        """Whether a function gives the values."""
        return self._provider is not None

    def _values_shown(self) -> list[Any]:
        """What is drawn."""
        if self._provider is None:
            return list(self._data)
        fn, count = self._provider
        return [check_plain("ui.Plot: a provided value", fn(index), float) for index in range(count)]
