"""Backends: what writers schedule stays in a queue until someone waits for it; a file that nobody awaited is absent."""

from __future__ import annotations

import inspect
import io
import json
import pickle
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from kit_double import StrictObject, nearest

from ._rep import Rep

MOST = 1000


class BackendError(Exception):
    """An unknown backend, or one that is not initialized."""


class Queue:
    """Writes that were scheduled and are not done."""

    def __init__(self, rep: Rep) -> None:
        self._rep = rep
        self._waiting: list[Callable[[], Any]] = []
        rep.kit.leak_checks.append(self._leaks)

    def _leaks(self) -> list[str]:
        n = len(self._waiting)
        return [f"{n} scheduled writes were never awaited (orchestrator.wait_until_complete_async)"] if n else []

    @property
    def is_done(self) -> bool:
        """Whether nothing waits."""
        return not self._waiting

    def put(self, task: Callable[[], Any]) -> None:
        """Schedules; where a thousand wait, the caller waits for them, as there."""
        if len(self._waiting) >= MOST:
            self.flush()
        self._waiting.append(task)

    def flush(self) -> None:
        """Does all of them; an error is logged and the others go on."""
        tasks, self._waiting = self._waiting, []
        for task in tasks:
            try:
                task()
            except Exception as error:  # a worker thread logs it
                self._rep.error(f"a scheduled write failed: {type(error).__name__}: {error}")


class DiskBackend(StrictObject):
    """Files below a folder."""

    def __init__(self, rep: Rep) -> None:
        self._rep = rep
        self._folder: str | None = None
        for name in ("initialize", "schedule", "write_blob", "read_blob", "resolve_path"):
            setattr(self, f"_call_{name}", rep.function(f"DiskBackend.{name}", getattr(self, f"_{name}")))

    @property
    def output_dir(self) -> str:
        """The folder."""
        if self._folder is None:
            raise BackendError("this DiskBackend is not initialized; call initialize(output_dir=...)")
        return self._folder

    def initialize(self, *args: Any, **kwargs: Any) -> None:
        """Makes the folder."""
        self._call_initialize(*args, **kwargs)

    def schedule(self, *args: Any, **kwargs: Any) -> None:
        """Queues ``fn(...)``."""
        self._call_schedule(*args, **kwargs)

    def write_blob(self, *args: Any, **kwargs: Any) -> None:
        """Writes bytes now."""
        self._call_write_blob(*args, **kwargs)

    def read_blob(self, *args: Any, **kwargs: Any) -> bytes:
        """Reads bytes."""
        return self._call_read_blob(*args, **kwargs)

    def resolve_path(self, *args: Any, **kwargs: Any) -> str:
        """The whole path of a partial one."""
        return self._call_resolve_path(*args, **kwargs)

    @classmethod
    def get_name(cls) -> str:
        """The backend's name."""
        return "DiskBackend"

    def is_done_writing(self) -> bool:
        """Whether nothing waits, of any backend."""
        return self._rep.queue.is_done

    def wait_until_done(self) -> None:
        """Writes what waits."""
        self._rep.queue.flush()

    def _initialize(self, output_dir: Any, overwrite: bool) -> None:
        folder = absolute(self._rep, "DiskBackend", output_dir)
        if not overwrite and folder.exists():
            folder = next(p for i in range(1, 10_000) if not (p := Path(f"{folder}_{i:04}")).exists())
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = str(folder)

    def _schedule(self, fn: Callable, args: tuple = (), extra: dict[str, Any] | None = None) -> None:
        assert self.output_dir
        keywords = dict(extra or {})
        if not callable(fn):
            raise TypeError(f"schedule takes a function, got {type(fn).__name__}")
        parameters = inspect.signature(fn).parameters
        if "backend_instance" in parameters:
            keywords["backend_instance"] = self
        inspect.signature(fn).bind(*args, **keywords)
        self._rep.queue.put(partial(fn, *args, **keywords))

    def _write_blob(self, path: str, data: bytes) -> None:
        where = Path(self._resolve_path(path))
        where.parent.mkdir(parents=True, exist_ok=True)
        where.write_bytes(data)

    def _read_blob(self, path: str) -> bytes:
        return Path(self._resolve_path(path)).read_bytes()

    def _resolve_path(self, path: str) -> str:
        return str((Path(self.output_dir) / path).resolve())


def absolute(rep: Rep, what: str, path: Any) -> Path:
    """An absolute path; a relative one would go to a folder of Replicator's own.

    Raises:
        TypeError: no text. ValueError: relative, and no root folder is set.
    """
    if not isinstance(path, (str, Path)):
        raise TypeError(f"{what} takes a path, got {type(path).__name__}")
    found = Path(path).expanduser()
    root = rep.setting("/omni/replicator/backends/disk/root_dir")
    if not found.is_absolute() and root:
        return Path(root).expanduser() / found
    if not found.is_absolute():
        raise ValueError(
            f"{what}: {str(path)!r} is relative, it would go below ~/omni.replicator_out; pass a whole path"
        )
    return found


def contents(rep: Rep) -> dict[str, Any]:
    """The names of rep.backends."""

    def get(name: str, init_params: Any) -> DiskBackend:
        if name in ("S3Backend", "BackendGroup", "Sequential"):
            raise NotImplementedError(f"the backend {name!r} exists, but the stand-in does not play it")
        if name != "DiskBackend":
            raise BackendError(f"no backend {name!r}{nearest(str(name), ['DiskBackend', 'S3Backend'])}")
        made = DiskBackend(rep)
        if init_params:
            made.initialize(**init_params)
        return made

    class disk(DiskBackend):  # noqa: N801
        _kit_double = True

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(rep)
            self.initialize(*args, **kwargs)

    disk.__name__ = disk.__qualname__ = "DiskBackend"

    class BackendDispatch:
        """The queue of all backends."""

        _kit_double = True
        is_done_writing = staticmethod(rep.function("BackendDispatch.is_done_writing", lambda: rep.queue.is_done))
        wait_until_done = staticmethod(rep.function("BackendDispatch.wait_until_done", lambda: rep.queue.flush()))

    functions = rep.functions("backends", {"get": get})
    return {**functions, "DiskBackend": disk, "BackendDispatch": BackendDispatch, "BackendError": BackendError}


# Files ----------------------------------------------------------------------------------------------------------------


def write_functions(rep: Rep) -> dict[str, Any]:
    """rep.functional.write_*: bytes of a format, through a backend or at an absolute path."""

    def save(path: str, data: bytes, backend: Any) -> None:
        if isinstance(backend, str):
            if backend != "DiskBackend":
                raise BackendError(f"backend_instance {backend!r}: the stand-in knows 'DiskBackend' or an instance")
            where = absolute(rep, "write", path)
            where.parent.mkdir(parents=True, exist_ok=True)
            where.write_bytes(data)
        elif isinstance(backend, StrictObject) and hasattr(type(backend), "write_blob"):
            backend.write_blob(path, data)
        elif hasattr(backend, "write_blob"):
            backend.write_blob(path, data)
        else:
            raise BackendError("backend_instance is None: give backend.schedule the function, or pass an instance")

    def picture(path: str, data: Any, kind: str, **options: Any) -> bytes:
        from PIL import Image

        array = data.numpy() if hasattr(data, "numpy") else np.asarray(data)
        if array.ndim == 3 and array.shape[2] == 1:
            array = array[..., 0].astype(np.uint8)  # eight bits, whatever it was: 16-bit depth must be two-dimensional
        if array.dtype == np.uint32 and array.ndim == 2:
            array = array.astype(np.int32)
        if array.dtype not in (np.uint8, np.uint16, np.int32) or array.ndim not in (2, 3):
            raise TypeError(f"write_image({path!r}): {array.dtype} of {array.shape} is no picture; write_np keeps it")
        image = Image.fromarray(np.ascontiguousarray(array))
        if kind == "JPEG":
            image = image.convert("RGB")
        held = io.BytesIO()
        image.save(held, kind, **options)
        return held.getvalue()

    def write_image(path: str, data: Any, backend_instance: Any, extra: Any) -> None:
        kinds = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".tif": "TIFF", ".tiff": "TIFF", ".bmp": "BMP"}
        kind = kinds.get(Path(path).suffix.lower())
        if kind is None:
            raise ValueError(f"write_image: {Path(path).suffix!r} of {path!r}: one of {', '.join(kinds)}")
        save(path, picture(path, data, kind), backend_instance)

    def write_png(path: str, data: Any, backend_instance: Any, compress_level: int, extra: Any) -> None:
        save(path, picture(path, data, "PNG", compress_level=compress_level), backend_instance)

    def write_jpeg(
        path: str, data: Any, backend_instance: Any, quality: int, progressive: bool, optimize: bool, extra: Any
    ) -> None:
        options = {"quality": quality, "progressive": progressive, "optimize": optimize}
        save(path, picture(path, data, "JPEG", **options), backend_instance)

    def write_np(path: str, data: Any, backend_instance: Any, allow_pickle: bool, fix_imports: bool) -> None:
        held = io.BytesIO()
        np.save(held, data.numpy() if hasattr(data, "numpy") else data, allow_pickle=allow_pickle)
        save(path, held.getvalue(), backend_instance)

    def write_pickle(path: str, data: Any, backend_instance: Any, extra: Any) -> None:
        save(path, pickle.dumps(data, **extra), backend_instance)

    def write_json(path: str, data: Any, backend_instance: Any, encoding: str, errors: str, extra: Any) -> None:
        save(path, json.dumps(data, **extra).encode(encoding, errors), backend_instance)

    bodies: dict[str, Any] = {
        "write_image": write_image,
        "write_png": write_png,
        "write_jpeg": write_jpeg,
        "write_np": write_np,
        "write_pickle": write_pickle,
        "write_json": write_json,
    }
    return rep.functions("functional", {**bodies, **rep.unplayed("functional", "write_exr", "read_exr")})
