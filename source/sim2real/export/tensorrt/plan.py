"""What to build: the precisions of a bundle, and what each needs of a TensorRT version.

TensorRT 8 and 10 may lower a float network's precision themselves when a flag allows it; TensorRT 11 does only what the
ONNX file says ("strongly typed"), and 10 can be asked to. So one plan names every file and ``choose`` says which file
and which flags a version takes. Names of flags are kept, never their integers: those moved between versions.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sim2real.deploy.tensorrt_device import Device, EngineError, parse_version

PRECISIONS = ("fp32", "fp16", "int8")
PLAN_SCHEMA = 1
_TENSOR = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")


@dataclass(frozen=True)
class BuildPlan:
    """Everything that building and proving the engines of a bundle needs, as plain values."""

    name: str
    """Name of the policy."""
    contract_sha256: str
    """The contract of the bundle."""
    networks: Mapping[str, Mapping[str, str]]
    """``float``, ``fp16``, ``int8`` -> ``file`` and ``sha256`` of the ONNX file; ``float`` is always there."""
    shapes: Mapping[str, tuple[int, ...]]
    """Shape of every input by name; -1 is the batch."""
    golden: Mapping[str, Any]
    """Which array of the golden vectors is which tensor, and how close is close enough; see ``read_proof``."""
    batch: tuple[int, int, int] = (1, 1, 1)
    """Smallest, usual and largest batch. A controller asks for one robot."""
    workspace_mib: int = 1024
    """Most memory that a kernel may use while it works [MiB]; a Jetson Orin Nano has 8 GiB for everything."""
    optimization_level: int | None = None
    """How long to search for kernels, 0 to 5 (TensorRT 8.6 and newer); None: TensorRT's own, 3."""
    latency_runs: int = 1000
    """Timed single inferences."""
    schema: int = PLAN_SCHEMA
    """Version of this plan."""

    def __post_init__(self) -> None:
        """Check the ranges. Raises: EngineError."""
        _need(self.schema == PLAN_SCHEMA, "schema", self.schema, f"{PLAN_SCHEMA}")
        _need(bool(_FILE.fullmatch(self.name)), "name", self.name, "letters, digits, '_', '-' and '.'")
        unknown = sorted(set(self.networks) - {"float", "fp16", "int8"})
        _need("float" in self.networks and not unknown, "networks", sorted(self.networks), "float, and fp16 and int8")
        for kind, network in self.networks.items():
            good = set(network) == {"file", "sha256"} and bool(_FILE.fullmatch(network["file"]))
            _need(good, f"networks.{kind}", dict(network), "a file and its sha256")
        object.__setattr__(self, "shapes", {name: tuple(shape) for name, shape in self.shapes.items()})
        for name, shape in self.shapes.items():
            # trtexec's options take names and shapes between ':' and ','
            _need(bool(_TENSOR.fullmatch(name)), "name of an input", name, "letters, digits and '_'")
            good = shape.count(-1) == 1 and all(size > 0 for size in shape if size != -1)
            _need(good, f"shape of {name}", shape, "positive sizes, and -1 once for the batch")
        object.__setattr__(self, "batch", tuple(self.batch))
        low, usual, high = self.batch
        _need(1 <= low <= usual <= high, "batch", self.batch, "smallest <= usual <= largest, all at least 1")
        _need(self.workspace_mib >= 16, "workspace_mib", self.workspace_mib, "at least 16 MiB")
        level = self.optimization_level
        _need(level is None or 0 <= level <= 5, "optimization_level", level, "0 to 5, or null")
        _need(self.latency_runs >= 10, "latency_runs", self.latency_runs, "at least 10")

    def to_json(self) -> str:
        """The plan as JSON."""
        return json.dumps(dataclasses.asdict(self), indent=1, sort_keys=True, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> BuildPlan:
        """Read what ``to_json`` wrote. Raises: EngineError."""
        try:
            return cls(**json.loads(text))
        except (TypeError, ValueError) as error:
            raise EngineError(
                f"the build plan cannot be read: {error}. Make it again with 'sim2real export'."
            ) from None


def _need(holds: bool, where: str, value: Any, allowed: str) -> None:
    if not holds:
        raise EngineError(f"build plan: {where} is {value!r}; it must be {allowed}.")


@dataclass(frozen=True)
class Choice:
    """How one TensorRT version builds one precision."""

    precision: str
    """``fp32``, ``fp16`` or ``int8``."""
    network: str
    """Which ONNX file: a key of ``BuildPlan.networks``."""
    typed: bool = False
    """The file's own types are binding."""
    flags: tuple[str, ...] = field(default=())
    """Builder flags to set, by name: ``FP16``, ``INT8``."""
    tf32: bool = True
    """Whether products of float32 may be rounded to 10 bits of mantissa."""


def choose(plan: BuildPlan, precision: str, version: tuple[int, ...]) -> Choice:
    """How a TensorRT version builds a precision of a bundle.

    float32 is built without TF32, so that it means what it says. INT8 is what the Q/DQ pairs in the file say; before 11
    the layers between them may be FP16, which is measured to be faster than float32 and never wrong to allow:
    allowing INT8 without FP16 on such a file is.

    A precision that the bundle has no network of did not hold its gate, and a robot refuses an engine of it; so none is
    built, also where TensorRT could make it of the float network.

    Raises:
        EngineError: the bundle has no network of this precision, or there is no such precision.
    """
    major = version[0]
    if precision == "fp32":
        return Choice(precision, "float", typed=major >= 11, tf32=False)
    if precision == "fp16":
        if "fp16" not in plan.networks:
            raise EngineError("this bundle has no FP16 network, so no robot would take its engine; see parity.json.")
        if major < 10:
            return Choice(precision, "float", flags=("FP16",))
        return Choice(precision, "fp16", typed=True)
    if precision == "int8":
        if "int8" not in plan.networks:
            raise EngineError("this bundle has no INT8 network; parity.json has the reason.")
        if major < 11:
            return Choice(precision, "int8", flags=("FP16", "INT8"))
        return Choice(precision, "int8", typed=True)
    raise EngineError(f"precision is {precision!r}; allowed: {', '.join(PRECISIONS)}.")


def check_precisions(precisions: tuple[str, ...]) -> None:
    """Refuse unknown or repeated precisions. Raises: EngineError."""
    wrong = [name for name in precisions if name not in PRECISIONS]
    if wrong or not precisions or len(set(precisions)) != len(precisions):
        raise EngineError(
            f"precisions are {', '.join(precisions) or 'none'}; allowed: {', '.join(PRECISIONS)}, each once."
        )


def cache_key(plan: BuildPlan, choice: Choice, device: Device, route: str) -> str:
    """What an engine depends on, as one hash: where it is equal, the engine need not be built again."""
    parts = {
        "onnx": plan.networks[choice.network]["sha256"],
        "choice": dataclasses.asdict(choice),
        "device": dataclasses.asdict(device),
        "batch": plan.batch,
        "workspace_mib": plan.workspace_mib,
        "optimization_level": plan.optimization_level,
        "route": route,
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def version_of(device: Device) -> tuple[int, ...]:
    """The TensorRT version of a device as numbers."""
    return parse_version(device.tensorrt)
