"""sim2real inside Isaac Sim: the panel as an omni.ui window, tools for the opened stage, Replicator graphs.

The logic is the library's (`sim2real.studio` and what stands before it); this package draws it with omni.ui and is the
only code of the project that imports `omni`, `carb` or `isaacsim`, beside the scripts for Isaac's own Python.
"""

from .extension import StudioExtension, current_session

__all__ = ["StudioExtension", "current_session"]
