"""Colours of shapes in an Isaac Lab scene, by a spec's draws and through public names only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sim2real.vision.errors import VisionError

if TYPE_CHECKING:
    from sim2real.spec.spec import Spec
    from sim2real.vision.shape_colours import ShapeColours


def shape_colours(env: Any, spec: Spec, *, select: str = ".*", first_world: int = 0) -> ShapeColours:
    """Return the shapes that `vision.texture.colour` of a spec colours, in what the Newton renderer of an env shows.

    Args:
        env: The unwrapped environment, started, on any physics.
        spec: Has `vision: {texture: {colour: ...}}`.
        select: Regular expression for the whole path of a shape in the first env, such as `.*/Robot/.*`.
        first_world: Global id of env 0.

    Raises:
        VisionError: No camera of the env is rendered by Newton, or the spec's colours fit nothing in the scene.
    """
    from isaaclab_newton.physics import NewtonBackendCfg
    from isaaclab_newton.renderers import NewtonWarpRendererCfg

    from sim2real.vision.shape_colours import ShapeColours

    cameras = {
        name: type(sensor.cfg.renderer_cfg).__name__
        for name, sensor in env.scene.sensors.items()
        if hasattr(sensor.cfg, "renderer_cfg")
    }
    if NewtonWarpRendererCfg.__name__ not in cameras.values():
        found = ", ".join(f"{name} by {renderer}" for name, renderer in cameras.items()) or "no camera"
        raise VisionError(
            f"vision.texture.colour is written for Isaac Lab's Newton renderer, and this scene has {found}; set "
            "renderer_cfg=NewtonWarpRendererCfg() on its camera, or leave the colours out"
        )
    backend = env.sim.get_or_create_backend(NewtonBackendCfg(physics_cfg=env.sim.cfg.physics, device=env.sim.device))
    return ShapeColours(backend.model, spec, select=select, first_world=first_world)
