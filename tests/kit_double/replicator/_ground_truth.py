"""What each annotator says of a rendered frame, in the types and the keys that Replicator gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from pxr import Gf, Usd, UsdGeom

from ._render import Frame

BOX_2D = np.dtype(
    [
        ("semanticId", "<u4"),
        *((name, "<i4") for name in ("x_min", "y_min", "x_max", "y_max")),
        ("occlusionRatio", "<f4"),
    ]
)
BOX_3D = np.dtype(
    [
        ("semanticId", "<u4"),
        *((name, "<f4") for name in ("x_min", "y_min", "z_min", "x_max", "y_max", "z_max")),
        ("transform", "<f4", (4, 4)),
        ("occlusionRatio", "<f4"),
    ]
)
OCCLUSION = np.dtype([("instanceId", "<u4"), ("semanticId", "<u4"), ("occlusionRatio", "<f4")])
Result = dict[str, Any]


def _depth(frame: Frame, values: np.ndarray, background: str) -> Result:
    metric = (values * frame.metres).astype(np.float32)
    if background == "zero":
        metric = np.where(np.isfinite(metric), metric, np.float32(0.0))
    return {"data": metric}


def _rgba(frame: Frame) -> np.ndarray:
    alpha = np.full((*frame.who.shape, 1), 255, np.uint8)
    return np.concatenate([np.round(frame.rgb * 255.0).astype(np.uint8), alpha], axis=-1)


def _four(values: np.ndarray, last: float) -> np.ndarray:
    return np.concatenate([values, np.full((*values.shape[:2], 1), last)], axis=-1).astype(np.float32)


def label_text(labels: dict[str, list[str]]) -> dict[str, str]:
    """Labels as Replicator writes them: several of a taxonomy in one text, separated by commas."""
    return {taxonomy: ",".join(names) for taxonomy, names in labels.items()}


def _groups(frame: Frame, params: Result) -> tuple[list[int], dict[int, dict[str, str]]]:
    """A semantic id for each body (1: unlabelled) and the labels by id; 0 is the background."""
    wanted = params.get("semanticTypes") or params.get("semantic_types")
    table: dict[int, dict[str, str]] = {0: {"class": "BACKGROUND"}, 1: {"class": "UNLABELLED"}}
    known: dict[tuple, int] = {}
    ids = []
    for body in frame.bodies:
        labels = label_text({k: v for k, v in body.labels.items() if not wanted or k in wanted})
        key = tuple(sorted(labels.items()))
        if not key:
            ids.append(1)
            continue
        if key not in known:
            known[key] = len(known) + 2
            table[known[key]] = labels
        ids.append(known[key])
    return ids, table


def _seen(frame: Frame, ids: list[int]) -> np.ndarray:
    return np.asarray([*ids, 0], np.uint32)[frame.who]


def _instances(frame: Frame) -> list[int]:
    return list(range(2, len(frame.bodies) + 2))


def colour_of_id(identifier: int) -> tuple[int, int, int, int]:
    """A colour for an id; the background is transparent black."""
    if identifier == 0:
        return (0, 0, 0, 0)
    rng = np.random.default_rng(identifier)
    return (*(int(c) for c in rng.integers(32, 256, 3)), 255)


def _segment(ids: np.ndarray, labels: dict[int, Any], colorize: bool, **info: Any) -> Result:
    present = {int(i) for i in np.unique(ids)}
    shown = {i: v for i, v in labels.items() if i in present}
    if not colorize:
        return {"data": ids, "info": {"idToLabels": {str(i): v for i, v in shown.items()}, **info}}
    colours = {i: colour_of_id(i) for i in present}
    picture = np.zeros((*ids.shape, 4), np.uint8)
    for i, colour in colours.items():
        picture[ids == i] = colour
    return {"data": picture, "info": {"idToLabels": {str(colours[i]): v for i, v in shown.items()}, **info}}


def _semantic(frame: Frame, params: Result) -> Result:
    ids, labels = _groups(frame, params)
    return _segment(_seen(frame, ids), labels, bool(params.get("colorize")))


def _instance_id(frame: Frame, params: Result) -> Result:
    labels: dict[int, Any] = {0: "BACKGROUND", 1: "INVALID"}
    labels |= {i: body.path for i, body in zip(_instances(frame), frame.bodies, strict=True)}
    return _segment(_seen(frame, _instances(frame)), labels, bool(params.get("colorize")))


def _instance(frame: Frame, params: Result) -> Result:
    ids = [i if body.labels else 1 for i, body in zip(_instances(frame), frame.bodies, strict=True)]
    labels: dict[int, Any] = {0: "BACKGROUND", 1: "UNLABELLED"}
    labels |= {i: body.path for i, body in zip(ids, frame.bodies, strict=True) if i > 1}
    semantics = {i: label_text(b.labels) for i, b in zip(ids, frame.bodies, strict=True) if i > 1}
    seen = _seen(frame, ids)
    result = _segment(seen, labels, bool(params.get("colorize")))
    keys = {i: str(colour_of_id(i)) if params.get("colorize") else str(i) for i in semantics}
    result["info"]["idToSemantics"] = {keys[i]: v for i, v in semantics.items() if i in seen}
    return result


def _boxes_2d(frame: Frame, params: Result) -> Result:
    ids, labels = _groups(frame, params)
    rows, paths, numbers = [], [], []
    for i, body in enumerate(frame.bodies):
        v, u = np.nonzero(frame.who == i)
        if not body.labels or not len(u):
            continue
        rows.append((ids[i], u.min(), v.min(), u.max(), v.max(), 0.0))
        paths.append(body.path)
        numbers.append(len(numbers))
    used = {str(row[0]): labels[row[0]] for row in rows}
    info = {"idToLabels": used, "primPaths": paths, "bboxIds": np.asarray(numbers, np.uint32)}
    return {"data": np.asarray(rows, BOX_2D), "info": info}


def _boxes_3d(frame: Frame, params: Result) -> Result:
    ids, labels = _groups(frame, params)
    rows, paths = [], []
    cache = UsdGeom.BBoxCache(Usd.TimeCode.Default(), [UsdGeom.Tokens.default_])
    for i, body in enumerate(frame.bodies):
        if not body.labels or not (frame.who == i).any():
            continue
        box = cache.ComputeUntransformedBound(body.prim).ComputeAlignedRange()
        rows.append((ids[i], *box.GetMin(), *box.GetMax(), body.matrix, 0.0))
        paths.append(body.path)
    used = {str(row[0]): labels[row[0]] for row in rows}
    info = {"idToLabels": used, "primPaths": paths, "bboxIds": np.arange(len(rows), dtype=np.uint32)}
    return {"data": np.asarray(rows, BOX_3D), "info": info}


def _occlusion(frame: Frame, params: Result) -> Result:
    ids, _ = _groups(frame, params)
    rows = [(n, ids[i], 0.0) for i, n in enumerate(_instances(frame)) if (frame.who == i).any()]
    return {"data": np.asarray(rows, OCCLUSION)}


def _points(frame: Frame, params: Result) -> Result:
    ids, _ = _groups(frame, params)
    keep = np.isfinite(frame.depth)
    if not params.get("includeUnlabelled"):
        labelled = np.asarray([*(bool(b.labels) for b in frame.bodies), False])
        keep &= labelled[frame.who]
    height, width = frame.depth.shape
    u = (np.arange(width) + 0.5 - width / 2) / frame.focal_px
    v = (np.arange(height) + 0.5 - height / 2) / frame.focal_px
    x, y = np.meshgrid(u, -v)
    depth = np.where(keep, frame.depth, 0.0)
    local = np.stack([x * depth, y * depth, -depth], axis=-1)[keep]
    back = np.linalg.inv(frame.view)
    info = {
        "pointRgb": _rgba(frame)[keep].reshape(-1),
        "pointNormals": _four(frame.normals, 1.0)[keep].reshape(-1),
        "pointSemantic": _seen(frame, ids)[keep],
        "pointInstance": _seen(frame, _instances(frame))[keep],
    }
    return {"data": (local @ back[:3, :3] + back[3, :3]).astype(np.float32), "info": info}


def camera_params(frame: Frame, params: Result) -> Result:
    """The camera's parameters; matrices are 16 numbers, row vectors, as Replicator gives them."""
    lens = UsdGeom.Camera(frame.camera)
    width, height = frame.size
    aperture = float(lens.GetHorizontalApertureAttr().Get())
    near, far = (float(c) for c in lens.GetClippingRangeAttr().Get())
    projection = np.zeros((4, 4))
    projection[0, 0], projection[1, 1] = 2 * frame.focal_px / width, 2 * frame.focal_px / height
    projection[2, 2], projection[2, 3] = near / (far - near), -1.0
    projection[3, 2] = near * far / (far - near)
    return {
        "cameraAperture": np.asarray([aperture, aperture * height / width], np.float32),
        "cameraApertureOffset": np.asarray(
            [lens.GetHorizontalApertureOffsetAttr().Get(), lens.GetVerticalApertureOffsetAttr().Get()], np.float32
        ),
        "cameraFisheyeMaxFOV": 0.0,
        "cameraFisheyeNominalHeight": 0,
        "cameraFisheyeNominalWidth": 0,
        "cameraFisheyeOpticalCentre": np.zeros(2, np.float32),
        "cameraFisheyePolynomial": np.zeros(6, np.float32),
        "cameraFocalLength": float(lens.GetFocalLengthAttr().Get()),
        "cameraFocusDistance": float(lens.GetFocusDistanceAttr().Get()),
        "cameraFStop": float(lens.GetFStopAttr().Get()),
        "cameraModel": "pinhole",
        "cameraNearFar": np.asarray([near, far], np.float32),
        "cameraOpenCVFx": 0.0,
        "cameraOpenCVFy": 0.0,
        "cameraProjection": projection.reshape(-1),
        "cameraViewTransform": np.asarray(Gf.Matrix4d(*frame.view.reshape(-1).tolist())).reshape(-1),
        "metersPerSceneUnit": frame.metres,
        "renderProductResolution": np.asarray(frame.size, np.int32),
    }


Maker = Callable[[Frame, Result, str], Result]
PLAYED: dict[str, Maker] = {
    "rgb": lambda f, p, b: {"data": _rgba(f)},
    "LdrColor": lambda f, p, b: {"data": _rgba(f)},
    "HdrColor": lambda f, p, b: {"data": _four(f.rgb, 1.0).astype(np.float16)},
    "distance_to_image_plane": lambda f, p, b: _depth(f, f.depth, b),
    "distance_to_camera": lambda f, p, b: _depth(f, f.ray, b),
    "normals": lambda f, p, b: {"data": _four(f.normals, 1.0)},
    "motion_vectors": lambda f, p, b: {"data": np.zeros((*f.who.shape, 4), np.float32)},
    "semantic_segmentation": lambda f, p, b: _semantic(f, p),
    "instance_segmentation": lambda f, p, b: _instance(f, p),
    "instance_segmentation_fast": lambda f, p, b: _instance(f, p),
    "instance_id_segmentation": lambda f, p, b: _instance_id(f, p),
    "instance_id_segmentation_fast": lambda f, p, b: _instance_id(f, p),
    "bounding_box_2d_tight": lambda f, p, b: _boxes_2d(f, p),
    "bounding_box_2d_tight_fast": lambda f, p, b: _boxes_2d(f, p),
    "bounding_box_2d_loose": lambda f, p, b: _boxes_2d(f, p),
    "bounding_box_2d_loose_fast": lambda f, p, b: _boxes_2d(f, p),
    "bounding_box_3d": lambda f, p, b: _boxes_3d(f, p),
    "bounding_box_3d_fast": lambda f, p, b: _boxes_3d(f, p),
    "occlusion": lambda f, p, b: _occlusion(f, p),
    "pointcloud": lambda f, p, b: _points(f, p),
    "camera_params": lambda f, p, b: camera_params(f, p),
}
KNOWN = (
    *PLAYED, "cross_correspondence", "SmoothNormal", "BumpNormal", "AmbientOcclusion", "Motion2d", "DiffuseAlbedo",
    "SpecularAlbedo", "Roughness", "DirectDiffuse", "DirectSpecular", "Reflections", "IndirectDiffuse",
    "DepthLinearized", "DepthSensorDistance", "DepthSensorImager", "DepthSensorPointCloudPosition",
    "DepthSensorPointCloudColor", "EmissionAndForegroundMask", "GenericModelOutput", "PtDirectIllumation",
    "PtGlobalIllumination", "PtReflections", "PtRefractions", "PtSelfIllumination", "PtBackground", "PtWorldNormal",
    "PtWorldPos", "PtZDepth", "PtVolumes", "PtDiffuseFilter", "PtReflectionFilter", "PtRefractionFilter",
    "bounding_box_3d_360", "primPaths", "skeleton_prims", "skeleton_attributes", "skeleton_data", "BackgroundRand",
)  # fmt: skip
"""Names of annotators; those that are not played exist, and raise when they are attached."""
