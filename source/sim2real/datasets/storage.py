"""Files that are either whole or absent, and folders that only one writer of a shard holds.

A file is written under a temporary name, flushed to the disk and then renamed; after a kill or a power cut there is
the old state or the new one. Locks are ``flock`` locks on small files: the kernel drops them when a process dies, so
what a killed run leaves behind is only a file without a holder.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import math
import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from sim2real.datasets.layout import TEMP_SUFFIX
from sim2real.datasets.manifest import MANIFEST_NAME, DatasetError

try:
    import fcntl
except ImportError:  # no flock outside POSIX: there the user has to keep two writers of one shard apart
    fcntl = None  # type: ignore[assignment]

LOCK_PATTERN = re.compile(r"\.shard-(\d+)-of-(\d+)\.lock")
"""Names of the lock files, inside the dataset's folder."""

try:
    _syncfs = ctypes.CDLL(None, use_errno=True).syncfs if sys.platform == "linux" else None
except (OSError, AttributeError):  # a C library without it
    _syncfs = None

_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))


def is_disk_full(error: OSError) -> bool:
    """Whether an error says that no space (or no quota) is left."""
    return error.errno in _FULL


def write_temp(path: str, data: bytes) -> None:
    """Write ``data`` under the path's temporary name."""
    handle = os.open(path + TEMP_SUFFIX, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0), 0o666)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(handle, view) :]
    finally:
        os.close(handle)


def sync(path: str) -> None:
    """Wait until a file's content, or a folder's entries, are on the disk."""
    if os.name != "posix" and os.path.isdir(path):
        return
    handle = os.open(path, os.O_RDONLY if os.name == "posix" else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_all(folder: str, paths: Sequence[str]) -> None:
    """Wait until files, and the renames among them, are on the disk; all of them lie below ``folder``.

    One ``syncfs`` where there is one: it costs one commit of the file system's journal, where an ``fsync`` per file
    costs one each and would halve the writer's speed on an ordinary disk.
    """
    if _syncfs is not None:
        handle = os.open(folder, os.O_RDONLY)
        try:
            if _syncfs(handle) == 0:
                return
            code = ctypes.get_errno()
            if code != errno.ENOSYS:
                raise OSError(code, os.strerror(code), folder)
        finally:
            os.close(handle)
    for path in (*paths, *sorted({os.path.dirname(path) for path in paths})):
        sync(path)


def publish(folder: str, paths: Sequence[str], mark: str, durable: bool) -> None:
    """Give temporary files their names, wait until all are on the disk, and only then set ``mark`` in the same way.

    After a power cut the mark is either absent, or everything that it stands for is there.
    """
    for path in paths:
        os.replace(path + TEMP_SUFFIX, path)
    if durable:
        sync_all(folder, [*paths, mark + TEMP_SUFFIX])
    os.replace(mark + TEMP_SUFFIX, mark)
    if durable:
        sync(os.path.dirname(mark))


def remove_quietly(paths: Iterable[str]) -> None:
    """Remove files, as far as they are there and can be removed."""
    for path in paths:
        with contextlib.suppress(OSError):
            os.unlink(path)


def create_manifest_file(directory: Path, text: str) -> None:
    """Create ``dataset.json`` unless it exists; whoever else creates it at the same moment wins or loses as a whole."""
    final = directory / MANIFEST_NAME
    own = f"{final}.{os.getpid()}"
    try:
        write_temp(own, text.encode())
        sync(own + TEMP_SUFFIX)
        os.link(own + TEMP_SUFFIX, final)
    except FileExistsError:
        pass
    except FileNotFoundError:
        if not final.exists():
            raise
    except OSError:  # a file system without hard links
        if not final.exists():
            os.replace(own + TEMP_SUFFIX, final)
    finally:
        remove_quietly([own + TEMP_SUFFIX])
    sync(str(directory))


@contextlib.contextmanager
def _hold(path: Path, flags: int = 0) -> Iterator[None]:
    """Hold a file's lock for a moment, waiting for it."""
    handle = os.open(path, os.O_RDWR | flags)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def is_held(path: Path) -> bool:
    """Whether a live process holds a lock file."""
    if fcntl is None:
        return False
    try:
        handle = os.open(path, os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


class ShardLock:
    """Holds shard i of n of a folder, against every writer whose chunks would overlap.

    Shards (i, n) and (j, m) overlap when i and j leave the same remainder by gcd(n, m); so a run with one shard and a
    run with three exclude each other too. Opening and closing are serialised by a lock on ``dataset.json``.
    """

    def __init__(self, directory: Path, shard: tuple[int, int]) -> None:
        self._manifest = directory / MANIFEST_NAME
        self._path = directory / f".shard-{shard[0]}-of-{shard[1]}.lock"
        self._handle: int | None = None
        if fcntl is None:
            return
        with _hold(self._manifest):
            for other in sorted(directory.iterdir()):
                match = LOCK_PATTERN.fullmatch(other.name)
                if match is None:
                    continue
                if not is_held(other):
                    remove_quietly([str(other)])  # left behind by a process that was killed
                    continue
                index, count = int(match[1]), int(match[2])
                common = math.gcd(count, shard[1])
                if index % common == shard[0] % common:
                    holder = ""
                    with contextlib.suppress(OSError):
                        holder = other.read_text().strip()
                    raise DatasetError(
                        f"{directory} is being written by {holder or 'another process'} (shard {index}/{count}), whose "
                        f"chunks overlap with shard {shard[0]}/{shard[1]}. Wait for it or stop it; then run this again."
                    )
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.write(handle, f"process {os.getpid()}\n".encode())
            except BaseException:
                os.close(handle)
                remove_quietly([str(self._path)])
                raise
            self._handle = handle

    def release(self) -> None:
        """Give the shard back and remove the lock file."""
        if self._handle is None:
            return
        handle, self._handle = self._handle, None
        try:
            with contextlib.suppress(OSError), _hold(self._manifest):
                remove_quietly([str(self._path)])
        finally:
            os.close(handle)
