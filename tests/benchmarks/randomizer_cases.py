"""The same randomization said twice: as a spec of ours, and as Isaac Lab's own event terms."""

from __future__ import annotations

from typing import Any

FRICTION = "{target: shape.friction, select: '.*', against: ground, op: set, dist: {uniform: [0.4, 1.2]}, each: shape}"
MASS = "{target: body.mass, select: '.*', op: scale, dist: {uniform: [0.8, 1.2]}, each: body, keep: density}"
BASE_MASS = "{target: body.mass, select: base, op: scale, dist: {uniform: [0.8, 1.2]}, keep: density}"
COM = "{target: body.com, select: base, op: add, unit: m, dist: {uniform: [[-0.02, -0.02, -0.02], [0.02, 0.02, 0.02]]}}"
ARMATURE = "{target: joint.armature, select: '.*', op: scale, dist: {uniform: [0.8, 1.2]}, each: joint}"
JOINT_FRICTION = "{target: joint.friction, select: '.*', op: set, unit: N·m, dist: {uniform: [0.0, 0.1]}, each: joint}"
KP = "{target: actuator.kp, select: '.*', op: scale, dist: {uniform: [0.9, 1.1]}, each: joint}"
KD = "{target: actuator.kd, select: '.*', op: scale, dist: {uniform: [0.9, 1.1]}, each: joint}"
GRAVITY = "{target: world.gravity, op: add, unit: m/s^2, dist: {uniform: [-0.2, 0.2]}}"

OURS: dict[str, dict[str, str]] = {
    "friction": {"friction": FRICTION},
    "mass": {"mass": MASS},
    "com": {"com": COM},
    "armature": {"armature": ARMATURE},
    "gains": {"kp": KP, "kd": KD},
    "gravity": {"gravity": GRAVITY},
    "four": {"friction": FRICTION, "mass": MASS, "com": COM, "armature": ARMATURE},
    "five": {
        "friction": FRICTION,
        "mass": BASE_MASS,
        "com": COM,
        "kp": KP,
        "kd": KD,
        "joint_friction": JOINT_FRICTION,
        "armature": ARMATURE,
    },
}
"""Terms of our specs, by case."""

STOCK: dict[str, tuple[str, ...]] = {
    "friction": ("material",),
    "mass": ("mass",),
    "com": ("com",),
    "armature": ("armature",),
    "gains": ("gains",),
    "gravity": ("gravity",),
    "four": ("material", "mass", "com", "armature"),
    "five": ("material", "base_mass", "com", "gains", "joint"),
}
"""Isaac Lab's terms that say the same, by case."""


def spec_text(case: str) -> str:
    """The spec of a case, every term drawn at each reset."""
    terms = "".join(f"  {name}: {term[:-1]}, when: reset}}\n" for name, term in OURS[case].items())
    return f"schema: 1\nseed: 7\nterms:\n{terms}"


def stock_terms(case: str, mode: str) -> dict[str, Any]:
    """Isaac Lab's event terms of a case, to be applied under `mode`."""
    import isaaclab.envs.mdp as mdp
    from isaaclab.managers import EventTermCfg, SceneEntityCfg

    def bodies(names: str = ".*") -> SceneEntityCfg:
        return SceneEntityCfg("robot", body_names=names)

    def joints() -> SceneEntityCfg:
        return SceneEntityCfg("robot", joint_names=".*")

    scale = {"operation": "scale"}
    known: dict[str, tuple[Any, dict[str, Any]]] = {
        "material": (
            mdp.randomize_rigid_body_material,
            {
                "asset_cfg": bodies(),
                "static_friction_range": (0.4, 1.2),
                "dynamic_friction_range": (0.4, 1.2),
                "restitution_range": (0.0, 0.0),
                "num_buckets": 64,
                "make_consistent": True,
            },
        ),
        "mass": (
            mdp.randomize_rigid_body_mass,
            {"asset_cfg": bodies(), "mass_distribution_params": (0.8, 1.2), **scale},
        ),
        "base_mass": (
            mdp.randomize_rigid_body_mass,
            {"asset_cfg": bodies("base"), "mass_distribution_params": (0.8, 1.2), **scale},
        ),
        "com": (
            mdp.randomize_rigid_body_com,
            {"asset_cfg": bodies("base"), "com_range": {axis: (-0.02, 0.02) for axis in "xyz"}},
        ),
        "armature": (
            mdp.randomize_joint_parameters,
            {"asset_cfg": joints(), "armature_distribution_params": (0.8, 1.2), **scale},
        ),
        "joint": (
            mdp.randomize_joint_parameters,
            {
                "asset_cfg": joints(),
                "friction_distribution_params": (0.0, 0.1),
                "armature_distribution_params": (0.004, 0.02),
                "operation": "abs",
            },
        ),
        "gains": (
            mdp.randomize_actuator_gains,
            {
                "asset_cfg": joints(),
                "stiffness_distribution_params": (0.9, 1.1),
                "damping_distribution_params": (0.9, 1.1),
                **scale,
            },
        ),
        "gravity": (
            mdp.randomize_physics_scene_gravity,
            {"gravity_distribution_params": ([0.0, 0.0, -0.2], [0.0, 0.0, 0.2]), "operation": "add"},
        ),
    }
    return {name: EventTermCfg(func=known[name][0], mode=mode, params=known[name][1]) for name in STOCK[case]}
