"""The colour part of the preview page: a clean picture beside what a spec makes of it, episode by episode."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from sim2real.vision.colour_maps import data_uri, seen
from sim2real.vision.errors import VisionError
from sim2real.vision.picture import picture_key, randomize_pictures
from sim2real.vision.picture_params import KINDS, draw_picture_params
from sim2real.vision.support import IMAGE_SPACE, vision_plan

if TYPE_CHECKING:
    from sim2real.spec import Spec
    from sim2real.vision.preview_frames import Pictures

_UNITS = {"blur_std_px": " px", "hue_turn": " turn"}


@dataclass(frozen=True, kw_only=True)
class ColourRow:
    """One picture and what became of it."""

    title: str
    """What picture this is."""
    clean: np.ndarray
    """The picture as rendered, uint8 ``(h, w, 3)``."""
    changed: tuple[np.ndarray, ...]
    """The picture under each draw, of the same shape."""
    drawn: tuple[Mapping[str, float], ...]
    """What was drawn for each of them: name -> value in SI units."""

    def __post_init__(self) -> None:
        if len(self.changed) != len(self.drawn) or any(picture.shape != self.clean.shape for picture in self.changed):
            raise VisionError(f"{self.title}: every draw needs one picture of the clean one's shape, and its values.")


def changes_pictures(spec: Spec) -> bool:
    """Whether a spec says anything about colour pictures."""
    return any(kind in spec.vision for kind in KINDS)


def colour_rows(spec: Spec, pictures: Pictures, draws: int) -> list[ColourRow]:
    """Each picture in the first episodes of its world: one draw of everything for each.

    Raises:
        VisionError: the pictures have no colour.
    """
    from sim2real.draws import Draws

    if pictures.colour is None:
        raise VisionError("these pictures have no colour, so that there is none to randomize.")
    ids, n = np.asarray(pictures.frame_ids), len(pictures.frame_ids)
    worlds, episodes = np.tile(ids, draws), np.repeat(np.arange(draws), n)
    params = draw_picture_params(spec.vision, Draws(spec.seed), worlds, episodes)
    changed = randomize_pictures(
        np.tile(pictures.colour, (draws, 1, 1, 1)),
        params,
        picture_key(spec.seed),
        worlds,
        episodes=episodes,
        empty=np.tile(~seen(pictures.depth), (draws, 1, 1)).astype(np.uint8),
    )
    return [
        ColourRow(
            title=f"Frame {int(ids[i])}",
            clean=pictures.colour[i],
            changed=tuple(changed[k * n + i] for k in range(draws)),
            drawn=tuple(params.row(k * n + i) for k in range(draws)),
        )
        for i in range(n)
    ]


def not_shown(spec: Spec) -> str:
    """A sentence about what belongs to the scene and cannot be put on a picture; empty if there is nothing."""
    fields = [e.field for e in vision_plan(spec, "newton_warp") if e.where != IMAGE_SPACE]
    return f"Not shown, because it changes the scene: {', '.join(fields)}." if fields else ""


def make_colour_section(rows: Sequence[ColourRow], note: str = "") -> str:
    """The rows as HTML: clean first, then each draw above its values."""
    parts = ["<h1>Colour</h1>", f'<p class="lead">{escape(note)}</p>' if note else ""]
    for row in rows:
        figures = [_figure(f"{row.title}: clean", row.clean, "clean", "")]
        for number, (picture, drawn) in enumerate(zip(row.changed, row.drawn, strict=True)):
            chips = "".join(
                f'<span class="chip">{escape(name)} <b>{value:.3g}{_UNITS.get(name, "")}</b></span>'
                for name, value in drawn.items()
            )
            name = f"episode {number}"
            figures.append(_figure(f"{row.title}: {name}", picture, name, f'<div class="chips">{chips}</div>'))
        inner = f'<h2>{escape(row.title)}</h2><div class="pictures">{"".join(figures)}</div>'
        parts.append(f'<section class="card">{inner}</section>')
    return "".join(parts)


def _figure(alt: str, picture: np.ndarray, caption: str, below: str) -> str:
    return (
        f'<figure><img alt="{escape(alt)}" src="{data_uri(picture)}"><figcaption>{escape(caption)}{below}</figcaption>'
        "</figure>"
    )
