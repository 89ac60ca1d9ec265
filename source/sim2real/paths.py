"""Where the files that people edit are: ``config/`` in a checkout, ``sim2real/presets/`` in an installed wheel."""

from __future__ import annotations

import os
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def presets_dir() -> Path:
    """Return the folder with ``randomization/``, ``robots/``, ``cameras/``, ``deploy/`` and ``pipelines/``."""
    installed = PACKAGE / "presets"
    return installed if installed.is_dir() else PACKAGE.parents[1] / "config"


def cache_dir(kind: str) -> Path:
    """Where files are kept that can be made again: a folder of `$SIM2REAL_CACHE`, else of the user's cache."""
    root = os.environ.get("SIM2REAL_CACHE") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "sim2real"
    )
    return Path(root) / kind
