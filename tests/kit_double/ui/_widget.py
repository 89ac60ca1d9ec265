"""The base of every widget: a constructor as wide as the table, properties, callbacks, and a place in the tree."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from .._strict import StrictObject, bind, check_callable, check_plain, nearest, signature_of
from ._state import state
from ._values import CALLBACK_ARITY, Length, Pixel, check_keyword, start_value

TABLE = Path(__file__).parents[1] / "data" / "omni_ui_kwargs.json"


@cache
def table() -> dict[str, frozenset[str]]:
    """Every keyword of every class."""
    classes = json.loads(TABLE.read_text())["classes"]

    def keywords(name: str) -> frozenset[str]:
        row = classes[name]
        return frozenset(row["own"]).union(*[keywords(base) for base in row["bases"]])

    return {name: keywords(name) for name in classes}


def define(positional: str = "()", **enums: type) -> Callable[[type], type]:
    """Finishes a class of the table: its positional arguments, its properties and ``set_<event>_fn``.

    Args:
        positional: What the constructor takes by position, as a signature.
        enums: Keywords whose enum differs from the usual one of that name.
    """

    def finish(cls: type) -> type:
        cls._table, cls._positional, cls._enums = cls.__name__, signature_of(positional), enums  # type: ignore[attr-defined]
        cls._kit_double = True  # type: ignore[attr-defined]
        for key in table()[cls.__name__]:
            if key.endswith("_fn"):
                add_callback(cls, key)
            elif not hasattr(cls, key):
                setattr(cls, key, _property(key))
        return cls

    return finish


def add_callback(cls: type, key: str) -> None:
    """Gives a class ``set_``, ``has_`` and ``call_`` of a callback; the change of a property has ``set_`` alone."""
    event = key.removesuffix("_fn")
    methods = {
        f"set_{key}": lambda self, fn: self._set_callback(key, fn),
        f"has_{key}": lambda self: self._callbacks.get(key) is not None,
        f"call_{key}": lambda self, *args: self._fire(key, *args),
    }
    if key.endswith("_changed_fn") and key not in ("selection_changed_fn", "computed_content_size_changed_fn"):
        methods = {f"set_{key}": methods[f"set_{key}"]}
    for name, method in methods.items():
        if not hasattr(cls, name):
            method.__name__ = name
            method.__doc__ = f"The callback of {event}."
            setattr(cls, name, method)


def _property(key: str) -> property:
    def get(self: Any) -> Any:
        self._check_alive(f"reading {key}")
        value = self._values.get(key, start_value(key))
        return Pixel(value) if key in ("width", "height") and not isinstance(value, Length) else value

    def put(self: Any, value: Any) -> None:
        self._check_alive(f"setting {key}")
        self._put(key, value)

    return property(get, put)


class Element(StrictObject):
    """What widgets and windows share: keywords from the table, properties, callbacks, and an end."""

    _kit_double = True
    _table = ""
    _positional = inspect.Signature()
    _enums: dict[str, type] = {}

    def _start(self, args: tuple, kwargs: dict[str, Any]) -> dict[str, Any]:
        """Checks the arguments and applies the keywords; returns what went by position, by name."""
        ui = state()
        name = f"omni.ui.{self._table}"
        ui.kit.check_thread(name)
        self._values: dict[str, Any] = {}
        self._callbacks: dict[str, Any] = {}
        self._destroyed = False
        self._hint = args[0] if args and isinstance(args[0], str) else ""  # tells it apart until it has a text
        self._ui = ui
        placed = {p.name for p in self._positional.parameters.values() if p.kind is not p.VAR_POSITIONAL}
        allowed = table()[self._table]
        for key in kwargs:
            if key not in allowed and key not in placed:
                raise TypeError(
                    f"{name} takes no keyword {key!r}{nearest(key, allowed | placed)}; real Kit ignores it silently"
                )
        bound = bind(name, self._positional, args, {k: v for k, v in kwargs.items() if k in placed})
        ui.kit.journal.add(name, {**bound.arguments, **kwargs})
        bound.apply_defaults()
        if "style_type_name_override" in kwargs:
            ui.overrides.add(str(kwargs["style_type_name_override"]))
        for key, value in kwargs.items():
            if key in placed:
                continue
            if key.endswith("_fn"):
                self._set_callback(key, value)
            else:
                self._values[key] = self._checked(key, value)
        return dict(bound.arguments)

    def _checked(self, key: str, value: Any) -> Any:
        types = set(table()) | self._ui.overrides
        value = check_keyword(self._table, key, value, types, self._enums)
        return dict(value) if key == "style" else value

    def _put(self, key: str, value: Any) -> None:
        self._ui.kit.check_thread(f"setting omni.ui.{self._table}.{key}")
        value = self._checked(key, value)
        before = self._values.get(key, start_value(key))
        self._values[key] = value
        if before is not value and before != value:
            self._changed(key, value)

    def _changed(self, key: str, value: Any) -> None:
        """A property has another value now."""

    def _set_callback(self, key: str, fn: Any) -> None:
        self._check_alive(f"setting {key}")
        check_callable(f"omni.ui.{self._table}: {key}", fn, CALLBACK_ARITY[key])
        self._callbacks[key] = fn

    def _fire(self, key: str, *args: Any) -> Any:
        fn = None if self._destroyed else self._callbacks.get(key)
        return None if fn is None else self._ui.call(self, f"{self!r}: {key}", fn, *args)

    def _check_alive(self, doing: str) -> None:
        if self.__dict__.get("_values") is None:
            raise RuntimeError(f"{type(self).__name__}.__init__() did not call super().__init__()")
        if self._destroyed:
            raise RuntimeError(f"{doing} of a destroyed ui.{self._table} {self._label()!r}")

    def _label(self) -> str:
        """What tells this one from its like, in messages."""
        for key in ("identifier", "text", "title", "name"):
            if value := self.__dict__.get("_values", {}).get(key):
                return str(value)
        return self.__dict__.get("_hint", "")

    def __repr__(self) -> str:
        return f"<ui.{self._table} {self._label()!r}>"


class Widget(Element):
    """Anything that stands in a window."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._parent: Any = None
        self._children: list[Widget] = []
        placed = self._start(args, kwargs)
        self._place()
        self._begin(**placed)

    def _begin(self) -> None:
        """Takes what went by position."""

    def _place(self) -> None:
        """Goes into the container that is open.

        Raises:
            RuntimeError: none is.
        """
        if not self._ui.open:
            raise RuntimeError(
                f"ui.{self._table} {self._label()!r} was made outside a container; "
                "make it inside `with window.frame:`, another container or a build_fn"
            )
        self._ui.open[-1]._adopt(self)

    def destroy(self):
        """Ends the widget and what is in it; ending it twice is nothing."""
        if self._destroyed:
            return
        self._ui.refuse_inside(self, f"{self!r} was destroyed")
        self._end()

    def _end(self) -> None:
        for child in list(self._children):
            child._end()
        siblings = self._parent._children if isinstance(self._parent, Widget) else []
        if self in siblings:
            siblings.remove(self)
        self._destroyed = True
        self._callbacks.clear()

    def set_style(self, style):
        """Replaces the style."""
        self._check_alive("setting the style")
        self._put("style", style)

    def set_tooltip(self, tooltip_label):
        """The text that is shown when the mouse rests here."""
        self._put("tooltip", tooltip_label)

    def scroll_here(self, center_ratio_x=0.0, center_ratio_y=0.0):
        """Scrolls the frames around it."""
        self._check_alive("scrolling to")

    def scroll_here_x(self, center_ratio=0.0):
        """Scrolls the frames around it."""
        self._check_alive("scrolling to")

    def scroll_here_y(self, center_ratio=0.0):
        """Scrolls the frames around it."""
        self._check_alive("scrolling to")

    # Nothing is laid out: a size is what was asked for in pixels, a position is zero.
    computed_width = property(lambda self: self._pixels("width"))
    computed_height = property(lambda self: self._pixels("height"))
    computed_content_width = property(lambda self: self._pixels("width"))
    computed_content_height = property(lambda self: self._pixels("height"))
    screen_position_x = property(lambda self: 0.0)
    screen_position_y = property(lambda self: 0.0)

    def _pixels(self, key: str) -> float:
        value = self._values.get(key, 0.0)
        return float(value.value if isinstance(value, Pixel) else 0.0 if isinstance(value, Length) else value)

    @property
    def _shown(self) -> bool:
        """Whether it and all around it is visible."""
        at: Any = self
        while at is not None:
            if at._destroyed or not at.visible:
                return False
            above = getattr(at, "_parent", None)
            if above is not None and getattr(above, "_hides", lambda child: False)(at):
                return False
            at = above
        return True

    @property
    def _window(self) -> Any:
        """The window that it stands in, or None."""
        at: Any = self
        while isinstance(at, Widget):
            at = at._parent
        return at

    def _draw(self) -> None:
        for child in list(self._children):
            if child.visible:
                child._draw()


define()(Widget)


class ValueWidget(Widget):
    """A widget with a value model; ``_make_model`` gives the one that it makes itself."""

    _model_base: type

    def _begin(self, model=None) -> None:  # type: ignore[override]
        self._model = self._make_model() if model is None else self._check_model(model)

    def _make_model(self) -> Any:
        raise NotImplementedError

    def _check_model(self, model: Any) -> Any:
        from ._models import AbstractValueModel

        if not isinstance(model, AbstractValueModel):
            raise TypeError(f"ui.{self._table} takes a value model, got {type(model).__name__}")
        return model

    def _get_model(self) -> Any:
        self._check_alive("reading the model")
        return self._model

    def _put_model(self, model: Any) -> None:
        self._check_alive("setting the model")
        self._model = self._check_model(model)

    model = property(_get_model, _put_model)


def check_range(widget: Any) -> None:
    """``min`` lies below ``max`` where both are given.

    Raises:
        ValueError: it does not.
    """
    low, high = widget._values.get("min"), widget._values.get("max")
    for value in (low, high):
        check_plain(f"ui.{widget._table}: a limit", 0 if value is None else value, (int, float))
    if low is not None and high is not None and low >= high:
        raise ValueError(f"ui.{widget._table} {widget._label()!r}: min {low} does not lie below max {high}")
