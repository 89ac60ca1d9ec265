"""How long an export with FP16 and INT8 takes: a perceptron, a GRU and a ResNet18, on one thread.

Run ``python tests/benchmarks/bench_export.py [--out FILE] [--only mlp,gru,resnet18]``. Each export is whole: ONNX,
parity, FP16, three calibrators of INT8 with their scores, golden vectors, latencies, and the bundle proven as a robot
would, once for each precision. Wall time and CPU time are both kept; on a machine that does other things, the CPU time
is what the export took. Weights are drawn, so INT8 of the perceptron and the GRU is kept by a wide gate.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
RESULTS = Path(__file__).with_name("results") / "export.json"
SIZE = 96
FRAMES = 1024


def joint_policy(kind: str, folder: Path) -> Any:
    """A policy of a quadruped's size: three layers of 512, 256 and 128; the GRU is of two layers of 32 before them."""
    from export.recorded import recorded
    from sim2real.export import JointExportCfg, TargetGate, export_joint_policy

    actor, contract, rollout = recorded(kind, steps=160, hidden=(512, 256, 128))
    cfg = JointExportCfg(gate_int8=TargetGate(relative_rmse=0.5, relative_max=5.0))
    return lambda: export_joint_policy(actor, contract, rollout, folder, cfg)


class Frames:
    """Depth frames of noise and boxes, with labels."""

    def __init__(self, count: int, seed: int) -> None:
        from policy_fixtures import draw_frames

        self._depth, self.labels = draw_frames(count, seed, SIZE)

    def __len__(self) -> int:
        return len(self.labels)

    def depth_mm(self, positions: np.ndarray) -> np.ndarray:
        """Some of the frames."""
        return self._depth[positions]


def resnet18(folder: Path) -> Any:
    """A ResNet18 of the usual width on frames of 96 x 96, judged on 1024 of them."""
    import torch

    from sim2real.contract import DepthPreprocess
    from sim2real.export import ExportCfg, export_bundle
    from sim2real.learn import Policy
    from sim2real.learn.resnet import ResNet18

    torch.manual_seed(0)
    model = ResNet18(in_channels=1, num_classes=3).eval()
    policy = Policy(
        model=model,
        preprocess=DepthPreprocess(width=SIZE, height=SIZE, near_m=0.1, far_m=4.0),
        classes=("forward", "left", "right"),
        task="avoidance",
        dataset_hash="a" * 64,
        spec_hash="b" * 64,
        camera={},
    )
    held_out, calibration = Frames(FRAMES, 1), Frames(128, 2)
    return lambda: export_bundle(policy, held_out, calibration, folder, ExportCfg(threads=1))


CASES: dict[str, Callable[[Path], Any]] = {
    "mlp": lambda folder: joint_policy("mlp", folder),
    "gru": lambda folder: joint_policy("gru", folder),
    "resnet18": resnet18,
}


def measure(name: str) -> dict[str, Any]:
    """Export once and say what it took."""
    with tempfile.TemporaryDirectory() as folder:
        export = CASES[name](Path(folder) / "bundle")
        began, cpu = time.perf_counter(), time.process_time()
        result = export()
        wall, cpu = time.perf_counter() - began, time.process_time() - cpu
        parity = result.parity
        tried = {row["calibrator"]: row["seconds"] for row in parity["precisions"]["int8"]["candidates"]}
        return {
            "wall_s": round(wall, 2),
            "cpu_s": round(cpu, 2),
            "calibrators_wall_s": {calibrator: round(seconds, 2) for calibrator, seconds in tried.items()},
            "frames": parity["frames"],
            "kept": list(result.precisions),
        }


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--only", default=",".join(CASES), help="names, separated by commas")
    args = parser.parse_args()
    import onnxruntime
    import torch

    torch.set_num_threads(1)
    found: dict[str, Any] = {
        "machine": {"cores": os.cpu_count(), "processor": platform.machine(), "load_at_start": os.getloadavg()[0]},
        "versions": {"torch": torch.__version__, "onnxruntime": onnxruntime.__version__},
        "threads": 1,
        "cases": {},
    }
    for name in args.only.split(","):
        found["cases"][name] = measure(name)
        print(name, found["cases"][name], flush=True)
        args.out.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
