"""Puts a report together from what a run left on disk: dataset, training run, bundle, episode tables.

Whatever is missing is reported as not run.
"""

from __future__ import annotations

import dataclasses
import json
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from sim2real.evaluate.episodes import EpisodeTable
from sim2real.evaluate.report import Picture, ReportData
from sim2real.pipeline.stages import PipelineError

UNKNOWN = "unknown"
"""Training engine of a report without a dataset."""
PACKAGES = ("isaaclab", "newton", "mujoco-warp", "ovphysx", "warp-lang", "torch", "onnxruntime", "numpy")
"""Packages whose version the report states."""
OUTCOME_WORDS = {"success": "a success", "collision": "a collision", "timeout": "a timeout"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunFolders:
    """Where the parts of a run lie; None: there is none."""

    evaluation: Path
    """What `sim2real.evaluate.transfer.drive` filled."""
    data: Path | None = None
    """The dataset."""
    training: Path | None = None
    """The training run."""
    bundle: Path | None = None
    """The exported policy."""


def assemble(
    folders: RunFolders,
    *,
    physics_test: str,
    spec: str,
    seed: int,
    command: str,
    generate: dict[str, Any] | None = None,
    stage_seconds: dict[str, float] | None = None,
    seconds_total: float | None = None,
) -> ReportData:
    """Collect everything that is known about a run."""
    from sim2real.datasets import read_manifest
    from sim2real.evaluate.transfer import POLICIES, draw_paths, has_int8
    from sim2real.spec import load_spec

    drawn = load_spec(spec).with_seed(seed)
    physics_train = read_manifest(folders.data).physics if folders.data is not None else UNKNOWN
    notes = []
    if folders.bundle is not None and not has_int8(folders.bundle):
        notes.append("The export refused INT8 (parity.json says why), so no INT8 policy was driven.")
    tables = {}
    for name in POLICIES:
        path = folders.evaluation / "episodes" / f"{name}.jsonl"
        if path.is_file():
            tables[name] = EpisodeTable.open(path)
    maps = [
        Picture(
            image=draw_paths(tables[name], drawn, f"All paths of {words} in {physics_test}"),
            title=f"Paths of {words}",
            caption="Every scene's obstacles lie over each other as a cloud; failures are drawn on top.",
        )
        for name, words in (("float", "the policy"), ("gap_follower", "the gap-follower"))
        if name in tables and len(tables[name])
    ]
    return ReportData(
        engine_train=physics_train,
        engine_test=physics_test,
        policy=tables.get("float"),
        policy_int8=tables.get("int8"),
        baseline_gap_follower=tables.get("gap_follower"),
        baseline_forward=tables.get("always_forward"),
        parity=_parity(folders.bundle),
        latency_ms=_latency(folders.bundle),
        dataset={**_dataset(folders.data), **(generate or {})},
        training=_read(folders.training, "metrics.json"),
        strips=_strips(folders.evaluation),
        maps=maps,
        pictures=_pictures(folders),
        stage_seconds=stage_seconds or {},
        seconds_total=seconds_total,
        versions=versions(),
        command=command,
        notes=notes,
        spec_digest=drawn.digest,
        seed=seed,
    )


def check_data(data: Path, bundle: Path, seed: int) -> None:
    """Hold a dataset against the bundle that claims it and against the seed of the test scenes.

    Raises:
        PipelineError: the bundle was trained on another dataset, or the test scenes are the dataset's own.
    """
    from sim2real.contract.bundle import read_manifest as read_bundle
    from sim2real.datasets import read_manifest
    from sim2real.learn.data import dataset_facts

    manifest, contract = read_manifest(data), read_bundle(bundle).contract
    if manifest.seed == seed:
        raise PipelineError(
            f"seed {seed} is the dataset's: these scenes were trained on; give another --seed to test on new ones"
        )
    if dataset_facts([data]).dataset_hash != contract.dataset_hash:
        raise PipelineError(f"{bundle} was not exported with {data}; give the dataset that it was exported with")


def versions() -> dict[str, str]:
    """Versions of what ran, and the machine's cores."""
    from sim2real import __version__

    found = {"sim2real": __version__, "python": platform.python_version(), "cpu_cores": str(os.cpu_count())}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _read(folder: Path | None, name: str) -> dict[str, Any]:
    if folder is None or not (folder / name).is_file():
        return {}
    return json.loads((folder / name).read_text())


def _parity(bundle: Path | None) -> dict[str, Any]:
    parity = _read(bundle, "parity.json")
    keep = ("max_abs_error", "frames", "int8_top1_agreement")
    return {name: parity[name] for name in keep if name in parity}


def _latency(bundle: Path | None) -> dict[str, Any]:
    latency = _read(bundle, "latency.json")
    content = dict(latency.get("float", {}))
    for name, value in latency.get("int8", {}).items():
        content[f"int8_{name}"] = value
    return content


def _dataset(data: Path | None) -> dict[str, Any]:
    if data is None or not (data / "dataset.json").is_file():
        return {}
    from sim2real.datasets import DepthDataset, read_manifest

    manifest = read_manifest(data)
    return {
        "frames": manifest.frames,
        "size_px": manifest.camera.width,
        "engine": manifest.physics,
        "seed": manifest.seed,
        "classes": DepthDataset(data).class_counts(),
    }


def _strips(evaluation: Path) -> list[Picture]:
    strips = []
    for outcome, words in OUTCOME_WORDS.items():
        for policy in ("float", "int8"):
            path = evaluation / "films" / f"{policy}-{outcome}.png"
            if path.is_file():
                strips.append(Picture(image=path, title=f"The {policy} policy: {words}"))
                break
    return strips


def _pictures(folders: RunFolders) -> list[Picture]:
    pictures = []
    if folders.data is not None and (folders.data / "dataset.json").is_file():
        pictures.append(
            Picture(
                image=dataset_sheet(folders.data),
                title="Frames of the dataset",
                caption="Above what the network sees (near is bright, black is invalid or far); below, colour.",
            )
        )
    if folders.training is not None and (folders.training / "confusion.png").is_file():
        pictures.append(Picture(image=folders.training / "confusion.png", title="Confusion matrix"))
    return pictures


def dataset_sheet(data: Path, columns: int = 10, rows: int = 2) -> Any:
    """A contact sheet of frames spread over the dataset: depth above colour."""
    import numpy as np
    from PIL import Image

    from sim2real.datasets import DepthDataset

    dataset = DepthDataset(data)
    chosen = np.linspace(0, len(dataset) - 1, columns * rows).astype(int)
    lines = []
    for row in range(rows):
        tiles = []
        for index in chosen[row * columns : (row + 1) * columns]:
            sample = dataset[int(index)]
            shade = np.where(sample.depth_m > 0, 255 * (1 - np.clip(sample.depth_m / 4.0, 0, 1)), 0).astype(np.uint8)
            tile = [np.repeat(shade[..., None], 3, -1)]
            if sample.colour is not None:
                tile.append(sample.colour)
            tiles.append(np.concatenate(tile, 0))
        lines.append(np.concatenate(tiles, 1))
    return Image.fromarray(np.concatenate(lines, 0))
