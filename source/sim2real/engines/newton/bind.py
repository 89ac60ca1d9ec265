"""Everything that touches a private name of Newton. Each function says why it is needed."""

from __future__ import annotations

from typing import Any

from sim2real.engines.engine import EngineError

CHECKED_NEWTON = "1.6"
"""The Newton releases that this was written against."""
_NAMES = ("_invalidate_contact_fast_path", "_wake_sleeping_worlds")


def check_solver(solver: Any) -> None:
    """Refuse a solver whose caches could not be kept true.

    Raises:
        EngineError: This Newton names them differently.
    """
    missing = [name for name in _NAMES if not hasattr(solver, name)]
    if missing:
        import newton

        raise EngineError(
            f"Newton {newton.__version__} has no SolverMuJoCo.{', '.join(missing)}, without which changed friction"
            f" would act late; install Newton {CHECKED_NEWTON}"
        )


def forget_contacts(solver: Any) -> None:
    """Let the next conversion of contacts start anew.

    Newton keeps the converted contacts of a collision pass for the substeps that follow; friction and inverse weights
    are in them. Only its own full notification forgets them. Two launches, no host sync.
    """
    solver._invalidate_contact_fast_path()


def wake_worlds(solver: Any, mask: Any) -> None:
    """Wake what sleeps in the worlds of a bool array: MuJoCo Warp cannot see that a property changed."""
    solver._wake_sleeping_worlds(mask)
