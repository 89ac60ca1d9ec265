"""Record what each episode was drawn with, so that it can be drawn again."""

from __future__ import annotations

from typing import Any

import torch
from isaaclab.managers import RecorderTerm, RecorderTermCfg
from isaaclab.utils import configclass

from sim2real.lab.randomization import randomization_of

KEY = "sim2real"
"""Group of the recorded data."""


class DrawRecorder(RecorderTerm):
    """Records, when an episode begins, its global world id, its number, and every term's draw in SI units."""

    def record_post_reset(self, env_ids: Any) -> tuple[str, dict[str, Any]]:
        """Return the group and, for the environments that were reset, their data."""
        found = randomization_of(self._env)
        every = torch.arange(self._env.num_envs, dtype=torch.int64, device=self._env.device)
        rows = every if env_ids is None else every[env_ids]
        draws = {name: found.values(name)[rows].flatten(1) for name in found.drawn_terms}
        return KEY, {
            "world": found.worlds[rows].to(torch.int64),
            "episode": found.episodes[rows].to(torch.int64),
            "draws": draws,
        }

    def record_post_step(self) -> tuple[str | None, dict[str, Any] | None]:
        """Return the draws that change during an episode; nothing when the spec has none."""
        found = randomization_of(self._env)
        moving = {name: found.values(name).flatten(1) for name in found.drawn_terms if found.moves(name)}
        return (f"{KEY}/during", moving) if moving else (None, None)


@configclass
class DrawRecorderCfg(RecorderTermCfg):
    """Configuration of `DrawRecorder`, a field of a recorder manager's configuration."""

    class_type: type[RecorderTerm] = DrawRecorder


def recorder() -> Any:
    """Return the recorder term: ``cfg.recorders.draws = sim2real.lab.recorder()``."""
    return DrawRecorderCfg()


__all__ = ["KEY", "DrawRecorder", "DrawRecorderCfg", "recorder"]
