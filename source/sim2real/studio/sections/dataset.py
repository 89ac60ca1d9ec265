"""Dataset: randomized synthetic depth and colour frames on disk, with labels; resumable."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim2real.studio import catalogue
from sim2real.studio.actions import Action
from sim2real.studio.fields import Field
from sim2real.studio.outputs import Output, Picture, Table, Text
from sim2real.studio.section import Section
from sim2real.studio.values import Values
from sim2real.studio.workspace import Workspace

if TYPE_CHECKING:
    from sim2real.datasets import DepthDataset

ORDER = 40
SHOWN = 12
"""Frames that are shown of a set."""
FAR_M = 4.0
"""Far end of the scale of depth pictures [m]."""


def fields(values: Values) -> tuple[Field, ...]:
    """Return how much to generate and where to."""
    return (
        Field(
            key="dataset.out",
            label="Folder",
            help="Where the frames go. The same folder and settings go on where they stopped, with the same bytes.",
            kind="path",
            default="runs/dataset",
        ),
        Field(
            key="dataset.frames",
            label="Frames",
            help="Frames of the whole set. 5000 train the depth-avoidance lab.",
            kind="integer",
            unit="frames",
            low=1,
            high=10_000_000,
            step=500,
            default=5000,
        ),
        Field(
            key="dataset.size",
            label="Picture",
            help="Width and height of a frame.",
            kind="integer",
            unit="px",
            low=16,
            high=2048,
            step=32,
            default=96,
        ),
        Field(
            key="dataset.colour",
            label="Colour too",
            help="Write a colour picture beside every depth picture.",
            kind="toggle",
            default=True,
        ),
        Field(
            key="dataset.spec",
            label="Randomization",
            help="The panel's spec, where it is one for pictures, or a preset. A set of the avoidance task needs the "
            "terms of its arena.",
            kind="choice",
            choices=("the panel's", "avoidance", "avoidance_nominal", "avoidance_outside"),
            default="the panel's" if _has_arena(values) else "avoidance",
        ),
        Field(
            key="dataset.num_envs",
            label="At a time",
            help="Frames that are rendered together; changes the speed alone.",
            kind="integer",
            unit="frames",
            low=1,
            high=65_536,
            step=16,
            default=64,
            advanced=True,
        ),
        Field(
            key="dataset.part",
            label="Part",
            help="Which part this machine makes, and of how many: 0/1 is all of it, 2/8 the third of eight.",
            kind="text",
            pattern=r"\d{1,5}/[1-9]\d{0,4}",
            example="0/1",
            default="0/1",
            advanced=True,
        ),
    )


def _has_arena(values: Values) -> bool:
    return any(term.target.startswith("obstacle.") for term in values.document.spec.terms.values())


def generate(values: Values, workspace: Workspace) -> list[str]:
    """Return the command that writes the set, or goes on."""
    chosen = values["dataset.spec"]
    device = "cuda" if values["robot.device"] == "cuda" else "cpu"
    physics = values["robot.physics"]
    words = ["generate", "--task", catalogue.AVOIDANCE, "--out", str(workspace.path(values["dataset.out"]))]
    words += ["--spec", values.spec_argument() if chosen == "the panel's" else chosen]
    words += ["--frames", str(values["dataset.frames"]), "--size", str(values["dataset.size"])]
    words += ["--num-envs", str(values["dataset.num_envs"]), "--shard", values["dataset.part"]]
    words += ["--physics", physics, "--device", device]
    return words if values["dataset.colour"] else [*words, "--no-colour"]


def why_not_generate(values: Values) -> str | None:
    """Return what stands in the way of a set."""
    part, parts = map(int, values["dataset.part"].split("/"))
    if part >= parts:
        return f"part {part}/{parts}: parts count from 0, the last of {parts} is {parts - 1}/{parts}"
    if values["robot.physics"] == "isaacsim_physx":
        return "isaacsim_physx renders inside of Isaac Sim: use the Replicator graphs there, or another engine here"
    if values["dataset.spec"] == "the panel's" and not _has_arena(values):
        return "the panel's spec has no terms on 'obstacle.*'; choose the preset 'avoidance'"
    return None


def check(values: Values, workspace: Workspace) -> list[str]:
    """Return the command that verifies every file."""
    return ["check", str(workspace.path(values["dataset.out"]))]


def why_not_check(values: Values) -> str | None:
    """Return why there is nothing to verify."""
    folder = values["dataset.out"]
    there = (values.workspace.path(folder) / "dataset.json").is_file()
    return None if there else f"there is no dataset in {folder}; generate one first"


def outputs(values: Values, workspace: Workspace) -> list[Output]:
    """Show what the folder holds, and some frames."""
    from sim2real.datasets import DepthDataset

    folder = workspace.path(values["dataset.out"])
    if not (folder / "dataset.json").is_file():
        return [Text(lines=(f"Nothing in {values['dataset.out']} yet.",))]
    dataset = DepthDataset(folder, allow_incomplete=True, verify=False)
    manifest = dataset.manifest
    rows = [
        ("Frames", f"{len(dataset)} of {manifest.frames}"),
        ("Picture", f"{manifest.camera.width} x {manifest.camera.height} px, depth{' and colour' * manifest.colour}"),
        ("Seed", str(manifest.seed)),
        ("Spec", manifest.spec_digest[:12]),
        ("Engine", manifest.physics),
        *((f"Label '{name}'", str(count)) for name, count in dataset.class_counts().items()),
    ]
    shown: list[Output] = [Table(title=values["dataset.out"], columns=("What", "Value"), rows=tuple(rows))]
    return [*shown, *_frames(dataset)]


def _frames(dataset: DepthDataset) -> list[Output]:
    """Some frames, evenly spaced."""
    from sim2real.studio.preview import grid
    from sim2real.vision.colour_maps import colour_depth

    if not len(dataset):
        return []
    samples = [dataset[int(i)] for i in np.unique(np.linspace(0, len(dataset) - 1, SHOWN).round().astype(int))]
    caption = "Frames " + ", ".join(str(sample.index) for sample in samples)
    depth = np.stack([colour_depth(sample.depth_m, FAR_M) for sample in samples])
    shown: list[Output] = [Picture(title=f"Depth, 0 to {FAR_M:g} m", pixels=grid(depth), caption=caption)]
    colours = [sample.colour for sample in samples if sample.colour is not None]
    if colours:
        shown.append(Picture(title="Colour", pixels=grid(np.stack(colours)), caption=caption))
    return shown


SECTION = Section(
    key="dataset",
    title="Dataset",
    help="Write randomized depth and colour frames. A stopped set goes on and ends with the same bytes.",
    fields=fields,
    outputs=outputs,
    actions=(
        Action(
            key="dataset.generate",
            label="Generate",
            help="Places scenes, renders and writes them, with label and pose of every frame.",
            argv=generate,
            ready=why_not_generate,
        ),
        Action(
            key="dataset.check",
            label="Check",
            help="Reads every file again and compares it with its hash.",
            argv=check,
            ready=why_not_check,
        ),
    ),
)
