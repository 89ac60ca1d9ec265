"""The timeline's numbers are those of the lines themselves, world by world; the picture shows every path."""

import json
import re
import warnings

import numpy as np
import pytest
import torch

from sim2real.draws import Draws
from sim2real.signals import CommandPath, SignalError, SignalPath
from sim2real.signals.timeline import FIRST_TICK, TICKS, errors_of, make_timeline, rates_of
from sim2real.signals.timeline_picture import write_timeline
from sim2real.spec import parse_spec

WORLDS, STEP, PHYSICS = 48, 0.02, 0.005
CLOCK = "period: 0.013, phase: {uniform: [0, 0.013]}"
HEAD = "schema: 1\nseed: 9\nrates: {control_hz: 50, physics_hz: 200}\nsignals:\n"
LATE = "latency: {uniform: [0, 0.05]}"
ROUGH = f"{LATE}, jitter: {{normal: [0, 0.004]}}, dropout: 0.3"


def spec_of(*signals):
    """A spec with these signals."""
    return parse_spec(HEAD + "".join(f"  {signal}\n" for signal in signals))


def paths_of(spec, worlds=WORLDS):
    """Its paths by name."""
    return {path.name: path for path in make_timeline(spec, worlds=worlds).paths}


def events_of(spec):
    """When something happens in each world [s], drawn as the timeline draws it."""
    unit = Draws(spec.seed).unit("timeline/event", np.arange(WORLDS))[:, 0].astype(float)
    return (FIRST_TICK + TICKS * unit) * STEP


@pytest.mark.parametrize(
    "parts",
    [
        LATE,
        ROUGH,
        f"{LATE}, exposure: 0.01",
        CLOCK,
        f"{CLOCK}, {ROUGH}",
        f"{CLOCK}, {ROUGH}, exposure: 0.01",
        "white: 0.0",
    ],
)
def test_what_is_read_is_as_old_as_the_line_says(parts):
    """A sensor that tells the time: what a line returns is when it was."""
    spec = spec_of(f"clock: {{{parts}}}")
    line = SignalPath(spec, "clock", (1,), step_dt=STEP, num_envs=WORLDS, device="cpu")
    line.reset()
    ticks, age = np.floor(events_of(spec) / STEP).astype(int), np.full(WORLDS, np.nan)
    for number in range(ticks.max() + 1):
        # In steps from the first that counts, so that float32 tells microseconds.
        told = line(torch.full((WORLDS, 1), float(number - FIRST_TICK)))[:, 0].numpy()
        here = ticks == number
        age[here] = (number - FIRST_TICK - told[here]) * STEP
    np.testing.assert_allclose(paths_of(spec)["clock"].age.seconds, age, atol=2e-6)


@pytest.mark.parametrize("parts", [LATE, ROUGH, "latency: 0.03"])
def test_a_command_acts_when_the_line_says(parts):
    """A step in the command: what is missing of it in the physics steps, added up."""
    spec = spec_of(f"command: {{{parts}}}")
    path = paths_of(spec)["command"]
    line = CommandPath(spec, "command", (1,), step_dt=STEP, num_envs=WORLDS, device="cpu", substeps=4)
    line.reset()
    ticks = np.ceil(events_of(spec) / STEP - 1e-6).astype(int)
    missing = np.zeros(WORLDS)
    for number in range(ticks.max() + 40):
        sent = torch.as_tensor(number >= ticks, dtype=torch.float32)[:, None]
        acting = line(sent)[:, :, 0].numpy()
        missing += np.where(number >= ticks, (1.0 - acting).sum(0) * PHYSICS, 0.0)
    np.testing.assert_allclose(path.stages["command"].seconds, missing, atol=5e-6)


def test_draws_are_those_of_the_line():
    """Also on a bus, whose signals are late together."""
    spec = spec_of(f"a: {{{LATE}, bus: can}}", f"b: {{{LATE}, bus: can}}", f"c: {{{LATE}}}")
    paths = paths_of(spec)
    for name in "abc":
        line = SignalPath(spec, name, (2,), step_dt=STEP, num_envs=WORLDS, device="cpu")
        line.reset()
        drawn = line.values("latency").numpy()[:, 0]
        np.testing.assert_allclose(paths[name].stages["transport"].seconds, drawn, rtol=1e-6)
    assert np.array_equal(paths["a"].end_to_end.seconds, paths["b"].end_to_end.seconds)
    assert not np.array_equal(paths["a"].end_to_end.seconds, paths["c"].end_to_end.seconds)


def test_worlds_do_not_depend_on_how_many_there_are():
    """The first worlds of many are the worlds of few."""
    spec = spec_of(f"a: {{{ROUGH}}}", f"command: {{{ROUGH}}}")
    few, many = paths_of(spec, 16)["a"], paths_of(spec, 64)["a"]
    assert np.array_equal(few.end_to_end.seconds, many.end_to_end.seconds[:16])


def test_stages_add_up_to_what_is_known():
    """Uniform delays and a uniform wait for the policy, against their quantiles."""
    path = paths_of(spec_of("a: {latency: 0.004}", "command: {latency: {uniform: [0, 0.04]}}"), 40000)["a"]
    assert path.stages["transport"].quantile(0.5) == pytest.approx(0.004)
    for share in (0.05, 0.5, 0.95):
        assert path.stages["waiting"].quantile(share) == pytest.approx(share * STEP, abs=3e-4)
        assert path.stages["command"].quantile(share) == pytest.approx(share * 0.04, abs=6e-4)
    # 4 ms, a wait of 0 to 20 ms and a command of 0 to 40 ms: a trapezoid, symmetric about 34 ms.
    assert path.end_to_end.quantile(0.5) == pytest.approx(0.034, abs=6e-4)
    assert path.end_to_end.seconds.min() >= 0.004 and path.end_to_end.seconds.max() <= 0.064 + 1e-6


def test_a_sensors_clock_adds_its_wait():
    """A camera every 30 ms: an event waits for the next frame, then for half the exposure, then for the way."""
    parts = "period: 0.03, phase: {uniform: [0, 0.03]}, exposure: 0.01, latency: 0.025"
    path = paths_of(spec_of(f"depth: {{{parts}}}"), 40000)["depth"]
    assert path.period == 0.03
    for share in (0.05, 0.5, 0.95):
        assert path.stages["sampling"].quantile(share) == pytest.approx(0.005 + share * 0.03, abs=5e-4)
    assert path.stages["transport"].quantile(0.5) == pytest.approx(0.025)
    # What is read is at least exposure and way old, and a period more when the next frame has just not come.
    assert path.age.seconds.min() == pytest.approx(0.03, abs=1e-4)
    assert path.age.seconds.max() == pytest.approx(0.06, abs=1e-4)


def test_what_is_always_lost_never_arrives():
    """Said as such, in data that JSON can hold; nothing warns."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for parts in ("dropout: 1.0", "dropout: 1.0, period: 0.01", f"{LATE}, dropout: 1.0"):
            timeline = make_timeline(spec_of(f"a: {{{parts}}}", "command: {latency: 0.01}"), worlds=8)
            (path,) = timeline.paths
            assert path.end_to_end.quantile(0.5) is None and path.age.quantile(0.5) is None
            json.dumps(timeline.to_json(), allow_nan=False)


def test_rates_come_from_the_task_then_the_spec():
    """And say where from."""
    spec = spec_of("a: {latency: 0.01}")
    assert rates_of(spec).source == "spec" and rates_of(spec).physics_hz == 200.0
    task = rates_of(spec, 0.01, 0.0025)
    assert (task.control_hz, task.physics_hz, task.source) == (100.0, 400.0, "task")
    bare = parse_spec("schema: 1\nseed: 9\nsignals: {a: {latency: 0.01}}\n")
    assert rates_of(bare).source == "assumed"


def test_errors_are_told_from_times():
    """What changes data, and nothing of when they come."""
    spec = spec_of(f"a: {{{ROUGH}, bias: 0.1, white: 0.2, period: 0.01, reading: hold}}")
    assert errors_of(spec.signals["a"]) == ["bias", "white"]


def test_a_picture_shows_every_path(tmp_path):
    """As vectors with all names, and as pixels that are not empty and differ where the spec does."""
    from PIL import Image

    signals = ["depth: {period: 0.03, latency: 0.02}", f"gyro: {{{ROUGH}, bus: spi}}", f"action: {{{LATE}, bus: can}}"]
    timeline = make_timeline(spec_of(*signals, "tilt: {latency: {choice: [0.01, 0.02]}, bus: spi}"), worlds=512)
    assert [path.name for path in timeline.paths] == ["depth", "gyro", "tilt"]
    text = write_timeline(tmp_path / "new" / "paths.svg", timeline, "Mine").read_text()
    assert text.count("<path") > 20
    first = np.asarray(Image.open(write_timeline(tmp_path / "a.png", timeline, "Mine")).convert("L"))
    again = np.asarray(Image.open(write_timeline(tmp_path / "b.png", timeline, "Mine")).convert("L"))
    other = make_timeline(spec_of("depth: {latency: 0.04}", *signals[1:]), worlds=512)
    differs = np.asarray(Image.open(write_timeline(tmp_path / "c.png", other, "Mine")).convert("L"))
    assert first.shape[1] > 1200 and 0.02 < (first < 200).mean() < 0.5
    assert np.array_equal(first, again)
    assert first.shape != differs.shape or (first != differs).mean() > 0.001
    with pytest.raises(SignalError, match=re.escape(".png or .svg")):
        write_timeline(tmp_path / "a.jpg", timeline, "Mine")


def test_no_signals_is_said():
    """There is nothing to show."""
    with pytest.raises(SignalError, match="no signals"):
        make_timeline(parse_spec("schema: 1\nseed: 9\n"))
