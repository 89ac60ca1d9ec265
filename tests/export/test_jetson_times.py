"""Measured times: percentiles of all of them, and the way back into a spec."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim2real.cli.main import main
from sim2real.export.jetson import DeviceError, latency_spec
from sim2real.export.jetson.times import parse_times, quantiles, summary
from sim2real.spec import load_spec


def test_percentiles_are_of_every_run():
    """None is left away, unlike trtexec's own."""
    found = summary(np.arange(1.0, 1002.0))
    percentiles = (found["p50"], found["p99"], found["p99_9"], found["max"])
    assert percentiles == pytest.approx((501.0, 991.0, 1000.0, 1001.0))
    assert found["count"] == 1001 and found["mean"] == 501.0


@settings(deadline=None)
@given(st.lists(st.floats(0.01, 1e3), min_size=1, max_size=300), st.integers(2, 50))
def test_thinning_keeps_the_ends_and_the_order(times, count):
    """At most so many values, ascending, with the smallest and the largest."""
    found = quantiles(times, count)
    assert len(found) == min(len(times), count)
    assert found[0] == pytest.approx(min(times)) and found[-1] == pytest.approx(max(times))
    assert (np.diff(found) >= -1e-9).all()


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", "[1]", '[{"latencyMs": 1}]', "[{", "null", '[{"h2dMs":0,"computeMs":-1,"d2hMs":0,"latencyMs":1}]'],
)
def test_times_that_are_none_are_refused(text):
    """Empty, truncated, negative, or another file."""
    with pytest.raises(DeviceError, match="times.json"):
        parse_times(text, "times.json")


def test_the_loop_closes(tmp_path, capsys):
    """What a device measured is a spec: it loads with the same distribution, and inspect shows its path."""
    times = np.random.default_rng(0).gamma(20.0, 0.1, 5000)
    path = tmp_path / "latency.yaml"
    path.write_text(latency_spec(times, 'identified: trtexec 10.3.0 on "Orin", fp16'))
    signal = load_spec(path).signals["command"]
    values = np.array(signal.latency.values)[:, 0]
    assert signal.latency.kind == "empirical" and len(values) == 1000
    for percent in (0.0, 50.0, 99.0, 100.0):
        assert np.percentile(values, percent) == pytest.approx(np.percentile(times, percent) / 1e3, rel=0.01)
    assert signal.provenance["latency"].startswith("identified: trtexec 10.3.0")
    assert main(["inspect", str(path)]) == 0
    assert "policy -> command" in capsys.readouterr().out
