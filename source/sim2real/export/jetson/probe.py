"""What the device is: read-only commands with fixed words, and the parsers of what they print.

Tables that map L4T to JetPack age badly and metapackages are often absent, so JetPack is told when the device tells it
and TensorRT, which decides, is taken from dpkg, from Python and from trtexec's own banner.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Any

from sim2real.export.jetson.connect import Answer, Link
from sim2real.export.jetson.errors import DeviceError

TRTEXEC_PLACES = (
    "/usr/src/tensorrt/bin/trtexec",
    "/usr/local/bin/trtexec",
    "/usr/bin/trtexec",
    "/opt/tensorrt/bin/trtexec",
)
"""Where JetPack and containers keep trtexec."""
NVPMODEL_CONF = "/etc/nvpmodel.conf"
_PYTHON = "import tensorrt, numpy; print(tensorrt.__version__, numpy.__version__)"
_NUMPY = "import numpy; print(numpy.__version__)"
_PACKAGES = ("nvidia-jetpack", "nvidia-l4t-core", "libnvinfer*", "tensorrt")
COMMANDS: dict[str, tuple[str, ...]] = {
    "machine": ("uname", "-m"),
    "release": ("cat", "/etc/nv_tegra_release"),
    "model": ("cat", "/proc/device-tree/model"),
    "packages": ("dpkg-query", "-W", "-f=${Package} ${Version}\\n", *_PACKAGES),
    "python": ("python3", "-c", _PYTHON),
    "numpy": ("python3", "-c", _NUMPY),
    "which": ("command", "-v", "trtexec"),
    "places": ("ls", "-1", *TRTEXEC_PLACES),
    "power": ("nvpmodel", "-q"),
    "modes": ("cat", NVPMODEL_CONF),
    "memory": ("cat", "/proc/meminfo"),
}
"""Every command of the probe, by what it asks; nothing of the user's is in them."""


@dataclass(frozen=True, kw_only=True)
class PowerMode:
    """One line of the device's power modes."""

    id: int
    """Number for ``nvpmodel -m``."""
    name: str
    """As the device calls it: ``MAXN``, ``15W``."""

    @property
    def command(self) -> str:
        """What a person types to choose it; it needs root, so it is never run from here."""
        return f"sudo nvpmodel -m {self.id}"


@dataclass(frozen=True, kw_only=True)
class DeviceFacts:
    """What was read from the device; None where it does not say."""

    machine: str
    """``aarch64`` on a Jetson."""
    model: str | None
    """Of the device tree, such as ``NVIDIA Jetson Orin Nano Developer Kit``."""
    l4t: str | None
    """Release of Linux for Tegra, such as ``36.4.3``."""
    jetpack: str | None
    """Version of the metapackage ``nvidia-jetpack``, where it is installed."""
    tensorrt: str
    """Version of TensorRT, such as ``10.3.0``."""
    trtexec: str | None
    """Path of trtexec; None where there is none."""
    python: bool
    """Whether the system's python3 has ``tensorrt`` and ``numpy``."""
    power_mode: PowerMode | None
    """The mode it is in."""
    power_modes: tuple[PowerMode, ...]
    """The modes it has."""
    free_memory_mib: int
    """Memory that can be taken without swapping [MiB]."""
    free_disk_mib: int
    """Room in the home directory [MiB]."""

    @property
    def version(self) -> tuple[int, ...]:
        """TensorRT as numbers, such as (10, 3, 0)."""
        return tuple(int(part) for part in self.tensorrt.split(".")[:3])

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        return asdict(self)

    def __str__(self) -> str:
        """One line for a person."""
        mode = "unknown" if self.power_mode is None else self.power_mode.name
        return (
            f"{self.model or 'unknown device'}, L4T {self.l4t or 'unknown'}, JetPack {self.jetpack or 'not told'}, "
            f"TensorRT {self.tensorrt}, power mode {mode}, {self.free_memory_mib} MiB memory and "
            f"{self.free_disk_mib} MiB disk free"
        )


async def probe(link: Link, home: str) -> DeviceFacts:
    """Ask the device what it is.

    Args:
        link: the connection.
        home: path of the home directory there.

    Raises:
        DeviceError: no TensorRT, or nothing to build with.
        JetsonError: the connection broke.
    """
    answers = {name: await link.run(argv) for name, argv in COMMANDS.items()}
    trtexec = parse_trtexec(answers["which"], answers["places"])
    banner = await link.run((trtexec, "--help")) if trtexec is not None else None
    disk = await link.run(("df", "-Pm", home))
    return read_facts(answers, trtexec, banner, disk, str(link.address))


def read_facts(
    answers: dict[str, Answer], trtexec: str | None, banner: Answer | None, disk: Answer, where: str
) -> DeviceFacts:
    """Facts from what the commands printed. Raises: DeviceError."""
    packages = parse_packages(answers["packages"].out)
    python = answers["python"].out.split() if answers["python"].code == 0 else []
    told = [parse_banner(banner.out + banner.err)] if banner is not None else []
    versions = [*told, python[0] if python else None, tensorrt_package(packages)]
    tensorrt = next((version for version in versions if version), None)
    if tensorrt is None:
        raise DeviceError(
            f"{where} has no TensorRT: no trtexec, no python3-libnvinfer, no libnvinfer package. Install it there: "
            "'sudo apt install nvidia-jetpack' (or 'tensorrt'), then run the same command again. Nothing was sent."
        )
    if trtexec is None and not python:
        raise DeviceError(
            f"{where} has TensorRT {tensorrt} but neither trtexec nor its Python package. Install one there: 'sudo apt "
            "install libnvinfer-bin' or 'sudo apt install python3-libnvinfer python3-numpy'. Nothing was sent."
        )
    if answers["numpy"].code != 0:
        raise DeviceError(
            f"{where}: its python3 has no NumPy, which the build script needs. Install it there: 'sudo apt install "
            "python3-numpy'. Nothing was sent."
        )
    if not re.match(r"\d+\.\d+", tensorrt):
        raise DeviceError(f"{where} calls its TensorRT {tensorrt!r}, which is no version. Nothing was sent.")
    return DeviceFacts(
        machine=answers["machine"].out.strip() or "unknown",
        model=parse_model(answers["model"]),
        l4t=parse_release(answers["release"].out) or packages.get("nvidia-l4t-core", "").partition("-")[0] or None,
        jetpack=packages.get("nvidia-jetpack", "").partition("-")[0].partition("+")[0] or None,
        tensorrt=tensorrt,
        trtexec=trtexec,
        python=bool(python),
        power_mode=parse_power(answers["power"].out) if answers["power"].code == 0 else None,
        power_modes=parse_modes(answers["modes"].out),
        free_memory_mib=parse_memory(answers["memory"].out),
        free_disk_mib=parse_disk(disk.out),
    )


def parse_release(text: str) -> str | None:
    """L4T of ``/etc/nv_tegra_release``: ``# R36 (release), REVISION: 4.3, ...`` is 36.4.3; absent in containers."""
    found = re.search(r"^#\s*R(\d+)\s*\(release\),\s*REVISION:\s*([\d.]+)", text, re.MULTILINE)
    return f"{found[1]}.{found[2]}" if found else None


def parse_model(answer: Answer) -> str | None:
    """The device tree's model ends with a NUL; control characters are dropped, so that it can be printed."""
    text = "".join(c for c in answer.out if c.isprintable()).strip() if answer.code == 0 else ""
    return text[:120] or None


def parse_packages(text: str) -> dict[str, str]:
    """Package -> version of ``dpkg-query``; packages that are known but not installed have none."""
    pairs = (line.split(" ", 1) for line in text.splitlines() if " " in line.strip())
    return {name: version.strip() for name, version in pairs if version.strip()}


def tensorrt_package(packages: dict[str, str]) -> str | None:
    """Version of TensorRT by its libraries: ``libnvinfer10 10.3.0.30-1+cuda12.5`` is 10.3.0.30."""
    for name in ("libnvinfer10", "libnvinfer8", "libnvinfer11", "libnvinfer-bin", "tensorrt"):
        found = re.match(r"\d+(\.\d+){1,3}", packages.get(name, ""))
        if found:
            return found[0]
    return None


def parse_trtexec(which: Answer, places: Answer) -> str | None:
    """Path of trtexec: where the shell finds it, else one of the usual places; nothing but such a path."""
    lines = [*(which.out.splitlines() if which.code == 0 else []), *places.out.splitlines()]
    return next((line for line in lines if re.fullmatch(r"/[A-Za-z0-9_./+-]*/trtexec", line)), None)


def parse_banner(text: str) -> str | None:
    """Version in trtexec's banner: ``[TensorRT v8502]`` is 8.5.2, ``[TensorRT v100300]`` 10.3.0."""
    found = re.search(r"\[TensorRT v(\d{4,6})\]", text)
    if found is None:
        return None
    number = int(found[1])
    base = 10000 if number >= 100000 else 1000
    return f"{number // base}.{number % base // 100}.{number % 100}"


def parse_power(text: str) -> PowerMode | None:
    """``nvpmodel -q``: the name after ``NV Power Mode:``, the number in the line below it."""
    found = re.search(r"NV Power Mode:\s*(\S+)\s*\n\s*(\d+)\s*$", text, re.MULTILINE)
    return PowerMode(id=int(found[2]), name=found[1]) if found else None


def parse_modes(text: str) -> tuple[PowerMode, ...]:
    """The lines ``< POWER_MODEL ID=0 NAME=MAXN >`` of nvpmodel's configuration."""
    found = re.findall(r"^\s*<\s*POWER_MODEL\s+ID=(\d+)\s+NAME=(\S+)\s*>", text, re.MULTILINE)
    return tuple(PowerMode(id=int(number), name=name) for number, name in found)


def parse_memory(text: str) -> int:
    """MemAvailable of ``/proc/meminfo`` [MiB]; 0 where it is not told."""
    found = re.search(r"^MemAvailable:\s*(\d+) kB", text, re.MULTILINE)
    return int(found[1]) // 1024 if found else 0


def parse_disk(text: str) -> int:
    """Free room in the last line of ``df -Pm`` [MiB]; 0 where it is not told."""
    words = text.strip().splitlines()[-1].split() if text.strip() else []
    numbers = [int(word) for word in words if word.isdigit()]
    return numbers[2] if len(numbers) >= 3 else 0
