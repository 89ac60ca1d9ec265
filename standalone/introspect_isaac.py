"""Record the real signatures of every name of Kit that the extension and the scripts use, and say what is not there.

./python.sh standalone/introspect_isaac.py --out signatures.json

The names come from our own sources; of Isaac Sim's modules only names, parameters and defaults are written down. What
our sources use and this Isaac Sim lacks is printed, and the exit code is 1 then: it is drift from the tables that the
tests run against. Send the file with a bug report.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from _isaac import ROOT, application
from _script import finish, parse

NOT_FOLLOWED = object()
"""What a call returns whose result is not looked at."""


def sources() -> list[Path]:
    """Our files that use Kit."""
    return [p for folder in ("exts", "standalone") for p in sorted((ROOT / folder).rglob("*.py"))]


def uses(version: str) -> Iterator[tuple[Path, Any]]:
    """Every use of a name of Kit in our sources, for one version, as the tests read them."""
    sys.path.insert(0, str(ROOT / "tests"))
    from exts.kit_names import uses_of

    for path in sources():
        for use in uses_of(path.read_text(encoding="utf-8")):
            if version in use.versions:
                yield path.relative_to(ROOT), use


def resolve(name: str) -> Any:
    """What a dotted name of :mod:`exts.kit_names` means here.

    Raises:
        LookupError: it is not there.
    """
    if "|" in name.partition("().")[0]:  # an object with several bases: one of them has it
        head, _, tail = name.partition("().")
        for base in head.split("|"):
            try:
                return resolve(f"{base}().{tail}" if tail else base)
            except LookupError:
                continue
        raise LookupError(name)
    first, *parts = name.split(".")
    at: Any = importlib.import_module(first)
    for part in parts:
        if at is NOT_FOLLOWED or isinstance(at, property):
            return NOT_FOLLOWED
        word = part.removesuffix("()")
        try:
            at = getattr(at, word)
        except AttributeError:
            try:
                at = importlib.import_module(f"{getattr(at, '__name__', '')}.{word}")
            except (ImportError, ValueError) as error:
                raise LookupError(f"{word}: {error}") from None
        if part.endswith("()") and not inspect.isclass(at):
            at = _called(word, at)
    return at


def _called(word: str, function: Any) -> Any:
    """What a plain getter returns; other functions are not called."""
    if not word.startswith("get_"):
        return NOT_FOLLOWED
    try:
        return function()
    except Exception:  # it takes arguments, or has nothing to give yet
        return NOT_FOLLOWED


def describe(found: Any) -> dict[str, str]:
    """What a name is: its parameters, or the line in which its binding states them."""
    kind = type(found).__name__
    try:
        return {"kind": kind, "signature": str(inspect.signature(found))}
    except (TypeError, ValueError):
        stated = (inspect.getdoc(found) or "").strip().partition("\n")[0]
        return {"kind": kind} | ({"stated": stated} if callable(found) and "(" in stated else {})


def fault_of(use: Any, found: Any) -> str | None:
    """What is wrong with a call; None where nothing is, or where it cannot be told."""
    try:
        values = list(inspect.signature(found).parameters.values())
    except (TypeError, ValueError):
        return None
    if any(value.kind is value.VAR_KEYWORD for value in values):
        return None
    known = {value.name for value in values}
    lacking = [word for word in use.keywords if word not in known]
    return f"takes no {', '.join(lacking)}; it takes {', '.join(known)}" if lacking else None


def record(version: str) -> tuple[dict[str, dict[str, str]], list[str]]:
    """Every name with what it is here, and a line for each that is not as our sources use it."""
    names: dict[str, dict[str, str]] = {}
    faults = []
    for path, use in uses(version):
        try:
            found = resolve(use.name)
        except (LookupError, ImportError) as error:
            faults.append(f"{path}:{use.line}: {use.name} is not there ({error})")
            continue
        if found is NOT_FOLLOWED:
            continue
        names[use.name] = describe(found)
        fault = fault_of(use, found) if use.called else None
        if fault is not None:
            faults.append(f"{path}:{use.line}: {use.name} {fault}")
    return dict(sorted(names.items())), faults


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The script's arguments."""
    parser.add_argument("--out", metavar="FILE", type=Path, required=True, help="where the signatures go, as JSON")


def main(words: Sequence[str] | None = None) -> None:
    """Record, print what is missing, exit with 1 when something is."""
    args = parse(__doc__, add_arguments, words)
    with application() as app:
        app.update()
        import omni.kit.app

        kit = omni.kit.app.get_app().get_kit_version()
        version = "5.1" if kit.startswith("107.") else "6.0"
        names, faults = record(version)
        told = {"kit": kit, "played_as": version, "python": sys.version.split()[0], "names": names, "faults": faults}
        args.out.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
        print(f"Kit {kit}: {len(names)} names recorded in {args.out}; {len(faults)} differ from our tables")
        for fault in faults:
            print(fault)
    sys.exit(min(len(faults), 1))


if __name__ == "__main__":
    finish(main)
