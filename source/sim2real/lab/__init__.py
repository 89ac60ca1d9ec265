"""The glue to Isaac Lab: starting it without Kit, and (later) events, observations and curricula from a spec."""
