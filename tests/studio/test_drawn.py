"""What the panel shows as drawn is what every other door draws: the same stream, the same seed, the same number."""

from __future__ import annotations

import numpy as np
import pytest
import warp as wp
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from sim2real.draws import Draws
from sim2real.draws.bank import DrawBank, Stream
from sim2real.engines.engine import Rows
from sim2real.signals.plan import streams_of
from sim2real.signals.timeline import make_timeline
from sim2real.spec import load_spec, preset_names
from sim2real.spec.units import find_unit
from sim2real.studio import Histogram, Table, Timeline
from sim2real.studio.delays import timeline
from sim2real.studio.document import SpecDocument
from sim2real.studio.drawn import drawn_of, histogram, show
from sim2real.vision import draw_depth_params, draw_picture_params

SEEDS = (7, 2**64 - 1)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("preset", ["go2", "panda", "avoidance"])
def test_the_panel_draws_what_an_engine_draws(preset: str, seed: int):
    """Each term's numbers are those that the bank behind an engine puts into its worlds, bit for bit."""
    document = SpecDocument.of_preset(preset).with_seed(seed)
    spec = load_spec(preset).with_seed(seed)
    bank = DrawBank(seed, [Stream(name, term.dist) for name, term in spec.terms.items()], num_worlds=8, device="cpu")
    rows = Rows(index=wp.array(np.arange(8), dtype=wp.int32, device="cpu"), n=8)
    none = wp.zeros((8, len(spec.terms)), dtype=wp.int32, device="cpu")
    bank.draw(rows, wp.zeros(8, dtype=wp.int32, device="cpu"), none)
    found = drawn_of(document, "physics") | drawn_of(document, "visual")
    column = 0
    for name, term in spec.terms.items():
        width = term.dist.dim
        np.testing.assert_array_equal(found[name].sample(seed, 8), bank.values.numpy()[:, column : column + width])
        column += width


@pytest.mark.parametrize("preset", preset_names())
def test_signals_draw_from_their_own_streams(preset: str):
    """Signals on one bus are late together, sensors of one mount askew together: names and ranges are the signals'."""
    document = SpecDocument.of_preset(preset)
    spec = document.spec
    streams = {s.name: s for n, signal in spec.signals.items() for s in streams_of(n, signal, 3).values()}
    shown = {drawn.stream: drawn for label, drawn in drawn_of(document, "physics").items() if ":" in label}
    assert set(streams) - set(shown) <= {name for name in streams if name.endswith("eccentricity_phase")}
    for name in set(streams) & set(shown):
        assert shown[name].dist == streams[name].dist


@pytest.mark.parametrize("preset", ["avoidance", "seeds/001"])
def test_pictures_draw_from_their_own_streams(preset: str):
    """The camera model's fields, light, colours and blur: what is shown is what a frame gets."""
    document = SpecDocument.of_preset(preset)
    spec, ids = document.spec, np.arange(16)
    found = drawn_of(document, "visual")
    checked = 0
    if "depth" in spec.vision:
        params = draw_depth_params(spec.vision["depth"], Draws(spec.seed), ids)
        for name in spec.vision["depth"].overrides:
            label = f"depth: {name.replace('_', ' ')}"
            np.testing.assert_array_equal(found[label].sample(spec.seed, 16)[:, 0], getattr(params, name))
            checked += 1
    pictures = draw_picture_params(spec.vision, Draws(spec.seed), ids)
    for name in ("brightness", "contrast", "saturation", "blur_std_px"):
        if "colour" in spec.vision and name in spec.vision["colour"].overrides:
            label = f"colour: {name.replace('_', ' ')}"
            np.testing.assert_array_equal(found[label].sample(spec.seed, 16)[:, 0], getattr(pictures, name))
            checked += 1
    assert checked


@pytest.mark.parametrize("preset", preset_names())
def test_numbers_are_shown_in_the_files_unit(preset: str):
    """Back in SI they are the draws; the histogram counts every world once."""
    document = SpecDocument.of_preset(preset)
    for section in ("physics", "visual"):
        for label, drawn in drawn_of(document, section).items():
            unit = find_unit(drawn.unit) if drawn.unit else None
            if unit is not None:
                assert drawn.factor == pytest.approx(unit.divisor / unit.factor)
            *histograms, table = show(drawn, document.spec.seed, 64)
            assert len(histograms) == drawn.dist.dim and isinstance(table, Table), label
            for shown in histograms:
                assert isinstance(shown, Histogram) and sum(shown.counts) == 64, label
            values = np.array([[float(cell) for cell in row[1:]] for row in table.rows])
            np.testing.assert_allclose(values / drawn.factor, drawn.sample(document.spec.seed, 8), rtol=1e-5, atol=1e-9)


@given(arrays.arrays(np.float64, st.integers(1, 60), elements=st.floats(-1e6, 1e6, width=32)))
def test_a_histogram_counts_every_value_once(values: np.ndarray):
    """Whether they are many or few, spread or all the same."""
    shown = histogram("x", values, "m")
    assert sum(shown.counts) == len(values) and list(shown.edges) == sorted(shown.edges)
    assert shown.edges[0] <= values.min() and values.max() <= shown.edges[-1]


def test_the_timeline_is_the_signals_own():
    """Medians of each stage one after the other, in ms; the figures below are those of `inspect`."""
    spec = load_spec("go2")
    made = make_timeline(spec, worlds=2048)
    lanes, table = timeline(spec)
    assert isinstance(lanes, Timeline) and isinstance(table, Table)
    assert len(lanes.lanes) == len(table.rows) == len(made.paths)
    for lane, row, path in zip(lanes.lanes, table.rows, made.paths, strict=True):
        assert [span.begin_ms for span in lane.spans[1:]] == [span.end_ms for span in lane.spans[:-1]]
        command = lane.spans[-1]
        assert command.end_ms - command.begin_ms == pytest.approx(1e3 * path.stages["command"].quantile(0.5))
        assert float(row[2].removesuffix(" ms")) == pytest.approx(1e3 * path.end_to_end.quantile(0.5), rel=5e-3)
    assert timeline(load_spec("arm").__class__(seed=1)) == []
