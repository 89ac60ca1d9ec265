"""One small adapter over three generations of Isaac's physics classes: read a quantity, write a quantity.

=============================== =============== ==================================================
extension                       Isaac Sim       classes
=============================== =============== ==================================================
isaacsim.core.experimental.prims 5.1, 6.x       Articulation, RigidPrim
isaacsim.core.prims              4.5, 5.x       the same names, other methods; in 6.0 deprecated
omni.isaac.core                  4.x            ArticulationView, RigidPrimView
=============================== =============== ==================================================

The first one that imports is used. Arrays cross the border as float32 NumPy, shaped (worlds, elements, width) as the
library has them; a class gets back the shape and the kind of array that it handed out itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from . import overrides
from .selection import Selection, StageError

if TYPE_CHECKING:
    from pxr import Usd

Read = Callable[[], Any]
Write = Callable[[Any], None]


@dataclass(frozen=True, kw_only=True)
class Tensor:
    """One property of all bodies or joints of a selection."""

    read: Read
    """Returns the simulator's own array."""
    write: Write
    """Takes an array of the same kind and shape."""
    width: int = 1
    """Numbers per element."""


@dataclass(frozen=True, kw_only=True)
class Handle:
    """The running physics of a selection."""

    api: str
    """The extension that it goes through."""
    bodies: tuple[str, ...]
    """Names of the bodies, in the simulator's order."""
    joints: tuple[str, ...] = ()
    """Names of the joints with one degree of freedom, in the simulator's order."""
    num_worlds: int = 1
    """Articulations, or 1 for loose bodies."""
    tensors: dict[str, Tensor] = field(default_factory=dict)
    """What it holds, by the library's quantities."""
    refused: dict[str, str] = field(default_factory=dict)
    """Targets that this generation cannot have, and why."""

    def read(self, quantity: str) -> np.ndarray:
        """Return a quantity, float32 (num_worlds, count, width)."""
        tensor = self.tensors[quantity]
        found = as_numpy(tensor.read())
        return np.array(found, np.float32).reshape(self.num_worlds, -1, tensor.width)

    def write(self, quantity: str, values: np.ndarray) -> None:
        """Store a quantity (num_worlds, count, width) in the running simulation."""
        tensor = self.tensors[quantity]
        tensor.write(like(values, tensor.read()))


def as_numpy(array: Any) -> np.ndarray:
    """Return a Warp, torch or NumPy array on the host."""
    if hasattr(array, "detach"):  # torch
        array = array.detach().cpu()
    return np.asarray(array.numpy() if hasattr(array, "numpy") else array)


def like(values: np.ndarray, sample: Any) -> Any:
    """Return values with the shape and the kind of another array; Warp arrays take NumPy."""
    shaped = np.ascontiguousarray(values, np.float32).reshape(tuple(sample.shape))
    if hasattr(sample, "detach"):
        import torch

        return torch.as_tensor(shaped, device=sample.device)
    return shaped


def open_handle(stage: Usd.Stage, selection: Selection) -> Handle:
    """Return the running physics of a selection, through the first generation of classes that is there.

    The classes apply APIs that a prim lacks; that too goes into the session layer and not into the file.

    Raises:
        StageError: no generation is there, or physics does not run.
    """
    for kind, module in GENERATIONS:
        try:
            classes = kind()
        except ImportError:
            continue
        try:
            with overrides.session(stage):
                return classes(selection)
        except StageError:
            raise
        except Exception as error:  # what Isaac raises before physics runs differs by class and by version
            raise StageError(
                f"{module} could not take {selection.title}: {error}. Press Play, so that physics runs, and try again"
            ) from error
    names = ", ".join(module for _, module in GENERATIONS)
    raise StageError(
        f"none of {names} can be imported; enable one in Window > Extensions (isaacsim.core.experimental.prims on"
        " Isaac Sim 5.1 and 6.x)"
    )


def _names(names: Any) -> tuple[str, ...]:
    return tuple(str(name) for name in names)


def _leaf(paths: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(path.rpartition("/")[2] for path in paths)


# -- isaacsim.core.experimental --------------------------------------------------------------------------------------


def _experimental() -> Callable[[Selection], Handle]:
    from isaacsim.core.experimental.prims import Articulation, RigidPrim

    def open_it(selection: Selection) -> Handle:
        if not selection.articulated:
            body = RigidPrim(list(selection.paths))
            _running(body.is_physics_tensor_entity_valid())
            return Handle(
                api="isaacsim.core.experimental.prims",
                bodies=_leaf(selection.paths),
                tensors={
                    "body_mass": Tensor(read=body.get_masses, write=body.set_masses),
                    "body_com": _centre(body.get_coms, body.set_coms),
                    "body_inertia": Tensor(read=body.get_inertias, write=body.set_inertias, width=9),
                },
            )
        robot = Articulation(list(selection.paths))
        _running(robot.is_physics_tensor_entity_initialized())
        return Handle(
            api="isaacsim.core.experimental.prims",
            bodies=_names(robot.link_names),
            joints=_names(robot.dof_names),
            num_worlds=len(selection.paths),
            tensors={
                "body_mass": Tensor(read=robot.get_link_masses, write=robot.set_link_masses),
                "body_com": _centre(robot.get_link_coms, robot.set_link_coms),
                "body_inertia": Tensor(read=robot.get_link_inertias, write=robot.set_link_inertias, width=9),
                **_gains(
                    robot.get_dof_gains,
                    lambda kp, kd: robot.set_dof_gains(kp, kd, update_default_gains=False),
                ),
                "joint_armature": Tensor(read=robot.get_dof_armatures, write=robot.set_dof_armatures),
                "actuator_effort_limit": Tensor(read=robot.get_dof_max_efforts, write=robot.set_dof_max_efforts),
                "actuator_velocity_limit": Tensor(
                    read=robot.get_dof_max_velocities, write=robot.set_dof_max_velocities
                ),
                "joint_limit": _limits(robot.get_dof_limits, robot.set_dof_limits),
                **_friction(robot.get_dof_friction_properties, robot.set_dof_friction_properties),
            },
        )

    return open_it


def _running(valid: bool) -> None:
    if not valid:
        raise StageError("physics does not run yet; press Play and try again")


def _centre(get: Callable[[], Any], put: Callable[..., None]) -> Tensor:
    """A centre of mass comes with the principal axes, which stay."""

    def write(positions: Any) -> None:
        put(positions, get()[1])

    return Tensor(read=lambda: get()[0], write=write, width=3)


def _gains(get: Callable[[], Any], put: Callable[[Any, Any], None]) -> dict[str, Tensor]:
    return {
        "actuator_kp": Tensor(read=lambda: get()[0], write=lambda values: put(values, None)),
        "actuator_kd": Tensor(read=lambda: get()[1], write=lambda values: put(None, values)),
    }


def _limits(get: Callable[[], Any], put: Callable[[Any, Any], None]) -> Tensor:
    return Tensor(
        read=lambda: np.stack([as_numpy(bound) for bound in get()], axis=-1),
        write=lambda values: put(np.ascontiguousarray(values[..., 0]), np.ascontiguousarray(values[..., 1])),
        width=2,
    )


def _friction(get: Callable[[], Any], put: Callable[[Any, Any, Any], None]) -> dict[str, Tensor]:
    """Static and dynamic friction keep the ratio that they had, 1 where both were 0; viscous friction stands apart."""
    static, dynamic = (as_numpy(array).astype(np.float32) for array in get()[:2])
    ratio = np.divide(dynamic, static, out=np.ones_like(static), where=static > 0.0)
    viscous = Tensor(read=lambda: get()[2], write=lambda values: put(None, None, values))
    return {
        "joint_friction": Tensor(read=lambda: get()[0], write=lambda values: put(values, values * ratio, None)),
        "joint_viscous_friction": viscous,
        "joint_damping": viscous,
    }


# -- isaacsim.core.prims and omni.isaac.core -------------------------------------------------------------------------

_COEFFICIENT = "joint friction has no unit in these classes; isaacsim.core.experimental.prims has torques"
_REFUSED_CLASSIC = {
    "joint.friction": _COEFFICIENT,
    "joint.viscous_friction": _COEFFICIENT,
    "joint.damping": _COEFFICIENT,
}


def _classic() -> Callable[[Selection], Handle]:
    from isaacsim.core.prims import Articulation, RigidPrim

    return lambda selection: _open_classic("isaacsim.core.prims", Articulation, RigidPrim, selection)


def _legacy() -> Callable[[Selection], Handle]:
    from omni.isaac.core.articulations import ArticulationView  # kit: 5.1
    from omni.isaac.core.prims import RigidPrimView  # kit: 5.1

    return lambda selection: _open_classic("omni.isaac.core", ArticulationView, RigidPrimView, selection)


def _open_classic(api: str, articulation: Any, rigid: Any, selection: Selection) -> Handle:
    paths = list(selection.paths)
    if selection.articulated:
        view = articulation(prim_paths_expr=paths, name="sim2real_studio", reset_xform_properties=False)
    else:  # a contact sensor would be authored into the file
        view = rigid(
            prim_paths_expr=paths,
            name="sim2real_studio",
            reset_xform_properties=False,
            prepare_contact_sensors=False,
        )
    view.initialize()
    _running(view.is_physics_handle_valid())
    if not selection.articulated:
        return Handle(
            api=api,
            bodies=_leaf(_names(view.prim_paths)),
            tensors={
                "body_mass": Tensor(read=view.get_masses, write=view.set_masses),
                "body_com": _centre(view.get_coms, view.set_coms),
                "body_inertia": Tensor(read=view.get_inertias, write=view.set_inertias, width=9),
            },
        )
    return Handle(
        api=api,
        bodies=_names(view.body_names),
        joints=_names(view.dof_names),
        num_worlds=len(selection.paths),
        refused=_REFUSED_CLASSIC,
        tensors={
            "body_mass": Tensor(read=view.get_body_masses, write=view.set_body_masses),
            "body_com": _centre(view.get_body_coms, view.set_body_coms),
            "body_inertia": Tensor(read=view.get_body_inertias, write=view.set_body_inertias, width=9),
            **_gains(view.get_gains, view.set_gains),
            "joint_armature": Tensor(read=view.get_armatures, write=view.set_armatures),
            "actuator_effort_limit": Tensor(read=view.get_max_efforts, write=view.set_max_efforts),
        },
    )


GENERATIONS: tuple[tuple[Callable[[], Callable[[Selection], Handle]], str], ...] = (
    (_experimental, "isaacsim.core.experimental.prims"),
    (_classic, "isaacsim.core.prims"),
    (_legacy, "omni.isaac.core"),
)
"""Newest first: how to get its opener (ImportError where it is not there), and its extension."""
