"""What a world is depends on the seed, its number and its episode, and on nothing else."""

import numpy as np
import pytest
import warp as wp

from engines.array_engine import ArrayEngine, masked_rows, quadruped, rows_of
from engines.specs import TERMS, spec_of
from sim2real.draws import Draws
from sim2real.engines.engine import EngineError, Support
from sim2real.engines.quantities import QUANTITIES
from sim2real.engines.randomizer import Randomizer

EVERY = spec_of(TERMS)


def made(num_worlds: int = 6, spec=EVERY, **options) -> tuple[Randomizer, ArrayEngine]:
    """A started randomizer and its engine."""
    engine = options.pop("engine", None) or ArrayEngine(num_worlds)
    randomizer = Randomizer(spec, engine, **options)
    randomizer.startup()
    return randomizer, engine


def state(engine: ArrayEngine) -> dict[str, np.ndarray]:
    """Everything that the engine holds."""
    return {name: value.copy() for name, value in engine.held.items()}


def same(one: dict[str, np.ndarray], other: dict[str, np.ndarray], worlds=slice(None), others=None) -> None:
    """Two engines hold the same bits in these worlds."""
    for name in one:
        np.testing.assert_array_equal(one[name][worlds], other[name][worlds if others is None else others], name)


def test_everything_is_written():
    """Each family of terms changes its quantities, and no other one."""
    _, engine = made()
    changed = {name for name in QUANTITIES if not np.array_equal(engine.read(name), engine.nominal(name))}
    assert changed == {
        "body_mass", "body_com", "body_inertia", "shape_friction", "joint_limit", "joint_armature", "actuator_kp",
        "actuator_kd", "actuator_feedforward", "actuator_effort_limit", "gravity",
    }  # fmt: skip


@pytest.mark.parametrize("name", TERMS)
def test_values_are_the_draws(name):
    """Current draws are those of `Draws.sample`, also for a shard that begins at another world."""
    randomizer, _ = made(first_world=40)
    randomizer.reset(rows_of(1, 4))
    randomizer.reset(rows_of(4))
    term = EVERY.terms[name]
    episode = np.array([0, 0, 0, 0, 1, 0]) * (term.when == "reset")
    drawn = Draws(7).sample(name, term.dist, np.arange(40, 46), episode, 0, randomizer.terms[name].count)
    np.testing.assert_array_max_ulp(randomizer.values(name).numpy(), drawn.reshape(6, -1), maxulp=2)


def test_untouched_worlds_stay_bit_equal():
    """A reset changes the worlds that it names, and no other one."""
    randomizer, engine = made()
    before = state(engine)
    randomizer.reset(rows_of(2))
    randomizer.reset(rows_of(5, 2))
    same(before, state(engine), worlds=[0, 1, 3, 4])
    assert not np.array_equal(before["body_mass"][2], engine.held["body_mass"][2])


def test_a_mask_is_the_same_as_a_list():
    """Entries of -1 are skipped: a whole-world launch with a mask equals a short list, in any order."""
    one, held = made()
    two, other = made()
    one.reset(rows_of(4, 0, 3))
    two.reset(masked_rows([True, False, False, True, True, False]))
    same(state(held), state(other))


@pytest.mark.parametrize("num_worlds", [16, 1000])
def test_the_number_of_worlds_changes_nothing(num_worlds):
    """The first four worlds are the same among 4 and among many, whoever else is reset."""
    few, engine = made(4)
    many, crowd = made(num_worlds)
    few.reset(rows_of(3, 1))
    many.reset(rows_of(1, 9, 3, 15))
    same(state(engine), state(crowd), worlds=slice(None), others=slice(0, 4))


def test_a_shard_holds_the_same_worlds():
    """World 5 of one process is world 1 of a process that begins at world 4."""
    _, whole = made(8)
    _, shard = made(4, first_world=4)
    same(state(shard), state(whole), worlds=slice(None), others=slice(4, 8))


def test_the_order_of_terms_changes_nothing():
    """A spec read backwards makes the same worlds."""
    _, engine = made()
    _, other = made(spec=spec_of(dict(reversed(TERMS.items()))))
    same(state(engine), state(other))


def test_the_order_of_elements_changes_nothing():
    """The same robot with its legs in another order has the same draws at each leg."""
    one, two = ArrayEngine(6), ArrayEngine(6, elements=quadruped(("RR", "FL", "RL", "FR")))
    made(engine=one)
    made(engine=two)
    for name, quantity in QUANTITIES.items():
        mine, theirs = (
            {element.name: i for i, element in enumerate(engine.elements.of(quantity.kind))} for engine in (one, two)
        )
        order = [theirs[label] for label in mine]
        np.testing.assert_array_equal(one.read(name), two.read(name)[:, order], name)


def test_nothing_accumulates():
    """After many resets of any pattern, a world is what a fresh run makes of its episode."""
    randomizer, engine = made()
    rng = np.random.default_rng(0)
    counts = np.zeros(6, int)
    for _ in range(200):
        worlds = rng.permutation(6)[: rng.integers(1, 7)]
        counts[worlds] += 1
        randomizer.reset(rows_of(*worlds))
    for world in range(6):
        fresh, other = made()
        for _ in range(counts[world]):
            fresh.reset(rows_of(world))
        same(state(engine), state(other), worlds=[world])


def test_a_spec_of_nothing_leaves_every_bit():
    """Factors of one and additions of zero, through all kernels, leave the nominal values."""
    still = spec_of(
        {
            "mass": "{target: body.mass, op: scale, dist: 1, keep: density}",
            "com": "{target: body.com, op: add, unit: m, dist: 0}",
            "load": "{target: body.payload, select: base, op: add, unit: kg, dist: 0}",
            "kp": "{target: actuator.kp, op: scale, dist: 1}",
            "friction": "{target: shape.friction, op: scale, dist: 1}",
            "gravity": "{target: world.gravity, op: scale, dist: 1}",
            "tilt": "{target: world.gravity_tilt, unit: deg, dist: 0}",
        }
    )
    _, engine = made(spec=still)
    same(state(engine), {name: engine.nominal(name) for name in engine.held})


def test_startup_draws_stay():
    """A term drawn at startup keeps its value over resets, in the same row as terms that change."""
    randomizer, engine = made()
    first = randomizer.values("kp").numpy().copy()
    randomizer.reset(rows_of(0, 1, 2, 3, 4, 5))
    randomizer.reset(rows_of(0, 1, 2, 3, 4, 5))
    np.testing.assert_array_equal(randomizer.values("kp").numpy(), first)
    strength = randomizer.values("strength").numpy()
    labels = [label.rpartition("/")[2] for label in randomizer.terms["strength"].labels]
    column = [labels.index(joint.name) for joint in engine.elements.joint]
    expected = (engine.nominal("actuator_kp")[:, :, 0] * first) * strength[:, column]
    np.testing.assert_array_equal(engine.read("actuator_kp")[:, :, 0], expected)


def test_what_only_startup_changes_is_not_written_again():
    """Writing costs time on the engine; a quantity that cannot have changed is left alone."""
    spec = spec_of({"kp": TERMS["kp"], "armature": TERMS["armature"]})
    randomizer, engine = made(spec=spec)
    engine.writes.clear()
    randomizer.reset(rows_of(0))
    assert [quantity for quantity, _ in engine.writes] == ["joint_armature"]


def test_replay_tells_what_a_world_was_given():
    """Any world of any episode can be asked for later, without having run the others."""
    randomizer, _ = made(first_world=10)
    for _ in range(3):
        randomizer.reset(rows_of(2))
    found = randomizer.replay(12, 2)
    for name in TERMS:
        now = randomizer.values(name).numpy()[2].reshape(found[name].shape)
        np.testing.assert_array_max_ulp(found[name], now, maxulp=2)


def test_the_row_is_what_the_engine_holds():
    """`row` shows the folded values without asking the engine."""
    randomizer, engine = made()
    randomizer.reset(rows_of(1))
    for name in randomizer.quantities:
        np.testing.assert_array_equal(randomizer.row(name).numpy(), engine.read(name), name)
    with pytest.raises(EngineError, match="no term changes shape_restitution; in this spec there are body_mass"):
        randomizer.row("shape_restitution")


def test_normalised_draws_span_their_bounds():
    """Every draw that can vary has a column in [-1, 1], kept up to date."""
    spec = spec_of({**TERMS, "still": "{target: joint.friction, op: set, unit: N*m, dist: 0.1}"})
    randomizer, _ = made(512, spec=spec)
    names, placed = randomizer.normalised_names, randomizer.normalised().numpy()
    assert placed.shape == (512, len(names))
    assert "still" not in names and "base_com.y" in names and "strength[robot/FL_hip_joint]" in names
    assert np.abs(placed).max() <= 1.0
    assert (placed.max(axis=0) > 0.6).all() and (placed.min(axis=0) < -0.6).all()
    randomizer.reset(rows_of(3))
    gravity = randomizer.values("gravity").numpy()[:, 0]
    np.testing.assert_allclose(randomizer.normalised().numpy()[:, names.index("gravity")], gravity / 0.5, atol=1e-6)


def test_each_body_each_shape_and_twins():
    """`each` says who shares a draw; mirrored names take their twin's."""
    randomizer, engine = made(
        spec=spec_of(
            {
                "feet": "{target: shape.friction, select: '.*_foot', op: set, each: shape, dist: {uniform: [0.4, 1]}}",
                "twins": "{target: joint.armature, op: set, unit: kg*m^2, each: joint, mirror: {FR_: FL_, RR_: RL_},"
                " dist: {uniform: [0, 1]}}",
            }
        )
    )
    feet = engine.read("shape_friction")[:, 2:6, 0]
    assert all(len(set(row)) == 4 for row in feet.tolist())
    armature = engine.read("joint_armature")[:, :, 0]
    np.testing.assert_array_equal(armature[:, 0:3], armature[:, 3:6])
    np.testing.assert_array_equal(armature[:, 6:9], armature[:, 9:12])
    assert all(len(set(row)) == 6 for row in armature.tolist())
    assert randomizer.terms["twins"].count == 6


def test_mirroring_does_not_change_the_twins_draw():
    """A twin that lends its draw keeps it, when names sort the same."""
    term = "{{target: joint.armature, select: '{}', op: set, unit: kg*m^2, each: joint, {}dist: {{uniform: [0, 1]}}}}"
    _, alone = made(spec=spec_of({"a": term.format("FL_.*", "")}))
    _, both = made(spec=spec_of({"a": term.format("F[LR]_.*", "mirror: {FR_: FL_}, ")}))
    np.testing.assert_array_equal(alone.read("joint_armature")[:, :3], both.read("joint_armature")[:, :3])


def test_handled_terms_are_drawn_and_not_written():
    """What the caller applies is drawn like everything else."""
    spec = spec_of({"start": "{target: root.position, op: add, unit: m, dist: {uniform: [[-1, -1, 0], [1, 1, 0]]}}"})
    randomizer, engine = made(spec=spec, handled={"root.position": Support(able=True, where="the root's state")})
    assert randomizer.values("start").numpy().shape == (6, 3) and not engine.writes
    assert randomizer.normalised_names == ["start.x", "start.y"]


def test_reset_needs_startup():
    """Before startup no startup draw stands in the row; that is an error, not a row of zeros."""
    with pytest.raises(EngineError, match="call startup"):
        Randomizer(EVERY, ArrayEngine(2)).reset(rows_of(0))


def test_an_empty_list_of_rows_is_fine():
    """No world to reset: nothing is launched or written."""
    randomizer, engine = made()
    engine.writes.clear()
    randomizer.reset(rows_of())
    assert not engine.writes


class Deaf(ArrayEngine):
    """Takes everything and looks at nothing, so that whoever looks at the device is the randomizer."""

    def write(self, quantity, values, rows):
        """Take."""

    def finish(self, quantities, rows):
        """Take."""

    def push(self, wrench, rows):
        """Take."""


PUSH = (
    "{target: body.force, select: base, unit: N, dist: {uniform: [10, 50]}, direction: any, duration_s: 0.1,"
    " when: {interval_s: [0.1, 0.4]}}"
)


def test_the_host_does_not_look(monkeypatch):
    """Reset and step fetch nothing from the device and wait for nothing: they could stand in a CUDA graph."""
    randomizer, _ = made(engine=Deaf(6), spec=spec_of({**TERMS, "push": PUSH}), step_dt=0.02)
    randomizer.normalised()
    rows = masked_rows([True, False, True, False, False, True])

    def refuse(*_args, **_kwargs):
        raise AssertionError("the host looked at the device")

    for name in ("numpy", "list", "assign", "fill_"):
        monkeypatch.setattr(wp.array, name, refuse)
    for name in ("synchronize", "synchronize_device", "copy", "zeros", "empty", "full"):
        monkeypatch.setattr(wp, name, refuse)
    randomizer.reset(rows)
    randomizer.step()
    with pytest.raises(AssertionError, match="the host looked"):
        randomizer.state_dict()


@pytest.mark.skipif(not wp.is_cuda_available(), reason="no CUDA device")
def test_a_captured_reset_is_a_reset():
    """Reset and step in a CUDA graph, replayed, are the worlds of a CPU."""
    spec = spec_of({**TERMS, "push": PUSH})
    captured, _ = made(engine=Deaf(6, device="cuda:0"), spec=spec, step_dt=0.02)
    plain, _ = made(engine=Deaf(6), spec=spec, step_dt=0.02)
    mask = [True, False, True, False, False, True]
    rows, same_rows = masked_rows(mask, device="cuda:0"), masked_rows(mask)
    captured.reset(rows)  # loads the kernels
    captured.step()
    plain.reset(same_rows)
    plain.step()
    with wp.ScopedCapture(device="cuda:0") as capture:
        captured.reset(rows)
        captured.step()
    for _ in range(30):
        wp.capture_launch(capture.graph)
        plain.reset(same_rows)
        plain.step()
    for name in plain.quantities:
        np.testing.assert_allclose(captured.row(name).numpy(), plain.row(name).numpy(), rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(captured.timers.wrench.numpy(), plain.timers.wrench.numpy(), rtol=1e-5, atol=1e-5)


def test_a_thousand_resets_keep_the_distribution():
    """After a thousand episodes the masses are distributed as declared (Kolmogorov-Smirnov, p > 0.001)."""
    num_worlds = 2000
    spec = spec_of({"mass": TERMS["base_mass"], "com": TERMS["base_com"]})
    randomizer, engine = made(engine=Deaf(num_worlds), spec=spec)
    for _ in range(1000):
        randomizer.reset(randomizer.everything)
    ratio = randomizer.row("body_mass").numpy()[:, 0, 0] / engine.nominal("body_mass")[:, 0, 0]
    shift = randomizer.row("body_com").numpy()[:, 0, 1] - engine.nominal("body_com")[:, 0, 1]
    for place in (np.log(ratio / 0.8) / np.log(1.25 / 0.8), (shift + 0.02) / 0.04):
        ordered, steps = np.sort(place), np.arange(num_worlds + 1) / num_worlds
        distance = max(np.abs(ordered - steps[1:]).max(), np.abs(ordered - steps[:-1]).max())
        assert distance < 1.95 / np.sqrt(num_worlds)
