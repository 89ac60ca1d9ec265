"""Labels, buttons, boxes to check, pictures from files, shapes and menus."""

from __future__ import annotations

from typing import Any

from .._strict import check_plain
from ._containers import Stack
from ._models import SimpleBoolModel, SimpleIntModel
from ._values import FillPolicy, check_picture
from ._widget import ValueWidget, Widget, define


@define("(text)")
class Label(Widget):
    """A text."""

    def _begin(self, text) -> None:  # type: ignore[override]
        self._put("text", text)

    def _checked(self, key: str, value: Any) -> Any:
        return check_plain("ui.Label: text", value, str) if key == "text" else super()._checked(key, value)

    def _get(self) -> str:
        self._check_alive("reading the text")
        return self._values["text"]

    def _set(self, value: str) -> None:
        self._check_alive("setting the text")
        self._put("text", value)

    text = property(_get, _set)


@define()
class InvisibleButton(Widget):
    """A place to click."""

    def _click(self) -> None:
        self._fire("clicked_fn")


@define("(text='')")
class Button(InvisibleButton):
    """A button with a text, an image, or both."""

    def _begin(self, text="") -> None:  # type: ignore[override]
        self._put("text", text)


class _Checkable(ValueWidget):
    """A widget with a bool; a click turns it over."""

    def _make_model(self) -> SimpleBoolModel:
        return SimpleBoolModel(False)

    def _click(self) -> None:
        self.model.set_value(not self.model.get_value_as_bool())


@define("(model=None)")
class CheckBox(_Checkable):
    """A box to check."""


@define("(model=None)")
class ToolButton(Button):
    """A button that stays pressed."""

    model = ValueWidget.model
    _get_model, _put_model, _check_model = ValueWidget._get_model, ValueWidget._put_model, ValueWidget._check_model

    def _begin(self, model=None) -> None:  # type: ignore[override]
        self._model = SimpleBoolModel(False) if model is None else self._check_model(model)

    def _click(self) -> None:
        self._model.set_value(not self._model.get_value_as_bool())
        super()._click()


class RadioCollection:
    """Radio buttons of which one is chosen: ``model`` holds its index."""

    _kit_double = True

    def __init__(self, model=None) -> None:
        self.model = SimpleIntModel(0) if model is None else model
        self._buttons: list[RadioButton] = []


@define("()")
class RadioButton(ToolButton):
    """One of a collection."""

    def _begin(self) -> None:  # type: ignore[override]
        super()._begin()
        collection = self._values.get("radio_collection")
        if not isinstance(collection, RadioCollection):
            raise TypeError("ui.RadioButton needs radio_collection=ui.RadioCollection()")
        collection._buttons.append(self)

    def _click(self) -> None:
        collection = self._values["radio_collection"]
        collection.model.set_value(collection._buttons.index(self))
        self._fire("clicked_fn")


@define("(url='')", fill_policy=FillPolicy)
class Image(Widget):
    """A picture from a file."""

    def _begin(self, url="") -> None:  # type: ignore[override]
        self._source_url = check_picture("ui.Image: the url", url)

    def _get(self) -> str:
        return self._source_url

    def _set(self, url: str) -> None:
        self._check_alive("setting the url")
        self._source_url = check_picture("ui.Image: the url", url)

    source_url = property(_get, _set)


@define()
class Spacer(Widget):
    """Room."""


@define()
class Shape(Widget):
    """A drawn figure."""


@define()
class Line(Shape):
    """A line."""


@define()
class Rectangle(Shape):
    """A rectangle."""


@define()
class Circle(Shape):
    """A circle."""


@define()
class Ellipse(Shape):
    """An ellipse."""


@define()
class Triangle(Shape):
    """A triangle."""


@define("(text='')")
class MenuItem(Widget):
    """A line of a menu."""

    def _begin(self, text="") -> None:  # type: ignore[override]
        self._put("text", text)
        if not isinstance(self, Menu) and not _in_menu(self):
            raise RuntimeError(
                f"ui.{self._table} {text!r} stands outside a ui.Menu; in a panel use ui.Line or ui.Button"
            )

    def _click(self) -> None:
        if self._values.get("checkable"):
            self.checked = not self.checked
        self._fire("triggered_fn")


@define("(text='')")
class Separator(MenuItem):
    """A line between the lines of a menu; in a panel use ``ui.Line``."""


@define("(text='')")
class Menu(Stack):
    """A menu; as a context menu it stands in no container."""

    def _begin(self, text="") -> None:  # type: ignore[override]
        self._put("text", text)
        self._open_at: tuple[float, float] | None = None

    def _place(self) -> None:
        if self._ui.open:
            super()._place()
        else:
            self._ui.kit.resources.add("menu", self._label(), self)

    def _end(self) -> None:
        super()._end()
        self._ui.kit.resources.discard(self)

    def _changed(self, key: str, value: Any) -> None:
        if key == "checked":
            self._fire("checked_changed_fn", value)

    def show(self):
        """Opens it at the mouse."""
        self.show_at(0.0, 0.0)

    def show_at(self, x, y):
        """Opens it."""
        self._check_alive("showing")
        self._open_at = (float(x), float(y))
        if "on_build_fn" in self._callbacks:
            with self:
                self._fire("on_build_fn")
        self._fire("shown_changed_fn", True)

    def hide(self):
        """Closes it."""
        self._open_at = None
        self._fire("shown_changed_fn", False)

    def invalidate(self):
        """Builds its content anew when it is opened next."""
        self.clear()

    shown = property(lambda self: self._open_at is not None)


@define("(text='')")
class MenuItemCollection(Menu):
    """Lines of a menu of which one is checked."""


@define()
class MenuBar(Menu):
    """The menus of a window."""

    def _begin(self) -> None:  # type: ignore[override]
        self._open_at = None


def _in_menu(widget: Widget) -> bool:
    at = widget._parent
    while at is not None:
        if isinstance(at, Menu):
            return True
        at = getattr(at, "_parent", None)
    return False
