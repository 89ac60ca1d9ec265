"""TreeView: rows of an item model, built by a delegate."""

from __future__ import annotations

from typing import Any

from ._containers import Container
from ._models import AbstractItem, AbstractItemDelegate, AbstractItemModel
from ._widget import Widget, define
from ._widgets import Label


class _Cell(Container):
    """One cell of a row; the delegate's widgets stand in it."""

    def _place(self) -> None:
        """The view places it."""


_Cell._table = "VStack"


@define("(model=None)")
class TreeView(Widget):
    """Shows a model; a change of the model shows at the next draw."""

    def _begin(self, model=None) -> None:  # type: ignore[override]
        self._model: AbstractItemModel | None = None
        self._stale = True
        self._expanded: dict[int, bool] = {}
        self._watching: Any = None
        if model is not None:
            self.model = model
        delegate = self._values.get("delegate")
        if delegate is not None and not isinstance(delegate, AbstractItemDelegate):
            raise TypeError(f"ui.TreeView: delegate must be an AbstractItemDelegate, got {type(delegate).__name__}")

    def _get_model(self) -> AbstractItemModel | None:
        self._check_alive("reading the model")
        return self._model

    def _put_model(self, model: AbstractItemModel) -> None:
        self._check_alive("setting the model")
        if not isinstance(model, AbstractItemModel):
            raise TypeError(f"ui.TreeView takes an AbstractItemModel, got {type(model).__name__}")
        if self._watching is not None:
            self._model.remove_item_changed_fn(self._watching)  # type: ignore[union-attr]
        self._model, self._stale = model, True
        self._watching = model.add_item_changed_fn(lambda _model, _item: self._mark_stale())  # type: ignore[attr-defined]

    model = property(_get_model, _put_model)

    def _mark_stale(self) -> None:
        self._stale = True

    def dirty_widgets(self):
        """Builds every row anew at the next draw."""
        self._check_alive("rebuilding")
        self._stale = True

    def set_expanded(self, item, expanded, recursive):
        """Opens or closes a branch."""
        self._check_alive("expanding")
        self._expanded[id(item)] = bool(expanded)
        if recursive and self._model is not None:
            for child in self._model.get_item_children(item):
                self.set_expanded(child, expanded, True)
        self._stale = True

    def is_expanded(self, item):
        """Whether a branch is open."""
        return self._expanded.get(id(item), bool(self.root_expanded) if item is None else False)

    def toggle_selection(self, item):
        """Selects an item, or takes it out of the selection."""
        chosen = list(self.selection)
        chosen.remove(item) if item in chosen else chosen.append(item)
        self.selection = chosen

    def clear_selection(self):
        """Selects nothing."""
        self.selection = []

    def _changed(self, key: str, value: Any) -> None:
        if key == "selection":
            for item in value:
                if not isinstance(item, AbstractItem):
                    raise TypeError(f"ui.TreeView: a selected item is an AbstractItem, got {type(item).__name__}")
            self._fire("selection_changed_fn", value)

    def _draw(self) -> None:
        if self._stale and self._model is not None:
            self._stale = False
            for child in list(self._children):
                child._end()
            self._build()
        super()._draw()

    def _build(self) -> None:
        model = self._model
        assert model is not None
        columns = model.get_item_value_model_count(None)
        if self._values.get("header_visible", False):
            for column in range(columns):
                self._cell(f"header {column}", lambda d, c=column: d.build_header(c))
        if self._values.get("root_visible", False):
            self._row(None, 0)
        else:
            self._rows(None, 0)

    def _rows(self, parent: Any, level: int) -> None:
        for item in self._model.get_item_children(parent):  # type: ignore[union-attr]
            if not isinstance(item, AbstractItem):
                raise TypeError(f"get_item_children must give AbstractItems, got {type(item).__name__}")
            self._row(item, level)

    def _row(self, item: Any, level: int) -> None:
        model, is_open = self._model, self.is_expanded(item)
        for column in range(model.get_item_value_model_count(item)):  # type: ignore[union-attr]
            self._cell(f"row {level}.{column}", lambda d, c=column: self._build_cell(d, model, item, c, level, is_open))
        if is_open or item is None:
            self._rows(item, level + 1)

    def _build_cell(self, delegate: Any, model: Any, item: Any, column: int, level: int, is_open: bool) -> None:
        if column == 0 and model.get_item_children(item):
            delegate.build_branch(model, item, column, level, is_open)
        delegate.build_widget(model, item, column, level, is_open)

    def _cell(self, name: str, build: Any) -> None:
        cell = _Cell(name=name)
        cell._parent = self
        self._children.append(cell)
        delegate = self._values.get("delegate") or _TextDelegate()
        with cell:
            self._ui.call(self, f"{self!r}: the delegate", build, delegate)


class _TextDelegate(AbstractItemDelegate):
    """Kit's own: the value as text."""

    def build_widget(self, model, item=None, index=0, level=0, expanded=False):
        value = model.get_item_value_model(item, index)
        Label(value.get_value_as_string() if value is not None else "")

    def build_header(self, column_id=0):
        Label("")
