"""Networks of known size for a benchmark: ResNet18 and ResNet50 at 224 x 224, as He et al. (2015) describe them.

Their weights are drawn, not trained: how long a network takes depends on its shape. INT8 is calibrated on drawn frames
for the same reason; its outputs are compared with float's, and nothing is said of accuracy.
"""

from __future__ import annotations

import hashlib
import io
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sim2real.export.errors import ExportError
from sim2real.export.half import to_half
from sim2real.export.jetson.flow import Payload
from sim2real.export.onnx_file import export_onnx, open_session, run
from sim2real.export.quantize import in_batches, quantize
from sim2real.export.tensorrt.plan import BuildPlan

NETWORKS = {"resnet18": (2, 2, 2, 2), "resnet50": (3, 4, 6, 3)}
"""Blocks of the four stages; those of ResNet50 are bottlenecks whose 3 x 3 convolution has the stride."""
SIZE = 224
CHANNELS = 3
CLASSES = 1000
_FRAMES = 4


@dataclass(frozen=True, kw_only=True)
class Reference:
    """A network to be timed."""

    name: str
    """``resnet18``."""
    models: dict[str, bytes]
    """ONNX files: ``float`` and ``int8``."""
    inputs: np.ndarray
    """float32 (n, 3, 224, 224): drawn frames."""

    def payload(self) -> Payload:
        """As something that a device can build; the float network's outputs are the golden ones."""
        files = {f"{self.name}{'' if kind == 'float' else '.' + kind}.onnx": m for kind, m in self.models.items()}
        wanted = run(open_session(self.models["float"], threads=1), self.inputs, batch=1)
        buffer = io.BytesIO()
        np.savez(buffer, inputs=self.inputs, logits=wanted)
        golden = buffer.getvalue()
        plan = BuildPlan(
            name=self.name,
            contract_sha256=_sha256(self.models["float"]),
            networks={
                kind: {"file": name, "sha256": _sha256(files[name])}
                for kind, name in zip(self.models, files, strict=True)
            },
            shapes={"image": (-1, CHANNELS, SIZE, SIZE)},
            golden={
                "sha256": _sha256(golden),
                "inputs": {"image": "inputs"},
                "outputs": {"logits": "logits"},
                "int8_outputs": None,
                "fresh": None,
                "states": {},
                "shapes": {},
                "tolerances": {"fp32": 1e-3, "fp16": 2e-2, "int8": 0.05},
                "choice": False,
            },
        )
        return Payload(plan=plan, files={**files, "golden.npz": golden})


def make_reference(name: str, int8: bool = True) -> Reference:
    """Make one of ``NETWORKS``.

    Raises:
        ExportError: no such network.
    """
    if name not in NETWORKS:
        raise ExportError(f"there is no network {name!r}; allowed: {', '.join(NETWORKS)}, or the folder of a bundle.")
    import torch

    torch.manual_seed(0)
    inputs = np.random.default_rng(0).random((_FRAMES, CHANNELS, SIZE, SIZE)).astype(np.float32)
    with tempfile.TemporaryDirectory(prefix="sim2real-reference-") as folder:
        work = Path(folder)
        proto = export_onnx(
            resnet(name),
            work / "float.onnx",
            shape=(CHANNELS, SIZE, SIZE),
            input_name="image",
            output_name="logits",
            graph_name=name,
        )
        models = {"float": proto.SerializeToString(), "fp16": to_half(proto).SerializeToString()}
        if int8:
            models["int8"] = quantize(proto, work, in_batches({"image": inputs}), "minmax").SerializeToString()
    return Reference(name=name, models=models, inputs=inputs)


def resnet(name: str) -> Any:
    """The torch module with drawn weights: (N, 3, 224, 224) -> (N, 1000)."""
    from torch import nn

    bottleneck = name == "resnet50"
    widths = (64, 128, 256, 512)
    layers: list[Any] = [nn.Conv2d(CHANNELS, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU()]
    layers.append(nn.MaxPool2d(3, 2, 1))
    planes = 64
    for stage, (blocks, width) in enumerate(zip(NETWORKS[name], widths, strict=True)):
        for block in range(blocks):
            stride = 2 if stage and not block else 1
            out = 4 * width if bottleneck else width
            kernels = ((planes, width, 1, 1), (width, width, 3, stride), (width, out, 1, 1))
            simple = ((planes, width, 3, stride), (width, width, 3, 1))
            layers.append(_block(kernels if bottleneck else simple, planes, out, stride))
            planes = out
    model = nn.Sequential(*layers, nn.AdaptiveAvgPool2d((1, 1)), nn.Flatten(), nn.Linear(planes, CLASSES))
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):  # equal biases would be shared in the file, unlike those of training
            nn.init.normal_(module.bias, std=0.1)
    return model


def _block(kernels: tuple[tuple[int, int, int, int], ...], planes: int, out: int, stride: int) -> Any:
    """A residual block: convolutions with (in, out, size, stride), and a shortcut."""
    from torch import nn

    def unit(before: int, after: int, size: int, step: int) -> list[Any]:
        return [nn.Conv2d(before, after, size, step, size // 2, bias=False), nn.BatchNorm2d(after)]

    class Residual(nn.Module):
        """relu(f(x) + shortcut(x))."""

        def __init__(self) -> None:
            super().__init__()
            parts: list[Any] = []
            for i, kernel in enumerate(kernels):
                parts += unit(*kernel) + ([nn.ReLU()] if i < len(kernels) - 1 else [])
            self.path = nn.Sequential(*parts)
            self.shortcut = nn.Sequential(*(unit(planes, out, 1, stride) if stride != 1 or planes != out else []))
            self.relu = nn.ReLU()

        def forward(self, x: Any) -> Any:
            """(N, planes, H, W) -> (N, out, H / stride, W / stride)."""
            return self.relu(self.path(x) + self.shortcut(x))

    return Residual()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
