"""Randomize the physics of the opened stage: what is selected, by the draws that a training would make."""

from .selection import StageError
from .tool import Change, Outcome, StageTool

__all__ = ["Change", "Outcome", "StageError", "StageTool"]
