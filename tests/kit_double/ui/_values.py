"""The values that omni.ui takes: enums, lengths, colours, styles, and the kind of each keyword of the table."""

from __future__ import annotations

import enum
import re
from pathlib import Path
from typing import Any

from .._strict import StrictObject, check_plain, nearest


def _enum(name: str, members: str) -> type[enum.Enum]:
    made = enum.Enum(name, members)  # type: ignore[misc]
    made.__module__ = __name__
    return made


Alignment = _enum(
    "Alignment",
    "UNDEFINED LEFT RIGHT H_CENTER TOP BOTTOM V_CENTER LEFT_TOP LEFT_CENTER LEFT_BOTTOM CENTER_TOP CENTER "
    "CENTER_BOTTOM RIGHT_TOP RIGHT_CENTER RIGHT_BOTTOM",
)
ScrollBarPolicy = _enum("ScrollBarPolicy", "SCROLLBAR_AS_NEEDED SCROLLBAR_ALWAYS_OFF SCROLLBAR_ALWAYS_ON")
DockPreference = _enum("DockPreference", "DISABLED MAIN RIGHT LEFT RIGHT_TOP RIGHT_BOTTOM LEFT_BOTTOM")
DockPolicy = _enum("DockPolicy", "DO_NOTHING CURRENT_WINDOW_IS_ACTIVE TARGET_WINDOW_IS_ACTIVE")
DockPosition = _enum("DockPosition", "LEFT RIGHT TOP BOTTOM SAME")
Direction = _enum("Direction", "LEFT_TO_RIGHT RIGHT_TO_LEFT TOP_TO_BOTTOM BOTTOM_TO_TOP BACK_TO_FRONT FRONT_TO_BACK")
FillPolicy = _enum("FillPolicy", "STRETCH PRESERVE_ASPECT_FIT PRESERVE_ASPECT_CROP")
IwpFillPolicy = _enum("IwpFillPolicy", "IWP_STRETCH IWP_PRESERVE_ASPECT_FIT IWP_PRESERVE_ASPECT_CROP")
SliderDrawMode = _enum("SliderDrawMode", "FILLED HANDLE DRAG")
CornerFlag = _enum("CornerFlag", "NONE TOP_LEFT TOP_RIGHT BOTTOM_LEFT BOTTOM_RIGHT TOP BOTTOM LEFT RIGHT ALL")
Axis = _enum("Axis", "NONE X Y XY")
TextureFormat = _enum("TextureFormat", "RGBA8_UNORM")
PlotType = _enum("Type", "LINE HISTOGRAM LINE2D")
ENUMS: dict[str, type[enum.Enum]] = {
    "Axis": Axis,
    "CornerFlag": CornerFlag,
    "Alignment": Alignment,
    "ScrollBarPolicy": ScrollBarPolicy,
    "DockPreference": DockPreference,
    "DockPolicy": DockPolicy,
    "DockPosition": DockPosition,
    "Direction": Direction,
    "FillPolicy": FillPolicy,
    "IwpFillPolicy": IwpFillPolicy,
    "SliderDrawMode": SliderDrawMode,
    "TextureFormat": TextureFormat,
    "Type": PlotType,
}
FLAGS = {
    f"WINDOW_FLAGS_{name}": value
    for name, value in {
        "NONE": 0,
        "NO_TITLE_BAR": 1,
        "NO_RESIZE": 2,
        "NO_MOVE": 4,
        "NO_SCROLLBAR": 8,
        "NO_SCROLL_WITH_MOUSE": 16,
        "NO_COLLAPSE": 32,
        "NO_BACKGROUND": 128,
        "NO_SAVED_SETTINGS": 256,
        "NO_MOUSE_INPUTS": 512,
        "MENU_BAR": 1024,
        "SHOW_HORIZONTAL_SCROLLBAR": 2048,
        "NO_FOCUS_ON_APPEARING": 4096,
        "FORCE_VERTICAL_SCROLLBAR": 16384,
        "FORCE_HORIZONTAL_SCROLLBAR": 32768,
        "NO_DOCKING": 2097152,
        "POPUP": 67108864,
        "MODAL": 134217728,
        "NO_CLOSE": 2147483648,
    }.items()
}


class Length(StrictObject):
    """A width or height; made as ``ui.Pixel``, ``ui.Percent`` or ``ui.Fraction``."""

    _kit_double = True
    value: float
    unit = ""

    def __init__(self, value):
        if type(self) is Length:
            raise TypeError("use ui.Pixel, ui.Percent or ui.Fraction")
        object.__setattr__(self, "value", float(check_plain(f"ui.{type(self).__name__}", value, (int, float))))

    def __repr__(self) -> str:
        return f"{self.value:g}{self.unit}"


class Pixel(Length):
    """Pixels."""

    unit = "px"


class Percent(Length):
    """A share of the parent, in percent."""

    unit = "%"


class Fraction(Length):
    """A share of what the siblings leave."""

    unit = "fr"


def color(*values: Any) -> int:
    """``ui.color("#rrggbb")``, ``("#rrggbbaa")``, ``(r, g, b[, a])`` with floats in 0..1 or ints in 0..255: 0xAABBGGRR.

    Raises:
        ValueError: no such colour.
    """
    if len(values) == 1 and isinstance(values[0], str):
        digits = values[0].lstrip("#")
        if not re.fullmatch(r"[0-9a-fA-F]{3}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8}", digits):
            raise ValueError(f"{values[0]!r} is no colour; use '#rgb', '#rrggbb' or '#rrggbbaa'")
        digits = "".join(2 * d for d in digits) if len(digits) == 3 else digits
        parts = [int(digits[i : i + 2], 16) for i in range(0, len(digits), 2)]
    elif len(values) in (3, 4) and all(type(v) is int for v in values):
        parts = list(values)
    elif len(values) in (3, 4) and all(type(v) in (int, float) for v in values):
        parts = [round(255 * v) for v in values]
    else:
        raise ValueError(f"{values!r} is no colour; use a hex text or three or four numbers")
    if not all(0 <= part <= 255 for part in parts):
        raise ValueError(f"colour {values!r} lies outside 0..255, or 0..1 in floats")
    red, green, blue, alpha = [*parts, 255][:4]
    return alpha << 24 | blue << 16 | green << 8 | red


# Style ----------------------------------------------------------------------------------------------------------------

STYLE_KINDS = {
    **dict.fromkeys(
        ["color", "background_color", "secondary_color", "border_color", "selected_color", "secondary_selected_color",
         "background_selected_color", "debug_color"],
        "color",
    ),
    **dict.fromkeys(
        ["border_width", "border_radius", "font_size", "margin", "margin_width", "margin_height", "padding",
         "scrollbar_size"],
        "number",
    ),
    "image_url": "picture",
    "font": "text",
    "alignment": Alignment,
    "corner_flag": CornerFlag,
    "draw_mode": SliderDrawMode,
    "stack_direction": Direction,
}  # fmt: skip
STYLE_STATES = {"hovered", "pressed", "selected", "disabled", "checked", "drop"}
# Sliders and fields share one style type each; parts of a widget have a dotted one.
STYLE_TYPES = {"Field", "Slider", "Drag", "Tooltip", "Window", "Image", "Label", "Splitter"}


def check_style(style: Any, types: set[str]) -> dict:
    """A style: ``{"color": ...}`` or ``{"Type::name:state": {...}}`` with known types, states and properties.

    Raises:
        TypeError: no dict, or a value of another type.
        ValueError: an unknown selector or property; Kit would draw as if it were not there.
    """
    check_plain("a style", style, dict)
    for key, value in style.items():
        check_plain("a style's key", key, str)
        if isinstance(value, dict):
            _check_selector(key, types)
            for name, part in value.items():
                _check_property(f"{key!r}: ", name, part)
        else:
            _check_property("", key, value)
    return style


def _check_selector(text: str, types: set[str]) -> None:
    match = re.fullmatch(r"(?P<type>[A-Za-z0-9_.]*)(?:::(?P<name>[A-Za-z0-9_]+))?(?::(?P<state>[a-z]+))?", text)
    if match is None or not text:
        raise ValueError(f"style selector {text!r} is not Type[::name][:state]")
    root = match["type"].partition(".")[0]
    if root and root not in types | STYLE_TYPES and match["type"] not in types:
        raise ValueError(f"style selector {text!r} names no widget type{nearest(root, types | STYLE_TYPES)}")
    if match["state"] and match["state"] not in STYLE_STATES:
        raise ValueError(f"style selector {text!r} has no known state; states are {sorted(STYLE_STATES)}")


def _check_property(where: str, name: str, value: Any) -> None:
    if name not in STYLE_KINDS:
        raise ValueError(f"style {where}{name!r} is no property of omni.ui{nearest(name, STYLE_KINDS)}")
    kind = STYLE_KINDS[name]
    if kind == "color":
        check_plain(f"style {where}{name}", value, int)
        if not 0 <= value <= 0xFFFFFFFF:
            raise ValueError(f"style {where}{name} = {value:#x} is no 0xAABBGGRR")
    elif kind == "number":
        check_plain(f"style {where}{name}", value, (int, float))
    elif kind == "text":
        check_plain(f"style {where}{name}", value, str)
    elif kind == "picture":
        check_picture(f"style {where}{name}", value)
    elif not isinstance(value, kind):  # type: ignore[arg-type]
        raise TypeError(f"style {where}{name} must be a ui.{kind.__name__}, got {value!r}")  # type: ignore[union-attr]


def check_picture(what: str, url: Any) -> str:
    """A picture's file; one that is not there is a fault, because Kit draws nothing and says nothing."""
    from .. import current

    check_plain(what, url, str)
    if url and "://" not in url and "${" not in url and not Path(url).is_file():
        current().fault(f"{what}: there is no picture {url}")
    return url


# Keywords -------------------------------------------------------------------------------------------------------------

# How many arguments each callback of the table is called with.
CALLBACK_ARITY = {
    "accept_drop_fn": 1, "anchor_fn": 0, "axis_changed_fn": 1, "build_fn": 0, "build_header_fn": 2,
    "character_limit_reached_fn": 1, "checked_changed_fn": 1, "clicked_fn": 0, "collapsed_changed_fn": 1,
    "computed_content_size_changed_fn": 0, "docked_changed_fn": 1, "drag_fn": 0, "drop_fn": 1, "focused_changed_fn": 1,
    "height_changed_fn": 1, "key_pressed_fn": 3, "mouse_double_clicked_fn": 4, "mouse_hovered_fn": 1,
    "mouse_moved_fn": 4, "mouse_pressed_fn": 4, "mouse_released_fn": 4, "mouse_wheel_fn": 3, "offset_x_changed_fn": 1,
    "offset_y_changed_fn": 1, "on_build_fn": 0, "pan_x_changed_fn": 1, "pan_y_changed_fn": 1, "progress_changed_fn": 1,
    "scroll_x_changed_fn": 1, "scroll_y_changed_fn": 1, "selection_changed_fn": 1, "shown_changed_fn": 1,
    "teared_changed_fn": 1, "tooltip_fn": 0, "triggered_fn": 0, "visibility_changed_fn": 1, "width_changed_fn": 1,
    "zoom_changed_fn": 1,
}  # fmt: skip
_TEXT = {
    "elided_text_str", "format", "hotkey_text", "identifier", "image_url", "name", "style_type_name_override",
    "tabBarTooltip", "text", "title", "tooltip",
}  # fmt: skip
_INTEGERS = {
    "column_count",
    "flags",
    "frames_to_start_drag",
    "max_length",
    "precision",
    "row_count",
    "value_offset",
    "value_stride",
}
_NUMBERS = {
    "anchor_position", "arc", "begin_arrow_height", "begin_arrow_width", "bound_offset", "column_width",
    "end_arrow_height", "end_arrow_width", "h_spacing", "max", "min", "offset", "padding_x", "padding_y", "pan_x",
    "pan_y", "position_x", "position_y", "radius", "row_height", "scroll_x", "scroll_y", "spacing", "step",
    "tooltip_offset_x", "tooltip_offset_y", "v_spacing", "visible_max", "visible_min", "zoom", "zoom_max", "zoom_min",
}  # fmt: skip
_LENGTHS = {
    "end_tangent_height", "end_tangent_width", "height", "image_height", "image_width", "offset_x", "offset_y",
    "start_tangent_height", "start_tangent_width", "width",
}  # fmt: skip
_ENUM_KINDS = {
    "alignment": Alignment, "anchor_alignment": Alignment, "direction": Direction, "drag_axis": Axis,
    "axis": enum.Enum, "raster_policy": enum.Enum, "size_policy": enum.Enum, "begin_arrow_type": enum.Enum,
    "end_arrow_type": enum.Enum, "horizontal_scrollbar_policy": ScrollBarPolicy,
    "vertical_scrollbar_policy": ScrollBarPolicy,
}  # fmt: skip
_LISTS = {"column_widths", "min_column_widths", "selection"}
_OBJECTS = {"delegate", "radio_collection"}
TRUE_AT_START = {"visible", "enabled", "hide_on_click", "header_visible", "detachable", "pixel_aligned"}


def check_keyword(owner: str, key: str, value: Any, types: set[str], enums: dict[str, type]) -> Any:
    """A keyword's value, of the kind that the keyword has.

    Raises:
        TypeError: another type; NumPy's scalars are no Python numbers.
        ValueError: a style that names something unknown, or a negative length.
    """
    what = f"omni.ui.{owner}: {key}"
    if key == "style":
        return check_style(value, types)
    if key == "image_url":
        return check_picture(what, value)
    if key in _TEXT:
        return check_plain(what, value, str)
    if key in _INTEGERS:
        return check_plain(what, value, int)
    if key in _NUMBERS:
        return check_plain(what, value, (int, float))
    if key in _LENGTHS:
        return value if isinstance(value, Length) else check_plain(what, value, (int, float))
    if key in _LISTS:
        return check_plain(what, value, list)
    if key in _OBJECTS:
        return value
    if key in _ENUM_KINDS or key in enums:
        wanted = enums.get(key) or _ENUM_KINDS[key]
        if not isinstance(value, wanted):
            raise TypeError(f"{what} must be a ui.{wanted.__name__}, got {value!r}")
        return value
    return check_plain(what, value, bool)


def start_value(key: str) -> Any:
    """What a property reads before it was set."""
    if key in _TEXT:
        return ""
    if key in _INTEGERS:
        return 0
    if key in _NUMBERS:
        return 0.0
    if key in _LENGTHS:
        return Fraction(1)
    if key in _LISTS:
        return []
    if key == "style":
        return {}
    if key == "alignment":
        return Alignment.UNDEFINED
    if key in _OBJECTS or key in _ENUM_KINDS:
        return None
    return key in TRUE_AT_START
