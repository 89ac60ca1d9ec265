"""A folder on the device that is ours alone: files go in and come back verified, programs run in it detached.

``step.sh`` runs a program so that it outlives the connection: its output and exit code are files. Whoever connects
again reads them and goes on. All names in the folder are ours, from a small alphabet; what the user calls a policy or
a bundle never becomes part of a path on the device.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import posixpath
import re
import stat
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sim2real.export.jetson.connect import Link
from sim2real.export.jetson.errors import DeviceError, JetsonError, LinkLostError

STEP_SCRIPT = Path(__file__).with_name("step.sh")
STATE_FILE = "state.json"
PREFIX = ".sim2real-"
_FILE = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+){0,3}")
_FOLDER = re.compile(re.escape(PREFIX) + r"[A-Za-z0-9]{10}")
_CHUNK = 1 << 20
MOST_TEXT = 64 << 20
"""Largest text that is fetched [bytes]."""
MOST_PLAN = 4 << 30
"""Largest engine that is fetched [bytes]."""


async def home_of(link: Link) -> str:
    """Path of the home directory on the device. Raises: DeviceError."""
    async with link.sftp() as sftp:
        home = str(await sftp.realpath("."))
    if not home.startswith("/") or any(not c.isprintable() for c in home):
        raise DeviceError(f"{link.address}: the home directory is called {home!r}; no files can be put there.")
    return home


@dataclass(frozen=True)
class Workspace:
    """Our folder on the device."""

    link: Link
    """The connection."""
    path: str
    """Absolute path of the folder."""

    @classmethod
    async def create(cls, link: Link, home: str) -> Workspace:
        """Make a fresh folder in the home directory. Raises: DeviceError, LinkLostError."""
        made = await link.run(("mktemp", "-d", "-p", home, PREFIX + "X" * 10))
        path = made.out.removesuffix("\n")
        if made.code != 0:
            raise DeviceError(
                f"{link.address}: no folder can be made in {home} ({last_line(made.err)}). Is the disk full or "
                "read-only? 'df -h ~' on the device says it. Nothing was sent."
            )
        work = cls(link, path)
        if posixpath.dirname(path) != home or not _FOLDER.fullmatch(posixpath.basename(path)):
            raise DeviceError(f"{link.address}: mktemp answered {path!r}, which is not a new folder in {home}.")
        return work

    @classmethod
    async def find(cls, link: Link, home: str, path: str, key: str) -> Workspace | None:
        """The folder of an earlier try, where it is still there and was made for the same ``key``."""
        if posixpath.dirname(path) != home or not _FOLDER.fullmatch(posixpath.basename(path)):
            return None
        work = cls(link, path)
        try:
            state = json.loads(await work.text(STATE_FILE))
        except LinkLostError:
            raise
        except (JetsonError, ValueError):
            return None
        return work if isinstance(state, dict) and state.get("key") == key else None

    def at(self, name: str) -> str:
        """Path of one of our files. Raises: JetsonError for a name that is not one of ours."""
        if not _FILE.fullmatch(name):
            raise JetsonError(f"{name!r} is not the name of one of our files on the device.")
        return posixpath.join(self.path, name)

    async def send(self, files: Mapping[str, bytes]) -> None:
        """Write files and have the device hash them. Raises: DeviceError, JetsonError, LinkLostError."""
        async with self.link.sftp() as sftp:
            for name, content in files.items():
                async with sftp.open(self.at(name), "wb") as file:
                    await file.write(content)
        sums = await self.sums(tuple(files))
        wrong = [name for name, content in files.items() if sums[name] != hashlib.sha256(content).hexdigest()]
        if wrong:
            raise DeviceError(
                f"{self.link.address}: {', '.join(wrong)} arrived damaged (its SHA-256 there differs). Is the disk of "
                "the device full or failing? Run the same command again."
            )

    async def mark(self, key: str) -> None:
        """Write that everything was sent, for whoever connects again."""
        await self.send({STATE_FILE: json.dumps({"key": key}).encode()})

    async def sums(self, names: Sequence[str]) -> dict[str, str]:
        """SHA-256 of files, computed on the device. Raises: DeviceError, LinkLostError."""
        answer = await self.link.run(("sha256sum", "--", *(self.at(name) for name in names)), timeout_s=600.0)
        found = re.findall(r"^\\?([0-9a-f]{64}) [ *]", answer.out, re.MULTILINE)
        if answer.code != 0 or len(found) != len(names):
            raise DeviceError(f"{self.link.address}: sha256sum failed ({last_line(answer.err)}). Run it again.")
        return dict(zip(names, found, strict=True))

    async def start(self, name: str, argv: Sequence[str], seconds: float) -> None:
        """Run a program detached; it is ended after so many seconds. Raises: DeviceError, LinkLostError."""
        answer = await self.link.run(("sh", self.at(STEP_SCRIPT.name), "start", name, f"{seconds:.0f}", *argv))
        if answer.code != 0:
            raise DeviceError(
                f"{self.link.address}: {name} cannot be started ({last_line(answer.err)}). Is the disk full?"
            )

    async def status(self, name: str) -> int | str:
        """Exit code of a finished step, else ``none``, ``running`` or ``gone``. Raises: DeviceError, LinkLostError."""
        answer = await self.link.run(("sh", self.at(STEP_SCRIPT.name), "status", name))
        said = answer.out.strip()
        if said in ("none", "running", "gone"):
            return said
        if answer.code != 0 or not re.fullmatch(r"done \d{1,3}", said):
            raise DeviceError(f"{self.link.address}: step {name} has no state ({said or last_line(answer.err)!r}).")
        return int(said.split()[1])

    async def finish(self, name: str, poll_s: float, tick: Callable[[], Awaitable[None]] | None = None) -> int | str:
        """Wait until a step has ended, calling ``tick`` meanwhile; its exit code, or ``none`` or ``gone``."""
        while (state := await self.status(name)) == "running":
            if tick is not None:
                await tick()
            await asyncio.sleep(poll_s)
        return state

    async def stop(self, name: str) -> None:
        """End a step that would go on for ever. Raises: LinkLostError."""
        await self.link.run(("sh", self.at(STEP_SCRIPT.name), "stop", name))

    async def lines(self, name: str, first: int) -> list[str]:
        """Lines of a step's output from the ``first`` (0 is the first of all) on. Raises: LinkLostError."""
        answer = await self.link.run(("tail", "-n", f"+{first + 1}", "--", self.at(f"{name}.log")))
        return answer.out.splitlines() if answer.code == 0 else []

    async def text(self, name: str, limit: int = MOST_TEXT) -> str:
        """A text file of ours. Raises: DeviceError, LinkLostError."""
        return (await self._read(name, limit)).decode("utf-8", "replace")

    async def tail(self, name: str, lines: int = 12) -> str:
        """The last lines of a step's output; empty where there is none."""
        answer = await self.link.run(("tail", "-n", str(lines), "--", self.at(f"{name}.log")))
        return "".join(c for c in answer.out if c.isprintable() or c == "\n").strip() if answer.code == 0 else ""

    async def fetch(self, name: str, limit: int = MOST_PLAN) -> bytes:
        """A file whose hash the device and this machine agree on. Raises: DeviceError, LinkLostError."""
        told = (await self.sums((name,)))[name]
        content = await self._read(name, limit)
        if hashlib.sha256(content).hexdigest() != told:
            raise DeviceError(f"{self.link.address}: {name} arrived damaged (SHA-256 differs). Run the command again.")
        return content

    async def _read(self, name: str, limit: int) -> bytes:
        """A regular file, at most ``limit`` bytes; never what a link points to."""
        import asyncssh

        path = self.at(name)
        async with self.link.sftp() as sftp:
            try:
                found = await sftp.lstat(path)
            except asyncssh.SFTPNoSuchFile:
                raise DeviceError(f"{self.link.address}: {name} is missing on the device.") from None
            if not stat.S_ISREG(found.permissions or 0):
                raise DeviceError(f"{self.link.address}: {name} is no plain file there; it is not fetched.")
            size = int(found.size or 0)
            if size > limit:
                raise DeviceError(f"{self.link.address}: {name} has {size} bytes; at most {limit} are fetched.")
            parts: list[bytes] = []
            async with sftp.open(path, "rb") as file:
                while part := await file.read(_CHUNK):
                    parts.append(part)
                    if sum(map(len, parts)) > size:
                        raise DeviceError(f"{self.link.address}: {name} grows while it is read. Run it again.")
        return b"".join(parts)

    async def rename(self, old: str, new: str) -> None:
        """Give a finished file its name. Raises: DeviceError, LinkLostError."""
        answer = await self.link.run(("mv", "--", self.at(old), self.at(new)))
        if answer.code != 0:
            raise DeviceError(f"{self.link.address}: {old} cannot become {new} ({last_line(answer.err)}).")

    async def remove(self, home: str | None = None) -> None:
        """Delete the folder, and nothing else; with ``home``, only where it lies in that directory."""
        folder, name = posixpath.split(self.path)
        if not _FOLDER.fullmatch(name) or not folder.startswith("/") or home not in (None, folder):
            raise JetsonError(f"{self.path} is not a folder of ours; it is not deleted.")
        with contextlib.suppress(JetsonError):
            await self.link.run(("rm", "-rf", "--", self.path))


def last_line(text: str) -> str:
    """The last line that says something, fit to be printed."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return "".join(c for c in lines[-1] if c.isprintable())[:200] if lines else "it said nothing"
