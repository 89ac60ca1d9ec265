"""The SSH server: a fixed set of commands, in one way of writing them, in one home directory.

A command line that is not exactly the quoted form of its words is refused: an unquoted ``;``, ``$(...)`` or ``*`` can
never be part of one. A program that is not on the list answers 127, as a shell does, and is remembered in
``refused``. Programs that ``step.sh`` starts run for real, with a PATH of the tools that every Linux has and of
stand-ins for trtexec, tegrastats and nvpmodel.
"""

from __future__ import annotations

import asyncio
import os
import posixpath
import re
import shlex
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncssh

from jetson_double.devices import DeviceText

HERE = Path(__file__).parent
TRTEXEC_PLACE = "/usr/src/tensorrt/bin/trtexec"
TOOLS = tuple("sh dirname nohup setsid timeout mv rm cat nice mktemp sha256sum tail".split())
LOG_TOOLS = frozenset({"sha256sum", "mv", "rm", "tail"})


@dataclass
class Faults:
    """What goes wrong; everything at once is allowed."""

    drop_at: tuple[str, int] | None = None
    """Cut the connection after the n-th command that has this text in it, which is carried out all the same."""
    disk_full: bool = False
    """No file can be written through SFTP."""
    no_room: bool = False
    """``df`` shows a full disk."""
    no_tensorrt: bool = False
    """No trtexec, no package, no Python module."""
    no_python_tensorrt: bool = True
    """The system's Python has no ``tensorrt``."""
    no_numpy: bool = False
    """The system's Python has no ``numpy``."""
    power: str | None = None
    """What ``nvpmodel -q`` prints instead."""
    damage: str | None = None
    """SFTP spoils what is written to files of this name."""
    environment: dict[str, str] = field(default_factory=dict)
    """Variables for the programs, such as ``JETSON_DOUBLE_FAULT``."""


class JetsonDouble:
    """A device; use it as a context manager.

    Args:
        root: an empty folder; the home directory and the tools are made in it.
        text: what kind of device.
        home: name of the home directory.
        faults: what goes wrong.
    """

    def __init__(self, root: Path, text: DeviceText, home: str = "home", faults: Faults | None = None) -> None:
        self.text, self.faults = text, faults or Faults()
        self.home, self.bin = root / home, root / "bin"
        self.root = root
        self.home.mkdir(parents=True)
        self.bin.mkdir()
        self.commands: list[list[str]] = []
        self.refused: list[str] = []
        self.host_key = asyncssh.generate_private_key("ssh-ed25519")
        self.client_key = asyncssh.generate_private_key("ssh-ed25519")
        self.client_key.write_private_key(root / "client_key")
        self.client_key.write_public_key(root / "authorized")
        self.port = 0
        self._make_tools()

    def _make_tools(self) -> None:
        """The programs that a step may use."""
        for tool in TOOLS:
            (self.bin / tool).symlink_to(shutil.which(tool))
        python, here = shlex.quote(sys.executable), shlex.quote(str(HERE))
        programs = {
            "python3": f'exec {python} {here}/python3.py "$@"',
            "nvpmodel": f"printf %s {shlex.quote(self.power)}",
        }
        if not self.faults.no_tensorrt:
            programs["trtexec"] = f'exec {python} {here}/trtexec.py "$@"'
        lines = "".join(
            self.text.stats.format(i=i, load=load, vin=vin, gpu=vin // 5)
            for i, (load, vin) in enumerate([(0, 4200), (0, 4300), (97, 9000), (98, 9200), (99, 9100), (2, 4400)])
        )
        programs["tegrastats"] = f"printf %s {shlex.quote(lines)}"
        for name, line in programs.items():
            (self.bin / name).write_text(f"#!/bin/sh\n{line}\n")
            (self.bin / name).chmod(0o755)

    @property
    def power(self) -> str:
        """What ``nvpmodel -q`` prints."""
        return self.text.power if self.faults.power is None else self.faults.power

    @property
    def address(self) -> str:
        """What a user types."""
        return f"nvidia@127.0.0.1:{self.port}"

    def write_known_hosts(self, key: Any = None, path: Path | None = None) -> Path:
        """A file of known hosts that vouches for this device, or for another key in its name."""
        path = path or self.root / "known_hosts"
        public = (key or self.host_key).export_public_key("openssh").decode()
        path.write_text(f"[127.0.0.1]:{self.port} {public}")
        return path

    def __enter__(self) -> JetsonDouble:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = self._call(self._listen())
        self.port = self._server.get_port()
        return self

    def __exit__(self, *_: object) -> None:
        self._call(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _call(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(30)

    async def _listen(self) -> Any:
        return await asyncssh.listen(
            "127.0.0.1",
            self.port,
            server_host_keys=[self.host_key],
            authorized_client_keys=str(self.root / "authorized"),
            process_factory=self._process,
            sftp_factory=lambda channel: ConfinedSftp(channel, self),
            password_auth=False,
            kbdint_auth=False,
            allow_pty=False,
            agent_forwarding=False,
            x11_forwarding=False,
            encoding=None,
            login_timeout=30,
        )

    async def _close(self) -> None:
        self._server.close()
        await self._server.wait_closed()

    def change_host_key(self) -> None:
        """Come back as another machine at the same port."""
        self._call(self._close())
        self.host_key = asyncssh.generate_private_key("ssh-ed25519")
        self._server = self._call(self._listen())

    async def _process(self, process: Any) -> None:
        """One command."""
        command = process.command
        loop = asyncio.get_running_loop()
        code, out, err = await loop.run_in_executor(None, self._answer, command or "")
        if self._drops(command or ""):
            process.channel.get_connection().abort()
            return
        process.stdout.write(out)
        process.stderr.write(err)
        process.exit(code)

    def _drops(self, command: str) -> bool:
        """Whether the line is cut now."""
        if self.faults.drop_at is None or self.faults.drop_at[0] not in command:
            return False
        word, left = self.faults.drop_at
        self.faults.drop_at = (word, left - 1) if left > 1 else None
        return left <= 1

    def _answer(self, command: str) -> tuple[int, bytes, bytes]:
        """Exit code and output of one command line."""
        try:
            argv = shlex.split(command)
        except ValueError:
            argv = []
        if not argv or shlex.join(argv) != command:
            self.refused.append(command)
            return 127, b"", b"sh: syntax that no program of ours writes\n"
        self.commands.append(argv)
        fixed = self._fixed(argv)
        if fixed is not None:
            return fixed
        runner = self._runner(argv)
        if runner is None:
            self.refused.append(command)
            return 127, b"", f"sh: 1: {argv[0]}: not found\n".encode()
        return runner()

    def _fixed(self, argv: list[str]) -> tuple[int, bytes, bytes] | None:
        """The commands that only read; None: not one of them."""
        text, gone = self.text, (1, b"", b"No such file or directory\n")
        tensorrt = not self.faults.no_tensorrt
        room = 12 if self.faults.no_room else 43210
        answers: dict[tuple[str, ...], tuple[int, bytes, bytes]] = {
            ("uname", "-m"): (0, b"aarch64\n", b""),
            ("cat", "/etc/nv_tegra_release"): gone if text.release is None else (0, text.release.encode(), b""),
            ("cat", "/proc/device-tree/model"): (0, text.model.encode() + b"\0", b""),
            ("cat", "/etc/nvpmodel.conf"): (0, text.modes.encode(), b""),
            ("cat", "/proc/meminfo"): (0, b"MemTotal: 7803192 kB\nMemFree: 20 kB\nMemAvailable: 5242880 kB\n", b""),
            ("nvpmodel", "-q"): (0, self.power.encode(), b""),
            ("command", "-v", "trtexec"): gone,
            ("df", "-Pm", str(self.home)): (
                0,
                b"Filesystem 1048576-blocks Used Available Capacity Mounted on\n"
                + f"/dev/nvme0n1p1 460000 9999 {room} 5% /\n".encode(),
                b"",
            ),
        }
        if tuple(argv) in answers:
            return answers[tuple(argv)]
        if argv[:3] == ["dpkg-query", "-W", "-f=${Package} ${Version}\\n"]:
            packages = text.packages if tensorrt else "nvidia-l4t-core 36.4.3-20250107174145\n"
            return 1, packages.encode(), b"dpkg-query: no packages found matching tensorrt\n"
        if argv[:2] == ["ls", "-1"]:
            return (2, f"{TRTEXEC_PLACE}\n".encode(), b"ls: cannot access ...\n") if tensorrt else gone
        if argv == [TRTEXEC_PLACE, "--help"] and tensorrt:
            return self._run([str(self.bin / "trtexec"), "--help"])
        if argv[:2] == ["python3", "-c"] and len(argv) == 3:
            return self._python(argv[2])
        return None

    def _python(self, code: str) -> tuple[int, bytes, bytes]:
        """The probe's questions to Python: nothing but imports and one print."""
        if not re.fullmatch(r"import [a-z, ]+; print\([a-z_., ]+\)", code):
            return 127, b"", b"code that no program of ours writes\n"
        missing = [
            name
            for name, absent in (
                ("tensorrt", self.faults.no_tensorrt or self.faults.no_python_tensorrt),
                ("numpy", self.faults.no_numpy),
            )
            if absent and re.search(rf"\b{name}\b", code)
        ]
        if missing:
            return 1, b"", f"ModuleNotFoundError: No module named '{missing[0]}'\n".encode()
        return 0, (f"{self.text.tensorrt} 1.26.4\n" if "tensorrt" in code else "1.26.4\n").encode(), b""

    def _runner(self, argv: list[str]) -> Callable[[], tuple[int, bytes, bytes]] | None:
        """How to carry a command out for real; None: it is not on the list."""
        if argv[:4] == ["mktemp", "-d", "-p", str(self.home)] and len(argv) == 5 and "/" not in argv[4]:
            return lambda: self._run(argv)
        if argv[0] == "sh" and len(argv) >= 4 and argv[2] in ("start", "status", "stop") and self._is_step(argv[1]):
            real = [str(self.bin / "trtexec") if word == TRTEXEC_PLACE else word for word in argv]
            return lambda: self._run(real)
        if argv[0] in LOG_TOOLS and "--" in argv:
            paths = argv[argv.index("--") + 1 :]
            flags = argv[1 : argv.index("--")]
            good = argv[0] != "rm" or flags == ["-rf"]
            if good and paths and all(self.inside(path) for path in paths):
                return lambda: self._run(argv)
        return None

    def _is_step(self, path: str) -> bool:
        """Whether it is our script, unchanged, in a folder of ours."""
        from sim2real.export.jetson.remote import STEP_SCRIPT

        return self.inside(path) and Path(path).is_file() and Path(path).read_bytes() == STEP_SCRIPT.read_bytes()

    def inside(self, path: str) -> bool:
        """Whether a path is in a folder of ours below the home directory, and not the home directory itself."""
        clean = posixpath.normpath(path)
        return path.startswith("/") and clean == path and clean.startswith(f"{self.home}/.sim2real-")

    def _run(self, argv: list[str]) -> tuple[int, bytes, bytes]:
        """A real process with the tools' PATH."""
        environment = {
            "PATH": str(self.bin),
            "HOME": str(self.home),
            "OMP_NUM_THREADS": "1",
            "JETSON_DOUBLE_TENSORRT": self.text.tensorrt,
            "JETSON_DOUBLE_GPU": self.text.gpu,
            "JETSON_DOUBLE_PYTHON": "" if self.faults.no_python_tensorrt else "1",
            **self.faults.environment,
        }
        done = subprocess.run(argv, cwd=self.home, env=environment, capture_output=True, stdin=subprocess.DEVNULL)
        return done.returncode, done.stdout, done.stderr

    def leftovers(self) -> list[str]:
        """Our folders that are still in the home directory."""
        return sorted(name for name in os.listdir(self.home) if name.startswith(".sim2real-"))


class ConfinedSftp(asyncssh.SFTPServer):
    """SFTP that reaches the home directory and nothing else."""

    def __init__(self, channel: Any, double: JetsonDouble) -> None:
        super().__init__(channel)
        self.double = double

    def map_path(self, path: bytes) -> bytes:
        """A path inside the home directory."""
        home = os.fsencode(self.double.home)
        full = posixpath.normpath(posixpath.join(home, path))
        if full != home and not full.startswith(home + b"/"):
            raise asyncssh.SFTPPermissionDenied("outside of the home directory")
        return full

    def open(self, path: bytes, pflags: int, attrs: Any) -> Any:
        """Refuse to write where the disk is full."""
        if pflags & asyncssh.FXF_WRITE and self.double.faults.disk_full:
            raise asyncssh.SFTPFailure("No space left on device")
        return super().open(path, pflags, attrs)

    def write(self, file_obj: Any, offset: int, data: bytes) -> int:
        """Spoil what was asked for."""
        if self.double.faults.damage is not None and self.double.faults.damage in str(file_obj.name):
            data = b"\0" * len(data)
        return super().write(file_obj, offset, data)
