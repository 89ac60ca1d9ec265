"""Randomize a Gymnasium MuJoCo env by a spec, run it with random actions, and print what each episode was.

python standalone/randomize_gym.py --env Ant-v5 --spec gymnasium --episodes 5
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from _script import finish, parse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The script's arguments."""
    parser.add_argument("--env", default="Ant-v5", help="id of a Gymnasium MuJoCo env (default: Ant-v5)")
    parser.add_argument(
        "--spec", default="gymnasium", help="preset or YAML file (default: gymnasium, seed 001's ranges)"
    )
    parser.add_argument(
        "--when", choices=["episode", "step"], help="draw all physics so often; default: as the spec says"
    )
    parser.add_argument("--episodes", type=int, default=5, help="episodes to run (default: 5)")
    parser.add_argument("--steps", type=int, default=200, help="steps of an episode at most (default: 200)")
    parser.add_argument("--seed", type=int, default=0, help="the env's seed; it names the world (default: 0)")
    parser.add_argument("--no-pictures", action="store_true", help="leave the spec's vision section out")
    parser.add_argument("--check", action="store_true", help="run Gymnasium's checker on the wrapped env first")


def main(words: Sequence[str] | None = None) -> None:
    """Run the episodes; a line for each."""
    args = parse(__doc__, add_arguments, words)

    import gymnasium

    from sim2real.gym import GymError, RandomizedEnv

    try:
        bare = gymnasium.make(args.env)
    except gymnasium.error.Error as error:
        raise GymError(f"--env {args.env}: {error}") from error
    env = RandomizedEnv(bare, args.spec, when=args.when, pictures=False if args.no_pictures else None)
    for name, why in env.randomizer.chosen.skipped.items():
        print(f"left out: {name} ({why})")
    if args.check:
        from gymnasium.utils.env_checker import check_env

        check_env(env, skip_render_check=True)
        print("Gymnasium's checker passed.")
    env.action_space.seed(args.seed)
    for episode in range(args.episodes):
        env.reset(seed=args.seed if episode == 0 else None)
        total, length, over = 0.0, 0, False
        while not over and length < args.steps:
            _, reward, terminated, truncated, _ = env.step(env.action_space.sample())
            total, length, over = total + float(reward), length + 1, terminated or truncated
        draws = ", ".join(f"{name} {_span(values)}" for name, values in env.draws().items())
        late = ", ".join(f"{name} {lag}" for name, lag in env.delays.items()) or "none"
        print(
            f"world {env.world}, episode {env.episode}: {length} steps, reward {total:.1f}; {draws}; steps late: {late}"
        )
    env.close()


def _span(values) -> str:
    low, high = float(values.min()), float(values.max())
    return f"{low:.3g}" if low == high else f"{low:.3g}..{high:.3g}"


if __name__ == "__main__":
    finish(main)
