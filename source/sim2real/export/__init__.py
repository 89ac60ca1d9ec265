"""From trained weights to the bundle: ONNX in float and INT8, contract, golden vectors, parity, latency."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sim2real.export.errors import ExportError, ParityError

if TYPE_CHECKING:
    from sim2real.export.bundle import ExportCfg, ExportResult, export_bundle

__all__ = ["ExportCfg", "ExportError", "ExportResult", "ParityError", "export_bundle"]


def __getattr__(name: str) -> Any:
    """Load what needs torch and onnx only when it is asked for."""
    if name not in ("ExportCfg", "ExportResult", "export_bundle"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"{__name__}.bundle"), name)
