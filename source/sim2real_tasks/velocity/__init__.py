"""Legged robots that follow a commanded velocity, for training policies that randomization has to harden."""

TASK = "Sim2Real-Velocity-Flat-Go2"
"""Gymnasium name of the task."""
