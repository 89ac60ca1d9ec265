"""A robot in four engines, behind one door: what a transfer test plays a policy on.

MuJoCo (its C library) and DART load the vendor's URDF themselves and know nothing of Isaac Lab; Newton and PhysX are
Isaac Lab's, with the task's own scene. `sim2real.evaluate.engines.player.Player` says what all of them do.
"""
