"""The export: everything is made and proven in a temporary folder, which gets its name at the very end.

So a folder that has the bundle's name is whole. A failed parity, a full disk or Ctrl-C leaves nothing, and an older
bundle of that name stays what it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from sim2real.contract import (
    ClassAction,
    Contract,
    DepthObservation,
    DepthPreprocess,
    Golden,
    GoldenReference,
    embed,
    file_record,
)
from sim2real.contract.golden import GOLDEN_FILE
from sim2real.export.errors import ExportError
from sim2real.export.folder import (
    LATENCY_FILE,
    PARITY_FILE,
    bundle_folder,
    check_target,
    json_bytes,
    runtime_name,
    time_inference,
    write_bundle,
)
from sim2real.export.gates import Gate
from sim2real.export.onnx_file import OPSET, export_onnx, open_session, prove_parity, run, torch_logits
from sim2real.export.precisions import Precisions, make_precisions
from sim2real.export.progress import Say, quiet
from sim2real.export.quantize import CALIBRATORS, in_batches

_LEAST_FRAMES = 16


@dataclass(frozen=True, kw_only=True)
class ExportCfg:
    """How to export."""

    name: str = "avoidance"
    """Name of the policy and of its files."""
    controller: Mapping[str, Any] = field(default_factory=dict)
    """Parameters of the controller that turns the action into commands; they travel in the contract."""
    rate_hz: float = 10.0
    """How often the policy decides [Hz]."""
    latency_s: tuple[float, float] | None = None
    """Range of the sensor-to-command latency in training [s]; None: trained without."""
    gate: Gate = Gate()
    """What INT8 and FP16 must hold."""
    calibrators: tuple[str, ...] = CALIBRATORS
    """Names of the calibrators to try."""
    parity_frames: int = 1024
    """Held-out frames for the comparison of torch and ONNX Runtime; fewer where the split has fewer."""
    parity_tolerance: float = 1e-4
    """Largest difference of the two, relative to max(1, largest output)."""
    gate_frames: int = 1024
    """Most held-out frames for the scores of INT8."""
    calibration_frames: int = 128
    """Most training frames for the calibration."""
    golden_frames: int = 64
    """Most golden frames. Frames know nothing of each other, so parity is what is proven on many, here; the golden ones
    are proven anew at each start, where a ResNet18 takes a hundredth of a second for each on a core."""
    latency_runs: int = 200
    """Timed single inferences."""
    threads: int = 0
    """CPU threads of ONNX Runtime during the export; 0: as many as there are cores."""


class TrainedPolicy(Protocol):
    """What the export needs to know of a trained policy; ``sim2real.learn.Policy`` is one."""

    @property
    def model(self) -> Any:
        """The torch module: (N, 1, height, width) -> (N, classes)."""

    @property
    def preprocess(self) -> DepthPreprocess:
        """From frames to its inputs."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of its outputs, in order."""

    @property
    def task(self) -> str:
        """The task that it was trained for."""

    @property
    def dataset_hash(self) -> str:
        """Hash of the training sets."""

    @property
    def spec_hash(self) -> str:
        """Hash of the randomization spec."""

    @property
    def camera(self) -> Mapping[str, Any]:
        """The camera of the training frames."""


class LabelledFrames(Protocol):
    """Depth frames with labels; ``sim2real.datasets.DepthDataset`` is one."""

    @property
    def labels(self) -> np.ndarray:
        """int64 (n,)."""

    def __len__(self) -> int:
        """Number of frames."""

    def depth_mm(self, positions: np.ndarray) -> np.ndarray:
        """uint16 (len(positions), H, W): some of the frames [mm]."""


@dataclass(frozen=True, kw_only=True)
class ExportResult:
    """A finished export."""

    folder: Path
    """The bundle."""
    contract: Contract
    """Its contract."""
    parity: dict[str, Any]
    """The content of ``parity.json``."""
    latency: dict[str, Any]
    """The content of ``latency.json``."""

    @property
    def has_int8(self) -> bool:
        """Whether INT8 passed the gate."""
        return self.has("int8")

    def has(self, precision: str) -> bool:
        """Whether the bundle has a network of a precision."""
        return bool(self.parity["precisions"][precision]["kept"])

    @property
    def precisions(self) -> tuple[str, ...]:
        """The precisions that the bundle has networks of, float first."""
        return tuple(name for name, entry in self.parity["precisions"].items() if entry["kept"])


@dataclass(frozen=True, kw_only=True, eq=False)
class _Split:
    """Frames of one split."""

    depth_mm: np.ndarray
    inputs: np.ndarray
    labels: np.ndarray


def export_bundle(
    policy: TrainedPolicy,
    held_out: LabelledFrames,
    calibration: LabelledFrames | None,
    out_dir: str | Path,
    cfg: ExportCfg | None = None,
    *,
    say: Say = quiet,
) -> ExportResult:
    """Export a trained policy as a bundle.

    Example:
        >>> policy = sim2real.learn.load_policy("runs/train")
        >>> splits = [DepthDataset("runs/data", split=name) for name in ("val", "train")]
        >>> export_bundle(policy, *splits, "runs/bundle")

    Args:
        policy: a trained policy.
        held_out: frames that it was not trained on, for parity and for the scores of INT8.
        calibration: frames that it was trained on, to calibrate INT8; None: float only.
        out_dir: the bundle's folder; an older bundle there is replaced, anything else is refused.
        cfg: how to export.
        say: told of the progress: stage, precision, message.

    Raises:
        ParityError: the exported network does not answer as the trained one.
        ExportError: too few frames, or a folder that is something else. Nothing is written in either case.
    """
    cfg = cfg or ExportCfg()
    out = Path(out_dir)
    check_target(out)
    say("read", "", f"{len(held_out)} held-out frames")
    scored = _read(policy, held_out, max(cfg.parity_frames, cfg.gate_frames), "held-out")
    calibrating = _read(policy, calibration, cfg.calibration_frames, "calibration") if calibration is not None else None
    with bundle_folder(out) as work:
        result = _make(policy, scored, calibrating, work, cfg, say)
        say("write", "", str(out))
        _prove(work, result.precisions)
    return replace(result, folder=out)


def _make(
    policy: TrainedPolicy, held_out: _Split, calibration: _Split | None, work: Path, cfg: ExportCfg, say: Say
) -> ExportResult:
    """Make every file of the bundle in ``work``."""
    import sim2real

    observation = DepthObservation(preprocess=policy.preprocess, camera=policy.camera)
    action = ClassAction(names=policy.classes)
    say("export", "float", f"ONNX of opset {OPSET}")
    proto = export_onnx(
        policy.model,
        work / "float.onnx",
        shape=(1, policy.preprocess.height, policy.preprocess.width),
        input_name=observation.name,
        output_name=action.output,
        graph_name=cfg.name,
    )
    session = open_session(proto.SerializeToString(), cfg.threads)
    compared = held_out.inputs[: cfg.parity_frames]
    say("prove", "float", f"ONNX Runtime against torch on {len(compared)} frames")
    logits = run(session, held_out.inputs)
    found, wanted = logits[: len(compared)], torch_logits(policy.model, compared)
    error = prove_parity(session, compared, found, wanted, cfg.parity_tolerance)

    def score(content: bytes) -> dict[str, Any]:
        return cfg.gate.measure(run(open_session(content, cfg.threads), held_out.inputs), logits, held_out.labels)

    made = make_precisions(
        proto,
        work,
        score,
        score,
        {"fp16": cfg.gate, "int8": cfg.gate},
        len(held_out.labels),
        {"max_abs_error": error, "tolerance": cfg.parity_tolerance, "frames": len(compared)},
        batches=None if calibration is None else in_batches({observation.name: calibration.inputs}),
        calibrators=cfg.calibrators,
        say=say,
    )
    golden = _golden(policy, held_out, logits, made, cfg)
    say("golden", "", f"{len(golden.logits)} frames")
    golden_bytes = golden.to_bytes()
    contract = Contract(
        name=cfg.name,
        task=policy.task,
        observation=observation,
        action=action,
        controller=cfg.controller,
        rate_hz=cfg.rate_hz,
        latency_s=cfg.latency_s,
        spec_hash=policy.spec_hash,
        dataset_hash=policy.dataset_hash,
        code_version=sim2real.__version__,
        golden=GoldenReference(sha256=file_record(golden_bytes).sha256, frames=len(golden.logits)),
    )
    contents = {GOLDEN_FILE: golden_bytes}
    latency: dict[str, Any] = {"batch": 1, "runs": cfg.latency_runs, "unit": "ms", "runtime": runtime_name()}
    for precision, model in made.models.items():
        embed(model, contract, precision)
        content = model.SerializeToString()
        contents[contract.model_file(precision)] = content
        say("time", precision, f"{cfg.latency_runs} inferences")
        latency[precision] = time_inference(content, {observation.name: held_out.inputs[:1]}, cfg.latency_runs)
    int8 = made.table["int8"]
    parity = {
        "max_abs_error": error,
        "tolerance": cfg.parity_tolerance,
        "frames": len(compared),
        "opset": OPSET,
        "float_accuracy": float((logits.argmax(1) == held_out.labels).mean()),
        "int8_top1_agreement": int8["top1_agreement"] if int8["kept"] else None,
        "precisions": made.table,
        "keep": made.keep,
        "engines": {},
        "not_run": made.not_run,
    }
    contents[PARITY_FILE] = json_bytes(parity)
    contents[LATENCY_FILE] = json_bytes(latency)
    write_bundle(work, contract, contents)
    return ExportResult(folder=work, contract=contract, parity=parity, latency=latency)


def _golden(policy: TrainedPolicy, split: _Split, logits: np.ndarray, made: Precisions, cfg: ExportCfg) -> Golden:
    """Pick frames of every choice that the network is sure of, so that rounding cannot turn the choice."""
    top = np.sort(logits, axis=1)
    gap = top[:, -1] - top[:, -2]
    choice = logits.argmax(1)
    by_choice = [np.flatnonzero(choice == c) for c in range(logits.shape[1])]
    # the surer half of each choice, in the order of the dataset
    sure = [np.sort(rows[np.argsort(-gap[rows], kind="stable")][: -(-len(rows) // 2)]) for rows in by_choice]
    picked: list[int] = []
    while len(picked) < cfg.golden_frames and any(len(rows) for rows in sure):
        for c, rows in enumerate(sure):
            if len(rows) and len(picked) < cfg.golden_frames:
                picked.append(int(rows[0]))
                sure[c] = rows[1:]
    rows = np.array(sorted(picked))
    inputs = split.inputs[rows]
    return Golden(
        depth_mm=split.depth_mm[rows],
        inputs=inputs,
        logits=torch_logits(policy.model, inputs),
        **{
            f"logits_{precision}": run(open_session(model.SerializeToString(), cfg.threads), inputs)
            for precision, model in made.models.items()
            if precision != "float"
        },
    )


def _read(policy: TrainedPolicy, data: LabelledFrames, most: int, what: str) -> _Split:
    """Some frames, spread evenly over what there is."""
    count = len(data)
    if count < _LEAST_FRAMES:
        raise ExportError(f"{count} {what} frames; the export needs at least {_LEAST_FRAMES}. Generate more frames.")
    positions = np.unique(np.linspace(0, count - 1, min(most, count)).round().astype(int))
    labels = np.asarray(data.labels)[positions]
    if not (0 <= labels.min() and labels.max() < len(policy.classes)):
        raise ExportError(
            f"the {what} frames have labels {labels.min()}..{labels.max()}; the policy has {len(policy.classes)} "
            f"classes ({', '.join(policy.classes)}). Give the dataset that it was trained on."
        )
    depth_mm = data.depth_mm(positions)
    return _Split(depth_mm=depth_mm, inputs=policy.preprocess.apply(depth_mm), labels=labels)


def _prove(folder: Path, precisions: Sequence[str]) -> None:
    """Load the bundle as a robot would."""
    from sim2real.deploy.runtime import PolicyRuntime

    for precision in precisions:
        PolicyRuntime(folder, precision, threads=1)
