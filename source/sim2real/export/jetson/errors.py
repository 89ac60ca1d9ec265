"""What goes wrong on the way to a Jetson; every message says what to do next."""

from sim2real.export.errors import ExportError


class JetsonError(ExportError):
    """An engine cannot be built on the device; the bundle stays what it was."""


class HostKeyError(JetsonError):
    """The device does not prove to be the one that is known, or is not known at all."""


class LinkLostError(JetsonError):
    """The connection broke; what runs on the device goes on, and the same command goes on from there."""


class DeviceError(JetsonError):
    """The device lacks something, or a step on it failed."""
