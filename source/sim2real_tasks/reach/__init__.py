"""Arms whose end-effector goes to a commanded pose and stays there."""

PANDA = "Sim2Real-Reach-Panda"
UR5 = "Sim2Real-Reach-UR5"
"""Gymnasium names of the tasks."""
