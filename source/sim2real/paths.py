"""Where the files that people edit are: ``config/`` in a checkout, ``sim2real/presets/`` in an installed wheel."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def presets_dir() -> Path:
    """Return the folder with ``randomization/``, ``robots/``, ``cameras/``, ``deploy/`` and ``pipelines/``."""
    installed = PACKAGE / "presets"
    return installed if installed.is_dir() else PACKAGE.parents[1] / "config"
