"""Which TensorRT, which GPU and which system an engine would run on here.

An engine is the machine code of one TensorRT version for one GPU. So the version, the compute capability ("SM"), the
GPU's name and, on a Jetson, the L4T release are read from the machine and never guessed from a table of JetPacks.
This module and its neighbours use the standard library alone and run on JetPack 5's Python 3.8 too.
"""

from __future__ import annotations

import platform
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sim2real.errors import Sim2RealError

OLDEST, NEWEST_MAJOR = (8, 5), 11
_RELEASE = re.compile(r"^#\s*R(\d+)\s*\(release\),\s*REVISION:\s*([\d.]+)")


class EngineError(Sim2RealError):
    """An engine cannot be built or must not run here."""


@dataclass(frozen=True)
class Device:
    """The machine, as far as an engine depends on it."""

    tensorrt: str
    """TensorRT's version, e.g. ``10.3.0``."""
    sm: str
    """Compute capability, e.g. ``8.7``."""
    gpu: str
    """The GPU's name, e.g. ``Orin``."""
    l4t: str | None
    """L4T release of a Jetson, e.g. ``36.4.3``; None: no Jetson."""
    machine: str
    """Processor architecture: ``aarch64`` or ``x86_64``."""

    @property
    def folder(self) -> str:
        """Name of the folder of this machine's engines."""
        text = f"{self.gpu}-sm{self.sm}-trt{self.tensorrt}" + (f"-l4t{self.l4t}" if self.l4t else "")
        return re.sub(r"[^a-z0-9.]+", "-", text.lower()).strip("-.")


def parse_version(text: str) -> tuple[int, ...]:
    """``10.13.3.9`` -> (10, 13, 3, 9); what follows the numbers is left away.

    Raises:
        EngineError: no version, or one that this code was not written for.
    """
    match = re.match(r"\d+(?:\.\d+)+", text.strip())
    if match is None:
        raise EngineError(f"TensorRT says its version is {text!r}; expected is one like 10.3.0.")
    version = tuple(int(part) for part in match.group().split("."))
    if version < OLDEST or version[0] > NEWEST_MAJOR:
        raise EngineError(
            f"TensorRT {text} is here; engines are built and run with {OLDEST[0]}.{OLDEST[1]} up to "
            f"{NEWEST_MAJOR}.x. Use another JetPack, or ONNX Runtime."
        )
    return version


def same_version(one: str, other: str) -> bool:
    """Whether two versions are the same as far as both are given; at least three numbers are compared.

    Python's package says 8.5.2.2 where trtexec says 8.5.2.
    """
    a, b = parse_version(one), parse_version(other)
    length = min(len(a), len(b))
    return length >= 3 and a[:length] == b[:length]


def import_tensorrt() -> Any:
    """TensorRT's Python package.

    Raises:
        EngineError: it is missing, a library of it is missing, or its version is not one of ours.
    """
    try:
        import tensorrt
    except ModuleNotFoundError:
        raise EngineError(
            "TensorRT's Python package is not here. On a Jetson: sudo apt install python3-libnvinfer, and make a "
            "virtual environment with --system-site-packages. On a PC: pip install tensorrt."
        ) from None
    except (ImportError, OSError) as error:
        raise EngineError(
            f"TensorRT's Python package cannot load a library: {error}. A package of another JetPack, or one that is "
            "only half installed: install the libraries of the same TensorRT version."
        ) from None
    parse_version(tensorrt.__version__)
    return tensorrt


def l4t_release(path: Path = Path("/etc/nv_tegra_release")) -> str | None:
    """L4T release of a Jetson, e.g. ``36.4.3``; None where the file is absent (a PC, some containers)."""
    try:
        match = _RELEASE.match(path.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return None
    return None if match is None else f"{match.group(1)}.{match.group(2)}"


def power_mode() -> str | None:
    """Power mode of a Jetson as ``nvpmodel -q`` says it; None where there is none.

    It is kept in the record and not compared: an engine of another mode runs, but its kernels were chosen by timing
    them in this one.
    """
    try:
        done = subprocess.run(["nvpmodel", "-q"], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.search(r"NV Power Mode:\s*(\S+)", done.stdout)
    return match.group(1) if match else None


def read_device(tensorrt: str, sm: str, gpu: str) -> Device:
    """The device of a TensorRT version and a GPU on this machine."""
    parse_version(tensorrt)
    return Device(tensorrt=tensorrt, sm=sm, gpu=gpu, l4t=l4t_release(), machine=platform.machine())
