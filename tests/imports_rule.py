"""Who may import whom, read from the source text: the checker behind ``test_imports.py``.

Data flows one way through the packages, and so do imports; a lazy import inside a function counts like any other. An
import for type checking alone (``if TYPE_CHECKING:``) counts too: a name in an annotation is knowledge of a package.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

STREAM: tuple[frozenset[str], ...] = tuple(
    map(
        frozenset,
        (
            {"spec"},
            {"draws"},
            {"engines", "signals", "actuators", "vision"},
            {"lab", "gym"},
            {"sim2real_tasks"},
            {"datasets", "learn", "identify", "evaluate"},
            {"pipeline"},
            {"studio", "cli"},
        ),
    )
)
"""A package may import from every stage before its own."""

BESIDE: dict[str, frozenset[str]] = {
    "contract": frozenset(),
    "lab": frozenset({"contract"}),  # it says what a policy was trained with
    "deploy": frozenset({"contract"}),
    "export": frozenset({"contract", "deploy"}),
    "learn": frozenset({"contract", "datasets"}),  # training reads sets
    "evaluate": frozenset({"contract", "deploy"}),
    "pipeline": frozenset({"contract", "deploy", "export"}),
    "studio": frozenset({"contract", "deploy", "export"}),
    "cli": frozenset({"contract", "deploy", "export", "studio"}),  # a verb opens it; it runs verbs as processes
}
"""What a package may import beside what the stream allows."""

EVERYONE = frozenset({"errors", "paths", ""})
"""The error class, where the files lie, and the bare ``sim2real`` (its version)."""

ISAACLAB_PACKAGES = frozenset({"lab", "sim2real_tasks"})
ISAACLAB_MODULES = frozenset({"sim2real.learn.ppo"})
KIT_ROOTS = frozenset({"omni", "carb", "isaacsim"})
ONLY_THESE: dict[str, frozenset[str]] = {
    "contract": frozenset({"numpy"}),
    "deploy": frozenset({"numpy", "onnxruntime", "tensorrt"}),
}
"""Third-party packages that the robot's side may use at all."""
LAZY_ONLY = frozenset({"onnxruntime", "tensorrt"})
"""A robot has one of them: they are imported where they are used."""


@dataclass(frozen=True)
class Import:
    """One import statement's target."""

    target: str
    """Absolute dotted name."""
    line: int
    """Where it stands."""
    at_top: bool
    """Runs when the module is imported."""


def package_of(module: str) -> str:
    """``sim2real.vision.presets`` -> ``vision``; ``sim2real_tasks.robots`` -> ``sim2real_tasks``."""
    parts = module.split(".")
    if parts[0] != "sim2real":
        return parts[0]
    return parts[1] if len(parts) > 1 else ""


def imports_of(text: str, module: str, *, is_package: bool = False) -> Iterator[Import]:
    """Every import of a module's source, relative ones made absolute; ``import_module("x")`` with a literal too."""
    tree = ast.parse(text)
    inside: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            inside.update(id(child) for child in ast.walk(node))
    for node in ast.walk(tree):
        at_top = id(node) not in inside
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, node.lineno, at_top)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = module.split(".")
                anchor = parts[: len(parts) - node.level + (1 if is_package else 0)]
                base = ".".join([*anchor, base]).strip(".")
            for alias in node.names:
                yield Import(f"{base}.{alias.name}", node.lineno, at_top)
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in ("import_module", "__import__") and isinstance(node.args[0].value, str):
                yield Import(node.args[0].value, node.lineno, at_top)


def allowed_for(package: str) -> frozenset[str]:
    """The packages of ours that ``package`` may import."""
    before: set[str] = set()
    for stage in STREAM:
        if package in stage:
            break
        before |= stage
    else:
        before = set()  # not in the stream: only what BESIDE names
    return frozenset(before) | BESIDE.get(package, frozenset()) | EVERYONE | {package}


def known_packages() -> frozenset[str]:
    """Every package that the rule speaks of."""
    return frozenset().union(*STREAM, BESIDE)


def faults(text: str, module: str, *, stdlib: frozenset[str], is_package: bool = False) -> list[str]:
    """What is wrong with a module's imports, one line each; empty where nothing is.

    Args:
        text: The module's source.
        module: Its dotted name.
        stdlib: Top-level names of the standard library.
        is_package: The source is an ``__init__.py``.
    """
    package = package_of(module)
    found = []
    for item in imports_of(text, module, is_package=is_package):
        root = item.target.partition(".")[0]
        where = f"{module}:{item.line} imports {item.target}"
        if root in ("sim2real", "sim2real_tasks"):
            other = package_of(item.target)
            if item.target == "sim2real.__version__":
                continue
            if other not in allowed_for(package):
                found.append(f"{where}: '{package}' may import {sorted(allowed_for(package) - EVERYONE - {package})}")
        elif root.startswith("isaaclab"):
            named = any(module == name or module.startswith(name + ".") for name in ISAACLAB_MODULES)
            if package not in ISAACLAB_PACKAGES and not named:
                found.append(f"{where}: only lab, sim2real_tasks and learn.ppo know Isaac Lab")
        elif root in KIT_ROOTS:
            found.append(f"{where}: only the extension under exts/ knows Kit")
        elif package in ONLY_THESE and root not in stdlib:
            if root not in ONLY_THESE[package]:
                found.append(f"{where}: '{package}' may use {sorted(ONLY_THESE[package])} and the standard library")
            elif root in LAZY_ONLY and item.at_top:
                found.append(f"{where}: imported inside the function that needs it, since a robot may lack it")
    return found


def modules(source: Path) -> Iterator[tuple[str, Path]]:
    """Dotted name and path of every module below ``source``."""
    for path in sorted(source.rglob("*.py")):
        parts = list(path.relative_to(source).with_suffix("").parts)
        if parts[-1] == "__init__":
            parts.pop()
        yield ".".join(parts), path
