"""Engines built on a Jetson over SSH: probe, send, build, prove, time, weigh, fetch; each step can be taken up again.

Nothing here was run on a real Jetson yet; ``docs/jetson.md`` says what ran instead.
"""

from sim2real.export.jetson.address import Address, parse_address
from sim2real.export.jetson.bundle import JetsonResult, export_to_jetson
from sim2real.export.jetson.connect import SshCfg
from sim2real.export.jetson.errors import DeviceError, HostKeyError, JetsonError, LinkLostError
from sim2real.export.jetson.flow import Built, JetsonCfg, Payload, build_payload
from sim2real.export.jetson.times import latency_spec

__all__ = [
    "Address",
    "Built",
    "DeviceError",
    "HostKeyError",
    "JetsonCfg",
    "JetsonError",
    "JetsonResult",
    "LinkLostError",
    "Payload",
    "SshCfg",
    "build_payload",
    "export_to_jetson",
    "latency_spec",
    "parse_address",
]
