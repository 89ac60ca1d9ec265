"""omni.ui's models: values that notify when they change, and items with one value model for each column.

A subscription lives as long as somebody holds it. Who drops what ``subscribe_value_changed_fn`` returned is no longer
told, here as in Kit.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from .._strict import StrictObject, check_callable, check_plain
from ._state import state

SCALARS = (bool, int, float, str)


class Subscription(StrictObject):
    """Holds a callback in its list; dropping it, or ``unsubscribe()``, takes the callback out."""

    _kit_double = True

    def __init__(self, callbacks: Callbacks, function: Callable[..., Any], what: str) -> None:
        self._function: Callable[..., Any] | None = function
        callbacks.weak.append(weakref.ref(self))
        state().kit.resources.add("subscription", what, self, weak=True)

    def unsubscribe(self) -> None:
        """Stops being told."""
        self._function = None
        state().kit.resources.discard(self)


class Callbacks:
    """The callbacks of one event: by number, and by subscription."""

    def __init__(self, what: str, arity: int) -> None:
        self.what, self.arity = what, arity
        self.numbered: dict[int, Callable[..., Any]] = {}
        self.weak: list[weakref.ref[Subscription]] = []
        self._next = 0

    def add(self, fn: Callable[..., Any]) -> int:
        check_callable(self.what, fn, self.arity, optional=False)
        self._next += 1
        self.numbered[self._next] = fn
        return self._next

    def remove(self, number: int) -> None:
        if number not in self.numbered:
            raise ValueError(f"{self.what}: there is no callback {number!r}; removed twice?")
        del self.numbered[number]

    def subscribe(self, fn: Callable[..., Any]) -> Subscription:
        check_callable(self.what, fn, self.arity, optional=False)
        return Subscription(self, fn, self.what)

    def fire(self, *args: Any) -> None:
        state().kit.check_thread(self.what)
        self.weak = [ref for ref in self.weak if (held := ref()) is not None and held._function is not None]
        functions = list(self.numbered.values()) + [held._function for ref in self.weak if (held := ref()) is not None]
        for function in functions:
            if function is not None:
                state().call(None, self.what, function, *args)


def _with_events(**arities: int) -> Callable[[type], type]:
    """Gives a class ``add_<event>_fn``, ``remove_<event>_fn`` and ``subscribe_<event>_fn``."""

    def finish(cls: type) -> type:
        for event, arity in arities.items():

            def find(self: Any, event: str = event, arity: int = arity) -> Callbacks:
                return self._callbacks(event, arity)

            setattr(cls, f"add_{event}_fn", lambda self, fn, find=find: find(self).add(fn))
            setattr(cls, f"remove_{event}_fn", lambda self, id, find=find: find(self).remove(id))
            setattr(cls, f"subscribe_{event}_fn", lambda self, fn, find=find: find(self).subscribe(fn))
        return cls

    return finish


class _Notifier(StrictObject):
    """Keeps callbacks by event. A Python subclass may forget ``super().__init__()``; in Kit that is an error too."""

    _kit_double = True

    def __init__(self) -> None:
        self._events: dict[str, Callbacks] = {}

    def _callbacks(self, event: str, arity: int) -> Callbacks:
        events = self.__dict__.get("_events")
        if events is None:
            raise TypeError(
                f"{type(self).__name__}.__init__() must call super().__init__() when it derives from a ui model"
            )
        return events.setdefault(event, Callbacks(f"{type(self).__name__}: {event}_fn", arity))


@_with_events(value_changed=1, begin_edit=1, end_edit=1)
class AbstractValueModel(_Notifier):
    """One value; a subclass overrides ``get_value_as_*`` and ``set_value``."""

    def get_value_as_bool(self):
        raise NotImplementedError(f"{type(self).__name__} must override get_value_as_bool")

    def get_value_as_int(self):
        raise NotImplementedError(f"{type(self).__name__} must override get_value_as_int")

    def get_value_as_float(self):
        raise NotImplementedError(f"{type(self).__name__} must override get_value_as_float")

    def get_value_as_string(self):
        raise NotImplementedError(f"{type(self).__name__} must override get_value_as_string")

    def set_value(self, value):
        raise NotImplementedError(f"{type(self).__name__} must override set_value")

    def begin_edit(self):
        self._callbacks("begin_edit", 1).fire(self)

    def end_edit(self):
        self._callbacks("end_edit", 1).fire(self)

    def _value_changed(self) -> None:
        self._callbacks("value_changed", 1).fire(self)

    as_bool = property(lambda self: self.get_value_as_bool(), lambda self, value: self.set_value(value))
    as_int = property(lambda self: self.get_value_as_int(), lambda self, value: self.set_value(value))
    as_float = property(lambda self: self.get_value_as_float(), lambda self, value: self.set_value(value))
    as_string = property(lambda self: self.get_value_as_string(), lambda self, value: self.set_value(value))


class _SimpleModel(AbstractValueModel):
    """A value of one Python type; setting an equal one tells nobody."""

    _type: type = str

    def __init__(self, default_value=None, **limits):
        super().__init__()
        unknown = set(limits) - ({"min", "max"} if self._type in (int, float) else set())
        if unknown:
            raise TypeError(f"ui.{type(self).__name__} takes no keyword {sorted(unknown)[0]!r}")
        self._min, self._max = limits.get("min"), limits.get("max")
        if self._min is not None and self._max is not None and self._min > self._max:
            raise ValueError(f"ui.{type(self).__name__}: min {self._min} lies above max {self._max}")
        self._value = self._convert(self._type() if default_value is None else default_value)

    def _convert(self, value: Any) -> Any:
        check_plain(f"ui.{type(self).__name__}'s value", value, SCALARS)
        if self._type is str:
            return str(value)
        try:
            made = self._type(value)
        except ValueError:
            raise ValueError(f"ui.{type(self).__name__} cannot take the text {value!r}") from None
        if self._min is not None:
            made = max(made, self._min)
        return made if self._max is None else min(made, self._max)

    def get_value_as_bool(self):
        return bool(self._value)

    def get_value_as_int(self):
        return _number(self._value, int)

    def get_value_as_float(self):
        return _number(self._value, float)

    def get_value_as_string(self):
        return str(self._value)

    def set_value(self, value):
        made = self._convert(value)
        if made != self._value:
            self._value = made
            self._value_changed()


def _number(value: Any, kind: type) -> Any:
    try:
        return kind(float(value)) if isinstance(value, str) else kind(value)
    except ValueError:
        return kind()


def _limit(name: str) -> property:
    def put(self: Any, value: Any) -> None:
        setattr(self, f"_{name}", check_plain(f"ui.{type(self).__name__}.{name}", value, (int, float)))

    return property(lambda self: getattr(self, f"_{name}"), put)


class SimpleStringModel(_SimpleModel):
    """A text."""


class SimpleBoolModel(_SimpleModel):
    """True or False."""

    _type = bool


class SimpleIntModel(_SimpleModel):
    """An integer, clamped to ``min`` and ``max`` where they are given."""

    _type = int
    min, max = _limit("min"), _limit("max")


class SimpleFloatModel(_SimpleModel):
    """A number, clamped to ``min`` and ``max`` where they are given."""

    _type = float
    min, max = _limit("min"), _limit("max")


class AbstractItem(StrictObject):
    """A row of an item model."""

    _kit_double = True

    def __init__(self) -> None:
        pass


@_with_events(item_changed=2, begin_edit=2, end_edit=2)
class AbstractItemModel(_Notifier):
    """Rows with a value model for each column; a subclass overrides what it needs."""

    def get_item_children(self, item=None):
        return []

    def can_item_have_children(self, parentItem=None):
        return True

    def get_item_value_model_count(self, item=None):
        return 1

    def get_item_value_model(self, item=None, column_id=0):
        return None

    def begin_edit(self, item):
        self._callbacks("begin_edit", 2).fire(self, item)

    def end_edit(self, item):
        self._callbacks("end_edit", 2).fire(self, item)

    def get_drag_mime_data(self, item):
        return ""

    def drop_accepted(self, item_target, item_source, drop_location=-1):
        return False

    def drop(self, item_target, item_source, drop_location=-1):
        pass

    def _item_changed(self, item) -> None:
        if item is not None and not isinstance(item, AbstractItem):
            raise TypeError(f"_item_changed takes an AbstractItem or None, got {type(item).__name__}")
        self._callbacks("item_changed", 2).fire(self, item)


class AbstractItemDelegate(StrictObject):
    """Builds the widgets of a TreeView's rows."""

    _kit_double = True

    def __init__(self) -> None:
        pass

    def build_branch(self, model, item=None, column_id=0, level=0, expanded=False):
        pass

    def build_widget(self, model, item=None, index=0, level=0, expanded=False):
        pass

    def build_header(self, column_id=0):
        pass


class TextItem(AbstractItem):
    """A row of the model that a ComboBox makes of its texts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._model = SimpleStringModel(text)


class NumberItem(AbstractItem):
    """A column of the model that a multi-field makes of its numbers."""

    def __init__(self, model: AbstractValueModel) -> None:
        super().__init__()
        self._model = model


class ListModel(AbstractItemModel):
    """The model that a ComboBox or a multi-field makes of its arguments; the root's value is the selected index."""

    def __init__(self, index: int, items: list[AbstractItem]) -> None:
        super().__init__()
        self._index = SimpleIntModel(index)
        self._items = items
        self._index.add_value_changed_fn(lambda _: self._item_changed(None))
        for item in items:
            item._model.add_value_changed_fn(lambda _, item=item: self._item_changed(item))

    def get_item_children(self, item=None):
        return list(self._items) if item is None else []

    def get_item_value_model(self, item=None, column_id=0):
        return self._index if item is None else item._model

    def append_child_item(self, parentItem, model):
        """Adds a row with this value model."""
        item = NumberItem(model)
        self._items.append(item)
        self._item_changed(parentItem)
        return item

    def remove_item(self, item):
        """Takes a row out."""
        self._items.remove(item)
        self._item_changed(None)
