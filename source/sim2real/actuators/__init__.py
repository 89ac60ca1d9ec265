"""Models of motors that run inside the physics step: a Newton drive, stepped by Isaac Lab on Newton and on PhysX.

`sim2real.actuators.motor` says what a motor is and needs nothing; `sim2real.actuators.drive` is Newton's side of it.
"""
