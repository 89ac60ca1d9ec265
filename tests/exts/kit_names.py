"""Which names of Kit a source file uses, read from its text: the reader behind ``test_names.py``.

A use is a dotted name below ``omni``, ``carb``, ``isaacsim`` or ``usdrt``, with the keywords of a call. What an object
is, is followed where the text says it: a constructor's result that is given to a name, an annotation, a base class. A
line that ends in ``# kit: 6.0`` (or ``5.1``) is for that version alone.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

ROOTS = frozenset({"omni", "carb", "isaacsim", "usdrt"})
EVERY = ("5.1", "6.0")
"""Versions that a line without a mark is for."""
_MARK = re.compile(r"#\s*kit:\s*([\w.]+)\s*$")


@dataclass(frozen=True)
class Use:
    """One use of a name."""

    line: int
    """Where it stands."""
    name: str
    """Dotted; ``()`` after a part that is called for its result: ``omni.usd.get_context().get_stage``; ``a.B|c.D()``
    where an object is of a class with several bases."""
    called: bool = False
    """Whether it is called here."""
    keywords: tuple[str, ...] = ()
    """Keywords of the call."""
    positional: int | None = None
    """Number of positional arguments; None where the call unpacks some."""
    versions: tuple[str, ...] = EVERY
    """Versions that it is for."""

    def __str__(self) -> str:
        call = f"({', '.join(f'{key}=' for key in self.keywords)})" if self.called else ""
        return f"line {self.line}: {self.name}{call}"


def uses_of(text: str) -> list[Use]:
    """Return every use of a Kit name in a source text, in the order of the lines."""
    marks = {
        number: found.group(1) for number, line in enumerate(text.splitlines(), 1) if (found := _MARK.search(line))
    }
    reader = _Reader()
    reader.read(ast.parse(text))
    return sorted(
        (
            Use(use.line, use.name, use.called, use.keywords, use.positional, _versions(marks.get(use.line)))
            for use in dict.fromkeys(reader.uses)
        ),
        key=lambda use: use.line,
    )


def _versions(mark: str | None) -> tuple[str, ...]:
    return EVERY if mark is None else (mark,)


class _Reader(ast.NodeVisitor):
    """Walks a module; ``types`` says which dotted class the objects behind names are of."""

    def __init__(self) -> None:
        self.uses: list[Use] = []
        self._aliases: list[dict[str, str]] = [{}]
        self._types: list[dict[str, str]] = [{}]
        self._bases: list[list[str]] = []
        self._own: list[set[str]] = []

    def read(self, tree: ast.Module) -> None:
        own = list(_scope(tree))
        for node in own:
            self._note_import(node)
        self._types = [self._collect_types(own)]
        self.visit(tree)

    # -- imports -----------------------------------------------------------------------------------------------------

    def _note_import(self, node: ast.AST) -> None:
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.partition(".")[0] in ROOTS:
                    self.uses.append(Use(node.lineno, alias.name))
                    root = alias.name.partition(".")[0]
                    self._aliases[-1][alias.asname or root] = alias.name if alias.asname else root
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            if node.module.partition(".")[0] in ROOTS:
                for alias in node.names:
                    dotted = f"{node.module}.{alias.name}"
                    self.uses.append(Use(node.lineno, dotted))
                    self._aliases[-1][alias.asname or alias.name] = dotted

    # -- what objects are --------------------------------------------------------------------------------------------

    def _collect_types(self, nodes: Iterable[ast.AST]) -> dict[str, str]:
        """Return what names are, of ``name = Class(...)``, ``self.name = Class(...)`` and ``name: Class``."""
        into: dict[str, str] = {}
        for node in nodes:
            if isinstance(node, ast.Assign) and len(node.targets) == 1:
                self._note_type(into, node.targets[0], node.value)
            elif isinstance(node, ast.AnnAssign):
                self._note_annotation(into, _simple(node.target), node.annotation)
                if node.value is not None:
                    self._note_type(into, node.target, node.value)
            elif isinstance(node, ast.arg) and node.annotation is not None:
                self._note_annotation(into, node.arg, node.annotation)
            elif isinstance(node, ast.withitem) and node.optional_vars is not None:
                self._note_type(into, node.optional_vars, node.context_expr)
        return into

    def _note_type(self, into: dict[str, str], target: ast.expr, value: ast.expr) -> None:
        name = _simple(target)
        if name and isinstance(value, ast.Call):
            found = self._dotted(value)
            if found is not None:
                into[name] = found
            elif name in into and not name.startswith("self."):
                into.pop(name)  # the same name is also something else

    def _note_annotation(self, into: dict[str, str], name: str | None, annotation: ast.expr) -> None:
        node = annotation
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node = ast.parse(node.value, mode="eval").body
        if isinstance(node, ast.BinOp):  # ui.Label | None
            node = node.left
        found = self._dotted(node)
        if name and found is not None:
            into[name] = f"{found}()"

    # -- the walk ----------------------------------------------------------------------------------------------------

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._bases.append([found for base in node.bases if (found := self._dotted(base)) is not None])
        self._own.append(_own_names(node))
        self._types.append(
            {name: kind for name, kind in self._collect_types(ast.walk(node)).items() if name.startswith("self.")}
        )
        self.generic_visit(node)
        self._own.pop()
        self._types.pop()
        self._bases.pop()

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._aliases.append({})
        for child in _scope(node):
            self._note_import(child)
        self._types.append(self._collect_types(ast.walk(node)))
        self.generic_visit(node)
        self._types.pop()
        self._aliases.pop()

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Call(self, node: ast.Call) -> None:
        found = self._dotted(node.func) or self._super(node.func)
        if found is not None:
            unpacks = any(isinstance(argument, ast.Starred) for argument in node.args)
            self.uses.append(
                Use(
                    node.lineno,
                    found,
                    True,
                    tuple(keyword.arg for keyword in node.keywords if keyword.arg is not None),
                    None if unpacks or any(k.arg is None for k in node.keywords) else len(node.args),
                )
            )
            # Only what stands inside: the name itself is noted.
            for child in (*node.args, *node.keywords):
                self.visit(child)
            self._visit_inside(node.func)
            return
        self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        found = self._dotted(node)
        if found is not None:
            self.uses.append(Use(node.lineno, found))
            self._visit_inside(node)
        else:
            self.generic_visit(node)

    def _visit_inside(self, node: ast.expr) -> None:
        """Visit the calls within a dotted name, such as ``f(x)`` in ``f(x).y``."""
        while isinstance(node, ast.Attribute):
            node = node.value
            if isinstance(node, ast.Call):
                self.visit(node)
                return

    def _super(self, node: ast.expr) -> str | None:
        """``super().method`` in a class whose first Kit base has it."""
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Call)
            and isinstance(node.value.func, ast.Name)
            and node.value.func.id == "super"
            and self._bases
            and self._bases[-1]
        ):
            base = "|".join(self._bases[-1])
            return base if node.attr == "__init__" else f"{base}().{node.attr}"
        return None

    def _dotted(self, node: ast.expr) -> str | None:
        """The dotted name of an expression that begins at a Kit import or at an object of a known class."""
        if isinstance(node, ast.Name):
            for aliases in reversed(self._aliases):
                if node.id in aliases:
                    return aliases[node.id]
            return next((types[node.id] for types in reversed(self._types) if node.id in types), None)
        if isinstance(node, ast.Attribute):
            simple = _simple(node)
            if simple and simple.startswith("self."):
                found = next((types[simple] for types in reversed(self._types) if simple in types), None)
                if found is not None:
                    return found
                if self._bases and self._bases[-1] and node.attr not in self._own[-1]:
                    return f"{'|'.join(self._bases[-1])}().{node.attr}"
            inner = self._dotted(node.value)
            return None if inner is None else f"{inner}.{node.attr}"
        if isinstance(node, ast.Call):
            inner = self._dotted(node.func)
            return None if inner is None else f"{inner}()"
        return None


def _scope(node: ast.AST) -> Iterator[ast.AST]:
    """Everything below a node that belongs to its own scope: functions and classes inside are not entered."""
    for child in ast.iter_child_nodes(node):
        yield child
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            yield from _scope(child)


def _own_names(node: ast.ClassDef) -> set[str]:
    """What a class defines itself: methods, fields, and what is assigned to ``self``."""
    names = set()
    for child in ast.walk(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(child.name)
        elif isinstance(child, ast.Attribute) and isinstance(child.ctx, ast.Store):
            simple = _simple(child)
            if simple and simple.startswith("self."):
                names.add(child.attr)
        elif isinstance(child, ast.AnnAssign) and isinstance(child.target, ast.Name):
            names.add(child.target.id)
    return names


def _simple(node: ast.expr) -> str | None:
    """``name`` or ``self.name``; None for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self":
        return f"self.{node.attr}"
    return None


def literals(text: str, function: str) -> Iterator[ast.Call]:
    """Every call whose function ends in a name, such as ``set_global_seed``."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name == function:
                yield node
