"""`RandomizedEnv`: a wrapper that keeps one MuJoCo env as a spec says, from episode to episode.

The spec's seed is the key of every draw, never the env's. The env's seed names the *world* instead: `reset(seed=17)`
starts world 17's first episode, so that the copies of a vector env, which Gymnasium seeds one apart, are different
robots and each can be made again alone. Physics are drawn before the env resets, so that the first observation is the
new robot's. What this env cannot hold is an error when the wrapper is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, SupportsFloat

import gymnasium
import numpy as np

from sim2real.gym.channel import Channel, neutral
from sim2real.gym.errors import GymError
from sim2real.gym.pictures import Disturb, SpecPictures, disturb_pictures, has_pictures
from sim2real.spec.frozen import FrozenDict
from sim2real.spec.loader import load_spec
from sim2real.spec.spec import Spec
from sim2real.spec.terms import Term

CHANNELS = {"action": ("action", "command"), "observation": ("observation", "sensors")}
"""Names that a spec may give to the two channels of an env."""
WHEN = {"episode": "reset", "step": "step"}
"""What the wrapper's `when` makes of a term's."""
WORLDS = 2**31
"""Seeds are taken modulo this number to name a world."""


class RandomizedEnv(gymnasium.Wrapper, gymnasium.utils.RecordConstructorArgs):
    """A Gymnasium MuJoCo env with uncertain physics, delays, noise and pictures."""

    def __init__(
        self,
        env: gymnasium.Env,
        spec: Spec | str | Path,
        *,
        when: str | None = None,
        world: int | None = None,
        pictures: Disturb | bool | None = None,
    ) -> None:
        """Find everything that the spec names in the env's model and draw the first robot.

        Args:
            env: any env whose `unwrapped` has a MuJoCo `model` and `data`, such as `gymnasium.make("Ant-v5")`.
            spec: what is uncertain: a spec, a preset's name or a YAML file.
            when: draw all physics anew every `episode` or every `step`; None leaves it to each term. Pushes and
                terms with an interval keep their times.
            world: which of the spec's worlds this env is; None takes the seed of the last seeded reset, first 0.
            pictures: what to do to every colour picture of an observation, after its delay. None: what the spec's
                vision section says. False: nothing, whatever the spec says. Or a function of the picture, the world,
                the episode and the step, for a spec without that section.

        Raises:
            GymError: the env has no MuJoCo model, or a signal or a change of pictures means nothing for it.
            EngineError: what MuJoCo cannot hold; the whole list.
            SpecError: the spec cannot be read.
        """
        gymnasium.utils.RecordConstructorArgs.__init__(self, spec=spec, when=when, world=world, pictures=pictures)
        gymnasium.Wrapper.__init__(self, env)
        from sim2real.engines.mujoco import MujocoEngine

        base: Any = env.unwrapped
        if not all(hasattr(base, name) for name in ("model", "data", "dt")) or not hasattr(base.model, "body_mass"):
            raise GymError(
                f"{base}: it has no MuJoCo model; wrap an env that has 'model', 'data' and 'dt', such as Ant-v5"
            )
        if when is not None and when not in WHEN:
            raise GymError(f"when: got {when!r}; give 'episode', 'step' or None")
        if world is not None and not 0 <= world < WORLDS:
            raise GymError(f"world: got {world}; give a whole number from 0 to 2^31 - 1")
        if pictures is True or not (pictures in (None, False) or callable(pictures)):
            raise GymError(f"pictures: got {pictures!r}; give a function, None for what the spec says, or False")
        given = spec if isinstance(spec, Spec) else load_spec(spec)
        self.spec_drawn = given if when is None else _timed(given, WHEN[when])
        """The spec as it is drawn here."""
        self.engine = MujocoEngine(base.model, base.data)
        self.step_dt = float(base.dt)
        self._fixed_world = world
        self._step = 0
        self._action = self._channel("action", env.action_space)
        self._observation = self._channel("observation", env.observation_space)
        self._check_sections()
        self._start(0 if world is None else world)
        self._pictures = self._picture_function(pictures)

    def _channel(self, kind: str, space: Any) -> Channel | None:
        named = [name for name in CHANNELS[kind] if name in self.spec_drawn.signals]
        if len(named) > 1:
            raise GymError(f"signals.{named[0]} and signals.{named[1]} both name the env's {kind}; keep one")
        if not named:
            return None
        signal = self.spec_drawn.signals[named[0]]
        return Channel(named[0], signal, space, seed=self.spec_drawn.seed, step_dt=self.step_dt)

    def _check_sections(self) -> None:
        declared = self.spec_drawn.rates.control_hz
        if declared is not None and abs(declared * self.step_dt - 1.0) > 1e-6:
            raise GymError(
                f"rates.control_hz: the spec says {declared:g} Hz, and the env steps at {1.0 / self.step_dt:g} Hz, so "
                "that a delay in steps means something else here; change the rate, or write latencies in seconds"
            )
        known = [name for names in CHANNELS.values() for name in names]
        for name in self.spec_drawn.signals:
            if name not in known:
                raise GymError(
                    f"signals.{name}: a Gymnasium env has one action and one observation; call them "
                    f"{' or '.join(CHANNELS['action'])} and {' or '.join(CHANNELS['observation'])}, or remove it"
                )

    def _picture_function(self, pictures: Disturb | bool | None) -> Disturb | None:
        """What is done to pictures, once it is sure that there are some."""
        vision = self.spec_drawn.vision
        if pictures is False or (pictures is None and not vision):
            return None
        if pictures is not None and vision:
            raise GymError(
                f"pictures: a function is given, and the spec says vision.{next(iter(vision))}; keep one of the two"
            )
        if not has_pictures(self.env.observation_space):
            what = "pictures" if pictures is not None else f"vision.{', vision.'.join(vision)}"
            raise GymError(
                f"{what}: no uint8 picture (h, w, 3) is observed; add one, or give 'pictures=False' to leave them out"
            )
        return SpecPictures(self.spec_drawn) if pictures is None else pictures  # type: ignore[return-value]

    def _start(self, world: int) -> None:
        """Become another world, before its first episode."""
        from sim2real.engines.randomizer import Randomizer

        self.world, self._next = world, 0
        self.randomizer = Randomizer(self.spec_drawn, self.engine, first_world=world, step_dt=self.step_dt)
        self.randomizer.startup()

    @property
    def episode(self) -> int:
        """Number of the present episode of this world, from 0; -1 before the first."""
        return self._next - 1

    @property
    def delays(self) -> dict[str, int]:
        """Steps by which actions and observations are late in this episode."""
        found = {"action": self._action, "observation": self._observation}
        return {name: channel.lag for name, channel in found.items() if channel is not None}

    def draws(self) -> dict[str, np.ndarray]:
        """Current physics by term, float32 (count, dim), SI; equal to `Randomizer.replay` of this world."""
        return {name: self.randomizer.values(name).numpy()[0].copy() for name in self.randomizer.terms}

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin the world's next episode; with a seed, the first one of the world that it names."""
        if seed is not None:
            self._start(seed % WORLDS if self._fixed_world is None else self._fixed_world)
        self.randomizer.reset(self.randomizer.everything)
        self._next += 1
        observation, info = self.env.reset(seed=seed, options=options)
        if self._action is not None:
            self._action.begin(self.world, self.episode, neutral(self.env.action_space))
        if self._observation is not None:
            self._observation.begin(self.world, self.episode, observation)
        self._step = 0
        return self._observed(observation), info

    def step(self, action: Any) -> tuple[Any, SupportsFloat, bool, bool, dict[str, Any]]:
        """Step the env with the action that arrives, and return the observation that arrives."""
        self.randomizer.step()
        self.engine.hold_push()
        if self._action is not None:
            action = self._action.pass_on(action)
        observation, reward, terminated, truncated, info = self.env.step(action)
        self._step += 1
        return self._observed(observation), reward, terminated, truncated, info

    def _observed(self, observation: Any) -> Any:
        """What the policy gets to see of an observation."""
        if self._observation is not None:
            observation = self._observation.pass_on(observation)
        if self._pictures is not None:
            place = (self.world, self.episode, self._step)
            observation = disturb_pictures(self.env.observation_space, observation, self._pictures, place)
        return observation


def _timed(spec: Spec, when: str) -> Spec:
    """The spec with all properties drawn at one time; events keep theirs."""
    from sim2real.engines.quantities import TARGET_QUANTITIES

    def timed(term: Term) -> Term:
        free = term.target in TARGET_QUANTITIES and term.when not in ("build", "interval")
        return replace(term, when=when) if free else term

    terms: Mapping[str, Term] = {name: timed(term) for name, term in spec.terms.items()}
    return replace(spec, terms=FrozenDict(terms))
