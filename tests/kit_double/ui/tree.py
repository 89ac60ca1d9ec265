"""A window as text, for snapshots, and what a panel owes to its users: a name and a hint on all that they can touch."""

from __future__ import annotations

from typing import Any

from . import _fields, _widget, _widgets, _window
from ._containers import CollapsableFrame
from ._images import ImageWithProvider, Plot
from ._tree_view import TreeView

INTERACTIVE = (
    _widgets.InvisibleButton,
    _widgets.CheckBox,
    _fields.AbstractField,
    _fields.ComboBox,
    _fields.AbstractMultiField,
    _fields.ColorWidget,
    TreeView,
    CollapsableFrame,
)
_SHOWN = ("min", "max", "step", "read_only", "columns", "word_wrap")


def type_name(widget: Any) -> str:
    """The class under which Kit knows a widget; a subclass in Python has its own."""
    cls = type(widget)
    return cls.__name__ if not cls.__module__.startswith("kit_double") else cls._table


def _value(widget: Any) -> str:
    """What a widget shows, as text."""
    if isinstance(widget, _fields.ComboBox):
        return f" = {widget._chosen()!r} of {widget._texts()}"
    if isinstance(widget, _widgets.RadioButton):
        collection = widget._values["radio_collection"]
        return " = chosen" if collection.model.as_int == collection._buttons.index(widget) else ""
    if isinstance(widget, (_widgets.CheckBox, _widgets.ToolButton)):
        return f" = {widget.model.get_value_as_bool()}"
    if isinstance(widget, (_fields.AbstractField, _fields.ProgressBar)):
        return f" = {widget.model.get_value_as_string()!r}"
    if isinstance(widget, (_fields.AbstractMultiField, _fields.ColorWidget)):
        model = widget.model
        values = [model.get_item_value_model(item, 0).get_value_as_string() for item in model.get_item_children(None)]
        return f" = {values}"
    if isinstance(widget, ImageWithProvider):
        provider = widget._provider
        return f" {provider.width}x{provider.height}" if hasattr(provider, "_size") else f" {provider!r}"
    if isinstance(widget, Plot):
        return f" {widget._type.name} of {len(widget._values_shown())} values"
    if isinstance(widget, _widgets.Image):
        return f" {widget.source_url!r}"
    return ""


def _line(widget: Any, tooltips: bool) -> str:
    values = widget._values
    text = values.get("text") or values.get("title") or ""
    line = type_name(widget)
    line += f" {text!r}" if text else ""
    line += f" #{values['identifier']}" if values.get("identifier") else ""
    line += _value(widget)
    line += "".join(f" {key}={values[key]}" for key in _SHOWN if key in values)
    for key, shown in {"visible": False, "enabled": False, "collapsed": True, "selected": True}.items():
        if values.get(key, not shown) is shown:
            line += f" {'not ' if not shown else ''}{key}"
    if tooltips and values.get("tooltip"):
        line += f" ? {values['tooltip']}"
    return line


def tree_text(window: Any, tooltips: bool = False) -> str:
    """A window's widgets, one line each: type, text, #identifier, value, limits, what is off. Folded ones too.

    Args:
        window: A ``ui.Window``, or its title.
        tooltips: Whether to add the hints.
    """
    window = _window.find_window(window) if isinstance(window, str) else window
    lines = [f"Window {window.title!r}" + ("" if window.visible else " not visible")]

    def walk(widget: Any, depth: int) -> None:
        lines.append("  " * depth + _line(widget, tooltips))
        for child in widget._children:
            walk(child, depth + 1)

    for child in window.frame._children:
        walk(child, 1)
    return "\n".join(lines) + "\n"


def widgets_of(window: Any) -> list[_widget.Widget]:
    """Every widget of a window, depth first."""
    window = _window.find_window(window) if isinstance(window, str) else window

    def walk(widget: Any) -> list[_widget.Widget]:
        return [widget, *(inner for child in widget._children for inner in walk(child))]

    return walk(window.frame)[1:]


def panel_problems(window: Any) -> list[str]:
    """What a panel owes: each widget that can be touched has an identifier of its own, and a tooltip."""
    problems = []
    seen: set[str] = set()
    for widget in widgets_of(window):
        if not isinstance(widget, INTERACTIVE):
            continue
        identifier = widget._values.get("identifier", "")
        if not identifier:
            problems.append(f"{widget!r} has no identifier")
        elif identifier in seen:
            problems.append(f"identifier {identifier!r} is given twice")
        seen.add(identifier)
        if not widget._values.get("tooltip") and not widget._callbacks.get("tooltip_fn"):
            problems.append(f"{widget!r} has no tooltip")
    return problems
