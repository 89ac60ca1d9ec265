"""``build_on_device.py``: the modules that build engines, joined into one file that needs nothing but JetPack.

The file holds the very lines that are tested here, with the build plan of its bundle at the top. It runs on JetPack 5's
Python 3.8 as well, with NumPy and either TensorRT's Python package or trtexec.
"""

from __future__ import annotations

import ast
import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path

from sim2real.export.errors import ExportError
from sim2real.export.tensorrt.plan import BuildPlan

SCRIPT_FILE = "build_on_device.py"
MODULES = (
    "sim2real.errors",
    "sim2real.deploy.tensorrt_device",
    "sim2real.deploy.tensorrt_cuda",
    "sim2real.deploy.tensorrt_engine",
    "sim2real.deploy.tensorrt_proof",
    "sim2real.deploy.tensorrt_record",
    "sim2real.export.tensorrt.plan",
    "sim2real.export.tensorrt.builder",
    "sim2real.export.tensorrt.trtexec",
    "sim2real.export.tensorrt.on_device",
)
"""In the order in which they need each other."""

_HEAD = '''#!/usr/bin/env python3
"""Build, prove and time the TensorRT engines of this bundle, on the machine that will run them.

    python3 build_on_device.py            every precision, into engines/<device>/ of the bundle
    python3 build_on_device.py --help     precisions, another folder, another route

Needs Python 3.8, NumPy and TensorRT: its Python package (python3-libnvinfer) or trtexec (libnvinfer-bin). Build in
the power mode that the robot runs in. Written by sim2real {version} for policy '{name}'; do not edit.
"""

from __future__ import annotations

{imports}

try:
    import numpy as np
except ImportError:
    sys.exit("NumPy is missing: sudo apt install python3-numpy")

PLAN = r"""
{plan}
"""
'''
_TAIL = """

if __name__ == "__main__":
    sys.exit(script_main(PLAN, __file__))
"""


def build_script(plan: BuildPlan) -> str:
    """The text of ``build_on_device.py`` for a plan.

    Raises:
        ExportError: the modules do not fit into one file, which is a fault of ours.
    """
    import sim2real

    imports: set[str] = set()
    parts: list[str] = []
    owner: dict[str, str] = {}
    for module in MODULES:
        text = _source(module)
        kept: list[str] = []
        for node in ast.parse(text).body:
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                imports |= set(_outer_imports(node))
            elif not _is_left_away(node):
                for name in _defined(node):
                    if owner.setdefault(name, module) != module:
                        raise ExportError(f"'{name}' of {module} is defined in {owner[name]} too; rename one.")
                kept.append(_with_what_surrounds(text, node))
        parts.append(f"\n\n# {module}\n\n" + "\n".join(kept))
    imports.add("import sys")
    head = _HEAD.format(
        version=sim2real.__version__, name=plan.name, imports="\n".join(sorted(imports)), plan=plan.to_json()
    )
    return head + "".join(parts) + _TAIL


def _source(module: str) -> str:
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise ExportError(f"the source of {module} is not installed; install sim2real from its checkout or wheel.")
    return Path(spec.origin).read_text(encoding="utf-8")


def _outer_imports(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    """The import as lines, one for each name, without ours and the header's."""
    for alias in node.names:
        if isinstance(node, ast.Import):
            if alias.name != "numpy":
                yield f"import {alias.name}"
        elif node.module != "__future__" and not str(node.module).startswith("sim2real"):
            if alias.name != "TYPE_CHECKING":
                yield f"from {node.module} import {alias.name}"


def _is_left_away(node: ast.stmt) -> bool:
    """A module's docstring, and what only type checkers read."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
        return node.col_offset == 0 and node.lineno == 1
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def _defined(node: ast.stmt) -> Iterator[str]:
    """Names that a statement at the top of a module defines."""
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        yield node.name
    for target in node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]:
        for part in ast.walk(target) if target is not None else ():
            if isinstance(part, ast.Name):
                yield part.id


def _with_what_surrounds(text: str, node: ast.stmt) -> str:
    """A statement's lines with its decorators, two blank lines before what has a body."""
    lines = text.splitlines()
    decorators = getattr(node, "decorator_list", [])
    first = min([node.lineno, *(decorator.lineno for decorator in decorators)])
    body = "\n".join(lines[first - 1 : node.end_lineno])
    return f"\n\n{body}\n" if isinstance(node, (ast.FunctionDef, ast.ClassDef)) else body


def plan_of_script(text: str) -> BuildPlan:
    """The plan inside a ``build_on_device.py``. Raises: ExportError."""
    match = re.search(r'^PLAN = r"""\n(.*?)\n"""$', text, re.DOTALL | re.MULTILINE)
    if match is None:
        raise ExportError(f"no {SCRIPT_FILE} of sim2real: there is no build plan in it.")
    return BuildPlan.from_json(match.group(1))
