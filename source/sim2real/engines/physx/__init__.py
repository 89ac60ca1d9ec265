"""PhysX as an engine: properties live on the host, in tensors of many rows, and every row written costs something.

So a draw is compared with what PhysX holds, and only bodies, joints and shapes that changed are uploaded, one call per
property. PhysX has one gravity for the whole scene: a world's own is made of forces at its bodies' centres of mass.
The same classes serve `ovphysx` and Isaac Sim's PhysX; the glue in `lab/` says where the tensors are.
"""
