"""Drive an exported policy in another physics engine and report the transfer: the verb 'evaluate' spelled out.

python standalone/evaluate_transfer.py --bundle runs/bundle --physics ovphysx --out runs/evaluation
"""

from __future__ import annotations

from collections.abc import Sequence

from _script import finish, parse


def main(words: Sequence[str] | None = None) -> None:
    """Drive the scenes that have no episode yet, then write the report; or run the whole matrix."""
    from sim2real.cli.evaluate import add_arguments, run_matrix, run_transfer

    args = parse(__doc__, add_arguments, words)
    print(f"matrix: {run_matrix(args)}" if args.matrix else f"report: {run_transfer(args)}")


if __name__ == "__main__":
    finish(main)
