"""What the scripts of this folder share: finding the library, reading a verb's arguments, ending with an exit code.

The scripts need no installation of sim2real itself, only its dependencies, so that Isaac Sim's ``python.sh`` can run
them too. Exit codes are the command line's: 0 done, 2 the input has to change, 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "source"))

EXIT_USER, EXIT_STOPPED = 2, 130


def parse(
    text: str, add_arguments: Callable[[argparse.ArgumentParser], None], words: Sequence[str] | None
) -> argparse.Namespace:
    """Read the words (None: the command line) with the arguments of a verb; ``text`` is shown by ``--help``."""
    parser = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_arguments(parser)
    return parser.parse_args(words)


def finish(main: Callable[[], None]) -> None:
    """Run a script to its end; bad input is one line on stderr, as from the command line."""
    from sim2real.errors import Sim2RealError

    try:
        main()
    except Sim2RealError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(EXIT_USER)
    except KeyboardInterrupt:
        print("\nStopped: what is finished is kept; the same command goes on.", file=sys.stderr)
        sys.exit(EXIT_STOPPED)
