"""Who drives: the exported policy, and the two baselines that say how hard the task is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from sim2real.evaluate.episodes import EvaluationError

if TYPE_CHECKING:
    from sim2real.deploy.runtime import PolicyRuntime


class DrivingPolicy(Protocol):
    """What a rollout asks of a policy."""

    name: str
    """Name in tables: `float`, `int8`, `gap_follower`, `always_forward`."""
    observe: str
    """What it looks at: `noisy`, `clean` or `nothing`."""
    digest: str
    """SHA-256 of what decides; empty where there is no file."""

    def act(self, images: Any, cameras: dict[str, np.ndarray], rows: np.ndarray) -> np.ndarray:
        """Class of each robot in `rows`: int64 (len(rows),)."""


class BundlePolicy:
    """A bundle, served by the runtime that runs on the robot."""

    observe = "noisy"

    def __init__(self, runtime: PolicyRuntime, name: str, digest: str):
        """Take a proven runtime. Raises: EvaluationError, when its classes are not the task's."""
        from sim2real_tasks.avoidance.frames import LABELS

        if runtime.class_names != LABELS:
            raise EvaluationError(
                f"the policy's classes are {', '.join(runtime.class_names)}; this task steers by {', '.join(LABELS)}"
            )
        self.runtime, self.name, self.digest = runtime, name, digest

    def act(self, images: Any, cameras: dict[str, np.ndarray], rows: np.ndarray) -> np.ndarray:
        """Ask the network about the noisy depth."""
        return self.runtime.act(images.noisy[rows])


class GapFollowerPolicy:
    """The labelling rule itself, on clean depth with the true camera: the ceiling."""

    name, observe, digest = "gap_follower", "clean", ""

    def act(self, images: Any, cameras: dict[str, np.ndarray], rows: np.ndarray) -> np.ndarray:
        """Measure the corridor."""
        from sim2real_tasks.avoidance.gap_follower import label

        return label(images.clean[rows], **{name: value[rows] for name, value in cameras.items()})[0]


class AlwaysForwardPolicy:
    """Looks at nothing: what the arena lets through."""

    name, observe, digest = "always_forward", "nothing", ""

    def act(self, images: Any, cameras: dict[str, np.ndarray], rows: np.ndarray) -> np.ndarray:
        """Forward."""
        return np.zeros(len(rows), np.int64)
