"""The error that a person can mend: wrong camera-model values, shapes or presets."""

from sim2real.errors import Sim2RealError


class VisionError(Sim2RealError):
    """A camera-model value, array or preset that the vision package cannot work with."""
