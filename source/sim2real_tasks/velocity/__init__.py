"""Legged robots that follow a commanded velocity, for training policies that randomization has to harden."""

TASK = "Sim2Real-Velocity-Flat-Go2"
"""Gymnasium name of the Go2's task on flat ground, the one that is trained first."""
GO2_ROUGH = "Sim2Real-Velocity-Rough-Go2"
ANYMAL_C_FLAT = "Sim2Real-Velocity-Flat-Anymal-C"
ANYMAL_C_ROUGH = "Sim2Real-Velocity-Rough-Anymal-C"
G1_FLAT = "Sim2Real-Velocity-Flat-G1"
"""Gymnasium names of the others."""
