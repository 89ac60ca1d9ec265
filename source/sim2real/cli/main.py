"""Finds the verb, imports its module and nothing else, runs it, and turns errors into exit codes.

Exit codes: 0 done; 2 the input or the machine has to change (:class:`sim2real.errors.Sim2RealError`, wrong
arguments); 130 stopped by Ctrl-C. Anything else that is raised is our fault and shows its traceback.
"""

from __future__ import annotations

import argparse
import difflib
import importlib
import importlib.util
import os
import sys
from types import ModuleType

from sim2real.cli.verbs import VERBS, Verb, find_verb, usage
from sim2real.errors import Sim2RealError

EXIT_USER = 2
EXIT_STOPPED = 130


def program_name() -> str:
    """How the user called us: ``./sim2real.sh`` says so in the environment; otherwise the console script's name."""
    return os.environ.get("SIM2REAL_PROGRAM", "sim2real")


def load(verb: Verb) -> ModuleType:
    """The verb's module.

    Raises:
        Sim2RealError: this installation lacks the verb, or a package that it needs.
    """
    try:
        return importlib.import_module(verb.module)
    except ModuleNotFoundError as error:
        if error.name == verb.module:
            present = [v.name for v in VERBS if importlib.util.find_spec(v.module) is not None]
            raise Sim2RealError(
                f"'{verb.name}' is not part of this installation. Present: {', '.join(present) or 'none'}."
            ) from error
        raise missing_package(verb, error) from error


def missing_package(verb: Verb, error: ModuleNotFoundError) -> Sim2RealError:
    """The error for a dependency that is not installed; re-raises when the missing module is one of ours."""
    package = (error.name or "").partition(".")[0]
    if package in ("", "sim2real", "sim2real_tasks"):
        raise error
    return Sim2RealError(
        f"'{verb.name}' needs the Python package '{package}', which is not installed in {sys.prefix}. "
        "Run './sim2real.sh setup', or install it with: pip install 'sim2real[lab]'."
    )


def example_lines(verb: Verb, program: str) -> str:
    """The verb's examples, one command a line."""
    return "\n".join(f"  {program} {line}" for line in verb.examples if not line.endswith("--help"))


def short_help(verb: Verb, program: str, error: Sim2RealError) -> str:
    """What can be said about a verb whose module cannot be loaded here."""
    examples = example_lines(verb, program)
    return "\n".join([f"{program} {verb.name}: {verb.help}", *([examples] if examples else []), "", f"{error}"])


def make_parser(verb: Verb, module: ModuleType, program: str) -> argparse.ArgumentParser:
    """The verb's argument parser, with the examples at the end of its help."""
    examples = example_lines(verb, program)
    parser = argparse.ArgumentParser(
        prog=f"{program} {verb.name}",
        description=getattr(module, "HELP", verb.help),
        epilog=f"examples:\n{examples}" if examples else None,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    module.add_arguments(parser)
    return parser


def dispatch(arguments: list[str]) -> int:
    """Run one verb with its arguments and return its exit code."""
    program = program_name()
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(usage(program))
        return 0
    if arguments[0] in ("-V", "--version"):
        import sim2real

        print(f"sim2real {sim2real.__version__}")
        return 0
    name, rest = arguments[0], arguments[1:]
    verb = find_verb(name)
    if verb is None:
        names = [known.name for known in VERBS]
        close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
        hint = f" Did you mean '{close[0]}'?" if close else ""
        raise Sim2RealError(f"unknown verb '{name}'.{hint} Verbs: {', '.join(names)}.")
    asks_help = any(word in ("-h", "--help") for word in rest)
    try:
        try:
            module = load(verb)
        except Sim2RealError as error:
            if not asks_help:
                raise
            print(short_help(verb, program, error))
            return 0
        if getattr(module, "TAKES_REST", False) and not asks_help:  # another program reads these arguments
            return int(module.run(argparse.Namespace(rest=rest)) or 0)
        return int(module.run(make_parser(verb, module, program).parse_args(rest)) or 0)
    except ModuleNotFoundError as error:
        raise missing_package(verb, error) from error
    except KeyboardInterrupt:
        print(f"\nStopped: {verb.kept}", file=sys.stderr)
        return EXIT_STOPPED


def main(arguments: list[str] | None = None) -> int:
    """The ``sim2real`` command. Returns the exit code."""
    try:
        return dispatch(sys.argv[1:] if arguments is None else arguments)
    except Sim2RealError as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_USER
    except KeyboardInterrupt:
        print("\nStopped: nothing was changed.", file=sys.stderr)
        return EXIT_STOPPED


if __name__ == "__main__":
    sys.exit(main())
