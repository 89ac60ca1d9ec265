"""``setup``: what is left to do once ``sim2real.sh`` has made the environment, which is to say where it is."""

from __future__ import annotations

import argparse
import sys

HELP = "make the environment, or bring it up to date"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``--accept-nvidia-terms`` is read by ``sim2real.sh``; it stands here for the help."""
    parser.add_argument(
        "--accept-nvidia-terms",
        action="store_true",
        help="you have read and accept the terms that set-up lists (the same as SIM2REAL_ACCEPT_NVIDIA_TERMS=1)",
    )


def run(args: argparse.Namespace) -> int:
    """Say where the environment is; ``./sim2real.sh setup`` makes it before Python can run."""
    print(f"This environment is {sys.prefix}. './sim2real.sh setup' in a checkout makes it or brings it up to date.")
    return 0
