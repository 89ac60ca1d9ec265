"""A Jetson on the loopback: an SSH server that plays a device with a JetPack of choice, confined and strict."""

from jetson_double.devices import DEVICES, DeviceText
from jetson_double.server import Faults, JetsonDouble

__all__ = ["DEVICES", "DeviceText", "Faults", "JetsonDouble"]
