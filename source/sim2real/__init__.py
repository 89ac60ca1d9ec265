"""sim2real: a policy that works in Isaac should work on the robot."""

__version__ = "0.1.0"
