"""Fields to type into, sliders, choices: widgets with a model that holds a number, a text or several."""

from __future__ import annotations

from typing import Any

from .._strict import check_plain
from ._models import (
    AbstractItemModel,
    ListModel,
    NumberItem,
    SimpleFloatModel,
    SimpleIntModel,
    SimpleStringModel,
    TextItem,
)
from ._widget import ValueWidget, Widget, check_range, define


@define("(model=None)")
class AbstractField(ValueWidget):
    """A field to type into."""

    def _make_model(self) -> Any:
        return SimpleStringModel("")

    def _parse(self, text: str) -> Any:
        """What the typed text sets, or None where the field ignores it."""
        return text

    def focus_keyboard(self, focus=True):
        """Puts the cursor in, or takes it out."""
        self._check_alive("focusing")
        check_plain("focus_keyboard: focus", focus, bool)

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
