"""The depth camera and the remap once more, in plain NumPy: slow, readable, and written from the description.

Everything is float32, as in the kernels, so that results can be compared element by element.
"""

from __future__ import annotations

import numpy as np

from sim2real.draws.normal import normal_from_unit
from sim2real.draws.philox import philox4x32, unit_from_bits
from sim2real.vision import DepthParams

F = np.float32


def invert(depth: np.ndarray) -> np.ndarray:
    """Inverse depth, 0 where nothing valid was seen."""
    with np.errstate(all="ignore"):
        good = (depth > F(1e-6)) & (depth < F(1e6))
        return np.where(good, F(1.0) / np.where(good, depth, F(1.0)), F(0.0)).astype(F)


def shifted(a: np.ndarray, dy: int, dx: int) -> np.ndarray:
    """``out[y, x] = a[y + dy, x + dx]``, NaN outside the picture."""
    h, w = a.shape
    padded = np.full((h + 2 * abs(dy), w + 2 * abs(dx)), np.nan, F)
    padded[abs(dy) : abs(dy) + h, abs(dx) : abs(dx) + w] = a
    return padded[abs(dy) + dy : abs(dy) + dy + h, abs(dx) + dx : abs(dx) + dx + w]


def find_edges(q: np.ndarray, step: np.float32) -> np.ndarray:
    """Pixels next to a jump of inverse depth that the slope on the other side does not explain."""
    edges = np.zeros(q.shape, bool)
    for dy, dx in ((0, 1), (1, 0)):
        before, after = shifted(q, -dy, -dx), shifted(q, dy, dx)
        bend = np.abs(before - F(2.0) * q + after)
        first = np.maximum(np.abs(q - before), np.abs(after - q))
        edges |= (bend > step) & (first > step)  # NaN at the border compares false
    return edges


def incidence(q: np.ndarray, focal: np.float32) -> tuple[np.ndarray, np.ndarray]:
    """q^2 and |normal|^2 |ray|^2: their ratio is the squared cosine of the incidence angle."""
    h, w = q.shape
    per_focal = F(1.0) / focal
    ray_x = ((np.arange(w, dtype=F) - (F(0.5) * F(w) - F(0.5))) * per_focal)[None, :]
    ray_y = ((np.arange(h, dtype=F) + F(0.5) - F(0.5) * F(h)) * per_focal)[:, None]
    slopes = []
    for dy, dx in ((0, 1), (1, 0)):
        left, right = q - shifted(q, -dy, -dx), shifted(q, dy, dx) - q
        left, right = np.where(np.isnan(left), right, left), np.where(np.isnan(right), left, right)
        flat = np.where(np.abs(right) < np.abs(left), right, left)
        slopes.append(focal * np.where(np.isnan(flat), F(0.0), flat))
    slope_z = q - ray_x * slopes[0] - ray_y * slopes[1]
    normal = slopes[0] * slopes[0] + slopes[1] * slopes[1] + slope_z * slope_z
    return q * q, normal * (F(1.0) + ray_x * ray_x + ray_y * ray_y)


def bleed(depth: np.ndarray, q: np.ndarray, reach: np.ndarray, step: np.float32) -> np.ndarray:
    """Depth after each pixel took the nearest foreground within its reach."""
    out = depth.copy()
    for dy, dx in ((0, 1), (0, -1), (1, 0), (-1, 0)):
        slope = q - shifted(q, -dy, -dx)
        for k in range(1, int(reach.max(initial=0)) + 1):
            candidate, jump = shifted(depth, k * dy, k * dx), shifted(q, k * dy, k * dx) - q
            with np.errstate(invalid="ignore"):
                wins = (k <= reach) & (jump > step) & (jump - F(k) * slope > step) & (candidate < out)
            out = np.where(wins, candidate, out)
    return out


def cover_holes(shape: tuple[int, int], rate: np.float32, size: np.float32, rim: np.ndarray, frame: tuple, key: tuple):
    """Pixels that lie in a hole: one ragged disc in some of the cells of a shifted grid."""
    h, w = shape
    cover = F(np.pi / 4.0 * (1.25**3 - 0.6**3) / (3.0 * 0.65) / 1.5**2)
    chance, side = rate / cover, F(1.5) * size
    grid = unit_from_bits(philox4x32(np.array([*frame, 0xFFFFFFFF]), key))
    x, y = np.arange(w, dtype=F) + side * grid[0], np.arange(h, dtype=F) + side * grid[1]
    holes = np.zeros(shape, bool)
    for row in range(h):
        for column in range(w):
            cx, cy = int(x[column] / side), int(y[row] / side)
            group = philox4x32(np.array([*frame, 0x80000000 + cy * 4096 + cx // 4]), key)
            if unit_from_bits(group[cx % 4]) < chance:
                u = unit_from_bits(philox4x32(np.array([*frame, 0xC0000000 + cy * 4096 + cx]), key))
                radius = F(0.5) * size * (F(0.6) + F(0.65) * u[0])
                margin = F(np.sqrt(1.25)) * radius
                room = side - F(2.0) * margin
                dx = x[column] - F(cx) * side - (margin + room * u[1])
                dy = y[row] - F(cy) * side - (margin + room * u[2])
                holes[row, column] = dx * dx + dy * dy < radius * radius * (F(0.75) + F(0.5) * rim[row, column])
    return holes


def degrade(
    depth: np.ndarray, luminance: np.ndarray | None, camera: dict, frame: tuple, key: tuple, image_focal: float
) -> np.ndarray:
    """One frame ``(h, w)`` through the camera; ``frame`` is (frame id, episode, occurrence)."""
    c = {name: F(value) for name, value in camera.items()}
    h, w = depth.shape
    focal = F(image_focal)
    q = invert(depth)
    product = c["focal_px"] * c["baseline_m"]
    step = F(1.0) / product
    zoom = focal / c["focal_px"]

    pixels = np.arange(h * w)
    blocks = philox4x32(np.stack([*(np.full(h * w, word) for word in frame), pixels // 2], -1), key)
    words = np.where((pixels % 2 == 0)[:, None], blocks[:, :2], blocks[:, 2:]).reshape(h, w, 2)
    rim = ((words[..., 0] & 255).astype(F) + F(0.5)) / F(256.0)
    choice, spread_u = (words[..., 1] >> 16).astype(F), (words[..., 1] & 65535).astype(F) / F(65536.0)

    survive = np.where(find_edges(q, step), F(1.0) - c["edge_dropout"], F(1.0)).astype(F)
    if luminance is not None:
        survive = survive * (F(1.0) - c["dark_loss"] * np.clip(F(1.0) - luminance / F(0.25), F(0.0), F(1.0)))
    square, norms = incidence(q, focal)
    limit = F(np.cos(np.radians(70.0))) ** 2 * norms
    with np.errstate(all="ignore"):
        lost = np.where(square < limit, c["oblique_loss"] * (F(1.0) - square / limit), F(0.0))
    survive = survive * (F(1.0) - lost)
    kept = (q > 0) & (choice < survive * F(65536.0))
    if c["hole_rate"] > 0:
        size = max(c["hole_size_px"] * zoom, F(1.0))
        kept &= ~cover_holes((h, w), c["hole_rate"], size, rim, frame, key)

    reach = np.minimum((c["edge_bleed_px"] * zoom + spread_u).astype(np.int32), 16)
    edges = find_edges(q, step)
    z = bleed(depth, q, np.where((reach == 1) & ~edges, 0, reach), step)

    with np.errstate(all="ignore"):
        disparity = product * invert(z)
        temporal = c["temporal_std_m"] * disparity * invert(z)
        sigma = np.sqrt(c["disparity_std_px"] ** 2 + temporal * temporal)
        if c["disparity_std_px"] > 0 or c["temporal_std_m"] > 0 or c["quantization_px"] > 0:
            disparity = disparity + sigma * normal_from_unit(unit_from_bits(words[..., 0]))
            if c["quantization_px"] > 0:
                disparity = c["quantization_px"] * np.floor(disparity * (F(1.0) / c["quantization_px"]) + F(0.5))
            z = np.where(disparity > 0, product / disparity, F(0.0))
        reported = c["scale"] * z + c["offset_m"]
        kept &= (z > 0) & (reported > 0) & (reported >= c["range_min_m"]) & (reported <= c["range_max_m"])
    return np.where(kept, reported, F(0.0)).astype(F)


def degrade_batch(depth, luminance, params: DepthParams, key: int, frame_ids, image_focal) -> np.ndarray:
    """Every frame of a batch through :func:`degrade`."""
    words = (key & 0xFFFFFFFF, key >> 32)
    return np.stack(
        [
            degrade(
                depth[i],
                None if luminance is None else luminance[i],
                params.row(i),
                (int(frame_ids[i]), 0, 0),
                words,
                float(np.broadcast_to(image_focal, len(depth))[i]),
            )
            for i in range(len(depth))
        ]
    )
