"""omni.ui as a module: every class of the table, the models, the enums."""

from __future__ import annotations

from typing import Any

from .._kit import Kit
from .._modules import module
from . import _containers, _fields, _images, _models, _tree_view, _values, _widgets, _window
from ._state import state_of
from ._widget import Widget, table

NOT_PLAYED = {  # in the table; nobody here draws with them
    "BezierCurve", "FreeBezierCurve", "FreeCircle", "FreeEllipse", "FreeLine", "FreeRectangle", "FreeTriangle",
    "OffsetLine",
}  # fmt: skip
MODELS = (
    "AbstractValueModel", "SimpleBoolModel", "SimpleFloatModel", "SimpleIntModel", "SimpleStringModel", "AbstractItem",
    "AbstractItemModel", "AbstractItemDelegate",
)  # fmt: skip


@module("omni.ui")
def build(kit: Kit) -> dict[str, Any]:
    """Every class of the table that is played, under its name."""
    state_of(kit)
    contents: dict[str, Any] = {"Widget": Widget, **_values.ENUMS, **_values.FLAGS}
    for name in sorted(set(table()) - NOT_PLAYED - {"Widget"}):
        homes = (_containers, _widgets, _fields, _images, _tree_view, _window)
        contents[name] = next(vars(home)[name] for home in homes if name in vars(home))
    for name in MODELS:
        contents[name] = getattr(_models, name)
    for name in ("Length", "Pixel", "Percent", "Fraction", "color"):
        contents[name] = getattr(_values, name)
    for name in ("ImageProvider", "ByteImageProvider"):
        contents[name] = getattr(_images, name)
    contents["RadioCollection"] = _widgets.RadioCollection
    contents["Workspace"] = _window.Workspace
    return contents
