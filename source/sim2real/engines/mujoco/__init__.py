"""Native MuJoCo as an engine: one world, written into its compiled model, with all that depends on it derived anew.

``MujocoEngine(model, data)`` takes what any MuJoCo program has at hand, a Gymnasium env for one. MuJoCo itself is
imported where it is used.
"""

from sim2real.engines.mujoco.engine import MujocoEngine

__all__ = ["MujocoEngine"]
