"""The table of verbs: what each is called, what it does, what it looks like in use, what Ctrl-C leaves behind.

Kept apart from the verbs themselves so that the list can be shown, and a misspelt verb answered, without importing any
of them. It uses the standard library alone: the set-up reads it before anything is installed.
"""

import keyword
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Verb:
    """One verb of the command line."""

    name: str
    """What is typed."""
    help: str
    """One line: what it does."""
    examples: tuple[str, ...]
    """Argument lines, without the program's name, that show its use."""
    kept: str = "nothing was changed."
    """What Ctrl-C leaves behind, said after 'Stopped: '."""

    @property
    def module(self) -> str:
        """Dotted name of the module that holds the verb."""
        return f"sim2real.cli.{self.name}{'_' if keyword.iskeyword(self.name) else ''}"


VERBS: tuple[Verb, ...] = (
    Verb(
        name="demo",
        help="the whole loop once: data, training, export, transfer test, report",
        examples=("demo --quick", "demo"),
        kept="finished steps are kept; the same command goes on after the last one.",
    ),
    Verb(
        name="generate",
        help="write a randomized synthetic depth dataset, sharded and resumable",
        examples=(
            "generate --task avoidance --frames 5000 --size 96 --out runs/depth",
            "generate --task avoidance --frames 5000 --size 96 --shard 0/2 --out runs/depth",
        ),
        kept="finished chunks are kept; the same command continues and ends with the same bytes.",
    ),
    Verb(
        name="check",
        help="verify every file of a dataset and print its class balance",
        examples=("check runs/depth",),
    ),
    Verb(
        name="preview",
        help="write a page of frames: clean, noisy, error",
        examples=("preview --help",),
        kept="the page may be missing; run the same command again.",
    ),
    Verb(
        name="robot",
        help="make a task of your own robot: check its URDF, write a card with what was guessed",
        examples=("robot add my.urdf", "robot add arm.urdf --kind reach --name my_arm", "robot list"),
    ),
    Verb(
        name="inspect",
        help="show what a spec will write, where and how far, before anything runs",
        examples=("inspect quadruped", "inspect quadruped --task velocity --physics ovphysx"),
    ),
    Verb(
        name="verify",
        help="compare what an engine holds, and how bodies move by it, with what was drawn",
        examples=(
            "verify quadruped --task velocity --physics newton_mjwarp",
            "verify --probes --physics ovphysx",
        ),
    ),
    Verb(
        name="train",
        help="train a policy: in an engine, or the avoidance classifier on a dataset",
        examples=(
            "train velocity/go2 --spec quadruped",
            "train velocity/go2 --physics newton_mjwarp --num-envs 64 --iterations 20 --out runs/try",
            "train velocity/go2 --spec go2 --from runs/plain --out runs/tuned",
            "train velocity/go2 --spec quadruped --ranks 4",
            "train --data runs/depth --out runs/classifier",
        ),
        kept="the last checkpoint is kept; the same command goes on from it.",
    ),
    Verb(
        name="play",
        help="play a trained policy: in a browser, or as numbers",
        examples=(
            "play runs/try --headless --episodes 16",
            "play runs/try --physics newton_mjwarp",
            "play runs/try --film walk.webp",
        ),
    ),
    Verb(
        name="export",
        help="write the bundle: ONNX (float and INT8), contract, golden vectors, parity",
        examples=(
            "export --run runs/train/go2 --out runs/bundle",
            "export --policy runs/training --data runs/depth --out runs/bundle",
            "export runs/bundle --jetson nvidia@192.168.1.100",
        ),
        kept="the bundle is what it was, or is not there; the same command begins again, and goes on on a Jetson.",
    ),
    Verb(
        name="import",
        help="make a bundle of a policy of rsl_rl, Isaac Lab, LEAPP, mjlab or unitree_rl_lab",
        examples=(
            "import exported/policy.onnx --task go2 --physics newton_mjwarp --out runs/mine",
            "import exported/policy.onnx --contract runs/bundle --out runs/mine",
            "import 2026-01-01_go1.onnx --urdf go1.urdf --rate 50 --physics-dt 0.005 --start-height 0.3 "
            "--ranges lin_vel_x=-1:1,lin_vel_y=-1:1,ang_vel_z=-0.5:0.5 --out runs/mine",
        ),
        kept="the folder of the bundle is as it was.",
    ),
    Verb(
        name="benchmark",
        help="measure latency and watts in each precision: here, and on a Jetson with TensorRT",
        examples=(
            "benchmark runs/bundle",
            "benchmark resnet18 resnet50 --jetson nvidia@192.168.1.100 --out runs/benchmark",
        ),
        kept="nothing is written before the end; run the same command again.",
    ),
    Verb(
        name="evaluate",
        help="drive an exported policy in another physics engine and report the transfer",
        examples=(
            "evaluate --bundle runs/demo/bundle --physics ovphysx --out runs/evaluation",
            "evaluate --matrix --out runs/matrix",
        ),
        kept="finished cells are kept; the same command does the rest.",
    ),
    Verb(
        name="transfer",
        help="play a policy that moves joints in four physics engines; say whether it transfers",
        examples=(
            "transfer runs/bundle --engines newton,physx,mujoco,dart",
            "transfer runs/bundle --engines mujoco,dart --episodes 20 --curve-episodes 0 --out runs/look",
        ),
        kept="finished episodes are kept; the same command plays the rest.",
    ),
    Verb(
        name="diagnose",
        help="find what makes a policy fail on a robot or in an engine, and rank the causes",
        examples=(
            "diagnose runs/bundle walk.npz",
            "diagnose runs/bundle walk.csv --top 3 --out runs/why",
            "diagnose runs/bundle --engine mujoco --episodes 8",
        ),
        kept="nothing is written before the end; run the same command again.",
    ),
    Verb(
        name="studio",
        help="the panel in a browser: choose, preview, generate, train, export, test transfer",
        examples=("studio", "studio --workspace runs/mine --port 8081", "studio --host 0.0.0.0"),
        kept="what was set is kept; jobs go on, and the next studio of this workspace finds them.",
    ),
    Verb(
        name="test",
        help="run the linter, the type checker and the tests",
        examples=("test", "test -m slow", "test tests/spec -x"),
    ),
    Verb(
        name="setup",
        help="make the environment, or bring it up to date",
        examples=("setup", "setup --accept-nvidia-terms"),
        kept="what was downloaded is kept; the same command continues.",
    ),
)


def find_verb(name: str) -> Verb | None:
    """The verb of that name, or None."""
    return next((verb for verb in VERBS if verb.name == name), None)


def usage(program: str) -> str:
    """The text of ``--help``: every verb with its line, and two examples."""
    width = max(len(verb.name) for verb in VERBS)
    lines = [
        "sim2real: a policy that works in Isaac should work on the robot.",
        "",
        f"usage: {program} VERB [options]",
        "",
        *(f"  {verb.name:<{width}}  {verb.help}" for verb in VERBS),
        "",
        f"Begin with '{program} demo --quick'. '{program} VERB --help' shows a verb's options and examples.",
    ]
    return "\n".join(lines)
