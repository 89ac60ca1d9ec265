"""The contract: one JSON object that says everything a policy needs to run, and its hash.

Frozen dataclasses on one side, canonical JSON on the other (sorted keys, no spaces, Python's shortest round-trip
floats, no NaN): the same contract is the same bytes everywhere, so its SHA-256 is its name. Reading is strict: a key
that is missing, unknown or of another type is an error that names it, because a robot must not guess.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from sim2real.contract.actions import ACTIONS, Action, ClassAction, JointAction, JointPositionAction
from sim2real.contract.depth import DepthPreprocess
from sim2real.contract.errors import ContractError
from sim2real.contract.joints import Robot, TrainingRun
from sim2real.contract.memory import RecurrentState
from sim2real.contract.reading import (
    as_range,
    canonical_json,
    is_sha256,
    keys,
    need,
    need_label,
    need_name,
    need_text,
    need_whole,
    number,
    objects,
    parse_json,
    plain,
)
from sim2real.contract.state import StateObservation

SCHEMA = 3
PRECISIONS = ("float", "fp16", "int8")
"""Precisions of a policy's networks."""


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
        need_name(self.name, "observation.name")
        need(self.kind == "depth", "observation.kind", self.kind, "'depth'")
        need(self.unit == "m", "observation.unit", self.unit, "'m'")
        object.__setattr__(self, "camera", plain(self.camera, "observation.camera"))

    @classmethod
    def from_dict(cls, data: Any) -> DepthObservation:
        """Read from plain JSON values. Raises: ContractError."""
        top = keys(cls, data, "observation")
        preprocess = keys(DepthPreprocess, top["preprocess"], "observation.preprocess")
        return cls(**{**top, "preprocess": DepthPreprocess(**preprocess)})


@dataclass(frozen=True, kw_only=True)
class GoldenReference:
    """Which golden vectors prove the policy, and how close is close enough."""

    sha256: str
    """Hash of ``golden.npz``."""
    frames: int
    """Number of golden frames."""
    float_tolerance: float = 1e-4
    """Largest difference of a float output, relative to max(1, largest golden output)."""
    fp16_tolerance: float = 0.01
    """Largest difference of an FP16 output, relative likewise: half floats have 11 bits."""
    int8_tolerance: float = 0.05
    """Largest difference of an INT8 output, relative likewise: integer kernels of CPUs differ by a few steps."""

    def __post_init__(self) -> None:
        """Check the ranges. Raises: ContractError."""
        need(is_sha256(self.sha256), "golden.sha256", self.sha256, "64 hexadecimal digits")
        need_whole(self, "frames", "golden.", 1)
        for name in ("float_tolerance", "fp16_tolerance", "int8_tolerance"):
            number(self, name, "golden.", 0.0, 1.0)

    def tolerance(self, precision: str) -> float:
        """How close is close enough in a precision. Raises: ContractError."""
        check_precision(precision)
        return float(getattr(self, f"{precision}_tolerance"))


Observation = DepthObservation | StateObservation
"""What may go in."""
OBSERVATIONS: dict[str, Any] = {"depth": DepthObservation, "state": StateObservation}


@dataclass(frozen=True, kw_only=True)
class Contract:
    """Everything a policy needs to run."""

    name: str
    """Name of the policy; its files are called after it: ``<name>.onnx``, ``<name>.fp16.onnx``, ``<name>.int8.onnx``.
    """
    task: str
    """The task that it was trained for."""
    observation: Observation
    """What goes in: a depth image, or the robot's own state."""
    action: Action
    """What comes out: a class, or joint targets."""
    memory: tuple[RecurrentState, ...] = ()
    """State of a recurrent network, tensor by tensor; empty for a network without."""
    controller: Mapping[str, Any] = field(default_factory=dict)
    """Parameters of the controller that turns a class into wheel commands; empty for joint targets."""
    rate_hz: float
    """How often the policy decides [Hz]."""
    latency_s: tuple[float, float] | None = None
    """Range of sensor-to-command latency in training [s]; None: trained without."""
    spec_hash: str | None = None
    """SHA-256 of the randomization spec; None: trained without one."""
    dataset_hash: str | None = None
    """SHA-256 over the training set's manifest and records; None: not trained on a set."""
    robot: Robot | None = None
    """The robot of training; None where the action moves no joints."""
    run: TrainingRun | None = None
    """The training run; None where a dataset was all there was."""
    code_version: str
    """Version of sim2real that exported it."""
    golden: GoldenReference
    """The golden vectors."""
    schema: int = SCHEMA
    """Version of this schema."""

    def __post_init__(self) -> None:
        """Check names, hashes and ranges, and that the parts fit. Raises: ContractError."""
        need(self.schema == SCHEMA, "schema", self.schema, f"{SCHEMA}; this version of sim2real reads no other")
        need_name(self.name, "name")
        need_label(self.task, "task")
        for name in ("spec_hash", "dataset_hash"):
            value = getattr(self, name)
            need(value is None or is_sha256(value), name, value, "64 hexadecimal digits, or null")
        need_text(self.code_version, "code_version")
        number(self, "rate_hz", "", 0.0, 1e5)
        object.__setattr__(self, "controller", plain(self.controller, "controller"))
        if self.latency_s is not None:
            latency = as_range(self.latency_s, "latency_s")
            need(latency[0] >= 0.0, "latency_s", latency, "[low, high] with 0 <= low <= high [s]")
            object.__setattr__(self, "latency_s", latency)
        self._check_memory()
        if isinstance(self.action, JointAction):
            self._check_joints()
        else:
            need(isinstance(self.observation, DepthObservation), "observation.kind", "state", "'depth' for a class")
            need(self.dataset_hash is not None, "dataset_hash", None, "given for a classifier")
            given = [name for name in ("robot", "run") if getattr(self, name) is not None]
            given += ["memory"] if self.memory else []
            need(not given, " and ".join(given), "given", "null or empty for a classifier")

    def _check_memory(self) -> None:
        """Every tensor that goes in or out has a name of its own."""
        object.__setattr__(self, "memory", tuple(self.memory))
        names = [self.observation.name, *(state.input for state in self.memory)]
        need(len(set(names)) == len(names), "memory: input", names, "names that occur once among the inputs")
        names = [self.action.output, *(state.output for state in self.memory)]
        need(len(set(names)) == len(names), "memory: output", names, "names that occur once among the outputs")

    def _check_joints(self) -> None:
        """A policy that moves joints: its robot has them, its terms fit its action, its rate fits its run."""
        state, action = self.state, self.joint_action
        if self.robot is None or self.run is None:
            raise ContractError("robot and run must be given for a policy that moves joints.")
        known = set(self.robot.joint_names)
        places = {"action": action.joints, **{term.name: term.joints for term in state.terms}}
        for place, joints in places.items():
            missing = [joint for joint in joints if joint not in known]
            need(not missing, f"{place}: joints", missing, f"among the robot's: {', '.join(self.robot.joint_names)}")
        for term in state.terms:
            fits = term.kind != "last_action" or term.size == len(action.joints)
            need(fits, f"observation.terms: {term.name}.size", term.size, f"{len(action.joints)}, as the action's")
        trained = 1.0 / (self.run.physics_dt_s * self.run.decimation)
        need(abs(trained / self.rate_hz - 1.0) < 1e-6, "rate_hz", self.rate_hz, f"{trained:g}, the rate of training")

    @property
    def depth(self) -> DepthObservation:
        """The observation of a policy that sees. Raises: ContractError."""
        return self._as(self.observation, DepthObservation, "takes", "a depth image")

    @property
    def state(self) -> StateObservation:
        """The observation of a policy that feels its own state. Raises: ContractError."""
        return self._as(self.observation, StateObservation, "takes", "the robot's state")

    @property
    def classes(self) -> ClassAction:
        """The action of a policy that chooses. Raises: ContractError."""
        return self._as(self.action, ClassAction, "gives", "a class")

    @property
    def joint_action(self) -> JointAction:
        """The action of a policy that moves joints, of any kind. Raises: ContractError."""
        return self._as(self.action, JointAction, "gives", "joint targets")

    @property
    def joint_positions(self) -> JointPositionAction:
        """The action of a policy that gives positions of joints. Raises: ContractError."""
        return self._as(self.action, JointPositionAction, "gives", "joint positions")

    def _as(self, part: Any, cls: Any, verb: str, wanted: str) -> Any:
        """A part of the contract if it is of a class."""
        if not isinstance(part, cls):
            raise ContractError(f"policy '{self.name}' for task '{self.task}' {verb} {part.kind}; wanted is {wanted}.")
        return part

    @property
    def sha256(self) -> str:
        """SHA-256 of the canonical JSON: the contract's name."""
        return hashlib.sha256(self.canonical().encode()).hexdigest()

    def model_file(self, precision: str) -> str:
        """The file name of the network.

        Args:
            precision: ``float``, ``fp16`` or ``int8``.

        Raises:
            ContractError: another precision.
        """
        check_precision(precision)
        return f"{self.name}.onnx" if precision == "float" else f"{self.name}.{precision}.onnx"

    def to_dict(self) -> dict[str, Any]:
        """The contract as plain JSON values."""
        return plain(asdict(self), "contract")

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
            top = keys(cls, data, "contract")
            top["observation"] = _by_kind(OBSERVATIONS, top["observation"], "observation")
            top["action"] = _by_kind(ACTIONS, top["action"], "action")
            top["memory"] = objects(RecurrentState, top["memory"], "memory")
            top["robot"] = None if top["robot"] is None else Robot.from_dict(top["robot"])
            top["run"] = None if top["run"] is None else TrainingRun(**keys(TrainingRun, top["run"], "run"))
            top["golden"] = GoldenReference(**keys(GoldenReference, top["golden"], "golden"))
            return cls(**top)
        except ContractError as error:
            raise ContractError(f"{source}: {error}") from None

    @classmethod
    def from_json(cls, text: str, source: str = "<contract>") -> Contract:
        """Read a contract from JSON text. Raises: ContractError, also when the text is not JSON."""
        return cls.from_dict(parse_json(text, source), source)


def check_precision(precision: str) -> None:
    """Refuse a name that is no precision. Raises: ContractError."""
    if precision not in PRECISIONS:
        raise ContractError(f"precision is {precision!r}; allowed: {', '.join(PRECISIONS)}.")


def _by_kind(classes: Mapping[str, Any], data: Any, where: str) -> Any:
    """Read an object as what its ``kind`` says."""
    need(isinstance(data, Mapping), where, type(data).__name__, "an object")
    kind = data.get("kind")
    need(isinstance(kind, str) and kind in classes, f"{where}.kind", kind, f"one of {', '.join(classes)}")
    return classes[kind].from_dict(data)
