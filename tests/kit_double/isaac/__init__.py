"""isaacsim.* and omni.isaac.*: the application, prims and materials, and the physics that they write to."""
