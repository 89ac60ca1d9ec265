"""What a spec can randomize: the closed vocabulary, each name with its dimension, operations and granularity.

The table says what may be *declared*. Whether an engine can do it is asked of the engine before anything runs; what it
cannot do is an error there, never a silent no-op.
"""

from __future__ import annotations

from dataclasses import dataclass

OPS = ("set", "scale", "add")
"""``set`` replaces the nominal value, ``scale`` multiplies it, ``add`` adds to it; they fold in this order."""
WHENS = ("build", "startup", "reset", "interval", "step")
"""When a term is drawn anew."""
EACH = ("world", "body", "joint", "shape", "obstacle")
"""For what a term draws its own number: one for the world, or one for every selected element."""
ENGINES = ("newton_mjwarp", "ovphysx", "isaacsim_physx", "mujoco")
"""Engines that a term may be left out on, by the names that Isaac Lab gives them."""
KEEPS = ("density",)
"""Couplings: ``density`` scales a body's inertia with its mass."""
DIRECTIONS = ("any", "horizontal", "x", "y", "z")
"""Where a scalar force points: uniform on the sphere, uniform on the horizontal circle, or along a world axis."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """One thing that can be randomized."""

    name: str
    """As written in a spec."""
    meaning: str
    """One line for people."""
    dimensions: tuple[str, ...] = ("ratio",)
    """What a set or added value measures; the second is for prismatic joints."""
    ops: tuple[str, ...]
    """Allowed operations; with a single one, ``op`` may be left out."""
    dims: tuple[int, ...] = (1,)
    """Allowed numbers of components; a scalar distribution is repeated when only one number is allowed."""
    each: tuple[str, ...] = ("world",)
    """Allowed granularities; the first is the default."""
    when: tuple[str, ...] = ("startup", "reset", "interval")
    """Allowed times; ``reset`` is the default, else the first."""
    least: float | None = None
    """Smallest value that may be set, SI; a scale may then not be negative."""
    most: float | None = None
    """Largest value that may be set, SI."""
    positive: bool = False
    """Whether zero itself is forbidden, for set and scale."""
    whole: bool = False
    """Whether the value counts things."""
    keep: tuple[str, ...] = ()
    """Allowed couplings."""
    against: bool = False
    """Whether ``against`` (the counterpart of a pair) may be named."""
    direction: bool = False
    """Whether a scalar needs a ``direction``."""
    duration: bool = False
    """Whether ``duration_s`` may be given."""

    @property
    def on_asset(self) -> bool:
        """Whether it belongs to an asset of the scene, so that ``asset`` may be named."""
        return self.name.partition(".")[0] not in ("world", "terrain", "obstacle", "dataset", "camera")

    @property
    def selects(self) -> bool:
        """Whether there are several elements to select from."""
        return self.name.partition(".")[0] not in ("world", "root", "terrain", "obstacle", "dataset")


_BODY = ("world", "body")
_JOINT = ("world", "joint")
_SHAPE = ("world", "shape", "body")
_OBSTACLE = ("obstacle", "world")
_RESET = ("reset",)
_EVENT = ("reset", "interval", "step")
_ANGLE = ("angle", "length")
_TORQUE = ("torque", "force")
_SPEED = ("angular velocity", "velocity")
_GAIN = ("rotational stiffness", "stiffness")
_DAMPING = ("rotational damping", "damping")
_INERTIA = ("rotational inertia", "mass")


def _target(name: str, meaning: str, dimensions: str | tuple[str, ...], ops: str, **extra: object) -> Target:
    dims = (dimensions,) if isinstance(dimensions, str) else dimensions
    return Target(name=name, meaning=meaning, dimensions=dims, ops=tuple(ops.split()), **extra)  # type: ignore[arg-type]


_TABLE = (
    _target("body.mass", "mass of a body", "mass", "set scale add", each=_BODY, least=0.0, positive=True, keep=KEEPS),
    _target("body.com", "centre of mass in the body frame", "length", "add", dims=(3,), each=_BODY),
    _target("body.inertia", "rotational inertia, or second moments of the mass", "ratio", "scale add", dims=(1, 3, 6),
            each=_BODY, least=0.0, positive=True),
    _target("body.payload", "a load rigidly carried", "mass", "add", each=_BODY, least=0.0),
    _target("body.force", "push on a body", "force", "add", dims=(1, 3), each=_BODY, when=_EVENT, direction=True,
            duration=True),
    _target("body.torque", "twist on a body", "torque", "add", dims=(1, 3), each=_BODY, when=_EVENT, direction=True,
            duration=True),
    _target("body.velocity_kick", "sudden change of velocity", "velocity", "add", dims=(1, 3), each=_BODY,
            when=_EVENT, direction=True),
    _target("body.frame_offset", "displacement of a body's frame", "length", "add", dims=(3,), each=_BODY),
    _target("shape.friction", "effective friction coefficient of a contact pair", "ratio", "set scale add",
            each=_SHAPE, least=0.0, against=True),
    _target("shape.restitution", "effective restitution of a contact pair", "ratio", "set", each=_SHAPE, least=0.0,
            most=1.0, against=True),
    _target("contact.stiffness", "contact stiffness", "stiffness", "set scale", each=_SHAPE, least=0.0, positive=True),
    _target("contact.damping", "contact damping", "damping", "set scale", each=_SHAPE, least=0.0),
    _target("joint.damping", "passive damping of a joint", _DAMPING, "set scale add", each=_JOINT, least=0.0),
    _target("joint.friction", "Coulomb friction of a joint", _TORQUE, "set scale add", each=_JOINT, least=0.0),
    _target("joint.viscous_friction", "viscous friction of a joint", _DAMPING, "set scale add", each=_JOINT,
            least=0.0),
    _target("joint.armature", "rotor inertia at the joint", _INERTIA, "set scale add", each=_JOINT, least=0.0),
    _target("joint.stiffness", "passive stiffness of a joint", _GAIN, "set scale add", each=_JOINT, least=0.0),
    _target("joint.limit", "lower and upper position limit", _ANGLE, "add scale", dims=(2,), each=_JOINT),
    _target("joint.zero_offset", "encoder's reading minus the joint's true place", _ANGLE, "add", each=_JOINT),
    _target("joint.position", "start position of a joint", _ANGLE, "set scale add", each=_JOINT, when=_RESET),
    _target("joint.velocity", "start velocity of a joint", _SPEED, "set scale add", each=_JOINT, when=_RESET),
    _target("actuator.kp", "position gain", _GAIN, "set scale", each=_JOINT, least=0.0),
    _target("actuator.kd", "velocity gain", _DAMPING, "set scale", each=_JOINT, least=0.0),
    _target("actuator.strength", "delivered over commanded torque", "ratio", "scale", each=_JOINT, least=0.0),
    _target("actuator.effort_limit", "largest torque", _TORQUE, "set scale", each=_JOINT, least=0.0),
    _target("actuator.velocity_limit", "largest speed", _SPEED, "set scale", each=_JOINT, least=0.0, positive=True),
    _target("actuator.torque_constant", "torque per current over its nominal value", "ratio", "scale", each=_JOINT,
            least=0.0, positive=True),
    _target("actuator.backlash", "free play of the gear", _ANGLE, "set", each=_JOINT, least=0.0),
    _target("actuator.voltage", "supply voltage", "voltage", "set scale", each=_JOINT, least=0.0, positive=True),
    _target("actuator.thermal", "winding to ambient thermal resistance", "thermal resistance", "set scale",
            each=_JOINT, least=0.0, positive=True),
    _target("world.gravity", "magnitude of gravity", "acceleration", "set scale add", least=0.0),
    _target("world.gravity_tilt", "tilt of gravity about a random horizontal axis", "angle", "set", least=0.0),
    _target("root.position", "start position of the robot (x, y, z)", "length", "add set", dims=(3,), when=_RESET),
    _target("root.yaw", "start heading of the robot", "angle", "set add", when=_RESET),
    _target("root.rotation", "start attitude of the robot (roll, pitch, yaw)", "angle", "add", dims=(3,), when=_RESET),
    _target("root.velocity", "start velocity of the robot (x, y, z)", "velocity", "add set", dims=(3,), when=_RESET),
    _target("root.angular_velocity", "start angular velocity of the robot (x, y, z)", "angular velocity", "add set",
            dims=(3,), when=_RESET),
    _target("terrain.height", "height noise of the ground", "length", "add", when=("build", "startup")),
    _target("geometry.scale", "size of a body's geometry", "ratio", "scale", dims=(1, 3), each=_BODY, when=("build",),
            least=0.0, positive=True, keep=KEEPS),
    _target("link.length", "length of a link", "ratio", "scale", each=_BODY, when=("build",), least=0.0,
            positive=True),
    _target("camera.position", "mounting offset of the camera (x, y, z) in its own frame", "length", "add", dims=(3,)),
    _target("camera.rotation", "mounting error of the camera (roll, pitch, yaw)", "angle", "add", dims=(3,)),
    _target("camera.focal_length", "focal length", "ratio", "scale", least=0.0, positive=True),
    _target("obstacle.count", "number of obstacles", "ratio", "set", when=_RESET, least=0.0, whole=True),
    _target("obstacle.position", "offset of an obstacle (x, y, z)", "length", "add set", dims=(3,), each=_OBSTACLE,
            when=_RESET),
    _target("obstacle.yaw", "heading of an obstacle", "angle", "set add", each=_OBSTACLE, when=_RESET),
    _target("dataset.split", "split of a scene: 0 train, 1 validation", "ratio", "set", when=_RESET, least=0.0,
            most=1.0, whole=True),
    _target("dataset.position", "where a frame of a dataset is taken (x, y, z)", "length", "set", dims=(3,),
            when=_RESET),
    _target("dataset.yaw", "heading at which a frame of a dataset is taken", "angle", "set", when=_RESET),
)  # fmt: skip

TARGETS: dict[str, Target] = {target.name: target for target in _TABLE}
"""The closed vocabulary by name."""


def default_when(target: Target) -> str:
    """Return when a term on this target is drawn if the spec does not say."""
    return "reset" if "reset" in target.when else target.when[0]
