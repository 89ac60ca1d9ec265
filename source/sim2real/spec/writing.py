"""Specs back to plain data: the canonical form behind the digest, and YAML that reads back as the same spec."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from sim2real.spec.curriculum import AdrSpec, all_ranges
from sim2real.spec.distributions import Choice, Distribution, Empirical, Mixture, MultivariateNormal, UniformInt
from sim2real.spec.frozen import FrozenDict
from sim2real.spec.spec import Spec
from sim2real.spec.targets import TARGETS
from sim2real.spec.vision_stage import VisionStageSpec

_TERM_KEYS = (
    "target", "select", "op", "unit", "dist", "when", "interval_s", "each", "keep", "against", "direction", "duration_s"
)  # fmt: skip
_LATER_KEYS = {"asset": "robot", "mirror": {}, "skip_on": ()}
"""Keys that the first release did not know, with what their absence means: left out then, so that digests stay."""


def plain_distribution(dist: Distribution) -> dict[str, Any]:
    """Return a distribution as the mapping that a spec would hold."""
    if isinstance(dist, Choice):
        return {dist.kind: {"values": [_plain_vector(v) for v in dist.values], "weights": list(dist.weights)}}
    if isinstance(dist, Empirical):
        return {dist.kind: {"values": [_plain_vector(v) for v in dist.values]}}
    if isinstance(dist, Mixture):
        return {dist.kind: {"parts": [plain_distribution(p) for p in dist.parts], "weights": list(dist.weights)}}
    if isinstance(dist, MultivariateNormal):
        return {dist.kind: {"mean": list(dist.mean), "covariance": [list(row) for row in dist.covariance]}}
    parts = {field.name: _plain_vector(getattr(dist, field.name)) for field in fields(dist)}
    if isinstance(dist, UniformInt):
        parts = {name: _whole(value) for name, value in parts.items()}
    if len(parts) == 1:
        return {dist.kind: next(iter(parts.values()))}
    return {dist.kind: parts if len(parts) > 2 else list(parts.values())}


def _whole(value: Any) -> Any:
    return [int(v) for v in value] if isinstance(value, list) else int(value)


def _plain_vector(vector: tuple[float, ...]) -> Any:
    return vector[0] if len(vector) == 1 else list(vector)


def _plain(value: Any) -> Any:
    if isinstance(value, Distribution):
        return plain_distribution(value)
    if isinstance(value, FrozenDict):
        return dict(value)
    return list(value) if isinstance(value, tuple) else value


def canonical(spec: Spec) -> dict[str, Any]:
    """Return every value of the spec that changes a draw, as plain data; what is None or empty is left out."""
    form: dict[str, Any] = {"schema": spec.schema, "seed": spec.seed}
    if spec.unsupported != "error":
        form["unsupported"] = spec.unsupported
    terms = {}
    for name, term in spec.terms.items():
        terms[name] = {key: _plain(getattr(term, key)) for key in _TERM_KEYS if getattr(term, key) is not None}
        for key, absent in _LATER_KEYS.items():
            if getattr(term, key) != absent:
                terms[name][key] = _plain(getattr(term, key))
    signals = {}
    for name, signal in spec.signals.items():
        pairs = {f.name: getattr(signal, f.name) for f in fields(signal) if f.name != "provenance"}
        if signal.dropout is None:
            del pairs["on_dropout"]
        if signal.dropout_each is None:
            del pairs["on_dropout_each"]
        signals[name] = {key: _plain(value) for key, value in pairs.items() if value is not None}
    vision = {}
    for kind, camera in spec.vision.items():
        if isinstance(camera, VisionStageSpec):
            vision[kind] = _plain_stage(camera)
            continue
        vision[kind] = {name: getattr(camera, name) for name in ("preset", "when") if hasattr(camera, name)}
        vision[kind] |= {name: _plain(dist) for name, dist in camera.overrides.items()}
    curriculum: dict[str, Any] = {}
    if spec.curriculum.adr is not None:
        adr = spec.curriculum.adr
        curriculum["adr"] = {name: getattr(adr, name) for name in ("metric", "grow", "shrink", "step")}
        if adr.episodes != AdrSpec.episodes:
            curriculum["adr"]["episodes"] = adr.episodes
        if adr.terms != all_ranges(spec.terms):
            curriculum["adr"]["terms"] = {
                name: {"start": [_plain_vector(start.start_low), _plain_vector(start.start_high)]}
                for name, start in adr.terms.items()
            }
    if spec.curriculum.stages:
        stages = spec.curriculum.stages
        curriculum["stages"] = [{f.name: getattr(stage, f.name) for f in fields(stage)} for stage in stages]
    sections = {"terms": terms, "signals": signals, "vision": vision, "curriculum": curriculum}
    return form | {name: section for name, section in sections.items() if section}


def _plain_stage(stage: VisionStageSpec) -> dict[str, Any]:
    form = {
        name: {key: _plain(value) for key, value in (*group.options.items(), *group.overrides.items())}
        for name, group in stage.groups.items()
    }
    return form | ({"semantics": dict(stage.semantics)} if stage.semantics else {})


def _readable(spec: Spec) -> dict[str, Any]:
    """Return the canonical form in the file's own words, with provenance."""
    form = canonical(spec)
    rates = {f.name: getattr(spec.rates, f.name) for f in fields(spec.rates)}
    if any(rates.values()):
        form = (
            {key: form.pop(key) for key in ("schema", "seed")}
            | {"rates": {name: rate for name, rate in rates.items() if rate is not None}}
            | form
        )
    for name, term in form.get("terms", {}).items():
        interval = term.pop("interval_s", None)
        if interval is not None:
            term["when"] = {"interval_s": interval}
        if not TARGETS[term["target"]].selects:
            del term["select"]
        term["provenance"] = spec.terms[name].provenance
    said: dict[tuple[str, ...], Any] = {("signals", name): signal.provenance for name, signal in spec.signals.items()}
    for kind, camera in spec.vision.items():
        if isinstance(camera, VisionStageSpec):
            said |= {("vision", kind, name): group.provenance for name, group in camera.groups.items()}
        else:
            said[("vision", kind)] = camera.provenance
    for place, provenance in said.items():
        entry: Any = form
        for name in place:
            entry = entry[name]
        for key, text in provenance.items():
            if key == "*":
                entry["provenance"] = text
            else:
                entry[key] = entry[key] | {"provenance": text}
    return form


class _Line(dict[str, Any]):
    """A mapping that is written in one line."""


def _lined(value: Any, depth: int) -> Any:
    """Return plain data whose mappings from ``depth`` levels down are written in one line."""
    if not isinstance(value, dict):
        return value
    entries = {key: _lined(entry, depth - 1) for key, entry in value.items()}
    return entries if depth > 0 else _Line(entries)


def to_yaml(spec: Spec) -> str:
    """Return the spec as YAML in SI units, one line for each distribution."""
    import yaml

    return str(yaml.dump(_lined(_readable(spec), 3), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=2**20))


def _make_dumper() -> Any:
    import yaml

    class Dumper(yaml.SafeDumper):
        def ignore_aliases(self, data: Any) -> bool:
            return True

    def represent_float(dumper: Any, value: float) -> Any:
        text = repr(value)
        if "." not in text and "e" in text:
            text = text.replace("e", ".0e")  # YAML 1.1 reads 1e-05 as text
        return dumper.represent_scalar("tag:yaml.org,2002:float", text)

    def represent_list(dumper: Any, value: list[Any]) -> Any:
        return dumper.represent_sequence("tag:yaml.org,2002:seq", value, flow_style=True)

    def represent_line(dumper: Any, value: _Line) -> Any:
        return dumper.represent_mapping("tag:yaml.org,2002:map", value, flow_style=True)

    Dumper.add_representer(float, represent_float)
    Dumper.add_representer(list, represent_list)
    Dumper.add_representer(_Line, represent_line)
    return Dumper


_Dumper = _make_dumper()
