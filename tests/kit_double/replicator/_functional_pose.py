"""What the calls of rep.functional share: prims, values for each of them, and poses."""

from __future__ import annotations

from typing import Any

from pxr import Gf, Usd

from . import _usd
from ._modify import up_of
from ._nodes import plain
from ._rep import Rep


def as_prims(what: str, value: Any) -> list[Usd.Prim]:
    """A prim or a list of prims.

    Raises:
        TypeError: anything else; paths too. ValueError: an empty list, an invalid prim.
    """
    values = list(value) if isinstance(value, (list, tuple)) else [value]
    for one in values:
        if not isinstance(one, Usd.Prim):
            raise TypeError(f"{what} takes Usd.Prim, got {type(one).__name__}")
        if not one.IsValid():
            raise ValueError(f"{what} got a prim that is gone: {one!r}")
    if not values:
        raise ValueError(f"{what} got no prim")
    return values


def batched(what: str, value: Any, count: int) -> list[Any]:
    """A value for each prim: a tuple or number is one for all, a list one each.

    Raises:
        ValueError: a list of another length; Replicator would give every prim the whole list.
    """
    plain(what, value)
    if not isinstance(value, list):
        return [value] * count
    if len(value) not in (1, count):
        raise ValueError(f"{what}: a list of {len(value)} for {count} prims; one vector is a tuple, per prim a list")
    return value * count if len(value) == 1 else list(value)


def set_pose(rep: Rep, what: str, prims: list[Usd.Prim], **v: Any) -> None:
    """Position, rotation, scale and gaze of prims."""
    count = len(prims)
    for name in ("pivot", "relative_to"):
        if v.get(name) is not None:
            raise NotImplementedError(f"{what}({name}=) exists, but the stand-in does not play it")
    if v.get("rotation") is not None and v.get("look_at") is not None:
        raise ValueError(f"{what}: rotation and look_at exclude each other")
    order = v.get("rotation_order") or "XYZ"
    if order not in _usd.ORDERS:
        raise ValueError(f"{what}: rotation_order {order!r}: one of {', '.join(_usd.ORDERS)}")
    if v.get("position") is not None:
        for prim, p in zip(prims, batched(f"{what}(position)", v["position"], count), strict=True):
            _usd.write_pose(prim, position=_usd.vector(f"{what}(position)", p))
    if v.get("rotation") is not None:
        for prim, r in zip(prims, batched(f"{what}(rotation)", v["rotation"], count), strict=True):
            _usd.write_pose(prim, rotation=_turn(what, r), order=order)
    if v.get("scale") is not None:
        for prim, s in zip(prims, batched(f"{what}(scale)", v["scale"], count), strict=True):
            factors = (float(s),) * 3 if _usd.is_number(s) else _usd.vector(f"{what}(scale)", s)
            _usd.write_pose(prim, scale=factors)
    if v.get("look_at") is not None:
        up = up_of(rep, v.get("look_at_up_axis"))
        if rep.up_axis() == "Z" and up == (0.0, 1.0, 0.0):
            raise ValueError(f"{what}: look_at_up_axis is +y in a stage whose up is +z; pass (0, 0, 1)")
        targets = v["look_at"]
        targets = targets if isinstance(targets, list) and not _usd.is_number(targets[0]) else [targets] * count
        if len(targets) != count:
            raise ValueError(f"{what}: {len(targets)} look_at targets for {count} prims")
        for prim, target in zip(prims, targets, strict=True):
            _usd.write_pose(prim, rotation=_usd.look_at(prim, _usd.point_of(rep.stage(), target), up))


def _turn(what: str, value: Any) -> Any:
    if isinstance(value, Gf.Rotation):
        return value
    if isinstance(value, (Gf.Quatd, Gf.Quatf)):
        return Gf.Rotation(Gf.Quatd(value))
    if isinstance(value, (tuple, list)) and len(value) == 4:
        raise ValueError(f"{what}(rotation): the order of a quaternion's four numbers is unclear; give a Gf.Quatd")
    return _usd.vector(f"{what}(rotation)", value)
