"""Settings that a capture changes, or that Replicator changes in its first step, given back afterwards."""

from __future__ import annotations

from typing import Any

CAPTURE_ON_PLAY = "/omni/replicator/captureOnPlay"
DLSS_MODE = "/rtx/post/dlss/execMode"
SEED = "/omni/replicator/globalSeed"
HIDDEN = tuple(f"/app/viewport/{name}" for name in ("grid/enabled", "outline/enabled", "show/lights", "show/camera"))
"""What Replicator hides in the viewport so that it is in no picture."""


class KeptSettings:
    """The values of some settings, taken when this is made."""

    def __init__(self, *paths: str) -> None:
        """Remember what is set now."""
        import carb.settings

        settings = carb.settings.get_settings()
        self._values: dict[str, Any] = {path: settings.get(path) for path in paths}

    def give_back(self) -> None:
        """Set everything as it was; what was not set is removed."""
        import carb.settings

        settings = carb.settings.get_settings()
        for path, value in self._values.items():
            if settings.get(path) == value:
                continue
            if value is None:
                settings.destroy_item(path)
            else:
                settings.set(path, value)
