"""The side process of one engine: `python -m sim2real.evaluate.transfer_worker ENGINE`, configuration on stdin.

It answers with lines `played <done> <total>`; the episodes themselves go to the table on disk.
"""

from __future__ import annotations

import sys


def main() -> int:
    """Play one engine's episodes; return the exit code."""
    from sim2real.errors import Sim2RealError
    from sim2real.evaluate.transfer_run import EnginesCfg, run_engine

    out = sys.stdout
    sys.stdout = sys.stderr  # engines print as they start; lines for the parent must stay alone

    def told(engine: str, done: int, total: int) -> None:
        print(f"played {done} {total}", file=out, flush=True)

    try:
        run_engine(EnginesCfg.from_json(sys.stdin.read()), sys.argv[1], told)
    except Sim2RealError as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr, flush=True)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
