"""The golden vectors as an engine sees them: tensors in, tensors wanted, and how close is close enough.

They are played as they were recorded, decision by decision, with a recurrent policy's state carried along and set to
zero at the start of each episode. The same lines prove an engine on the device that built it, through TensorRT or
through trtexec, and on the robot each time before it answers.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sim2real.deploy.tensorrt_device import EngineError
from sim2real.deploy.tensorrt_engine import with_batch

if TYPE_CHECKING:
    from collections.abc import Callable

    Infer = Callable[[Mapping[str, np.ndarray]], dict[str, np.ndarray]]


@dataclass(frozen=True, eq=False)
class Proof:
    """Recorded decisions of n robots; arrays are (steps, n, ...)."""

    inputs: Mapping[str, np.ndarray]
    """Inputs by name, without the recurrent state."""
    outputs: Mapping[str, np.ndarray]
    """Outputs that are wanted, by name."""
    fresh: np.ndarray
    """bool (steps, n): the first decision of an episode."""
    states: Mapping[str, str]
    """Input of each recurrent state -> the output that is its next value."""
    shapes: Mapping[str, tuple[int, ...]]
    """Shape of every input; -1 is the batch."""
    tolerance: float
    """Largest difference, relative to max(1, largest wanted)."""
    choice: bool = False
    """The largest output is a choice, which has to be the same."""


def read_proof(golden: Mapping[str, np.ndarray], spec: Mapping[str, Any], precision: str) -> Proof:
    """The proof of a precision out of ``golden.npz``.

    Args:
        golden: the arrays of the file.
        spec: the plan's ``golden`` section: which array is which tensor.
        precision: ``fp32``, ``fp16`` or ``int8``.

    Raises:
        EngineError: an array is missing.
    """
    wanted = spec["int8_outputs"] if precision == "int8" and spec["int8_outputs"] else spec["outputs"]
    names = [*spec["inputs"].values(), *wanted.values(), *([spec["fresh"]] if spec["fresh"] else [])]
    missing = [name for name in names if name not in golden]
    if missing:
        raise EngineError(f"the golden vectors lack {', '.join(missing)}; copy the bundle again.")
    by_step = spec["fresh"] is not None

    def steps(name: str) -> np.ndarray:
        return golden[name] if by_step else golden[name][None]

    outputs = {tensor: steps(name) for tensor, name in wanted.items()}
    first = next(iter(outputs.values()))
    fresh = golden[spec["fresh"]] if by_step else np.ones(first.shape[:2], bool)
    return Proof(
        inputs={tensor: steps(name) for tensor, name in spec["inputs"].items()},
        outputs=outputs,
        fresh=fresh,
        states=dict(spec["states"]),
        shapes={name: tuple(shape) for name, shape in spec["shapes"].items()},
        tolerance=float(spec["tolerances"][precision]),
        choice=bool(spec["choice"]),
    )


def prove(infer: Infer, proof: Proof, largest_batch: int = 1, vectors: int | None = None) -> dict[str, Any]:
    """Play the golden vectors and compare.

    Args:
        infer: one inference: tensors in by name -> tensors out by name.
        proof: what to play.
        largest_batch: most robots in one inference.
        vectors: about how many decisions to play; None: all.

    Returns:
        ``status`` (``pass`` or ``fail``), ``vectors``, ``of``, ``max_abs_error``, ``allowed``, ``mean_abs_error`` and,
        for choices, ``same_choice`` (a share).
    """
    steps, robots = proof.fresh.shape
    total = steps * robots
    if vectors is not None and total > vectors:
        steps = min(steps, vectors)
        robots = max(1, min(robots, vectors // steps))
    largest = max(float(np.abs(array).max()) for array in proof.outputs.values())
    errors: list[np.ndarray] = []
    same: list[np.ndarray] = []
    for first in range(0, robots, largest_batch):
        rows = slice(first, min(first + largest_batch, robots))
        state = _zero_state(proof, rows.stop - rows.start)
        for step in range(steps):
            _begin_episodes(state, proof, proof.fresh[step, rows])
            feeds = {name: np.ascontiguousarray(array[step, rows]) for name, array in proof.inputs.items()}
            found = infer({**feeds, **state})
            state = {name: found[output] for name, output in proof.states.items()}
            for name, array in proof.outputs.items():
                wanted = array[step, rows]
                if found[name].shape != wanted.shape:
                    raise EngineError(f"'{name}' is {found[name].shape}; the golden vectors have {wanted.shape}.")
                errors.append(np.abs(found[name].astype(np.float32) - wanted).reshape(len(wanted), -1))
                if proof.choice:
                    same.append(found[name].argmax(-1) == wanted.argmax(-1))
    error = np.concatenate(errors)
    worst = float(error.max()) if np.isfinite(error).all() else float("inf")
    allowed = proof.tolerance * max(1.0, largest)
    result: dict[str, Any] = {
        "status": "pass",
        "vectors": steps * robots,
        "of": total,
        "max_abs_error": worst if np.isfinite(worst) else "not a number",
        "mean_abs_error": float(error.mean()) if np.isfinite(worst) else "not a number",
        "allowed": allowed,
    }
    good = worst <= allowed
    if proof.choice:
        result["same_choice"] = float(np.concatenate(same).mean())
        good = good and result["same_choice"] == 1.0
    result["status"] = "pass" if good else "fail"
    return result


def _zero_state(proof: Proof, batch: int) -> dict[str, np.ndarray]:
    return {name: np.zeros(with_batch(proof.shapes[name], batch), np.float32) for name in proof.states}


def _begin_episodes(state: dict[str, np.ndarray], proof: Proof, fresh: np.ndarray) -> None:
    """Set the state of robots that begin an episode to zero."""
    for name, array in state.items():
        np.moveaxis(array, proof.shapes[name].index(-1), 0)[fresh] = 0.0


def describe(result: Mapping[str, Any]) -> str:
    """One line about a proof."""
    said = f"largest difference {result['max_abs_error']:.3g}" if result["max_abs_error"] != "not a number" else "NaN"
    said += f", allowed {result['allowed']:.3g}, on {result['vectors']} of {result['of']} golden vectors"
    return said + (f", same choices {result['same_choice']:.2%}" if "same_choice" in result else "")


def percentiles(milliseconds: np.ndarray) -> dict[str, float]:
    """p50, p90, p99, p99.9, mean and max of durations [ms], and their number."""
    p50, p90, p99, p999 = np.percentile(milliseconds, [50, 90, 99, 99.9])
    return {
        "p50": float(p50),
        "p90": float(p90),
        "p99": float(p99),
        "p99.9": float(p999),
        "mean": float(milliseconds.mean()),
        "max": float(milliseconds.max()),
        "runs": len(milliseconds),
    }


def measure(infer: Infer, proof: Proof, runs: int) -> dict[str, float]:
    """Time single inferences, from arrays to arrays, over the recorded inputs [ms]; see ``percentiles``."""
    steps, robots = proof.fresh.shape
    feeds = [
        {name: np.ascontiguousarray(array[i % steps, [i // steps % robots]]) for name, array in proof.inputs.items()}
        for i in range(min(steps * robots, 256))
    ]
    state = _zero_state(proof, 1)
    for i in range(max(20, runs // 10)):
        infer({**feeds[i % len(feeds)], **state})
    times = np.empty(runs)
    collecting = gc.isenabled()
    gc.disable()
    try:
        for i in range(runs):
            given = {**feeds[i % len(feeds)], **state}
            began = time.perf_counter()
            infer(given)
            times[i] = time.perf_counter() - began
    finally:
        if collecting:
            gc.enable()
    return percentiles(times * 1e3)
