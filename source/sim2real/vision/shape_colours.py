"""Colours of shapes, world by world, in a Newton model: what Isaac Lab's Newton renderer shows.

``vision.texture.colour`` draws one colour for every selected shape of a world. The draws follow the shapes' sorted
names, so that they do not depend on the order in which a scene was built. Only ``model.shape_color``, a public array
that the renderer reads at each frame, is written; shapes that all worlds share, such as the ground, keep their colour.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sim2real.vision.errors import VisionError

if TYPE_CHECKING:
    from sim2real.spec.spec import Spec

_ENV = re.compile(r"/env_\d+(?=/|$)")


class ShapeColours:
    """The colours of the selected shapes in every world of a model."""

    def __init__(self, model: Any, spec: Spec, *, select: str = ".*", first_world: int = 0) -> None:
        """Find the shapes; nothing is drawn yet.

        Args:
            model: a finalized ``newton.Model``.
            spec: has ``vision: {texture: {colour: ...}}``.
            select: regular expression for the whole label of a shape in the first world, such as ``.*/Robot/.*``.
            first_world: global id of world 0.

        Raises:
            VisionError: the spec draws no colours, nothing is selected, or worlds have different shapes.
        """
        import warp as wp

        from sim2real.draws.sampler import Draws

        texture = spec.vision.get("texture")
        if texture is None or "colour" not in texture.overrides:
            raise VisionError("the spec draws no colours of shapes; add 'vision: {texture: {colour: ...}}'.")
        self.dist = texture.overrides["colour"]
        self.model, self.first_world = model, first_world
        self._draws = Draws(spec.seed)
        self.names, index = _find_shapes(model, select)
        """Labels of the shapes in the first world, in the order of draws."""
        self.num_worlds = index.shape[0]
        self._index = wp.array(index, dtype=wp.int32, device=model.device)
        self._nominal = wp.clone(model.shape_color)

    def sample(self, worlds: Any, episodes: Any = 0, occurrences: Any = 0) -> np.ndarray:
        """The colours of some worlds, float32 ``(n, shapes, 3)``, sRGB in [0, 1]; pure."""
        ids = np.atleast_1d(np.asarray(worlds)) + self.first_world
        count = len(self.names)
        drawn = self._draws.sample("vision.texture.colour", self.dist, ids, episodes, occurrences, count)
        return np.broadcast_to(drawn.reshape(len(ids), count, -1), (len(ids), count, 3))

    def paint(self, worlds: Any, episodes: Any = 0, occurrences: Any = 0) -> None:
        """Draw the colours of some worlds and write them; other worlds stay as they are.

        Args:
            worlds: worlds of this process ``(n,)``.
            episodes: number or ``(n,)``.
            occurrences: number or ``(n,)``.
        """
        self._write(worlds, self.sample(worlds, episodes, occurrences))

    def restore(self, worlds: Any) -> None:
        """Give some worlds the colours that they had when this object was made."""
        ids = np.atleast_1d(np.asarray(worlds))
        self._write(ids, self._nominal.numpy()[self._index.numpy()[ids]])

    def _write(self, worlds: Any, colours: np.ndarray) -> None:
        import warp as wp

        from sim2real.vision.picture_kernels import write_colours

        ids = np.atleast_1d(np.asarray(worlds))
        if ids.size and not (0 <= ids.min() and ids.max() < self.num_worlds):
            raise VisionError(f"worlds reach {ids.min()} to {ids.max()}; this model has 0 to {self.num_worlds - 1}.")
        device = self.model.device
        rows = wp.array(ids, dtype=wp.int32, device=device)
        given = wp.array(np.ascontiguousarray(colours, np.float32), dtype=wp.vec3, device=device)
        dim = (len(ids), len(self.names))
        inputs = [rows, self._index, given]
        wp.launch(write_colours, dim=dim, inputs=inputs, outputs=[self.model.shape_color], device=device)


def _find_shapes(model: Any, select: str) -> tuple[tuple[str, ...], np.ndarray]:
    """Sorted labels of the selected shapes, and where each world has them, int32 ``(worlds, shapes)``."""
    try:
        wanted = re.compile(select)
    except re.error as error:
        raise VisionError(f"select is no regular expression: {error}.") from error
    worlds: list[dict[str, int]] = [{} for _ in range(model.world_count)]
    for number, (label, world) in enumerate(zip(model.shape_label, model.shape_world.numpy(), strict=True)):
        if world >= 0:
            name = _ENV.sub("/env_0", label)
            twins = sum(other == name or other.startswith(f"{name}#") for other in worlds[world])
            worlds[world][f"{name}#{twins}" if twins else name] = number
    first: Sequence[str] = sorted(worlds[0]) if worlds else ()
    names = tuple(name for name in first if wanted.fullmatch(name))
    if not names:
        some = ", ".join(list(first)[:8]) or "none"
        raise VisionError(f"select '{select}' matches no shape of a world; there are {some}.")
    for number, found in enumerate(worlds):
        lacking = [name for name in names if name not in found]
        if lacking:
            raise VisionError(f"world {number} has no shape '{lacking[0]}'; colours need the same shapes everywhere.")
    return names, np.array([[found[name] for name in names] for found in worlds], np.int32)
