"""Vendors' robot descriptions: read where the package `example-robot-data` lies, never copied into ours."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

from .convert import RobotAssetError

PACKAGE = "example-robot-data"
"""Distribution that carries the descriptions; each model keeps its vendor's licence (LICENSES.md)."""


def vendor_urdf(name: str) -> Path:
    """Path of an installed description.

    Args:
        name: Folder and file below the package's `robots`, e.g. `go2_description/urdf/go2.urdf`.

    Raises:
        RobotAssetError: the package, or that file in it, is not installed.
    """
    try:
        listed = files(PACKAGE) or []
    except PackageNotFoundError as error:
        message = f"{name} comes with the package '{PACKAGE}', which is not installed: run ./sim2real.sh setup"
        raise RobotAssetError(message) from error
    for entry in listed:
        if str(entry).endswith(f"/robots/{name}"):
            return Path(str(entry.locate())).resolve()
    raise RobotAssetError(f"the installed package '{PACKAGE}' has no description '{name}'")
