"""``preview [SPEC]``: a page that shows what a spec does to pictures: to depth, and to colour."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from sim2real.errors import Sim2RealError

if TYPE_CHECKING:
    from sim2real.vision.preview import PreviewRow
    from sim2real.vision.preview_colour import ColourRow
    from sim2real.vision.preview_frames import Pictures

HELP = """Write one page of frames: clean depth, what the spec's camera reports, the error, colour; and below, for a
spec with light, colour or occlusion, each clean picture beside what several episodes make of it.

With --task it renders the task's own scenes with Isaac Lab. Without, it ray-casts small scenes of floor, walls,
boxes and cylinders, which takes seconds and needs no simulator. With --dataset it shows the noisy depth that is
stored there, and what was drawn for each frame."""

FRAMES_MOST = 200
EPISODES_MOST = 50


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verb's arguments."""
    parser.add_argument("spec", metavar="SPEC", nargs="?", default="avoidance", help="spec file or preset (avoidance)")
    parser.add_argument("--task", choices=("avoidance",), help="render this task's scenes")
    parser.add_argument("--physics", default="newton_mjwarp", help="with --task: engine that holds the scenes")
    parser.add_argument("--dataset", metavar="DIR", help="show this dataset's stored frames instead")
    parser.add_argument("--frames", type=int, default=8, metavar="N", help=f"how many, 1 to {FRAMES_MOST} (8)")
    parser.add_argument(
        "--episodes", type=int, default=4, metavar="N", help=f"draws of each colour picture, 1 to {EPISODES_MOST} (4)"
    )
    parser.add_argument("--size", type=int, default=96, choices=(96, 224), help="picture size in pixels (96)")
    parser.add_argument("--out", default="runs/preview.html", metavar="FILE", help="the page (runs/preview.html)")


def run(args: argparse.Namespace) -> int:
    """Make the page and print its path."""
    if not 1 <= args.frames <= FRAMES_MOST:
        raise Sim2RealError(f"--frames is {args.frames}; give 1 to {FRAMES_MOST}.")
    if not 1 <= args.episodes <= EPISODES_MOST:
        raise Sim2RealError(f"--episodes is {args.episodes}; give 1 to {EPISODES_MOST}.")
    from sim2real.vision.preview import write_preview

    colours: list[ColourRow] = []
    note = ""
    if args.dataset is not None:
        rows = dataset_rows(args.dataset, args.frames)
        title, law = "Stored depth frames", None
        lead = f"{len(rows)} frames of {args.dataset}, evenly spaced. Depth as stored, camera noise included."
        command = f"sim2real preview --dataset {args.dataset} --frames {args.frames} --out {args.out}"
    else:
        from sim2real.spec import load_spec
        from sim2real.vision.preview_colour import changes_pictures, colour_rows, not_shown
        from sim2real.vision.preview_frames import analytic_pictures, noise_law, noisy_rows

        spec = load_spec(args.spec)
        scenes, flags = "Small ray-cast scenes", ""
        if args.task is None:
            pictures = analytic_pictures(spec, args.frames, args.size)
        else:
            pictures = task_pictures(args)
            scenes, flags = f"Scenes of the task {args.task}", f" --task {args.task} --physics {args.physics}"
        rows, law = [], None
        title, lead = "Picture preview", f"Spec {args.spec}, seed {spec.seed}. {scenes}."
        if changes_pictures(spec):
            colours = colour_rows(spec, pictures, args.episodes)
            note = f"Each clean picture in the first {args.episodes} episodes of its world. {not_shown(spec)}".strip()
        if "depth" in spec.vision or not colours:
            rows = noisy_rows(spec, pictures)
            title, law = "Depth camera preview", noise_law(spec)
            lead = (
                f"Spec {args.spec}, seed {spec.seed}, camera {spec.vision['depth'].preset}. {scenes} through "
                "the camera that the spec draws for each frame; below each frame, what was drawn."
            )
        flags += f" --episodes {args.episodes}" if colours else ""
        command = f"sim2real preview {args.spec}{flags} --frames {args.frames} --size {args.size} --out {args.out}"
    print(
        write_preview(
            args.out, rows, title, lead=lead, command=command, noise_law=law, colours=colours, colour_note=note
        )
    )
    return 0


def task_pictures(args: argparse.Namespace) -> Pictures:
    """The first frames of the dataset that ``generate`` would make, rendered by Isaac Lab, before the camera model."""
    from pathlib import Path

    import numpy as np

    from sim2real.datasets.generate import GenerateCfg, open_renderer
    from sim2real.vision.preview_frames import Pictures
    from sim2real_tasks.avoidance import camera

    cfg = GenerateCfg(out=Path(args.out), spec=args.spec, size=args.size, physics=args.physics, num_envs=args.frames)
    with open_renderer(cfg) as renderer:
        drawn = renderer.draw(np.arange(args.frames))
        images = camera.develop(renderer.render(drawn), drawn.cameras, renderer.env.focal_min)
    return Pictures(
        depth=images.clean,
        colour=images.colour,
        focal_px=camera.nominal_focal_px(args.size) * drawn.cameras.focal_scale,
        frame_ids=drawn.index,
        drawn=tuple(
            {
                "focal_length": float(drawn.cameras.focal_scale[i]),
                **{f"camera_{axis}_m": float(v) for axis, v in zip("xyz", drawn.cameras.position[i], strict=True)},
            }
            for i in range(args.frames)
        ),
    )


def dataset_rows(directory: str, frames: int) -> list[PreviewRow]:
    """Evenly spaced frames of a dataset, finished or still being made."""
    import numpy as np

    from sim2real.datasets import DepthDataset
    from sim2real.vision.depth_model import FIELDS
    from sim2real.vision.preview import PreviewRow

    dataset = DepthDataset(directory, allow_incomplete=True)
    if len(dataset) == 0:
        raise Sim2RealError(f"{directory} has no finished frames yet; wait for 'generate', or run it again.")
    rows = []
    for position in np.unique(np.linspace(0, len(dataset) - 1, frames).round().astype(int)):
        sample = dataset[int(position)]
        drawn = sample.record.get("depth") or {}
        facts = {name: str(sample.record[name]) for name in ("scene", "split") if name in sample.record}
        if sample.label is not None:
            facts["label"] = str(sample.label)
        rows.append(
            PreviewRow(
                title=f"Frame {sample.index}",
                noisy=sample.depth_m,
                colour=sample.colour,
                drawn={name: float(drawn[name]) for name in FIELDS if name in drawn},
                facts=facts,
            )
        )
    return rows
