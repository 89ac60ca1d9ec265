"""What holds on every engine, whatever the spec: nothing drifts, and a world depends on its number alone.

These tests mirror no folder of the source. Each states one property of the product and holds it against the arrays of
running solvers, on Newton and on PhysX, in an environment that a user would make.
"""
