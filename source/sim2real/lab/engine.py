"""Find the engine of a running Isaac Lab environment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sim2real.errors import Sim2RealError

if TYPE_CHECKING:
    from sim2real.engines.engine import Engine


def engine_of(env: Any) -> Engine:
    """Return the engine of an environment as the randomizer sees it; its nominal values are those of now.

    Args:
        env: an environment of Isaac Lab (wrappers around it are looked through) whose simulation has started.

    Raises:
        Sim2RealError: the environment runs on another engine than Newton or PhysX.
    """
    env = env.unwrapped
    home = getattr(env.sim.physics_manager, "__module__", type(env.sim.physics_manager).__module__)
    package = home.partition(".")[0]
    if package == "isaaclab_newton":
        from sim2real.lab.newton_views import newton_engine

        return newton_engine(env)
    if package in ("isaaclab_ov", "isaaclab_physx"):
        from sim2real.lab.physx_views import physx_engine

        return physx_engine(env)
    raise Sim2RealError(
        f"physics of '{package}' cannot be randomized; give an environment with physics=newton_mjwarp, ovphysx or"
        " isaacsim_physx"
    )
