"""Forces that a world needs at every physics step: pushes, and a gravity of its own in a scene that has only one.

A body of mass m in a world whose gravity differs from the scene's by Δg gets the force m·Δg at its centre of mass. Mass
and centre of mass follow their draws. Both kinds of force are added up here, so that one wrench per body goes out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import warp as wp

    from sim2real.engines.engine import Rows
    from sim2real.engines.physx.storage import PhysxViews


class BodyForces:
    """The wrench on every body of every world, in the order of the elements."""

    def __init__(self, views: PhysxViews, mass: np.ndarray, com: np.ndarray) -> None:
        """Start without any force.

        Args:
            views: What the glue handed over.
            mass: Nominal masses (num_worlds, bodies, 1) [kg].
            com: Nominal centres of mass (num_worlds, bodies, 3) in the body frame [m].
        """
        import warp as wp

        n, count = views.num_worlds, len(views.elements.body)
        self._views = views
        self._scene = wp.vec3(*views.gravity)
        self._push = wp.zeros((n, count, 6), dtype=wp.float32, device=views.device)
        self._change = wp.zeros(n, dtype=wp.vec3, device=views.device)
        self._pulled = wp.array(1.0 - views.weightless.astype(np.float32), dtype=wp.float32, device=views.device)
        self.mass = wp.array(mass.reshape(n, -1), dtype=wp.float32, device=views.device)
        """Masses as drawn, (num_worlds, bodies) [kg]."""
        self.com = wp.array(com.reshape(n, -1), dtype=wp.float32, device=views.device)
        """Centres of mass as drawn, (num_worlds, bodies * 3) [m]."""
        self.active = False
        """Whether anything was asked for yet; until then no force has to be computed."""

    def follow(self, quantity: str, values: wp.array, rows: Rows) -> None:
        """Take over new masses or centres of mass (num_worlds, bodies, width) of the given worlds."""
        self._copy(values, self.mass if quantity == "body_mass" else self.com, rows)

    def push(self, wrench: wp.array, rows: Rows) -> None:
        """Take over the pushes (num_worlds, bodies, 6) of the given worlds."""
        self.active = True
        n = self._views.num_worlds
        self._copy(wrench, self._push.reshape((n, self._push.shape[1] * 6)), rows)

    def turn(self, gravity: wp.array, rows: Rows) -> None:
        """Take over the gravity (num_worlds, 1, 3) of the given worlds, and tell those who ask for its direction."""
        import warp as wp

        from sim2real.engines.physx import kernels

        self.active = True
        device = self._views.device
        wp.launch(
            kernels.turn_gravity,
            dim=rows.n,
            inputs=[rows.index, gravity.reshape((self._views.num_worlds, 3)), self._scene],
            outputs=[self._change],
            device=device,
        )
        for direction in self._views.gravity_direction:
            wp.launch(
                kernels.point_gravity,
                dim=rows.n,
                inputs=[rows.index, self._scene, self._change],
                outputs=[direction],
                device=device,
            )

    def gravity(self) -> np.ndarray:
        """Return the gravity of each world, float32 (num_worlds, 1, 3)."""
        return (self._change.numpy() + np.array(self._views.gravity, np.float32)).reshape(-1, 1, 3).astype(np.float32)

    def wrench(self, first: int, pose: wp.array, lever: float, force: wp.array, torque: wp.array) -> None:
        """Compute what acts on some consecutive bodies now, in the world frame.

        Args:
            first: Number of the first body among the elements.
            pose: Poses of their frames, transforms (num_worlds, k).
            lever: 1 where the simulator takes a force at the body's origin, 0 where it takes it at the centre of mass.
            force: Filled, vec3 (num_worlds, k) [N].
            torque: Filled, vec3 (num_worlds, k) [N·m].
        """
        import warp as wp

        from sim2real.engines.physx import kernels

        wp.launch(
            kernels.add_forces,
            dim=pose.shape,
            inputs=[first, self._push, self.mass, self.com, self._pulled, self._change, pose, lever],
            outputs=[force, torque],
            device=self._views.device,
        )

    def _copy(self, values: wp.array, out: wp.array, rows: Rows) -> None:
        import warp as wp

        from sim2real.engines.physx import kernels

        flat = values.reshape((self._views.num_worlds, out.shape[1]))
        wp.launch(
            kernels.copy_rows,
            dim=(rows.n, out.shape[1]),
            inputs=[rows.index, flat],
            outputs=[out],
            device=self._views.device,
        )
