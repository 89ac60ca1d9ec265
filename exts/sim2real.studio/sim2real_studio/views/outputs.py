"""What sections show: tables, pictures, plots, text and files, drawn with omni.ui."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import omni.ui as ui

from .plots import build_curve, build_histogram, build_timeline
from .style import PICTURE_HEIGHT, ROW_HEIGHT, SPACING, mark

if TYPE_CHECKING:
    from sim2real.studio import FileLink, Picture, Table, Text
    from sim2real.studio.outputs import Output

ROWS_SHOWN = 200
"""A table shows so many rows; the rest is in its file."""


def build_outputs(outputs: Sequence[Output], section: str, open_file: Callable[[str], None]) -> None:
    """Draw a section's outputs, one below the other, in the container that is open.

    Args:
        outputs: What to draw.
        section: The section's key; the widgets' identifiers begin with it.
        open_file: Opens a file of the workspace.
    """
    for number, output in enumerate(outputs):
        identifier = f"{section}.output.{number}"
        with ui.VStack(height=0, spacing=2):
            if title := getattr(output, "title", ""):
                ui.Label(title, name="heading", tooltip=title)
            kind = type(output).__name__
            if kind == "FileLink":
                _file(output, identifier, open_file)  # type: ignore[arg-type]
            else:
                BUILDERS[kind](output, identifier)


def _table(table: Table, identifier: str) -> None:
    widths = [ui.Fraction(float(width)) for width in _widths(table)]
    with ui.VStack(height=0, spacing=1, identifier=identifier):
        with ui.HStack(height=0, spacing=SPACING):
            for column, width in zip(table.columns, widths, strict=True):
                ui.Label(column, name="dim", width=width, word_wrap=True, tooltip=column)
        ui.Rectangle(height=1, name="rule")
        for number, row in enumerate(table.rows[:ROWS_SHOWN]):
            name = mark(table.marks[number]) if table.marks else ""
            with ui.HStack(height=0, spacing=SPACING):
                for column, cell, width in zip(table.columns, row, widths, strict=True):
                    ui.Label(cell, name=name, width=width, word_wrap=True, tooltip=f"{column}: {cell}")
        if len(table.rows) > ROWS_SHOWN:
            left = len(table.rows) - ROWS_SHOWN
            ui.Label(f"and {left} more rows", name="dim", tooltip="The window shows the first rows of a long table")


def _widths(table: Table) -> list[int]:
    """Return how wide the columns are beside one another: by the longest cell, within limits."""
    rows = [table.columns, *table.rows[:ROWS_SHOWN]]
    return [min(max(max(len(row[i]) for row in rows), 4), 40) for i in range(len(table.columns))]


def _picture(picture: Picture, identifier: str) -> None:
    height, width = picture.pixels.shape[:2]
    provider = ui.ByteImageProvider()
    provider.set_data_array(with_alpha(picture.pixels), [int(width), int(height)])
    ui.ImageWithProvider(
        provider,
        height=min(PICTURE_HEIGHT, int(height)),
        fill_policy=ui.IwpFillPolicy.IWP_PRESERVE_ASPECT_FIT,
        identifier=identifier,
        tooltip=picture.caption or picture.title,
    )
    if picture.caption:
        ui.Label(picture.caption, name="dim", word_wrap=True, tooltip=picture.caption)


def with_alpha(pixels: np.ndarray) -> np.ndarray:
    """Return opaque RGBA, contiguous uint8 (h, w, 4), of RGB (h, w, 3)."""
    opaque = np.full((*pixels.shape[:2], 4), 255, np.uint8)
    opaque[..., :3] = pixels
    return opaque


def _text(text: Text, identifier: str) -> None:
    with ui.VStack(height=0, identifier=identifier):
        for line in text.lines:
            ui.Label(line, name=mark(text.mark), word_wrap=True, tooltip=line)


def _file(link: FileLink, identifier: str, open_file: Callable[[str], None]) -> None:
    ui.Button(
        link.label,
        height=ROW_HEIGHT,
        identifier=identifier,
        tooltip=f"Open {link.path}",
        clicked_fn=lambda: open_file(link.path),
    )


BUILDERS: dict[str, Callable[[Any, str], None]] = {
    "Table": _table,
    "Picture": _picture,
    "Curve": build_curve,
    "Histogram": build_histogram,
    "Timeline": build_timeline,
    "Text": _text,
}
"""By the name of the output's class."""
