"""Any Gymnasium MuJoCo env, randomized by a spec: physics, delays, noise, in one wrapper."""

from sim2real.gym.env import GymError, RandomizedEnv

__all__ = ["GymError", "RandomizedEnv"]
