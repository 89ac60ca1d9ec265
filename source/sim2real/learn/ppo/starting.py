"""A run that begins with another run's networks: fine-tuning, such as a plain policy that then meets a spec.

The actor has to fit as it is: the robot shows it the same observations. The critic may see more than before, since a
spec appends its draws to what the critic is shown; what it did not see before enters with weight zero, so that it
begins with the value it had learned. The optimiser and the iterations begin anew; the exploring noise is the actor's.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from sim2real.learn.errors import LearnError

if TYPE_CHECKING:
    from sim2real.learn.ppo.playing import Run

FIRST_LAYERS, NORMALIZER = ("rnn.rnn.weight_ih_l0", "mlp.0.weight"), "obs_normalizer."
"""Weights that observations meet first, of networks that remember and of those that do not."""
FRESH = {"_mean": 0.0, "_var": 1.0, "_std": 1.0}
"""What a normaliser believes of an input that it has not met."""


def begin_with(runner: Any, run: Run) -> str:
    """Give a runner's actor and critic the weights and normalisers of another run.

    Args:
        runner: an rsl_rl runner of PPO that has learned nothing yet.
        run: whose checkpoint to take.

    Returns:
        what was done, as a sentence.

    Raises:
        LearnError: its networks are others, or its actor sees something else.
    """
    import torch

    held = torch.load(run.checkpoint, weights_only=False, map_location=runner.device)
    fresh, taken = runner.alg.save(), {}
    said = f"beginning with the networks of {run.folder} after iteration {run.iteration}"
    for name in ("actor", "critic"):
        theirs, ours = held.get(f"{name}_state_dict"), fresh[f"{name}_state_dict"]
        if theirs is None:
            raise LearnError(f"{run.checkpoint} holds no {name}; give a run that learned from rewards")
        first = first_layer(theirs)
        if name == "critic" and first is not None and first == first_layer(ours):
            before, now = theirs[first].shape[-1], ours[first].shape[-1]
            if before < now:
                theirs = widened(theirs, now)
                said += f"; its critic saw {before} numbers, and sees {now} now"
        wrong = [
            f"{key} {tuple(theirs[key].shape) if key in theirs else 'missing'} for {tuple(value.shape)}"
            for key, value in ours.items()
            if key not in theirs or theirs[key].shape != value.shape
        ] + sorted(set(theirs) - set(ours))
        if wrong:
            raise LearnError(
                f"the {name} of {run.checkpoint} does not fit this task's: {wrong[0]}; --from takes a run of the same"
                " task with the same networks (--network, --memory), whose critic saw no more than this one's"
            )
        taken[f"{name}_state_dict"] = theirs
    runner.alg.load(taken, {"actor": True, "critic": True}, True)
    return said


def first_layer(state: dict[str, Any]) -> str | None:
    """Return the name of the weights that the observations meet first; None where there are none."""
    return next((name for name in FIRST_LAYERS if name in state), None)


def widened(state: dict[str, Any], inputs: int) -> dict[str, Any]:
    """Return a network's state for more inputs, the new ones last and without effect yet."""
    import torch

    found, first = dict(state), first_layer(state)
    for key, value in state.items():
        if key == first:
            fill = 0.0
        elif key.startswith(NORMALIZER) and key.removeprefix(NORMALIZER) in FRESH:
            fill = FRESH[key.removeprefix(NORMALIZER)]
        else:
            continue
        found[key] = torch.nn.functional.pad(value, (0, inputs - value.shape[-1]), value=fill)
    return found


def told_of(run: Run) -> dict[str, Any]:
    """Return what `run.json` says of the run that another one began with, and of the one that it began with itself."""
    names = ("task", "physics", "spec", "seed", "num_envs", "ranks", "env_steps", "hours", "started")
    facts = {key: run.facts.get(key) for key in names}
    sessions = [{key: session.get(key) for key in ("command", "commit")} for session in run.facts.get("sessions", ())]
    digest = hashlib.sha256(run.checkpoint.read_bytes()).hexdigest()
    return {"run": str(run.folder), "iteration": run.iteration, "sha256": digest, **facts, "sessions": sessions}
