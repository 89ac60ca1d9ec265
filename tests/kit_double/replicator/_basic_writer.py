"""BasicWriter: the files that Replicator's own writes, by name, type and content."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._backends import DiskBackend
from ._rep import Rep, entry_of

_SEGMENTS = ("semantic_segmentation", "instance_id_segmentation", "instance_segmentation")
_PLAIN = ("distance_to_camera", "distance_to_image_plane", "normals", "motion_vectors", "occlusion", "camera_params")


def make(rep: Rep) -> type:
    """The class, below ``rep.Writer``."""
    entry = entry_of("BasicWriter.initialize", rep.kit.version)
    assert entry is not None

    def setup(self: Any, **a: Any) -> None:
        if (a["output_dir"] is None) == (a["backend"] is None):
            raise ValueError("BasicWriter takes either output_dir or an initialized backend")
        if any(a[k] is not None for k in ("s3_bucket", "s3_region", "s3_endpoint")):
            raise NotImplementedError("BasicWriter on S3 exists, but the stand-in does not play it")
        if a["semantic_types"] is not None and a["semantic_filter_predicate"] is not None:
            raise ValueError("BasicWriter: semantic_types and semantic_filter_predicate exclude each other")
        flags = [*_SEGMENTS, *_PLAIN, "rgb", "bounding_box_2d_tight", "bounding_box_2d_loose", "bounding_box_3d",
                 "pointcloud", "skeleton_data", "colorize_depth", "use_common_output_dir"]  # fmt: skip
        for name in flags:
            if type(a[name]) is not bool:
                raise TypeError(f"BasicWriter({name}=) takes True or False, got {a[name]!r}")
        if not any(a[name] for name in flags if name not in ("colorize_depth", "use_common_output_dir")):
            raise ValueError("BasicWriter is asked for nothing")
        if a["image_output_format"].lower() not in ("png", "jpg", "jpeg"):
            raise ValueError(f"BasicWriter: image_output_format {a['image_output_format']!r}: png, jpg or jpeg")
        backend = a["backend"]
        if backend is None:
            backend = DiskBackend(rep)
            backend.initialize(output_dir=a["output_dir"])
        self.backend = self._backend = backend
        assert backend.output_dir
        self.version, self.data_structure = "0.2.0", "annotator"
        self._a, self._frame_id, self._sequence_id = a, 0, ""
        types = {"semanticTypes": a["semantic_types"]} if a["semantic_types"] else {}
        get = rep.annotators.get
        made = [get(name, None, None, None, True) for name in ("rgb", *_PLAIN) if a[name]]
        for name in _SEGMENTS:
            if a[name]:
                source = name if name == "semantic_segmentation" else f"{name}_fast"
                made.append(get(source, {"colorize": a[f"colorize_{name}"], **types}, None, None, True))
        for name in ("bounding_box_2d_tight", "bounding_box_2d_loose", "bounding_box_3d"):
            if a[name]:
                made.append(get(f"{name}_fast", types, None, None, True))
        if a["pointcloud"]:
            made.append(get("pointcloud", {"includeUnlabelled": a["pointcloud_include_unlabelled"]}, None, None, True))
        if a["skeleton_data"]:
            raise NotImplementedError("BasicWriter(skeleton_data=True) exists, but the stand-in does not play it")
        self.annotators = made

    played = rep.function("BasicWriter.initialize", lambda **a: setup(a.pop("writer"), **a),
                          entry.replace("(", "(writer, ", 1))  # fmt: skip

    class BasicWriter(rep.writers.base):  # type: ignore[misc, name-defined]
        """Files of every annotator that was asked for."""

        _kit_double = True

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            played(self, *args, **kwargs)

        def write(self, data: dict) -> None:
            """Schedules the files of a frame."""
            import importlib

            functional = importlib.import_module("omni.replicator.core.functional")
            prefix = "".join(f"{n}_" for name, n in data["trigger_outputs"].items() if "on_time" in name)
            if prefix != self._sequence_id:
                self._frame_id, self._sequence_id = 0, prefix
            number = f"{prefix}{self._frame_id:0{self._a['frame_padding']}}"
            for key, by_product in data["annotators"].items():
                if key in ("camera", "resolution"):
                    continue
                name = key.removesuffix("_fast")
                for product, found in by_product.items():
                    folder = ""
                    if len(by_product) > 1:
                        folder = f"{name}/{product}_" if self._a["use_common_output_dir"] else f"{product}/{name}/"
                    for kind, path, value in self._files(name, folder, number, found):
                        self._backend.schedule(getattr(functional, kind), data=value, path=path)
            self._frame_id += 1

        def _files(self, name: str, folder: str, number: str, found: dict[str, Any]) -> list[tuple[str, str, Any]]:
            """The files of one annotator: the function, the path, the data."""
            path = f"{folder}{name}_{number}"
            data = found.get("data")
            if hasattr(data, "numpy"):
                data = data.numpy()
            if name == "rgb" or name.startswith("Aug"):
                return [("write_image", f"{folder}rgb_{number}.{self._a['image_output_format']}", data)]
            if name == "normals":
                return [("write_image", f"{path}.png", ((data * 0.5 + 0.5) * 255).clip(0, 255).astype(np.uint8))]
            if name.startswith("distance_to"):
                shown = [("write_image", f"{path}.png", _shown(data))] if self._a["colorize_depth"] else []
                return [("write_np", f"{path}.npy", data), *shown]
            if name in _SEGMENTS:
                word = "labels" if name == "semantic_segmentation" else "mapping"
                files = [("write_image", f"{path}.png", data),
                         ("write_json", f"{folder}{name}_{word}_{number}.json", found["idToLabels"])]  # fmt: skip
                if name == "instance_segmentation":
                    where = f"{folder}{name}_semantics_mapping_{number}.json"
                    files.append(("write_json", where, found["idToSemantics"]))
                return files
            if name.startswith("bounding_box"):
                return [("write_np", f"{path}.npy", data),
                        ("write_json", f"{folder}{name}_labels_{number}.json", found["idToLabels"]),
                        ("write_json", f"{folder}{name}_prim_paths_{number}.json", found["primPaths"])]  # fmt: skip
            if name == "camera_params":
                plain = {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in found.items()}
                return [("write_json", f"{path}.json", plain)]
            if name == "pointcloud":
                parts = {"rgb": found["pointRgb"].reshape(-1, 4), "normals": found["pointNormals"].reshape(-1, 4),
                         "semantic": found["pointSemantic"], "instance": found["pointInstance"]}  # fmt: skip
                files = [("write_np", f"{path}.npy", data)]
                return files + [("write_np", f"{folder}pointcloud_{k}_{number}.npy", v) for k, v in parts.items()]
            return [("write_np", f"{path}.npy", data)]

    return BasicWriter


def _shown(depth: np.ndarray) -> np.ndarray:
    """A logarithmic picture fitted to the frame: for looking at, no measure."""
    values = np.asarray(depth, float).squeeze()
    ok = np.isfinite(values) & (values > 0)
    logs = np.log(np.where(ok, values, 1.0))
    low, high = (logs[ok].min(), logs[ok].max()) if ok.any() else (0.0, 1.0)
    grey = np.where(ok, 255.0 * (1.0 - (logs - low) / max(high - low, 1e-9)), 0.0)
    return np.repeat(grey.astype(np.uint8)[..., None], 3, axis=-1)
