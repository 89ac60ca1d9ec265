"""The parts of a signal in a spec."""

import pytest

from sim2real.spec import SpecError, parse_spec
from sim2real.spec.distributions import Constant, Uniform

HEAD = "schema: 1\nseed: 1\nsignals:\n  s: "


def test_every_part_is_read_in_si():
    """And written so that it reads the same."""
    spec = parse_spec(
        f"{HEAD}{{unit: deg, walk: 180, saturation: {{uniform: [90, 180]}}, scale: {{uniform: [-1, 1], unit: '%'}},"
        " reading: hold}\n"
    )
    signal = spec.signals["s"]
    assert signal.walk == Constant(3.141592653589793) and signal.scale == Uniform(-0.01, 0.01)
    assert (signal.saturation.bounds()[0][0], signal.reading) == (pytest.approx(1.5707963267948966), "hold")
    assert parse_spec(spec.to_yaml()) == spec


def test_parts_that_are_not_given_leave_the_fingerprint():
    """A spec of before keeps its digest."""
    spec = parse_spec(f"{HEAD}{{latency: 0.01, white: 0.1}}\n")
    assert spec.digest == parse_spec(spec.to_yaml()).digest
    assert spec.digest == "dee1dbf85a7e9c7057fb9f7846a246ee8cc1a8a7a06e309d39ff68d937b74fe9"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("walk: -1", "signals.s.walk: reaches -1; allowed: at least 0"),
        ("saturation: {uniform: [-1, 1]}", "signals.s.saturation: reaches -1 to 1; allowed: at least 0"),
        ("scale: -2", "signals.s.scale: reaches -2; allowed: at least -1"),
        ("reading: cubic", "signals.s.reading: unknown way to read 'cubic'; allowed: linear, hold"),
    ],
)
def test_what_is_wrong_is_said(text, said):
    """With place and remedy."""
    with pytest.raises(SpecError, match=said):
        parse_spec(f"{HEAD}{{{text}}}\n")
