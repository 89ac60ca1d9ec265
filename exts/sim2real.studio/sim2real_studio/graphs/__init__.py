"""Randomizes the opened stage by a spec's vision section and its keyed draws, and captures datasets of it.

The library plans (:mod:`sim2real.vision.stage_plan`): which light, colour, texture, pose and focal length everything
has in frame i. What stands here puts a plan on a USD stage, in a layer of its own that can be taken away again; builds
a Replicator graph of the same draws, fired by a custom event; and captures frames with the orchestrator's asynchronous
step. Nothing is drawn here, so the same spec and seed give the same scenes headless, in the window and in a test.
"""

from .events import EVENT

__all__ = ["EVENT"]
"""The names of the package's parts are imported from their files: some of them need Kit, some USD alone."""
