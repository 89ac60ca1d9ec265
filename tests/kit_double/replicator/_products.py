"""Render products: a camera and a size, with the frame that was rendered last."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
from pxr import Sdf, Usd, UsdGeom

from kit_double import StrictObject

from ._nodes import ReplicatorItem
from ._rep import Rep
from ._usd import free_path

FOLDER = "/Render/OmniverseKit/HydraTextures"


class HydraHandle(StrictObject):
    """``product.hydra_texture``."""

    def __init__(self) -> None:
        self._enabled = True

    def set_updates_enabled(self, enabled: bool) -> None:
        """Whether the product is rendered."""
        if type(enabled) is not bool:
            raise TypeError(f"set_updates_enabled takes True or False, got {enabled!r}")
        self._enabled = enabled


class HydraTexture(StrictObject):
    """What ``create.render_product`` gives: a path in the session, its size [px] and its camera."""

    def __init__(self, rep: Rep, path: str, camera: str, resolution: tuple[int, int]) -> None:
        self._rep = rep
        self._path = path
        self._camera = camera
        self._resolution = resolution
        self._handle = HydraHandle()
        self._destroyed = False
        self._buffers: dict[str, np.ndarray] = {}
        self._frame: Any = None
        self._users = 0
        rep.products.append(self)
        rep.kit.resources.add("render product", path, self)

    @property
    def path(self) -> str:
        """Its prim path."""
        self._alive("path")
        return self._path

    @property
    def hydra_texture(self) -> HydraHandle:
        """The texture below it."""
        self._alive("hydra_texture")
        return self._handle

    def destroy(self) -> None:
        """Gives its memory back."""
        self._alive("destroy()")
        self._destroyed = True
        self._rep.products.remove(self)
        self._rep.kit.resources.discard(self)
        self._frame = None

    def _alive(self, what: str) -> None:
        if self._destroyed:
            raise RuntimeError(f"{what} of the render product {self._path}, which was destroyed")

    @property
    def _name(self) -> str:
        return self._path.rsplit("/", 1)[-1]

    def _keep(self, key: str, value: np.ndarray) -> np.ndarray:
        """The product's own buffer of this name, overwritten with ``value``: so a view changes at the next step."""
        held = self._buffers.get(key)
        if held is None or held.shape != value.shape or held.dtype != value.dtype:
            held = self._buffers[key] = np.empty_like(value)
        np.copyto(held, value)
        return held


def camera_of(rep: Rep, what: str, camera: Any) -> str:
    """The path of a camera prim, given itself, its Xform, a path or an item of one.

    Raises:
        ValueError: there is none.
    """
    if isinstance(camera, ReplicatorItem):
        prims = camera.prims_now() or []
        if len(prims) != 1:
            raise ValueError(f"{what}: the item holds {len(prims)} prims, not one camera")
        camera = prims[0]
    prim = camera if isinstance(camera, Usd.Prim) else None
    if prim is None:
        if not isinstance(camera, (str, Sdf.Path)):
            raise ValueError(f"{what} takes a path, a prim or an item, got {type(camera).__name__}")
        prim = rep.stage().GetPrimAtPath(str(camera))
    if not prim:
        raise ValueError(f"{what}: there is no prim at {str(camera)!r}")
    if not prim.IsA(UsdGeom.Camera):
        below = [child for child in Usd.PrimRange(prim) if child.IsA(UsdGeom.Camera)]
        if len(below) != 1:
            raise ValueError(f"{what}: {prim.GetPath()} is a {prim.GetTypeName()} with {len(below)} cameras below it")
        prim = below[0]
    return str(prim.GetPath())


def make_product(rep: Rep, what: str, camera: Any, resolution: Any, force_new: bool, name: Any, variables: Any) -> Any:
    """One product, or a list of them for a list of cameras; for a camera that a node gives, a task.

    Raises:
        TypeError, ValueError: a size that is not two whole numbers, a list as name, no camera.
    """
    if (
        not isinstance(resolution, (tuple, list))
        or len(resolution) != 2
        or not all(type(v) is int and v > 0 for v in resolution)
    ):
        raise TypeError(f"{what}: resolution is (width, height) in whole pixels, got {resolution!r}")
    if variables is not None:
        raise NotImplementedError(f"{what}(render_vars=) exists, but the stand-in does not play it")
    if name is not None and not isinstance(name, str):
        raise TypeError(f"{what}: name must be a string, got {type(name).__name__}; a list breaks in Isaac Sim 5.1")
    if isinstance(camera, (list, tuple)):
        kinds = {isinstance(c, ReplicatorItem) for c in camera}
        if len(kinds) > 1:
            raise ValueError(f"{what}: a list of items and of paths; give one or the other")
        return [make_product(rep, what, c, resolution, force_new, name, variables) for c in camera]
    if isinstance(camera, ReplicatorItem) and getattr(camera, "_at_execution", False):

        async def later() -> Any:
            await rep.kit.next_update()
            return make_product(rep, what, camera_of(rep, what, camera), resolution, force_new, name, variables)

        return asyncio.ensure_future(later(), loop=rep.kit.loop)
    path = camera_of(rep, what, camera)
    size = (int(resolution[0]), int(resolution[1]))
    if not force_new and name is None:
        for product in rep.products:
            if (product._camera, product._resolution) == (path, size):
                return product
    stage = rep.stage()
    with Usd.EditContext(stage, stage.GetSessionLayer()):
        where = free_path(stage, f"{FOLDER}/{name or 'Replicator'}")
        stage.DefinePrim(where, "RenderProduct")
    return HydraTexture(rep, where, path, size)


def product_of(rep: Rep, what: str, value: Any) -> HydraTexture:
    """A product from itself or its path.

    Raises:
        ValueError: it is none, or was destroyed.
    """
    if isinstance(value, HydraTexture):
        value._alive(what)
        return value
    for product in rep.products:
        if isinstance(value, (str, Sdf.Path)) and product._path == str(value):
            return product
    raise ValueError(f"{what} takes a render product or its path, got {value!r}")
