"""A Replicator writer that hands rendered frames to a function: the way from the renderer into a dataset.

Replicator calls a writer for each frame with the annotators' buffers. Ours asks for depth and colour where the renderer
has them (on the GPU where there is one), so that the depth camera's noise runs there. An exception inside a writer may
end in Replicator's log alone; it is kept here for whoever waits for the frame.
"""

from __future__ import annotations

from typing import Any

NAME = "Sim2RealWriter"
"""Name in Replicator's registry."""
DEPTH, COLOUR = "distance_to_image_plane", "rgb"


def register() -> str:
    """Make the writer known to Replicator; returns its name for ``rep.writers.get``."""
    import omni.replicator.core as rep

    class Sim2RealWriter(rep.Writer):
        """Gives every frame to ``take(depth, colour)``."""

        def __init__(self, take: Any, device: str | None = None) -> None:
            """Keep the function and ask for depth [m] and colour.

            Args:
                take: Called with the buffers of each frame, which are valid during the call alone.
                device: ``cuda`` for buffers on the GPU; None for NumPy arrays.
            """
            self.version = "1.0.0"
            self.data_structure = "annotator"
            self.backend = None
            self.annotators = [rep.annotators.get(name, device=device) for name in (DEPTH, COLOUR)]
            self.take, self.error = take, None

        def write(self, data: dict[str, Any]) -> None:
            """Take one frame."""
            if self.error is None:
                try:
                    found = [next(iter(data["annotators"][name].values()))["data"] for name in (DEPTH, COLOUR)]
                    self.take(*found)
                except Exception as error:
                    self.error = error

    rep.writers.register_writer(Sim2RealWriter)
    return NAME


def unregister() -> None:
    """Take the writer out of Replicator's registry."""
    import omni.replicator.core as rep

    rep.writers.unregister_writer(NAME)
