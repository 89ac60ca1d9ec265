"""Tests that run inside Kit, by omni.kit.test; the repository's CI runs them on its stand-in for Kit."""

from .test_studio import TestStudio

__all__ = ["TestStudio"]
