"""The presets at work: the randomizer takes each of them on its robot, and holds what the seeds say.

The engine is one of plain arrays that can hold every property, with the names of the vendors' robots. What no engine
holds today (a link's length, the ground's height) has to be left out by the preset's own words.
"""

from __future__ import annotations

import numpy as np
import pytest

from engines.array_engine import ArrayEngine
from sim2real.draws import Draws
from sim2real.engines.engine import Element, Elements, Support
from sim2real.engines.quantities import TARGET_QUANTITIES
from sim2real.engines.randomizer import Randomizer
from sim2real.spec import load_spec
from sim2real.spec.targets import ENGINES, TARGETS
from sim2real.vision.picture_params import draw_picture_params
from spec.seed_table import ROWS, Row
from spec.test_robot_presets import ROBOTS, names_of

WORLDS = 1024
GO2 = ROBOTS["quadruped"][0]
PUSHES = ("body.force", "body.torque")
BUILT = ("terrain.height", "geometry.scale", "link.length", "camera.focal_length")
"""What this engine cannot hold, nor its caller."""
APPLIED = {t: Support(able=True, where="the task") for t in TARGETS if t not in (*TARGET_QUANTITIES, *PUSHES, *BUILT)}
ON_ROVER = APPLIED | {"camera.focal_length": Support(able=True, where="the camera")}


def engine_for(urdf: str, name: str) -> ArrayEngine:
    """A robot with the links and joints of a URDF, one shape for each link, two objects, and a ground."""
    links, joints = names_of(urdf)
    objects = ("object_0", "object_1")
    body = [Element(asset="robot", name=link) for link in links] + [Element(asset=o, name=o) for o in objects]
    shape = [Element(asset=e.asset, name=f"{e.name}/0", body=i) for i, e in enumerate(body)]
    elements = Elements(
        body=tuple(body),
        joint=tuple(Element(asset="robot", name=joint, prismatic="finger" in joint) for joint in joints),
        shape=(Element(asset="ground", name="ground/0", fixed=True), *shape),
    )
    return ArrayEngine(WORLDS, elements=elements, name=name)


def randomizer_of(preset: str, urdf: str, name: str = "ovphysx") -> Randomizer:
    """The preset at work on that robot, its first episode drawn."""
    handled = ON_ROVER if preset == "rover" else APPLIED
    randomizer = Randomizer(load_spec(preset), engine_for(urdf, name), handled=handled, step_dt=0.02)
    randomizer.startup()
    return randomizer


@pytest.fixture(scope="module")
def at_work() -> dict[str, Randomizer]:
    """The seeds at work on a quadruped."""
    return {seed: randomizer_of(f"seeds/{seed}", GO2) for seed in sorted({row.seed for row in ROWS})}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("preset", "urdf"), [(p, urdf) for p, urdfs in ROBOTS.items() for urdf in urdfs])
def test_robots_take_their_preset(preset: str, urdf: str, engine: str) -> None:
    """Nothing is refused; what is left out is what no engine holds, and every draw lies in its range."""
    randomizer = randomizer_of(preset, urdf, engine)
    spec = load_spec(preset)
    left_out = {spec.terms[name].target for name in randomizer.chosen.skipped}
    assert left_out <= set(BUILT)
    for name in set(spec.terms) - set(randomizer.chosen.skipped):
        low, high = spec.terms[name].dist.bounds()
        drawn = randomizer.values(name).numpy().reshape(-1, spec.terms[name].dist.dim)
        assert (drawn >= np.float32(low)).all() and (drawn <= np.float32(high)).all(), name
        assert np.ptp(drawn) > 0.0, name


@pytest.mark.parametrize(
    "row", [row for row in ROWS if row.target], ids=lambda row: f"{row.seed}-{row.line}-{row.place}"
)
def test_seeds_are_drawn(row: Row, at_work: dict[str, Randomizer]) -> None:
    """What the randomizer draws fills the range of the seed's line, with as many draws as the seed makes."""
    randomizer, name = at_work[row.seed], row.place.removeprefix("terms.")
    if row.target.split()[0] in BUILT:
        assert name in randomizer.chosen.skipped
        return
    drawn, term = randomizer.values(name).numpy(), randomizer.terms[name]
    assert drawn.min() >= np.float32(row.low) and drawn.max() <= np.float32(row.high)
    near = 0.02 * (row.high - row.low)
    assert drawn.min() <= row.low + near and drawn.max() >= row.high - near
    dim = load_spec(f"seeds/{row.seed}").terms[name].dist.dim
    assert drawn.shape == (WORLDS, dim * (1 if row.each == "world" else len(term.elements)))


def test_held_is_what_the_seeds_mean(at_work: dict[str, Randomizer]) -> None:
    """Seed 000 in the engine's own arrays: gravity's magnitude, friction, and masses with their inertia."""
    engine = at_work["000"].engine
    gravity = np.linalg.norm(engine.read("gravity").reshape(-1, 3), axis=1)
    assert 9.31 - 1e-5 <= gravity.min() < 9.33 and 10.29 < gravity.max() <= 10.31 + 1e-5
    robot = [i for i, element in enumerate(engine.elements.shape) if element.asset == "robot"]
    friction = engine.read("shape_friction")[:, robot]
    assert np.float32(0.4) <= friction.min() < 0.41 and 0.99 < friction.max() <= 1.0
    bodies = [i for i, element in enumerate(engine.elements.body) if element.asset == "robot"]
    scale = (engine.read("body_mass") / engine.nominal("body_mass"))[:, bodies]
    inertia = (engine.read("body_inertia") / engine.nominal("body_inertia"))[:, bodies]
    np.testing.assert_allclose(inertia, np.broadcast_to(scale[:, :1], inertia.shape), rtol=2e-5)
    assert 0.9 - 1e-6 <= scale.min() < 0.91 and 1.09 < scale.max() <= 1.1 + 1e-6


def test_seed_003_moves_the_objects(at_work: dict[str, Randomizer]) -> None:
    """Only the objects' masses change, each by its own factor."""
    engine = at_work["003"].engine
    scale = engine.read("body_mass")[..., 0] / engine.nominal("body_mass")[..., 0]
    objects = [i for i, element in enumerate(engine.elements.body) if element.asset != "robot"]
    assert (np.delete(scale, objects, axis=1) == 1.0).all()
    assert (scale[:, objects[0]] != scale[:, objects[1]]).any()
    assert 0.8 - 1e-6 <= scale[:, objects].min() and scale[:, objects].max() <= 1.2 + 1e-6


def test_pictures_are_drawn_as_seed_001_draws_them() -> None:
    """Jitter and blur fill their ranges; noise and occlusion come as often as the seed says, at its size and level."""
    spec, count = load_spec("seeds/001"), 4096
    params = draw_picture_params(spec.vision, Draws(spec.seed), np.arange(count))
    for name, low, high in (
        ("brightness", 0.7, 1.3),
        ("contrast", 0.7, 1.3),
        ("saturation", 0.7, 1.3),
        ("hue_turn", -0.1, 0.1),
        ("blur_std_px", 0.1, 2.0),
        ("ambient", 0.1, 0.4),
    ):
        drawn, near = getattr(params, name), 0.01 * (high - low)
        assert np.float32(low) <= drawn.min() < low + near and high - near < drawn.max() <= np.float32(high), name
    assert params.blur_size_px == 5
    noisy = params.noise_std > 0.0
    assert (params.noise_std[noisy] == np.float32(0.05)).all()
    occluded = params.box[:, 0] > 0.0
    black = (params.box_colour[occluded] == 0).all(axis=1)
    for happened, chance in ((noisy, 0.3), (occluded, 0.2), (black, 0.5)):
        assert abs(happened.mean() - chance) < 4.0 * np.sqrt(chance * (1.0 - chance) / len(happened))
    sides = params.box[occluded, :2]
    assert np.float32(0.05) <= sides.min() < 0.052 and 0.198 < sides.max() <= np.float32(0.2)
