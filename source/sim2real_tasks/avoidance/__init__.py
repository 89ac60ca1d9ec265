"""The depth-avoidance task: a rover with a depth camera crosses an arena of obstacles."""

TASK = "Sim2Real-Avoidance-Rover"
"""The task's name in Gymnasium."""
