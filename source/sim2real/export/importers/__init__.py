"""Policies of other tools as bundles: rsl_rl, Isaac Lab's IO descriptors, LEAPP, mjlab, unitree_rl_lab.

Each importer reads one format and says in one form what it found; what a format does not carry is asked for by name,
what it rounds is told in the bundle. The network is converted and held against the original.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sim2real.export.importers.bundle import KINDS, ImportResult, import_policy, read_contract
    from sim2real.export.importers.found import ImportCfg
    from sim2real.export.importers.reading import ArtefactError

__all__ = ["KINDS", "ArtefactError", "ImportCfg", "ImportResult", "import_policy", "read_contract"]

_LAZY = {
    "KINDS": "bundle",
    "ImportResult": "bundle",
    "import_policy": "bundle",
    "read_contract": "bundle",
    "ImportCfg": "found",
    "ArtefactError": "reading",
}


def __getattr__(name: str) -> Any:
    """Load what needs onnx only when it is asked for."""
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)
