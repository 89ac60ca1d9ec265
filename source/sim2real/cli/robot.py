"""``robot``: your own robot, from its URDF to a task: add it, list what there is, show one."""

from __future__ import annotations

import argparse
import re
import shlex
from pathlib import Path
from typing import Any

from sim2real.cli.main import program_name
from sim2real.errors import Sim2RealError

HELP = """Make a task of your own robot.

add URDF    check a URDF and write a robot card, a commented YAML file: joints in order, limits, gains, default pose,
            feet or end-effector; what was guessed is marked, to be confirmed by you. The card is a task at once.
list        robot cards, their tasks, and how much of each is still a guess
show NAME   a card as a table, checked against its URDF

A URDF that no robot can have is refused, with every fault, link and line. Cards lie in config/robots of a checkout,
or in $SIM2REAL_ROBOTS. Exit code: 0 done, 2 it cannot be done."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verb's arguments."""
    parser.add_argument("what", choices=("add", "list", "show"), metavar="WHAT", help="add, list or show")
    parser.add_argument("which", metavar="URDF|NAME", nargs="?", help="add: the URDF; show: the card's name")
    add = parser.add_argument_group("add")
    add.add_argument("--name", help="name of card and task: small letters, digits, underscores (default: the robot's)")
    add.add_argument("--kind", metavar="KIND", help="velocity (it walks) or reach (an arm); default: guessed")
    add.add_argument("--out", type=Path, metavar="DIR", help="folder of the card (default: config/robots)")
    add.add_argument(
        "--package-path", type=Path, action="append", default=[], metavar="DIR", help="where meshes lie too"
    )
    add.add_argument("--force", action="store_true", help="write over a card that is there")


def run(args: argparse.Namespace) -> int:
    """Do it and print."""
    if args.what == "list":
        _refuse(args, "list takes no name", args.which is not None)
        return list_cards()
    if args.which is None:
        raise Sim2RealError("which one? robot add my.urdf" if args.what == "add" else "which one? robot show NAME")
    return add(args) if args.what == "add" else show(args)


def _refuse(args: argparse.Namespace, said: str, also: bool = False) -> None:
    given = [name for name in ("name", "kind", "out", "force") if getattr(args, name)]
    if given or args.package_path:
        names = ", ".join(f"--{name}" for name in [*given, *(["package-path"] if args.package_path else [])])
        raise Sim2RealError(f"{names}: for 'robot add' alone")
    if also:
        raise Sim2RealError(said)


def add(args: argparse.Namespace) -> int:
    """Check a URDF and write its card."""
    from sim2real_tasks import own
    from sim2real_tasks.robots.card import KINDS, NAME
    from sim2real_tasks.robots.card_text import card_table, write_card
    from sim2real_tasks.robots.guess import guess_card
    from sim2real_tasks.robots.urdf import read_urdf

    if args.kind is not None and args.kind not in KINDS:
        raise Sim2RealError(f"--kind is '{args.kind}'; allowed: {', '.join(KINDS)}")
    for folder in args.package_path:
        if not folder.is_dir():
            raise Sim2RealError(f"--package-path: no folder {folder}")
    urdf = Path(args.which).resolve()
    packages = [folder.resolve() for folder in args.package_path]
    robot = read_urdf(urdf, packages)
    name = args.name if args.name is not None else default_name(robot.name)
    if not NAME.fullmatch(name):
        raise Sim2RealError(
            f"'{name}' is no name for a card; give small letters, digits and single underscores, a letter first:"
            f" --name my_robot"
        )
    folder = (args.out or own.default_folder()).resolve()
    path = folder / f"{name}.yaml"
    if path.exists() and not args.force:
        raise Sim2RealError(f"{path} is there already; --force writes over it, --name gives another name")
    guessed = guess_card(robot, path, args.kind, packages)
    card = guessed.card
    task = own.task_name(name, card.kind)
    if own.shipped_name(task):
        raise Sim2RealError(f"task '{own.shipped_name(task)}' comes with sim2real; give another name: --name my_{name}")
    try:
        write_card(card, f"{program_name()} {shlex.join(_words(args))}")
    except OSError as error:
        raise Sim2RealError(f"{path} cannot be written: {error.strerror}; give a folder with --out") from error
    print(card_table(card))
    for note in guessed.notes:
        print(f"note: {note}")
    print(f"\nwritten: {path}")
    print_open(card)
    next_steps(card, task, path, path.resolve() == (own.card_files().get(name) or path / "no").resolve())
    return 0


def default_name(robot: str) -> str:
    """Return a card's name from a URDF's: `z1_description` is `z1`."""
    name = re.sub(r"[^a-z0-9]+", "_", robot.lower()).strip("_")
    return re.sub(r"_(description|robot|simple)$", "", name)


def _words(args: argparse.Namespace) -> list[str]:
    """Return the command line anew, without what the card does not depend on."""
    words = ["robot", "add", args.which]
    for flag, value in (("--name", args.name), ("--kind", args.kind)):
        words += [flag, value] if value else []
    for folder in args.package_path:
        words += ["--package-path", str(folder)]
    return words


def print_open(card: Any) -> None:
    """Print what is left to confirm."""
    from sim2real_tasks.robots.card_text import guess_lines

    lines = guess_lines(card)
    if lines:
        print("\nguessed; compare with the robot, then set confirm to false in the card:")
        print("\n".join(lines))


def next_steps(card: Any, task: str, path: Path, found: bool) -> None:
    """Print what to do next."""
    program = program_name()
    print(f"\ntask: {task}")
    if not found:
        print(f"its folder is searched only if you say so: export SIM2REAL_ROBOTS={shlex.quote(str(path.parent))}")
    short = f"{card.kind}/{card.name}"
    print("next:")
    print(f"  {program} robot show {card.name}")
    print(f"  {program} train {short} --num-envs 64 --iterations 2 --out runs/{card.name}-try")
    print(f"  {program} train {short}")
    preset = "quadruped" if card.kind == "velocity" else "arm"
    print(f"  copy config/randomization/{preset}.yaml to {card.name}.yaml and mend its names, then:")
    print(f"  {program} inspect {card.name}.yaml --task {task}")
    print(f"  {program} verify {card.name}.yaml --task {task}")
    print(f"  {program} train {short} --spec {card.name}.yaml")


def list_cards() -> int:
    """Print the cards."""
    from sim2real_tasks import own
    from sim2real_tasks.robots.card import read_card

    files = own.card_files()
    if not files:
        print(f"no robot cards in {' or '.join(map(str, own.card_folders()))}; 'robot add my.urdf' makes one")
    for name, path in files.items():
        try:
            card = read_card(path)
        except Sim2RealError as error:
            print(f"{name}  cannot be read:\n{error}")
            continue
        still = f"{len(card.open_guesses)} guesses to confirm" if card.open_guesses else "confirmed"
        print(f"{name}  {own.task_name(name, card.kind)}  {len(card.joints)} joints  {still}  {path}")
    return 0


def show(args: argparse.Namespace) -> int:
    """Print a card, and check it against its URDF."""
    _refuse(args, "")
    from sim2real_tasks import own
    from sim2real_tasks.robots.card import description_of
    from sim2real_tasks.robots.card_text import card_table

    card = own.card_named(args.which)
    robot = description_of(card)
    print(card_table(card))
    for note in robot.notes:
        print(f"note: {note}")
    print(f"\n{card.path} agrees with {card.urdf}\ntask: {own.task_name(card.name, card.kind)}")
    print_open(card)
    return 0
