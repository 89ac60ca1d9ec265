"""The contract: one JSON object that says everything a policy needs to run, and its hash.

Frozen dataclasses on one side, canonical JSON on the other (sorted keys, no spaces, Python's shortest round-trip
floats, no NaN): the same contract is the same bytes everywhere, so its SHA-256 is its name. Reading is strict: a key
that is missing, unknown or of another type is an error that names it, because a robot must not guess.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from sim2real.contract.depth import DepthPreprocess
from sim2real.contract.errors import ContractError

SCHEMA = 1
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True)
class DepthObservation:
    """A depth image as the network's input."""

    name: str = "depth"
    """Name of the network's input."""
    kind: str = "depth"
    """``depth``: planar distance along the optical axis."""
    unit: str = "m"
    """Unit of the frame before preprocessing, when it is floating point [m]."""
    preprocess: DepthPreprocess
    """From the frame to the network's input."""
    camera: Mapping[str, Any] = field(default_factory=dict)
    """The camera of the training frames (size, focal length, ranges), for whoever mounts the real one."""

    def __post_init__(self) -> None:
        """Check the names. Raises: ContractError."""
        _need(_NAME.fullmatch(str(self.name)) is not None, "observation.name", self.name, "a lower-case name")
        _need(self.kind == "depth", "observation.kind", self.kind, "'depth'")
        _need(self.unit == "m", "observation.unit", self.unit, "'m'")
        object.__setattr__(self, "camera", _plain(self.camera, "observation.camera"))


@dataclass(frozen=True, kw_only=True)
class ClassAction:
    """A choice among named actions: the index of the largest output."""

    names: tuple[str, ...]
    """What each output stands for, in order."""
    kind: str = "class"
    """``class``: arg max over the outputs."""
    output: str = "logits"
    """Name of the network's output."""

    def __post_init__(self) -> None:
        """Check the names. Raises: ContractError."""
        _need(self.kind == "class", "action.kind", self.kind, "'class'")
        _need(isinstance(self.names, (list, tuple)), "action.names", self.names, "a list of names")
        object.__setattr__(self, "names", tuple(self.names))
        good = all(isinstance(n, str) and _NAME.fullmatch(n) for n in self.names)
        _need(good and len(set(self.names)) == len(self.names) >= 2, "action.names", self.names, "two or more names")
        _need(_NAME.fullmatch(str(self.output)) is not None, "action.output", self.output, "a lower-case name")


@dataclass(frozen=True, kw_only=True)
class GoldenReference:
    """Which golden vectors prove the policy, and how close is close enough."""

    sha256: str
    """Hash of ``golden.npz``."""
    frames: int
    """Number of golden frames."""
    float_tolerance: float = 1e-4
    """Largest difference of a float output, relative to max(1, largest golden output)."""
    int8_tolerance: float = 0.05
    """Largest difference of an INT8 output, relative likewise: integer kernels of CPUs differ by a few steps."""

    def __post_init__(self) -> None:
        """Check the ranges. Raises: ContractError."""
        _need(_is_sha256(self.sha256), "golden.sha256", self.sha256, "64 hexadecimal digits")
        whole = isinstance(self.frames, int) and not isinstance(self.frames, bool)
        _need(whole and self.frames >= 1, "golden.frames", self.frames, "an integer of at least 1")
        for name in ("float_tolerance", "int8_tolerance"):
            _number(self, name, "golden.", 0.0, 1.0)


@dataclass(frozen=True, kw_only=True)
class Contract:
    """Everything a policy needs to run."""

    name: str
    """Name of the policy; its files are called after it: ``<name>.onnx``, ``<name>.int8.onnx``."""
    task: str
    """The task that it was trained for."""
    observation: DepthObservation
    """What goes in."""
    action: ClassAction
    """What comes out."""
    controller: Mapping[str, Any] = field(default_factory=dict)
    """Parameters of the controller that turns an action into wheel or joint commands."""
    rate_hz: float
    """How often the policy decides [Hz]."""
    latency_s: tuple[float, float] | None = None
    """Range of sensor-to-command latency in training [s]; None: trained without."""
    spec_hash: str
    """SHA-256 of the randomization spec."""
    dataset_hash: str
    """SHA-256 over the training set's manifest and records."""
    code_version: str
    """Version of sim2real that exported it."""
    golden: GoldenReference
    """The golden vectors."""
    schema: int = SCHEMA
    """Version of this schema."""

    def __post_init__(self) -> None:
        """Check names, hashes and ranges. Raises: ContractError."""
        _need(self.schema == SCHEMA, "schema", self.schema, f"{SCHEMA}; this version of sim2real reads no other")
        for name in ("name", "task"):
            _need(_NAME.fullmatch(str(getattr(self, name))) is not None, name, getattr(self, name), "a lower-case name")
        for name in ("spec_hash", "dataset_hash"):
            _need(_is_sha256(getattr(self, name)), name, getattr(self, name), "64 hexadecimal digits")
        version = self.code_version
        _need(isinstance(version, str) and bool(version), "code_version", version, "a version")
        _number(self, "rate_hz", "", 0.0, 1e5)
        object.__setattr__(self, "controller", _plain(self.controller, "controller"))
        if self.latency_s is not None:
            pair = self.latency_s
            good = isinstance(pair, (list, tuple)) and len(pair) == 2 and all(_is_number(v) for v in pair)
            _need(good and 0.0 <= pair[0] <= pair[1], "latency_s", pair, "[low, high] with 0 <= low <= high [s]")
            object.__setattr__(self, "latency_s", (float(pair[0]), float(pair[1])))

    @property
    def sha256(self) -> str:
        """SHA-256 of the canonical JSON: the contract's name."""
        return hashlib.sha256(self.canonical().encode()).hexdigest()

    def model_file(self, precision: str) -> str:
        """The file name of the network.

        Args:
            precision: ``float`` or ``int8``.

        Raises:
            ContractError: another precision.
        """
        if precision not in ("float", "int8"):
            raise ContractError(f"precision is {precision!r}; allowed: float, int8.")
        return f"{self.name}.onnx" if precision == "float" else f"{self.name}.int8.onnx"

    def to_dict(self) -> dict[str, Any]:
        """The contract as plain JSON values."""
        return _plain(asdict(self), "contract")

    def canonical(self) -> str:
        """Canonical JSON: sorted keys, no spaces, shortest floats that read back to the same bits."""
        return canonical_json(self.to_dict())

    @classmethod
    def from_dict(cls, data: Any, source: str = "<contract>") -> Contract:
        """Read a contract from plain JSON values.

        Args:
            data: what ``to_dict`` wrote.
            source: where it came from, for the error.

        Raises:
            ContractError: a key is missing, unknown, or holds a value that is not allowed.
        """
        if isinstance(data, Mapping) and data.get("schema", SCHEMA) != SCHEMA:
            raise ContractError(
                f"{source}: the contract has schema {data['schema']!r}; this sim2real reads schema {SCHEMA}. "
                "Export the policy again, or use the version that exported it."
            )
        try:
            top = _keys(cls, data, "contract")
            observation = _keys(DepthObservation, top["observation"], "observation")
            observation["preprocess"] = DepthPreprocess(
                **_keys(DepthPreprocess, observation["preprocess"], "observation.preprocess")
            )
            top["observation"] = DepthObservation(**observation)
            top["action"] = ClassAction(**_keys(ClassAction, top["action"], "action"))
            top["golden"] = GoldenReference(**_keys(GoldenReference, top["golden"], "golden"))
            return cls(**top)
        except ContractError as error:
            raise ContractError(f"{source}: {error}") from None

    @classmethod
    def from_json(cls, text: str, source: str = "<contract>") -> Contract:
        """Read a contract from JSON text. Raises: ContractError, also when the text is not JSON."""
        return cls.from_dict(parse_json(text, source), source)


def canonical_json(data: Any) -> str:
    """One text per value: sorted keys, no spaces, shortest round-trip floats, NaN refused."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def parse_json(text: str, source: str) -> Any:
    """JSON values of a text. Raises: ContractError with line and column."""
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise ContractError(
            f"{source}: not JSON: {error.msg} at line {error.lineno}, column {error.colno}. The file is damaged."
        ) from None
    except ValueError as error:
        raise ContractError(f"{source}: not JSON: {error}.") from None


def _refuse_constant(name: str) -> float:
    """JSON has no NaN and no infinity."""
    raise ValueError(f"{name} is not a number that a contract may hold")


def _keys(cls: type, data: Any, where: str) -> dict[str, Any]:
    """A copy of a JSON object whose keys are exactly the dataclass's fields."""
    if not isinstance(data, Mapping):
        raise ContractError(f"{where} is {type(data).__name__}; it must be an object.")
    allowed = [f.name for f in fields(cls)]
    unknown = sorted(set(data) - set(allowed))
    missing = [name for name in allowed if name not in data]
    if unknown or missing:
        parts = [f"unknown key {name!r}" for name in unknown] + [f"missing key {name!r}" for name in missing]
        raise ContractError(f"{where}: {', '.join(parts)}; the keys are: {', '.join(allowed)}.")
    return dict(data)


def _plain(value: Any, where: str) -> Any:
    """A deep copy in plain JSON values (tuples become lists). Raises: ContractError."""
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise ContractError(f"{where} holds something that JSON cannot: {error}.") from None


def _need(holds: bool, where: str, value: Any, allowed: str) -> None:
    """Raise a ContractError unless the condition holds."""
    if not holds:
        raise ContractError(f"{where} is {value!r}; it must be {allowed}.")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _is_sha256(value: Any) -> bool:
    return isinstance(value, str) and _SHA256.fullmatch(value) is not None


def _number(owner: Any, name: str, prefix: str, above: float, limit: float) -> None:
    """Make a field a float and check above < value <= limit."""
    value = getattr(owner, name)
    good = _is_number(value) and above < value <= limit
    _need(good, prefix + name, value, f"a number above {above:g} and up to {limit:g}")
    object.__setattr__(owner, name, float(value))
