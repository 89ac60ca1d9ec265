"""What the seeds say, line by line, and where their presets must say it.

Written from the seeds, not from the presets: each row holds the seed's own words, the place in the preset
(``terms.NAME``, ``signals.NAME.FIELD`` or ``vision.KIND.FIELD``), and the bounds that the words mean, in SI.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

DEG = 0.017453292519943295


@dataclass(frozen=True, kw_only=True)
class Row:
    """One parameter line of a seed."""

    seed: str
    """Number of the seed."""
    line: int
    """Line of the seed."""
    words: str
    """What stands there."""
    place: str
    """Where the preset says it."""
    target: str = ""
    """Target and operation of a term, such as ``body.mass scale``."""
    low: float
    """Smallest value, SI."""
    high: float
    """Largest value, SI."""
    each: str = "world"
    """For what the seed draws a number of its own."""
    rate: float | None = None
    """For a delay in steps: steps in a second; the bounds are steps divided by it."""


def _rows(seed: str, *lines: tuple[Any, ...]) -> Iterator[Row]:
    """Rows of one seed from (line, words, place, target, low, high) and what else there is to say about a line."""
    for line, words, place, target, low, high, *more in lines:
        extra = {"each" if isinstance(value, str) else "rate": value for value in more}
        yield Row(seed=seed, line=line, words=words, place=place, target=target, low=low, high=high, **extra)


def _steps(line: int, words: str, place: str, most: int, rate: float) -> tuple[Any, ...]:
    """A delay of 0 to ``most`` steps."""
    return (line, words, place, "", 0.0, most / rate, rate)


ROWS: tuple[Row, ...] = (
    *_rows(
        "000",
        (33, "env.gravity = 9.81 + np.random.uniform(-0.5, 0.5)", "terms.gravity", "world.gravity set", 9.31, 10.31),
        (34, "env.friction = np.random.uniform(0.4, 1.0)", "terms.friction", "shape.friction set", 0.4, 1.0),
        (35, "env.joint_damping *= np.random.uniform(0.8, 1.2)", "terms.joint_damping", "joint.damping scale",
         0.8, 1.2),
        (38, "env.set_lighting(np.random.uniform(200, 2000))", "vision.light.illuminance_lx", "", 200.0, 2000.0),
        (39, "env.set_texture(random.choice(textures))", "vision.texture.colour", "", 0.0, 1.0),
        (40, "env.set_camera_noise(np.random.uniform(0, 0.02))", "vision.colour.noise_std", "", 0.0, 0.02),
        (43, "env.mass *= np.random.uniform(0.9, 1.1)", "terms.mass", "body.mass scale", 0.9, 1.1),
        (44, "env.motor_strength *= np.random.uniform(0.85, 1.15)", "terms.motor_strength", "actuator.strength scale",
         0.85, 1.15),
        (45, "env.sensor_delay = np.random.uniform(0, 0.02)  # 0-20ms", "signals.sensors.latency", "", 0.0, 0.02),
    ),
    *_rows(
        "001",
        (72, "mass_scale: tuple = (0.8, 1.2)", "terms.link_mass", "body.mass scale", 0.8, 1.2, "body"),
        (73, "com_offset: tuple = (-0.02, 0.02)  # meters", "terms.link_com", "body.com add", -0.02, 0.02, "body"),
        (74, "inertia_scale: tuple = (0.8, 1.2)", "terms.link_inertia", "body.inertia scale", 0.8, 1.2, "body"),
        (77, "joint_damping_scale: tuple = (0.5, 2.0)", "terms.joint_damping", "joint.damping scale", 0.5, 2.0,
         "joint"),
        (78, "joint_friction_scale: tuple = (0.5, 2.0)", "terms.joint_friction", "joint.friction scale", 0.5, 2.0,
         "joint"),
        (79, "joint_stiffness_scale: tuple = (0.8, 1.2)", "terms.joint_stiffness", "joint.stiffness scale", 0.8, 1.2,
         "joint"),
        (82, "ground_friction: tuple = (0.5, 1.5)", "terms.ground_friction", "shape.friction set", 0.5, 1.5),
        (83, "restitution: tuple = (0.0, 0.3)", "terms.ground_restitution", "shape.restitution set", 0.0, 0.3),
        (86, "motor_strength_scale: tuple = (0.8, 1.2)", "terms.motor_strength", "actuator.strength scale", 0.8, 1.2,
         "joint"),
        (87, "motor_damping_scale: tuple = (0.8, 1.2)", "terms.motor_damping", "actuator.kd scale", 0.8, 1.2, "joint"),
        _steps(90, "action_delay_steps: tuple = (0, 3)", "signals.action.latency", 3, 20.0),
        _steps(91, "observation_delay_steps: tuple = (0, 2)", "signals.observation.latency", 2, 20.0),
        (167, "brightness=0.3", "vision.colour.brightness", "", 0.7, 1.3),
        (168, "contrast=0.3", "vision.colour.contrast", "", 0.7, 1.3),
        (169, "saturation=0.3", "vision.colour.saturation", "", 0.7, 1.3),
        (170, "hue=0.1", "vision.colour.hue_turn", "", -0.1, 0.1),
        (172, "kernel_size=5", "vision.colour.blur_size_px", "", 5.0, 5.0),
        (172, "sigma=(0.1, 2.0)", "vision.colour.blur_std_px", "", 0.1, 2.0),
        (186, "if np.random.random() < 0.3:", "vision.colour.noise_chance", "", 0.3, 0.3),
        (190, "if np.random.random() < 0.2:", "vision.occlusion.chance", "", 0.2, 0.2),
        (195, "noise_level=0.05", "vision.colour.noise_std", "", 0.05, 0.05),
        (208, "rh = int(np.random.uniform(0.05, max_size) * h)", "vision.occlusion.height", "", 0.05, 0.2),
        (209, "rw = int(np.random.uniform(0.05, max_size) * w)", "vision.occlusion.width", "", 0.05, 0.2),
        (214, "if np.random.random() < 0.5 else [0, 0, 0]", "vision.occlusion.black", "", 0.5, 0.5),
        (223, "intensity = np.random.uniform(0.5, 2.0)", "vision.light.intensity", "", 0.5, 2.0),
        (227, "temp = np.random.uniform(3000, 7000)  # Kelvin", "vision.light.temperature_K", "", 3000.0, 7000.0),
        (231, "ambient = np.random.uniform(0.1, 0.4)", "vision.light.ambient", "", 0.1, 0.4),
    ),
    *_rows(
        "003",
        (31, "friction = np.random.uniform(0.5, 1.5) # ±50%", "terms.friction", "shape.friction set", 0.5, 1.5),
        (35, "mass = obj.nominal_mass * np.random.uniform(0.8, 1.2) # ±20%", "terms.object_mass", "body.mass scale",
         0.8, 1.2, "body"),
        (38, "restitution = np.random.uniform(0.0, 0.3) # Bounciness", "terms.restitution", "shape.restitution set",
         0.0, 0.3),
        (41, "damping = np.random.uniform(0.5, 2.0)", "terms.damping", "joint.damping scale", 0.5, 2.0),
        (46, "light_intensity = np.random.uniform(0.5, 1.5)", "vision.light.intensity", "", 0.5, 1.5),
        (51, "color = np.random.uniform(0, 1, size=3) # RGB", "vision.texture.colour", "", 0.0, 1.0),
        (57, "background_color = np.random.uniform(0, 1, size=3)", "vision.texture.background", "", 0.0, 1.0),
        (60, "focal_length = np.random.uniform(0.9, 1.1) * self.env.camera.nominal_focal_length", "terms.focal_length",
         "camera.focal_length scale", 0.9, 1.1),
        (66, "stiffness = joint.nominal_stiffness * np.random.uniform(0.8, 1.2)", "terms.joint_stiffness",
         "actuator.kp scale", 0.8, 1.2, "joint"),
        _steps(69, "delay = np.random.randint(0, 3) # 0-3 timesteps", "signals.action.latency", 3, 50.0),
        (72, "noise_std = np.random.uniform(0.01, 0.05)", "signals.action.white", "", 0.01, 0.05),
    ),
    *_rows(
        "004",
        (36, "self.friction = np.random.uniform(0.5, 1.5)", "terms.friction", "shape.friction set", 0.5, 1.5),
        (37, "self.mass_scale = np.random.uniform(0.8, 1.2)", "terms.mass", "body.mass scale", 0.8, 1.2),
        (39, "self.sensor_noise_std = np.random.uniform(0.0, 0.1)", "signals.sensors.white", "", 0.0, 0.1),
        _steps(40, "self.sensor_delay = np.random.randint(0, 3)", "signals.sensors.latency", 2, 100.0),
        (42, "self.motor_strength = np.random.uniform(0.9, 1.1)", "terms.motor_strength", "actuator.strength scale",
         0.9, 1.1, "joint"),
        _steps(43, "self.action_delay = np.random.randint(0, 2)", "signals.action.latency", 1, 100.0),
        (203, "Friction coefficient: 0.5-1.5 (floor surfaces vary)", "terms.friction", "shape.friction set", 0.5, 1.5),
        (204, "Base mass: ±20% (payload variations)", "terms.mass", "body.mass scale", 0.8, 1.2),
        (205, "Motor strength: ±10% (manufacturing tolerances)", "terms.motor_strength", "actuator.strength scale",
         0.9, 1.1, "joint"),
        (206, "Joint damping: ±30% (wear and temperature)", "terms.joint_damping", "joint.damping scale", 0.7, 1.3,
         "joint"),
        (207, "Sensor noise: 0-5% (sensor quality)", "signals.sensors.relative", "", 0.0, 0.05),
        (208, "Control latency: 0-20ms (communication delays)", "signals.command.latency", "", 0.0, 0.02),
        (209, "External push force: 0-50N (unexpected contacts)", "terms.push", "body.force add", 0.0, 50.0),
        (210, "Ground height: ±5cm (uneven terrain)", "terms.ground_height", "terrain.height add", -0.05, 0.05),
        (211, "Link lengths: ±2% (calibration errors)", "terms.link_length", "link.length scale", 0.98, 1.02, "body"),
        (212, "Gravity direction: ±5° (slopes)", "terms.gravity_tilt", "world.gravity_tilt set", 0.0, 5.0 * DEG),
    ),
)  # fmt: skip
"""Every line of the seeds that gives a parameter a range, in the seeds' order."""
