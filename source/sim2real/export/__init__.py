"""From trained weights to the bundle: ONNX in float, FP16 and INT8, contract, golden vectors, parity, latency.

``export_bundle`` takes a classifier of frames, ``export_joint_policy`` an actor that moves joints.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sim2real.export.errors import ExportError, ParityError

if TYPE_CHECKING:
    from sim2real.export.bundle import ExportCfg, ExportResult, export_bundle
    from sim2real.export.gates import Gate, TargetGate
    from sim2real.export.joint_policy import JointExportCfg, export_joint_policy
    from sim2real.export.playing import memory_of

__all__ = [
    "ExportCfg",
    "ExportError",
    "ExportResult",
    "Gate",
    "JointExportCfg",
    "ParityError",
    "TargetGate",
    "export_bundle",
    "export_joint_policy",
    "memory_of",
]

_LAZY = {
    "ExportCfg": "bundle",
    "ExportResult": "bundle",
    "export_bundle": "bundle",
    "JointExportCfg": "joint_policy",
    "export_joint_policy": "joint_policy",
    "Gate": "gates",
    "TargetGate": "gates",
    "memory_of": "playing",
}


def __getattr__(name: str) -> Any:
    """Load what needs torch and onnx only when it is asked for."""
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)
