"""Golden vectors: raw frames, the network's input, and its outputs, kept at the export and proven before each run.

They are proof against everything between the trainer and the robot at once: another preprocessing, another network,
another runtime, another rounding.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from dataclasses import dataclass

import numpy as np

from sim2real.contract.errors import ContractError

GOLDEN_FILE = "golden.npz"
_ARRAYS = {"depth_mm": (3, np.uint16), "inputs": (4, np.float32), "logits": (2, np.float32)}
_OPTIONAL = ("logits_fp16", "logits_int8")


@dataclass(frozen=True, kw_only=True, eq=False)
class Golden:
    """A few frames and what has to come out of them."""

    depth_mm: np.ndarray
    """uint16 (n, H, W): frames as the camera gives them [mm]."""
    inputs: np.ndarray
    """float32 (n, 1, height, width): after the preprocessing."""
    logits: np.ndarray
    """float32 (n, classes): outputs of the float network."""
    logits_fp16: np.ndarray | None = None
    """float32 (n, classes): outputs of the FP16 network, where there is one."""
    logits_int8: np.ndarray | None = None
    """float32 (n, classes): outputs of the INT8 network, where there is one."""

    def outputs(self, precision: str) -> np.ndarray | None:
        """float32 (n, classes): what a precision has to give; None where there is no network of it."""
        return self.logits if precision == "float" else getattr(self, f"logits_{precision}")  # type: ignore[no-any-return]

    def to_bytes(self) -> bytes:
        """The content of ``golden.npz``; the same arrays give the same bytes."""
        arrays = {"depth_mm": self.depth_mm, "inputs": self.inputs, "logits": self.logits}
        arrays |= {name: value for name in _OPTIONAL if (value := getattr(self, name)) is not None}
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes, source: str) -> Golden:
        """Read ``golden.npz``. Raises: ContractError."""
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in archive.files}
        except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise ContractError(
                f"{source}: the golden vectors cannot be read ({error}). Copy the bundle again."
            ) from None
        optional = {name: arrays.pop(name) for name in _OPTIONAL if name in arrays}
        if set(arrays) != set(_ARRAYS):
            raise ContractError(f"{source}: holds {sorted(arrays)}; golden vectors are {sorted(_ARRAYS)}.")
        for name, (axes, kind) in _ARRAYS.items():
            array = arrays[name]
            if array.ndim != axes or array.dtype != kind or len(array) != len(arrays["logits"]) or not len(array):
                raise ContractError(f"{source}: {name} is {array.dtype} {array.shape}; it does not fit the others.")
        return cls(**arrays, **optional)
