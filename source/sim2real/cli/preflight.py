"""What set-up looks at before it downloads: the machine, and the user's answer to the terms.

Runs as a script under the Python 3.12 that ``sim2real.sh`` found, before the environment exists, so it uses the
standard library alone. Every check is a function from values to a :class:`Finding`; only :func:`main` touches the
machine. Exit code 0: go on; 2: stop, and nothing was downloaded.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

if __package__ in (None, ""):  # run as a file: the package is not installed yet
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from sim2real.cli.terms import describe, terms_digest, terms_in

DISK_NEW_GB = 12.0  # about 8.5 GB of environment, compiled kernels, and room to unpack
DISK_UPDATE_GB = 2.0
GLIBC_MIN = (2, 35)  # the highest tag among the locked wheels (ovphysx)
DRIVER_MIN = 580  # first Linux driver branch for CUDA 13, which the locked torch is built with
ACCEPT_VARIABLE = "SIM2REAL_ACCEPT_NVIDIA_TERMS"
LIGHT_HINT = "The parts for a robot or for Isaac Sim's own Python need none of this: pip install '.[vision,deploy]'."


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What one check found."""

    level: str
    """``ok``, ``warn`` (go on, say so) or ``stop``."""
    text: str
    """What was found and, unless ok, what to do."""


def check_platform(system: str, machine: str) -> Finding:
    """The lock holds Linux x86-64 wheels."""
    if system == "Linux" and machine in ("x86_64", "AMD64"):
        return Finding(level="ok", text=f"{system} {machine}")
    return Finding(
        level="stop",
        text=f"this is {system} {machine}; the simulators run on Linux x86_64 (on Windows: in WSL 2). {LIGHT_HINT}",
    )


def check_glibc(version: str) -> Finding:
    """``version`` as :func:`platform.libc_ver` gives it, for instance ``2.36``."""
    found = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
    needed = ".".join(map(str, GLIBC_MIN))
    if not found:
        return Finding(level="stop", text=f"no glibc here (musl?); the wheels need glibc {needed} or newer.")
    if found < GLIBC_MIN:
        return Finding(
            level="stop", text=f"glibc {version} is too old; {needed} or newer is needed (Ubuntu 22.04, Debian 12)."
        )
    return Finding(level="ok", text=f"glibc {version}")


def check_cpu(cpuinfo: str) -> Finding:
    """``cpuinfo`` is the text of ``/proc/cpuinfo``."""
    flags = re.search(r"^flags\s*:(.*)$", cpuinfo, flags=re.MULTILINE)
    if flags is None:
        return Finding(level="warn", text="the CPU's flags cannot be read; without AVX the physics engines crash.")
    if "avx" not in flags.group(1).split():
        return Finding(
            level="stop",
            text="this CPU shows no AVX, which the physics engines need. In a virtual machine, pass the host's CPU "
            "through (QEMU: -cpu host).",
        )
    return Finding(level="ok", text="CPU with AVX")


def check_disk(free_gb: float, needed_gb: float, where: str) -> Finding:
    """``free_gb`` and ``needed_gb`` in 1e9 bytes; ``where`` is the folder that the environment goes to."""
    if free_gb < needed_gb:
        return Finding(
            level="stop",
            text=f"{free_gb:.1f} GB free at {where}; about {needed_gb:.0f} GB are needed. Make room, or put the "
            "checkout on a larger disk.",
        )
    return Finding(level="ok", text=f"{free_gb:.0f} GB free, about {needed_gb:.0f} GB needed")


def check_driver(driver: str | None) -> Finding:
    """``driver`` is the NVIDIA driver's version, or None where there is none."""
    if driver is None:
        return Finding(level="ok", text="no NVIDIA driver: everything runs on the CPU")
    major = re.match(r"\d+", driver)
    if major is None or int(major.group()) < DRIVER_MIN:
        return Finding(
            level="warn",
            text=f"NVIDIA driver {driver} is too old for CUDA 13: everything will run on the CPU until it is "
            f"{DRIVER_MIN} or newer.",
        )
    return Finding(level="ok", text=f"NVIDIA driver {driver}")


def read_driver() -> str | None:
    """The NVIDIA driver's version as the kernel or ``nvidia-smi`` tells it; None without a driver."""
    try:
        text = Path("/proc/driver/nvidia/version").read_text()
    except OSError:
        text = ""
    if found := re.search(r"Kernel Module.*?\s(\d+\.\d+(?:\.\d+)?)\s", text):
        return found.group(1)
    command = shutil.which("nvidia-smi") or "/usr/lib/wsl/lib/nvidia-smi"
    try:
        answer = subprocess.run(
            [command, "--query-gpu=driver_version", "--format=csv,noheader"],
            capture_output=True,
            text=True,
            timeout=20,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    lines = answer.stdout.split()
    return lines[0] if answer.returncode == 0 and lines else None


def read_text(path: Path) -> str:
    """The file's text, or an empty text where it cannot be read."""
    try:
        return path.read_text()
    except OSError:
        return ""


def inspect_machine(where: Path, needed_gb: float) -> list[Finding]:
    """Every check on this machine."""
    system, machine = platform.system(), platform.machine()
    findings = [check_platform(system, machine)]
    if system == "Linux":
        findings.append(check_glibc(platform.libc_ver()[1]))
        if machine in ("x86_64", "AMD64"):
            findings.append(check_cpu(read_text(Path("/proc/cpuinfo"))))
    findings.append(check_disk(shutil.disk_usage(where).free / 1e9, needed_gb, str(where)))
    findings.append(check_driver(read_driver()))
    return findings


def ask_terms(
    lock_text: str,
    *,
    remembered: str,
    accepted: bool,
    interactive: bool,
    ask: Callable[[str], str] = input,
    say: Callable[[str], None] = print,
) -> bool:
    """Whether the user accepts the terms that the lock brings.

    Args:
        lock_text: The lock.
        remembered: Digest of the terms accepted earlier on this machine, or an empty text.
        accepted: The user said so already, by flag or environment variable.
        interactive: Someone sits at the terminal and can be asked.
        ask: Asks one question and returns the answer.
        say: Shows a text.
    """
    if not terms_in(lock_text) or remembered.strip() == terms_digest(lock_text):
        return True
    say(describe(lock_text))
    if accepted:
        say("Accepted beforehand (--accept-nvidia-terms or SIM2REAL_ACCEPT_NVIDIA_TERMS=1).")
        return True
    if not interactive:
        say(
            "Nobody can be asked here (no terminal). Read the terms, then say yes with --accept-nvidia-terms or "
            f"{ACCEPT_VARIABLE}=1."
        )
        return False
    try:
        answer = ask("Do you accept these terms? [y/N] ")
    except EOFError:
        answer = ""
    return answer.strip().lower() in ("y", "yes")


def main(arguments: list[str] | None = None) -> int:
    """Check this machine, ask about the terms. Returns 0 to go on, 2 to stop."""
    parser = argparse.ArgumentParser(description="Checks before set-up downloads anything.")
    parser.add_argument("--lock", type=Path, required=True, help="the requirements lock")
    parser.add_argument("--venv", type=Path, required=True, help="where the environment is or will be")
    parser.add_argument("--remembered", type=Path, required=True, help="file that holds an earlier answer")
    parser.add_argument("--accept-nvidia-terms", action="store_true", help="the user has accepted the terms")
    parser.add_argument("--terms-digest", action="store_true", help="only print what an answer is good for")
    args = parser.parse_args(arguments)
    lock_text = args.lock.read_text()
    if args.terms_digest:
        print(terms_digest(lock_text))
        return 0

    update = (args.venv / "sim2real-stamp").exists()  # written last: there only after a set-up that ended well
    findings = inspect_machine(args.venv.resolve().parent, DISK_UPDATE_GB if update else DISK_NEW_GB)
    for finding in findings:
        if finding.level == "ok":
            print(f"  {finding.text}")
        else:
            print(f"{'error' if finding.level == 'stop' else 'warning'}: {finding.text}", file=sys.stderr)
    if any(finding.level == "stop" for finding in findings):
        print("Nothing was downloaded.", file=sys.stderr)
        return 2

    variable = os.environ.get(ACCEPT_VARIABLE, "")
    if variable not in ("", "0", "1"):
        print(f"error: {ACCEPT_VARIABLE}={variable}; it takes 1 (terms accepted) or 0.", file=sys.stderr)
        return 2
    if ask_terms(
        lock_text,
        remembered=read_text(args.remembered),
        accepted=args.accept_nvidia_terms or variable == "1",
        interactive=sys.stdin.isatty(),
    ):
        return 0
    print(f"error: the terms were not accepted. Nothing was downloaded. {LIGHT_HINT}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("\nStopped: nothing was downloaded.", file=sys.stderr)
        sys.exit(130)
