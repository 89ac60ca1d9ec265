"""Sizes and colours of the window, in one place; colours are 0xAABBGGRR."""

from __future__ import annotations

LABEL_WIDTH = 170
"""Width of the names before the fields [px]."""
UNIT_WIDTH = 64
"""Width of the units behind them [px]."""
ROW_HEIGHT = 22
"""Height of a field or a button [px]."""
SPACING = 4
"""Between two rows [px]."""
PICTURE_HEIGHT = 320
"""Largest height of a picture [px]."""
PLOT_HEIGHT = 120
"""Height of a plot [px]."""
LANE_HEIGHT = 18
"""Height of one lane of a timeline [px]."""

TEXT, DIM = 0xFFDCDCDC, 0xFF9A9A9A
GOOD, WARN, BAD = 0xFF76C371, 0xFF3CB4F0, 0xFF5A5AF0
PALETTE = (0xFFE0A050, 0xFF50B4F0, 0xFF78C878, 0xFFC878C8, 0xFF6464E6, 0xFFC8C864, 0xFF96A0F0, 0xFFA0A0A0)
"""Colours of the lines of a curve and of the spans of a lane, in order."""

STYLE = {
    "Label": {"color": TEXT, "font_size": 14},
    "Label::dim": {"color": DIM, "font_size": 14},
    "Label::heading": {"color": TEXT, "font_size": 16},
    "Label::error": {"color": BAD, "font_size": 14},
    "Label::good": {"color": GOOD, "font_size": 14},
    "Label::warn": {"color": WARN, "font_size": 14},
    "Label::bad": {"color": BAD, "font_size": 14},
    "Button::primary": {"background_color": 0xFF7A5A28},
    "Button::primary:hovered": {"background_color": 0xFF9A7234},
    "Rectangle::rule": {"background_color": 0xFF4A4A4A},
    "ProgressBar": {"color": 0xFF9A7234, "secondary_color": TEXT},
    **{f"Rectangle::lane{i}": {"background_color": colour} for i, colour in enumerate(PALETTE)},
    **{f"Label::lane{i}": {"color": colour, "font_size": 14} for i, colour in enumerate(PALETTE)},
}
"""The window's style."""


def mark(name: str) -> str:
    """Return the style's name of a mark: `good`, `bad`, `warn` or nothing."""
    return name if name in ("good", "bad", "warn") else ""
