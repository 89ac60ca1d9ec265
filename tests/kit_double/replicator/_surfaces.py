"""Where rays meet a surface: exact shapes standing along z, and triangles. Distances are in lengths of the direction.

Every function takes origins ``(3,)`` and directions ``(n, 3)`` in the shape's own frame and gives the nearest distance
``(n,)`` above ``near``, infinite where there is none, and the normals ``(n, 3)`` there.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Hits = tuple[np.ndarray, np.ndarray]
_FAR = np.inf


def _nearest(candidates: list[Hits]) -> Hits:
    """The nearest of several surfaces."""
    distances = np.stack([d for d, _ in candidates])
    best = distances.argmin(axis=0)
    rays = np.arange(distances.shape[1])
    return distances[best, rays], np.stack([n for _, n in candidates])[best, rays]


def _quadratic(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The two roots of ``a t^2 + 2 b t + c``, infinite where they are not real."""
    with np.errstate(all="ignore"):
        root = np.sqrt(b * b - a * c)
        low, high = (-b - root) / a, (-b + root) / a
    low, high = np.where(np.isfinite(low), low, _FAR), np.where(np.isfinite(high), high, _FAR)
    return np.minimum(low, high), np.maximum(low, high)


def _sides(o: np.ndarray, d: np.ndarray, near: float, roots: tuple, valid: Callable, normal: Callable) -> Hits:
    """The nearest valid one of two roots."""
    found = np.full(len(d), _FAR)
    for t in roots:
        with np.errstate(all="ignore"):
            ok = (t > near) & np.isfinite(t) & (t < found)
            point = o + np.where(np.isfinite(t), t, 0.0)[:, None] * d
            found = np.where(ok & valid(point), t, found)
    point = o + np.where(np.isfinite(found), found, 0.0)[:, None] * d
    return found, normal(point)


def sphere(o: np.ndarray, d: np.ndarray, near: float, radius: float) -> Hits:
    """A sphere about the origin."""
    roots = _quadratic((d * d).sum(1), d @ o, np.full(len(d), o @ o - radius**2))
    return _sides(o, d, near, roots, lambda p: np.ones(len(p), bool), lambda p: p)


def flat(o: np.ndarray, d: np.ndarray, near: float, inside: Callable, height: float = 0.0) -> Hits:
    """The part of the plane ``z = height`` that ``inside`` accepts."""
    with np.errstate(all="ignore"):
        t = (height - o[2]) / d[:, 2]
    t = np.where(np.isfinite(t), t, _FAR)
    up = np.array([0.0, 0.0, 1.0 if height >= 0 else -1.0])
    return _sides(o, d, near, (t,), inside, lambda p: np.broadcast_to(up, p.shape))


def box(o: np.ndarray, d: np.ndarray, near: float, half: np.ndarray) -> Hits:
    """A box about the origin."""
    with np.errstate(all="ignore"):
        low, high = (-half - o) / d, (half - o) / d
    low, high = np.where(np.isnan(low), -_FAR, low), np.where(np.isnan(high), _FAR, high)
    enter, leave = np.minimum(low, high), np.maximum(low, high)
    first, last = enter.max(1), leave.min(1)
    hit = np.where(first > near, first, last)
    hit = np.where((first <= last) & (hit > near) & np.isfinite(hit), hit, _FAR)
    axis = np.where(first > near, enter.argmax(1), leave.argmin(1))
    point = o + np.where(np.isfinite(hit), hit, 0.0)[:, None] * d
    normal = np.zeros_like(point)
    rays = np.arange(len(d))
    normal[rays, axis] = np.sign(point[rays, axis])
    return hit, normal


def cylinder(o: np.ndarray, d: np.ndarray, near: float, radius: float, half: float) -> Hits:
    """A closed cylinder about z."""
    roots = _quadratic((d[:, :2] ** 2).sum(1), d[:, :2] @ o[:2], np.full(len(d), o[:2] @ o[:2] - radius**2))
    side = _sides(o, d, near, roots, lambda p: abs(p[:, 2]) <= half, lambda p: p * [1.0, 1.0, 0.0])
    lids = [flat(o, d, near, lambda p: (p[:, :2] ** 2).sum(1) <= radius**2, h) for h in (-half, half)]
    return _nearest([side, *lids])


def cone(o: np.ndarray, d: np.ndarray, near: float, radius: float, half: float) -> Hits:
    """A closed cone about z, its tip at ``half``."""
    k = radius / (2.0 * half)
    tip = o[2] - half
    a = (d[:, :2] ** 2).sum(1) - (k * d[:, 2]) ** 2
    roots = _quadratic(a, d[:, :2] @ o[:2] - k * k * tip * d[:, 2], np.full(len(d), o[:2] @ o[:2] - (k * tip) ** 2))

    def normal(p: np.ndarray) -> np.ndarray:
        slope = np.maximum(k * k * (half - p[:, 2]), 1e-12)  # the tip's normal points up
        return np.concatenate([p[:, :2], slope[:, None]], axis=1)

    side = _sides(o, d, near, roots, lambda p: abs(p[:, 2]) <= half, normal)
    return _nearest([side, flat(o, d, near, lambda p: (p[:, :2] ** 2).sum(1) <= radius**2, -half)])


def capsule(o: np.ndarray, d: np.ndarray, near: float, radius: float, half: float) -> Hits:
    """A cylinder about z with half spheres at its ends."""
    roots = _quadratic((d[:, :2] ** 2).sum(1), d[:, :2] @ o[:2], np.full(len(d), o[:2] @ o[:2] - radius**2))
    side = _sides(o, d, near, roots, lambda p: abs(p[:, 2]) <= half, lambda p: p * [1.0, 1.0, 0.0])
    ends = []
    for sign in (-1.0, 1.0):
        shift = np.array([0.0, 0.0, sign * half])
        ends.append(sphere(o - shift, d, near, radius))
    return _nearest([side, *ends])


def triangles(o: np.ndarray, d: np.ndarray, near: float, corners: np.ndarray) -> Hits:
    """Triangles ``(m, 3, 3)``, both of their sides."""
    found = np.full(len(d), _FAR)
    normals = np.zeros_like(d)
    if not len(corners):
        return found, normals
    centre = corners.reshape(-1, 3).mean(0)
    radius = np.linalg.norm(corners.reshape(-1, 3) - centre, axis=1).max()
    to = centre - o
    along = (d @ to) / (d * d).sum(1)
    close = np.linalg.norm(to - along[:, None] * d, axis=1) <= radius * 1.001
    rays = np.flatnonzero(close)
    edge1, edge2 = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    from_corner = o - corners[:, 0]
    q = np.cross(from_corner, edge1)
    height = (edge2 * q).sum(1)
    size = max(1, 2_000_000 // len(corners))
    for start in range(0, len(rays), size):
        part = rays[start : start + size]
        p = np.cross(d[part][:, None, :], edge2[None])
        with np.errstate(all="ignore"):
            inverse = 1.0 / (p * edge1).sum(2)
            u = (p * from_corner).sum(2) * inverse
            v = (d[part] @ q.T) * inverse
            t = height * inverse
            ok = (u >= -1e-9) & (v >= -1e-9) & (u + v <= 1.0 + 1e-9) & (t > near) & np.isfinite(t)
        t = np.where(ok, t, _FAR)
        best = t.argmin(1)
        found[part] = t[np.arange(len(part)), best]
        normals[part] = np.cross(edge1[best], edge2[best])
    return found, normals
