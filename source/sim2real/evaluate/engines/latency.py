"""When the targets act: held from their arrival on, averaged over each physics step.

The delay is `sim2real.signals.CommandPath`'s, one constant for each world. All four engines get what it says for each
of their physics steps, so that 3 ms are 3 ms everywhere, whatever an engine does inside.
"""

from __future__ import annotations

import numpy as np

LONGEST_S = 0.5
"""Longest delay that a line is laid for [s]."""


class TargetLine:
    """The targets of n worlds on their way to the drives."""

    def __init__(self, worlds: int, joints: int, physics_dt: float, decimation: int) -> None:
        """Lay the line."""
        from sim2real.signals import CommandPath
        from sim2real.spec import parse_spec

        spec = parse_spec(f"{{schema: 1, seed: 0, signals: {{command: {{latency: {{uniform: [0.0, {LONGEST_S}]}}}}}}}}")
        self._path = CommandPath(spec, "command", (joints,), physics_dt * decimation, worlds, substeps=decimation)

    def reset(self, latency_s: np.ndarray) -> None:
        """Begin an episode with these delays [s], (worlds,): the first targets act as if they had always been there."""
        if not ((latency_s >= 0.0) & (latency_s <= LONGEST_S)).all():
            raise ValueError(f"latency from {latency_s.min():g} to {latency_s.max():g} s; give 0 to {LONGEST_S:g} s")
        self._path.reset()
        state = self._path.state_dict()
        state["draws"] = np.asarray(latency_s, np.float32).reshape(state["draws"].shape)
        self._path.load_state_dict(state)

    def __call__(self, targets: np.ndarray) -> np.ndarray:
        """What acts in each physics step until the next call, (decimation, worlds, joints)."""
        import torch

        return self._path(torch.from_numpy(np.ascontiguousarray(targets, np.float32))).numpy().astype(np.float64)
