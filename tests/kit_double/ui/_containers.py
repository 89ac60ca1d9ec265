"""Containers: stacks, grids, and frames that build their content when they are drawn."""

from __future__ import annotations

from typing import Any

from ._values import Direction
from ._widget import Widget, define


@define()
class Container(Widget):
    """A widget that others are made in: ``with ui.VStack():``."""

    def __enter__(self):
        self._check_alive("entering")
        self._ui.open.append(self)
        return self

    def __exit__(self, *exc):
        if not self._ui.open or self._ui.open[-1] is not self:
            raise RuntimeError(f"{self!r} was left in another order than it was entered")
        self._ui.open.pop()

    def _adopt(self, widget: Widget) -> None:
        widget._parent = self
        self._children.append(widget)

    def add_child(self, widget):
        """Moves a widget in here."""
        if widget._parent is not None:
            widget._parent._children.remove(widget)
        self._adopt(widget)

    def clear(self):
        """Ends what is in it."""
        self._check_alive("clearing")
        self._ui.refuse_inside(self, f"{self!r} was cleared")
        for child in list(self._children):
            child._end()


@define()
class Stack(Container):
    """Children along a direction."""


def _directed(way: Direction) -> Any:
    """Stacks of a fixed direction; the keyword stays in the table, as in Kit."""

    def begin(self: Stack) -> None:
        self._values.setdefault("direction", way)

    return begin


@define()
class VStack(Stack):
    """Children from top to bottom."""

    _begin = _directed(Direction.TOP_TO_BOTTOM)


@define()
class HStack(Stack):
    """Children from left to right."""

    _begin = _directed(Direction.LEFT_TO_RIGHT)


@define()
class ZStack(Stack):
    """Children one over the other."""

    _begin = _directed(Direction.BACK_TO_FRONT)


@define()
class Grid(Stack):
    """Children in cells."""


@define()
class VGrid(Grid):
    """Cells row after row."""


@define()
class HGrid(Grid):
    """Cells column after column."""


@define()
class Placer(Container):
    """A child at an offset."""


@define()
class Frame(Container):
    """Holds one child, made in a ``with`` or by ``build_fn`` when it is drawn."""

    _filled = False  # by the `with` that is open
    _dirty = False  # has to be built at the next draw

    def __enter__(self):
        self._filled = False
        return super().__enter__()

    def _adopt(self, widget: Widget) -> None:
        if self._filled and self._children:
            raise RuntimeError(f"{self!r} holds one widget and has {self._children[0]!r} already; put a stack into it")
        for child in list(self._children):
            self._ui.refuse_inside(child, f"{child!r} was replaced")
            child._end()
        self._filled = True
        super()._adopt(widget)

    def add_child(self, widget):
        self._filled = False
        super().add_child(widget)

    def _set_callback(self, key: str, fn: Any) -> None:
        super()._set_callback(key, fn)
        if key == "build_fn" and fn is not None:
            self._dirty = True

    def rebuild(self):
        """Builds the content anew when it is drawn next.

        Raises:
            RuntimeError: a callback of a widget in this frame runs.
        """
        self._check_alive("rebuilding")
        self._ui.refuse_inside(self, f"{self!r} was told to rebuild")
        self._dirty = True

    def invalidate_raster(self):
        """Draws anew."""
        self._check_alive("redrawing")

    def _hides(self, child: Widget) -> bool:
        return False

    def _draw(self) -> None:
        if self._dirty:
            self._dirty = False
            self._build()
        super()._draw()

    def _build(self) -> None:
        fn = self._callbacks.get("build_fn")
        if fn is None:
            return
        for child in list(self._children):
            child._end()
        self._filled = False
        self._ui.open.append(self)
        depth = len(self._ui.open)
        self._ui.call(self, f"{self!r}: build_fn", fn)
        del self._ui.open[depth - 1 :]


@define()
class CanvasFrame(Frame):
    """A frame that pans and zooms."""


@define()
class ScrollingFrame(Frame):
    """A frame with scroll bars. Nothing is laid out here, so it never has to scroll."""

    scroll_x_max = property(lambda self: 0.0)
    scroll_y_max = property(lambda self: 0.0)

    def _changed(self, key: str, value: Any) -> None:
        if key in ("scroll_x", "scroll_y"):
            self._fire(f"{key}_changed_fn", value)


@define("(title='')")
class CollapsableFrame(Frame):
    """A frame under a header that folds it away."""

    _header_dirty = True

    def _begin(self, title="") -> None:  # type: ignore[override]
        self._put("title", title)
        self._header: Frame | None = None

    def _changed(self, key: str, value: Any) -> None:
        if key in ("collapsed", "title"):
            self._header_dirty = True
        if key == "collapsed":
            self._fire("collapsed_changed_fn", value)

    def _hides(self, child: Widget) -> bool:
        return bool(self.collapsed) and child is not self._header

    def _adopt(self, widget: Widget) -> None:
        header = self.__dict__.get("_header")
        if header is not None and header in self._children:  # the header is no content
            self._children.remove(header)
            super()._adopt(widget)
            self._children.insert(0, header)
        else:
            super()._adopt(widget)

    def _draw(self) -> None:
        if self._header_dirty and self._callbacks.get("build_header_fn") is not None:
            self._build_header()
        self._header_dirty = False
        if not self.collapsed:
            super()._draw()
        elif self._header is not None:
            self._header._draw()

    def _build(self) -> None:
        header = self._header
        if header is not None and header in self._children:
            self._children.remove(header)
        super()._build()
        if header is not None:
            self._children.insert(0, header)

    def _build_header(self) -> None:
        if self._header is not None:
            self._header._end()
            self._header = None
        content = list(self._children)
        self._children.clear()
        self._filled = False
        with self:
            header = Frame(name="header")
        self._header = header
        self._children.extend(content)
        with header:
            fn = self._callbacks["build_header_fn"]
            self._ui.call(self, f"{self!r}: build_header_fn", fn, bool(self.collapsed), str(self.title))
