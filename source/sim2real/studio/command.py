"""How to reach the command line of the configured Python 3.12, from a browser's server or from within Isaac Sim.

Kit runs its own Python and sets variables for it (``PYTHONPATH``, ``LD_LIBRARY_PATH``, ...) that would break another:
a job gets an environment without them.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Mapping, Sequence

from sim2real.paths import PACKAGE
from sim2real.studio.errors import StudioError

VARIABLE = "SIM2REAL_COMMAND"
"""Environment variable with the program that runs verbs."""
OF_PYTHON = ("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "PYTHONEXECUTABLE")
OF_KIT = ("LD_LIBRARY_PATH", "LD_PRELOAD", "CARB_APP_PATH", "EXP_PATH", "ISAAC_PATH", "RESOURCE_NAME")
"""Variables that Isaac Sim's start scripts set for its own libraries."""


def find_command(given: Sequence[str] | None = None) -> list[str]:
    """Return the program that verbs are given to, and its first arguments.

    Args:
        given: the program that a person chose; None: ``$SIM2REAL_COMMAND``, ``sim2real.sh`` of this checkout, or this
            Python where it has what verbs need.

    Raises:
        StudioError: there is none.
    """
    if given:
        program = shutil.which(given[0])
        if program is None:
            raise StudioError(f"'{given[0]}' is no program; give the path of sim2real.sh, or of a sim2real command")
        return [os.path.abspath(program), *given[1:]]
    if os.environ.get(VARIABLE):
        return find_command([os.environ[VARIABLE]])
    script = PACKAGE.parents[1] / "sim2real.sh"
    if script.is_file() and os.access(script, os.X_OK):
        return [str(script)]
    if "carb" not in sys.modules and importlib.util.find_spec("isaaclab") is not None:
        return [sys.executable, "-m", "sim2real.cli.main"]
    raise StudioError(
        f"no sim2real command found beside {PACKAGE}; run './sim2real.sh setup' in a checkout and set {VARIABLE} to "
        "its sim2real.sh, or choose the command in the settings"
    )


def job_environment(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of a job: this one without what belongs to this Python or to Kit, and unbuffered."""
    kept = dict(os.environ if environ is None else environ)
    in_kit = "CARB_APP_PATH" in kept or "carb" in sys.modules
    for name in (*OF_PYTHON, *(OF_KIT if in_kit else ())):
        kept.pop(name, None)
    return {**kept, "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"}
