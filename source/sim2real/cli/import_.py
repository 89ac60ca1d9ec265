"""``import``: from another tool's policy to a bundle."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from sim2real.errors import Sim2RealError

if TYPE_CHECKING:
    from sim2real.export.importers import ImportCfg, ImportResult

HELP = """Make a bundle of a policy that another tool exported, with a list of what was lost on the way.

rsl_rl     policy.onnx or policy.pt (TorchScript); its contract comes from --task or --contract
isaac_lab  the same, with IO_descriptors.yaml beside it
leapp      the .yaml of 'isaaclab leapp export', its .onnx beside it
mjlab      .onnx with mjlab's metadata inside
unitree    policy.onnx with unitree_rl_lab's params/deploy.yaml

What a format does not carry is asked for, all of it at once, with the option that supplies it. The network is converted
(one file, opset 17, any number of robots) and held against the original. With --task the policy acts in that task and a
rollout becomes its golden vectors; without, golden vectors are drawn states and say so. Nothing in an artefact is run:
YAML is read safely, weights only from the artefact's own folder. TorchScript is run by torch; import only your own."""

PATTERNS = {
    "kp": "stiffness of the drives: NUMBER, or PATTERN=NUMBER,... (first that fits a joint's name)",
    "kd": "damping of the drives, likewise",
    "effort": "largest torque or force, likewise (default: the description's)",
    "armature": "rotor inertia [kg m^2], likewise",
    "friction": "static friction of the joints, likewise",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verb's arguments."""
    parser.add_argument("artefact", type=Path, metavar="ARTEFACT", help="the network, or the YAML that describes it")
    parser.add_argument("--out", type=Path, metavar="DIR", required=True, help="folder of the bundle")
    parser.add_argument("--from", dest="kind", metavar="KIND", help="format (default: told from the files)")
    parser.add_argument("--name", help="name of the policy and of its files (default: the artefact's)")
    whole = parser.add_argument_group("a contract from elsewhere")
    whole.add_argument("--task", metavar="T", help="registered task that it was trained on; it is opened and recorded")
    whole.add_argument("--contract", type=Path, metavar="FILE", help="a bundle of the same task, or its contract.json")
    whole.add_argument("--steps", type=int, metavar="N", help="decisions of the recorded rollout (default: 80)")
    whole.add_argument("--num-envs", type=int, metavar="N", help="robots of the recorded rollout (default: 8)")
    robot = parser.add_argument_group("the robot")
    robot.add_argument("--urdf", type=Path, metavar="FILE", help="its description")
    robot.add_argument("--joints", metavar="NAMES", help="all joints in the order of training, with commas between")
    robot.add_argument("--sdk-joints", metavar="NAMES", help="joints by number on the bus; empty where none is used")
    for name, words in PATTERNS.items():
        robot.add_argument(f"--{name}", metavar="NUMBERS", help=words)
    robot.add_argument("--drive", choices=("implicit_pd", "pd"), help="solved with the physics, or torque of gains")
    robot.add_argument("--start-height", type=float, metavar="M", help="of the base above the ground at the start")
    robot.add_argument("--base-link", metavar="LINK", help="link whose motion is the base's (default: the root)")
    robot.add_argument("--end-effector", metavar="LINK", help="body whose pose is commanded")
    train = parser.add_argument_group("the training")
    train.add_argument("--rate", type=float, metavar="HZ", help="decisions per second")
    train.add_argument("--physics-dt", type=float, metavar="S", help="physics step")
    train.add_argument("--physics", metavar="NAME", help="engine; with --task the one that is opened")
    train.add_argument("--clip-actions", type=float, metavar="X", help="the trainer clips outputs to -X..X")
    train.add_argument("--command", metavar="NAME", help="name of the command, where the artefact has none")
    train.add_argument("--ranges", metavar="R", help="of the command: lin_vel_x=LOW:HIGH,lin_vel_y=LOW:HIGH,...")
    train.add_argument("--term", action="append", metavar="NAME=KIND", help="what an observation is; may come often")
    parser.add_argument("--seed", type=int, default=1, help="of drawn states and of starts (default: 1)")


def cfg_of(args: argparse.Namespace) -> ImportCfg:
    """The configuration. Raises: Sim2RealError: an option cannot be read."""
    from sim2real.export.importers import ImportCfg

    return ImportCfg(
        kind=args.kind,
        name=args.name,
        urdf=args.urdf,
        joints=None if args.joints is None else tuple(args.joints.split(",")),
        sdk_joints=None if args.sdk_joints is None else tuple(args.sdk_joints.split(",")),
        **{name: getattr(args, name) for name in PATTERNS},
        drive=args.drive,
        rate_hz=args.rate,
        physics_dt_s=args.physics_dt,
        physics=args.physics,
        clip_actions=args.clip_actions,
        command=args.command,
        ranges=ranges_of(args.ranges),
        terms=terms_of(args.term or []),
        start_height_m=args.start_height,
        base_link=args.base_link,
        end_effector=args.end_effector,
        seed=args.seed,
    )


def ranges_of(text: str | None) -> dict[str, tuple[float, float]]:
    """Ranges by name. Raises: Sim2RealError."""
    found: dict[str, tuple[float, float]] = {}
    for part in (text or "").split(",") if text else []:
        name, _, limits = part.partition("=")
        low, _, high = limits.partition(":")
        try:
            found[name.strip()] = (float(low), float(high))
        except ValueError:
            raise Sim2RealError(f"--ranges: {part!r} must be NAME=LOW:HIGH, e.g. lin_vel_x=-1:1") from None
    return found


def terms_of(texts: list[str]) -> dict[str, str]:
    """Kinds of terms by name. Raises: Sim2RealError."""
    from sim2real.export.importers.found import TERMS

    found = {}
    for text in texts:
        name, _, kind = text.partition("=")
        if kind not in TERMS:
            raise Sim2RealError(f"--term: {text!r} must be NAME=KIND, with one of {', '.join(TERMS)}")
        found[name] = kind
    return found


def run(args: argparse.Namespace) -> int:
    """Import and print what became of it."""
    from sim2real.export.importers import import_policy, read_contract

    if args.task is not None and args.contract is not None:
        raise Sim2RealError("--task and --contract both give the contract; give one of them")
    if args.task is None and (args.steps is not None or args.num_envs is not None):
        raise Sim2RealError("--steps and --num-envs are of the rollout that --task records; see 'import --help'")
    cfg = cfg_of(args)
    if args.task is not None:
        result = _for_task(args, cfg)
    else:
        contract = None if args.contract is None else read_contract(args.contract)
        result = import_policy(args.artefact, args.out, cfg, contract)
    _print(result)
    return 0


def _for_task(args: argparse.Namespace, cfg: ImportCfg) -> ImportResult:
    """With the contract of a task."""
    from sim2real.pipeline.import_run import import_for_task
    from sim2real_tasks import TASKS

    if cfg.physics is None:
        raise Sim2RealError("--task needs --physics: the engine that it was trained in, e.g. newton_mjwarp or ovphysx")
    given = {"steps": args.steps, "num_envs": args.num_envs}
    rollout = {name: value for name, value in given.items() if value is not None}
    return import_for_task(args.artefact, args.out, TASKS.get(args.task, args.task), cfg.physics, cfg, **rollout)


def _print(result: ImportResult) -> None:
    """Print what the policy takes and gives, how well it was copied, and what was lost."""
    contract, parity = result.contract, result.parity
    terms = ", ".join(f"{term.name} {term.size}" for term in contract.state.terms)
    print(f"from {result.report['from']}: {terms} -> {len(contract.joint_action.joints)} joint positions")
    print(f"network: {parity['max_abs_error']:.2g} from {parity['against']}, on {parity['frames']} decisions")
    said = parity["assembly_max_abs_error"]
    print(f"observation: {'not compared (drawn states)' if said is None else f'{said:.2g} from the task'}")
    for warning in result.warnings:
        print(f"warning: {warning}")
    print(f"bundle: {result.folder}")
