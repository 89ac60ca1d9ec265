"""The tensors that PhysX's two wrappers offer, behind one interface.

`ovphysx` takes any list of bodies, so that one tensor covers all bodies of all worlds and a row is one body. Isaac
Sim's views are one per asset, and a row is a world of it. Both take a whole buffer on the host and the rows to write.
What is written here for Isaac Sim is after its documentation and Isaac Lab's own calls; it was not run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sim2real.engines.engine import EngineError
from sim2real.engines.physx.storage import HostTensor

JOINT_PROPERTIES = {
    "stiffness": ("dof_stiffness", "dof_stiffnesses", 1),
    "damping": ("dof_damping", "dof_dampings", 1),
    "limit": ("dof_limit", "dof_limits", 2),
    "velocity": ("dof_max_velocity", "dof_max_velocities", 1),
    "effort": ("dof_max_force", "dof_max_forces", 1),
    "armature": ("dof_armature", "dof_armatures", 1),
    "friction": ("dof_friction_properties", "dof_friction_properties", 3),
}
"""Properties of joints: their names in `ovphysx` and in Isaac Sim, and the numbers per joint."""
BODY_PROPERTIES = {
    "inertia": ("body_inertia", "inertias", 9),
    "com": ("body_com_pose", "coms", 7),
    "mass": ("body_mass", "masses", 1),
}
"""The same for bodies; what follows another is uploaded after it."""


class OvBodies:
    """The bodies of all worlds as `ovphysx` sees them: row = world * bodies + body."""

    def __init__(self, env: Any, paths: list[str]) -> None:
        """Find them; `paths` (bodies,) are below the environment."""
        from isaaclab_ov import tensor_types
        from isaaclab_ov.sim.views.ovphysx_view import OvPhysxView

        self._types = tensor_types
        self._physx = env.sim.physics_manager.get_physx_instance()
        self._make = lambda wanted: OvPhysxView(self._physx, prim_paths=wanted, device=env.device)
        wanted = [origin + path for origin in env.scene.env_prim_paths for path in paths]
        self._first = [env.scene.env_prim_paths[0] + path for path in paths]
        self._view = self._make(wanted)
        got = list(self._view.binding_for(tensor_types.RIGID_BODY_MASS).prim_paths)
        if got != wanted:
            lost = sorted(set(wanted) - set(got))
            raise EngineError(
                f"PhysX found {len(got)} of {len(wanted)} bodies, or in another order; missing {lost[:3]}"
            )

    def tensor(self, name: str, follow: HostTensor | None = None) -> HostTensor:
        """Return a property of `BODY_PROPERTIES`."""
        short, _, width = BODY_PROPERTIES[name]
        tensor_type = getattr(self._types, "RIGID_" + short.upper())
        return ov_tensor(self._view, tensor_type, width, follow=follow)

    def materials(self, check: Callable[[np.ndarray, np.ndarray], None]) -> tuple[HostTensor, list[int]]:
        """Return the materials, three numbers per shape, and how many shapes each body has."""
        tensor_type = self._types.RIGID_BODY_SHAPE_FRICTION_AND_RESTITUTION
        shapes = int(self._view.binding_for(tensor_type).shape[1])
        counts = []
        for path in self._first:
            one = self._make([path])
            binding = one.try_binding_for(tensor_type)
            counts.append(int(binding.shape[1]) if binding is not None else 0)
            one.close()
        return ov_tensor(self._view, tensor_type, 3 * shapes, check=check), counts

    def weightless(self, count: int) -> np.ndarray:
        """Which bodies have gravity switched off in the first world, bool (count,)."""
        flags = self._view.get_attribute(self._types.RIGID_BODY_DISABLE_GRAVITY).numpy()
        return flags.reshape(-1, count)[0] != 0


def ov_tensor(view: Any, tensor_type: Any, width: int, **extra: Any) -> HostTensor:
    """Return an attribute of an `OvPhysxView` with `width` numbers per row."""
    import warp as wp

    shape = tuple(view.binding_for(tensor_type).shape)

    def wrap(buffer: np.ndarray) -> Any:
        return wp.array(buffer.reshape(shape), dtype=wp.float32, device="cpu", copy=False)

    def read(out: np.ndarray) -> None:
        view.get_attribute(tensor_type, out=wrap(out))

    def write(buffer: np.ndarray, rows: np.ndarray) -> None:
        indices = wp.array(rows, dtype=wp.int32, device="cpu", copy=False)
        view.set_attribute(tensor_type, wrap(buffer), indices=indices)

    return HostTensor(tensor_type.name.lower(), (int(np.prod(shape)) // width, width), read, write, **extra)


def kit_tensor(view: Any, plural: str, width: int, **extra: Any) -> HostTensor:
    """Return a property of a view of Isaac Sim's tensor API with `width` numbers per row."""
    import warp as wp

    getter, setter = getattr(view, f"get_{plural}"), getattr(view, f"set_{plural}")
    first = getter()
    rows = int(np.prod(first.shape)) * wp.types.type_size_in_bytes(first.dtype) // 4 // width

    def read(out: np.ndarray) -> None:
        out[:] = wp.clone(getter(), device="cpu").numpy().view(np.float32).reshape(out.shape)

    def write(buffer: np.ndarray, rows: np.ndarray) -> None:
        data = wp.array(buffer.reshape(first.shape + ((-1,) if buffer.size != first.size else ())), device="cpu")
        setter(data, wp.array(rows, dtype=wp.int32, device="cpu"))

    return HostTensor(plural, (rows, width), read, write, **extra)
