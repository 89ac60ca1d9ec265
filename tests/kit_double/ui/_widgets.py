"""Leaves: labels, buttons, fields, sliders, choices, shapes and menus."""

from __future__ import annotations

from typing import Any

from .._strict import check_plain
from ._containers import Stack
from ._models import (
    AbstractItemModel,
    ListModel,
    NumberItem,
    SimpleBoolModel,
    SimpleFloatModel,
    SimpleIntModel,
    SimpleStringModel,
    TextItem,
)
from ._values import FillPolicy
from ._widget import ValueWidget, Widget, check_range, define


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


@define("(model=None)")
class AbstractField(ValueWidget):
    """A field to type into."""

    def _make_model(self) -> Any:
        return SimpleStringModel("")

    def _parse(self, text: str) -> Any:
        """What the typed text sets, or None where the field ignores it."""
        return text

    def _type(self, text: str) -> None:
        """The user replaces the content and leaves the field."""
        if self._values.get("read_only"):
            raise RuntimeError(f"{self!r} is read-only")
        value = self._parse(text)
        self.model.begin_edit()
        if value is not None:
            self.model.set_value(value)
        self.model.end_edit()


@define("(model=None)")
class StringField(AbstractField):
    """A text."""


@define("(model=None)")
class StringFieldLimited(StringField):
    """A text of limited length."""


@define("(model=None)")
class FloatField(AbstractField):
    """A number."""

    def _make_model(self) -> Any:
        return SimpleFloatModel(0.0)

    def _parse(self, text: str) -> float | None:
        return _number_or_none(text, float)


@define("(model=None)")
class IntField(AbstractField):
    """An integer."""

    def _make_model(self) -> Any:
        return SimpleIntModel(0)

    def _parse(self, text: str) -> int | None:
        return _number_or_none(text, int)


def _number_or_none(text: str, kind: type) -> Any:
    """ImGui lets only what makes a number be typed."""
    try:
        return kind(text)
    except ValueError:
        return None


@define("(model=None)")
class AbstractSlider(AbstractField):
    """A number to drag."""

    _number: type = float

    def _begin(self, model=None) -> None:  # type: ignore[override]
        super()._begin(model)
        check_range(self)

    def _make_model(self) -> Any:
        return SimpleFloatModel(0.0) if self._number is float else SimpleIntModel(0)

    def _parse(self, text: str) -> Any:
        value = _number_or_none(text, self._number)
        low, high = self._values.get("min"), self._values.get("max")
        if value is None:
            return None
        value = value if low is None else max(value, self._number(low))
        return value if high is None else min(value, self._number(high))


@define("(model=None)")
class FloatSlider(AbstractSlider):
    """A number between two."""


@define("(model=None)")
class FloatDrag(FloatSlider):
    """A number to drag."""


@define("(model=None)")
class IntSlider(AbstractSlider):
    """An integer between two."""

    _number = int


@define("(model=None)")
class IntDrag(IntSlider):
    """An integer to drag."""


@define("(model=None)")
class UIntSlider(AbstractSlider):
    """An integer between two, from zero."""

    _number = int


@define("(model=None)")
class UIntDrag(UIntSlider):
    """An integer to drag, from zero."""


@define("(model=None)")
class ProgressBar(ValueWidget):
    """A share between 0 and 1."""

    def _make_model(self) -> Any:
        return SimpleFloatModel(0.0)


class _ItemWidget(Widget):
    """A widget with an item model."""

    def _check_items(self, model: Any) -> AbstractItemModel:
        if not isinstance(model, AbstractItemModel):
            raise TypeError(f"ui.{self._table} takes an AbstractItemModel, got {type(model).__name__}")
        return model

    def _get_model(self) -> AbstractItemModel:
        self._check_alive("reading the model")
        return self._model

    def _put_model(self, model: AbstractItemModel) -> None:
        self._check_alive("setting the model")
        self._model = self._check_items(model)

    model = property(_get_model, _put_model)


@define("(*args)")
class ComboBox(_ItemWidget):
    """A choice: ``ComboBox(index, *texts)`` or ``ComboBox(model)``."""

    def _begin(self, args=()) -> None:  # type: ignore[override]
        if len(args) == 1 and not isinstance(args[0], (int, str)):
            self._model = self._check_items(args[0])
            return
        index, *texts = args or (0,)
        check_plain("ui.ComboBox: the index", index, int)
        for text in texts:
            check_plain("ui.ComboBox: an item", text, str)
        self._model = ListModel(index, [TextItem(text) for text in texts])

    def _texts(self) -> list[str]:
        """What can be chosen."""
        items = self._model.get_item_children(None)
        return [self._model.get_item_value_model(item, 0).get_value_as_string() for item in items]

    def _chosen(self) -> str:
        """The text that is shown."""
        texts, index = self._texts(), self._model.get_item_value_model(None, 0).get_value_as_int()
        return texts[index] if 0 <= index < len(texts) else ""


@define("(*args)")
class AbstractMultiField(_ItemWidget):
    """Several values side by side."""

    _number: type = float

    def _begin(self, args=()) -> None:  # type: ignore[override]
        check_range(self)
        if len(args) == 1 and isinstance(args[0], AbstractItemModel):
            self._model = args[0]
            return
        kinds = (int, float) if self._number is float else self._number
        makers = {float: SimpleFloatModel, int: SimpleIntModel, str: SimpleStringModel}
        models = [makers[self._number](self._number(check_plain("a value", v, kinds))) for v in args]
        self._model = ListModel(0, [NumberItem(model) for model in models])


@define("(*args)")
class MultiFloatField(AbstractMultiField):
    """Numbers."""


@define("(*args)")
class MultiFloatDragField(AbstractMultiField):
    """Numbers to drag."""


@define("(*args)")
class MultiIntField(AbstractMultiField):
    """Integers."""

    _number = int


@define("(*args)")
class MultiIntDragField(AbstractMultiField):
    """Integers to drag."""

    _number = int


@define("(*args)")
class MultiStringField(AbstractMultiField):
    """Texts."""

    _number = str


@define("(*args)")
class ColorWidget(_ItemWidget):
    """Red, green, blue and perhaps alpha between 0 and 1."""

    def _begin(self, args=()) -> None:  # type: ignore[override]
        if len(args) == 1:
            self._model = self._check_items(args[0])
            return
        if len(args) not in (0, 3, 4):
            raise TypeError(f"ui.ColorWidget takes an item model or 3 or 4 numbers, got {len(args)}")
        values = [float(check_plain("ui.ColorWidget: a value", v, (int, float))) for v in args or (0, 0, 0, 1)]
        self._model = ListModel(0, [NumberItem(SimpleFloatModel(v)) for v in values])


@define("(url='')", fill_policy=FillPolicy)
class Image(Widget):
    """A picture from a file."""

    def _begin(self, url="") -> None:  # type: ignore[override]
        self._source_url = check_plain("ui.Image: the url", url, str)

    def _get(self) -> str:
        return self._source_url

    def _set(self, url: str) -> None:
        self._check_alive("setting the url")
        self._source_url = check_plain("ui.Image: the url", url, str)

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
