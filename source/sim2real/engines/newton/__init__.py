"""Newton's MuJoCo solver as an engine: draws are written into the model's and the solver's arrays, world by world.

Newton offers one way to tell its solver that a property changed, and that refreshes every world at a cost of hundreds
of launches. Here one thread of one kernel does the same for one world, so that a reset pays for the worlds it resets.
"""
