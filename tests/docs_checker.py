"""What can be checked about a Markdown file: commands, Python and YAML blocks, links, dotted names and paths.

Each function takes a page's text and returns what is wrong with it, one line each. A Python block whose first line is
``# runnable`` promises to run as it stands, in a second or two and without an engine; the others have to compile, their
imports from sim2real to resolve, and their calls to name arguments that exist.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import importlib
import importlib.util
import inspect
import io
import re
import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sim2real.cli.main import load, make_parser
from sim2real.cli.verbs import find_verb
from sim2real.errors import Sim2RealError

ROOT = Path(__file__).parents[1]
EXTENSION = ROOT / "exts" / "sim2real.studio" / "sim2real_studio"
RUNNABLE = "# runnable"
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PLACEHOLDERS = ("...", "…", "VERB")
"""What may stand for a verb where the page speaks of all of them."""
FOLDERS = ("config", "docs", "exts", "source", "standalone", "tests", ".ci")
FILES_WITH_DOTS = ("sim2real.sh", "sim2real.presets", "sim2real.git", "sim2real.studio")
"""What looks like a dotted name and is none."""


@dataclass(frozen=True, kw_only=True)
class Block:
    """A fenced block."""

    language: str
    """What stands behind the fence."""
    text: str
    """Its content."""
    line: int
    """Line of its first line in the page."""

    @property
    def runnable(self) -> bool:
        """Whether it promises to run."""
        return self.language == "python" and self.text.startswith(RUNNABLE)


def blocks(text: str) -> list[Block]:
    """The fenced blocks of a page."""
    return [Block(language=m[1], text=m[2], line=text.count("\n", 0, m.start()) + 2) for m in FENCE.finditer(text)]


def prose(text: str) -> str:
    """The page without its Python and YAML blocks, with as many lines."""
    return FENCE.sub(lambda m: "\n" * m[0].count("\n") if m[1] in ("python", "yaml") else m[0], text)


def commands(text: str) -> Iterator[tuple[int, str]]:
    """Line and text of every ``./sim2real.sh ...`` and ``python standalone/...``, in blocks and in running text."""
    joined = prose(text).replace("\\\n", " ")
    start = r"(?:\./sim2real\.sh|\S*python\S* standalone/\w+\.py)"
    for number, line in enumerate(joined.splitlines(), start=1):
        inline = re.findall(rf"`[^`]*?({start}\b[^`]*)`", line)
        whole = re.match(rf"^\s*(?:\$ )?(?:\w+=\S+ )*({start}(?:\s.*)?)$", line)
        for found in inline or ([whole[1]] if whole else []):
            yield number, found.strip()


def parser_fault(parser: argparse.ArgumentParser, words: list[str]) -> str | None:
    """What a parser says against the words; None where it takes them or shows its help."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
            parser.parse_args(words)
    except SystemExit as stop:
        return said.getvalue().strip().splitlines()[-1] if stop.code else None
    return None


def command_fault(command: str) -> str | None:
    """What is wrong with one command; None where its verb would take it."""
    words = shlex.split(command, comments=True)
    while words and not (words[0].endswith("sim2real.sh") or words[0].startswith("standalone/")):
        words.pop(0)
    if words[0].startswith("standalone/"):
        return script_fault(words[0], words[1:])
    arguments = [word for word in words[1:] if word != "--accept-nvidia-terms"]
    if not arguments or arguments[0] in ("-h", "--help", "-V", "--version", *PLACEHOLDERS):
        return None
    verb = find_verb(arguments[0])
    if verb is None:
        return f"unknown verb '{arguments[0]}'"
    try:
        module = load(verb)
    except Sim2RealError as error:
        return str(error)
    if getattr(module, "TAKES_REST", False):
        return None
    return parser_fault(make_parser(verb, module, "./sim2real.sh"), arguments[1:])


def script_fault(script: str, words: list[str]) -> str | None:
    """What is wrong with a standalone script's command: its file, or an argument that it or its verb does not take."""
    path = ROOT / script
    if not path.is_file():
        return f"there is no {script}"
    named = re.search(r"the verb '(\w+)'", path.read_text(encoding="utf-8"))
    verb = find_verb(named[1]) if named else None
    if verb is None:
        return own_fault(path, words)
    return parser_fault(make_parser(verb, load(verb), script), words)


def own_fault(path: Path, words: list[str]) -> str | None:
    """What is wrong with the command of a script that spells out no verb and has arguments of its own."""
    sys.path.insert(0, str(path.parent))
    try:
        module = importlib.import_module(path.stem)
    finally:
        sys.path.remove(str(path.parent))
    if not hasattr(module, "add_arguments"):
        return f"{path.name} neither says which verb it spells out nor has add_arguments"
    parser = argparse.ArgumentParser(prog=path.name)
    module.add_arguments(parser)
    return parser_fault(parser, words)


def command_faults(text: str) -> list[str]:
    """Commands that would not be understood."""
    found = ((line, command, command_fault(command)) for line, command in commands(text))
    return [f"line {line}: {command}: {fault}" for line, command, fault in found if fault is not None]


def python_faults(text: str) -> list[str]:
    """Python blocks that do not compile, import what does not exist, or name arguments that do not exist."""
    faults = []
    for block in blocks(text):
        if block.language != "python":
            continue
        try:
            tree = ast.parse(block.text)
        except SyntaxError as error:
            faults.append(f"line {block.line}: does not compile: {error}")
            continue
        names: dict[str, Any] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sim2real"):
                for alias in node.names:
                    try:
                        find = find_in_extension if node.module.startswith(EXTENSION.name) else find_name
                        names[alias.asname or alias.name] = find(f"{node.module}.{alias.name}")
                    except (ImportError, AttributeError) as error:
                        faults.append(f"line {block.line}: {error}")
        faults += [f"line {block.line}: {fault}" for fault in call_faults(tree, names)]
    return faults


def call_faults(tree: ast.AST, names: dict[str, Any]) -> list[str]:
    """Calls of imported names with keywords that the called does not take."""
    faults = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and callable(names.get(node.func.id)):
            taken = inspect.signature(names[node.func.id]).parameters
            if any(p.kind is inspect.Parameter.VAR_KEYWORD for p in taken.values()):
                continue
            unknown = [k.arg for k in node.keywords if k.arg is not None and k.arg not in taken]
            faults += [f"{node.func.id} takes no argument '{name}'" for name in unknown]
    return faults


def find_in_extension(dotted: str) -> Any:
    """A stand-in for a name of the extension, read from its source, because importing it needs Kit.

    Raises:
        ImportError: nothing of that name.
    """
    module, _, name = dotted.rpartition(".")
    folder = EXTENSION.parent.joinpath(*module.split("."))
    path = folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")
    body = ast.parse(path.read_text(encoding="utf-8")).body if path.is_file() else []
    for node in body:
        if isinstance(node, ast.ImportFrom) and any(name == (alias.asname or alias.name) for alias in node.names):
            return name
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and node.name == name:
            return _takes(node)
    raise ImportError(f"the extension has no {dotted}")


def _takes(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> Any:
    """A function that takes the keywords which a function, a class's initializer or a dataclass takes."""
    if isinstance(node, ast.ClassDef):
        made = [n for n in node.body if isinstance(n, ast.FunctionDef) and n.name == "__init__"]
        keywords = [n.target.id for n in node.body if isinstance(n, ast.AnnAssign) and isinstance(n.target, ast.Name)]
        if made:
            keywords = [argument.arg for argument in (*made[0].args.args[1:], *made[0].args.kwonlyargs)]
    else:
        keywords = [argument.arg for argument in (*node.args.args, *node.args.kwonlyargs)]

    def stand_in() -> None:
        """Only its signature is looked at."""

    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    stand_in.__signature__ = inspect.Signature([inspect.Parameter(k, kind) for k in keywords])  # type: ignore[attr-defined]
    return stand_in


def yaml_faults(text: str) -> list[str]:
    """YAML blocks that begin as a spec does and are none."""
    from sim2real.spec import SpecError, parse_spec

    faults = []
    for block in blocks(text):
        if block.language == "yaml" and block.text.startswith("schema:"):
            try:
                parse_spec(block.text)
            except SpecError as error:
                faults.append(f"line {block.line}: {error}")
    return faults


def heading_anchor(heading: str) -> str:
    """The anchor that a heading gets: lower case, punctuation dropped, spaces to hyphens."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def link_faults(text: str, page: Path) -> list[str]:
    """Relative links, pictures included, to files or headings that do not exist."""
    faults = []
    shown = FENCE.sub("", text)
    targets = re.findall(r"\[[^\]]*\]\(\s*<?([^)>\s]+)", shown) + re.findall(r'(?:src|href)="([^"]+)"', shown)
    for target in targets:
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        if not path.exists():
            faults.append(f"{target}: no such file")
        elif anchor and path.suffix == ".md":
            headings = re.findall(r"^#+ (.*)$", FENCE.sub("", path.read_text(encoding="utf-8")), re.MULTILINE)
            if anchor not in map(heading_anchor, headings):
                faults.append(f"{target}: no such heading")
    return faults


def find_name(dotted: str) -> Any:
    """What a dotted name stands for: a module, or an attribute of one or of its classes.

    Raises:
        ImportError, AttributeError: nothing of that name.
    """
    parts = dotted.split(".")
    for count in range(len(parts), 0, -1):
        module_name = ".".join(parts[:count])
        try:
            if importlib.util.find_spec(module_name) is None:
                continue
        except ModuleNotFoundError as error:
            if error.name and dotted.startswith(error.name):
                continue
            raise
        found: Any = importlib.import_module(module_name)
        for part in parts[count:]:
            found = getattr(found, "__dataclass_fields__", {}).get(part) or getattr(found, part)
        return found
    raise ImportError(f"no module named {dotted}")


def name_faults(text: str) -> list[str]:
    """Dotted names of ours in backticks that stand for nothing."""
    faults = []
    for name in re.findall(r"`(sim2real(?:_tasks)?(?:\.\w+)+)(?:\(\))?`", prose(text)):
        if name in FILES_WITH_DOTS:
            continue
        try:
            find_name(name)
        except (ImportError, AttributeError) as error:
            faults.append(f"{name}: {error}")
    return faults


def path_faults(text: str) -> list[str]:
    """Paths of the repository in backticks that do not exist; ``*`` and capital placeholders are left alone."""
    found = re.findall(rf"`((?:{'|'.join(map(re.escape, FOLDERS))})/[\w./-]*)`", prose(text))
    return [f"{name}: no such file" for name in found if "NAME" not in name and not (ROOT / name).exists()]


def run_block(block: Block, folder: Path, seconds: float = 60.0) -> str | None:
    """Run a block in a process and a folder of its own; None, or what it said when it failed."""
    import os
    import subprocess

    environment = {**os.environ, "PYTHONPATH": str(ROOT / "source"), "TMPDIR": str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", block.text], cwd=folder, env=environment, capture_output=True, text=True, timeout=seconds
    )
    return None if done.returncode == 0 else done.stderr.strip()
