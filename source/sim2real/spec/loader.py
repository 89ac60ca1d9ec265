"""From a file, a preset's name or a text to a :class:`~sim2real.spec.spec.Spec`, with every fault told at once."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from sim2real.paths import presets_dir
from sim2real.spec.curriculum import CurriculumSpec, parse_curriculum
from sim2real.spec.errors import Fault, SpecError, did_you_mean, listing
from sim2real.spec.frozen import FrozenDict
from sim2real.spec.nodes import Node, compose, gather
from sim2real.spec.rates import Rates, parse_rates
from sim2real.spec.signals import SignalSpec, parse_signal
from sim2real.spec.spec import SCHEMA, SEED_LIMIT, UNSUPPORTED, Spec
from sim2real.spec.terms import Term, parse_name, parse_term
from sim2real.spec.vision import parse_vision

KEYS = ("schema", "seed", "rates", "unsupported", "terms", "signals", "vision", "curriculum")
LARGEST_FILE = 1_000_000
"""Longest spec that is read, in characters; it is written by people."""


def preset_names() -> list[str]:
    """Return the names that :func:`load_spec` knows, such as ``avoidance``."""
    folder = presets_dir() / "randomization"
    return sorted(path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.yaml"))


def load_spec(path_or_preset_name: str | os.PathLike[str]) -> Spec:
    """Read a spec from a YAML file, or by the name of a preset that comes with the package.

    Args:
        path_or_preset_name: a file; or a name of :func:`preset_names`, when there is no such file.

    Raises:
        SpecError: the file is missing or is no valid spec; it names every fault with file, line and key.
    """
    source = os.fspath(path_or_preset_name)
    path = Path(source)
    try:
        if not path.is_file():
            path = _find_preset(source, path)
            source = path.name
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SpecError(Fault(source, None, "", f"is not UTF-8 text (byte {error.start}); save it as UTF-8")) from None
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or error
        raise SpecError(Fault(source, None, "", f"cannot be read: {said}")) from None
    return parse_spec(text, source, path.parent)


def _find_preset(name: str, path: Path) -> Path:
    names = preset_names()
    if name in names:
        return presets_dir() / "randomization" / f"{name}.yaml"
    if path.is_dir():
        raise SpecError(Fault(name, None, "", "is a folder; give a YAML file"))
    hint = did_you_mean(name, names)
    raise SpecError(Fault(name, None, "", f"no such file, and no preset of that name{hint}; presets: {listing(names)}"))


def parse_spec(text: str, source: str = "<string>", folder: Path | None = None) -> Spec:
    """Read a spec from YAML text.

    Args:
        text: the YAML document.
        source: what to call it in messages, usually the file's name.
        folder: where files of samples are looked for; None allows absolute paths only.

    Raises:
        SpecError: naming every fault with line and key.
    """
    if len(text) > LARGEST_FILE:
        raise SpecError(Fault(source, None, "", f"has {len(text)} characters; a spec has at most {LARGEST_FILE}"))
    root = compose(text, source, folder)
    fields = root.fields("a mapping that starts with 'schema: 1' and 'seed: 7'")
    # The version comes first: the keys of another version would only mislead.
    if "schema" not in fields:
        raise root.fault(f"'schema' is missing; start the file with 'schema: {SCHEMA}'")
    version = fields["schema"].number(f"the version of the file format, {SCHEMA}")
    if version != SCHEMA:
        raise fields["schema"].fault(f"unknown schema version {version:g}; this release reads {SCHEMA}")
    parts: dict[str, Any] = {
        "keys": partial(root.only, fields, KEYS),
        "seed": partial(_seed, root, fields.get("seed")),
    }
    sections = {"rates": parse_rates, "unsupported": _unsupported, "vision": parse_vision}
    parts |= {name: partial(parse, fields[name]) for name, parse in sections.items() if name in fields}
    # Rates come before the signals that are counted in steps, terms before the curriculum that moves them. A section
    # whose ground could not be read is checked by itself, so that all faults are told at once.
    done: dict[str, Any] = {}
    if "rates" in fields:
        parts["rates"] = _kept(done, "rates", parts["rates"])
    if "unsupported" in fields:
        parts["unsupported"] = _kept(done, "unsupported", parts["unsupported"])
    if "terms" in fields:
        parts["terms"] = _kept(done, "terms", lambda: _terms(fields["terms"], done.get("unsupported", "error")))
    if "signals" in fields:
        parts["signals"] = lambda: _signals(fields["signals"], done.get("rates", Rates()))
    if "curriculum" in fields:
        parts["curriculum"] = lambda: _curriculum(fields, done)
    found = gather(parts)
    return Spec(
        schema=SCHEMA,
        seed=found["seed"],
        rates=found.get("rates", Rates()),
        unsupported=found.get("unsupported", "error"),
        terms=found.get("terms", FrozenDict()),
        signals=found.get("signals", FrozenDict()),
        vision=found.get("vision", FrozenDict()),
        curriculum=found.get("curriculum", CurriculumSpec()),
    )


def _seed(root: Node, node: Node | None) -> int:
    if node is None:
        raise root.fault("'seed' is missing; give a whole number, such as 'seed: 7'")
    return node.whole("a whole number from 0 to 2^64 - 1", 0, SEED_LIMIT - 1)


def _kept(done: dict[str, Any], name: str, part: Callable[[], Any]) -> Callable[[], Any]:
    """Return a part that also leaves its result for those that follow."""

    def run() -> Any:
        done[name] = part()
        return done[name]

    return run


def _unsupported(node: Node) -> str:
    return node.choice("way to treat what an engine cannot do", UNSUPPORTED)


def _curriculum(fields: dict[str, Node], done: dict[str, Any]) -> CurriculumSpec:
    if "terms" not in fields:
        return parse_curriculum(fields["curriculum"], {}, {})
    if "terms" not in done:
        return parse_curriculum(fields["curriculum"])
    return parse_curriculum(fields["curriculum"], done["terms"], fields["terms"].fields("a mapping of terms"))


def _terms(node: Node, unsupported: str) -> FrozenDict[str, Term]:
    fields = node.fields("a mapping of terms, each {target: ..., dist: ...}")
    terms = gather({name: partial(_term, child) for name, child in fields.items()})
    setters: dict[tuple[str, str, str], str] = {}
    for name, term in terms.items():
        if term.skip_on and unsupported != "skip_declared":
            raise fields[name].fault("'skip_on' acts only with 'unsupported: skip_declared' at the top of the spec")
        if term.op == "set":
            other = setters.setdefault((term.target, term.asset, term.select), name)
            if other != name:
                raise fields[name].fault(
                    f"sets {term.target} of '{term.select}', which '{other}' (line {fields[other].line}) sets already; "
                    "keep one of them, or use op: scale or add"
                )
    return FrozenDict(terms)


def _term(node: Node) -> Term:
    parse_name(node, "a term")
    return parse_term(node)


def _signals(node: Node, rates: Rates) -> FrozenDict[str, SignalSpec]:
    fields = node.fields("a mapping of signals, each such as {latency: {uniform: [0, 0.02]}}")
    return FrozenDict(gather({name: partial(parse_signal, child, rates) for name, child in fields.items()}))
