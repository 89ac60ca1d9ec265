"""What sections show, as HTML and SVG: nothing of a file or a log becomes markup; every kind is drawn."""

import math
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim2real.studio.browser import html, svg
from sim2real.studio.browser.gate import Gate
from sim2real.studio.jobs import Job
from sim2real.studio.outputs import (
    Curve,
    FileLink,
    Histogram,
    Lane,
    Picture,
    Series,
    Span,
    Table,
    Text,
    Timeline,
)
from sim2real.studio.workspace import Workspace

EVIL = "<script>alert('x')</script>\"&"
NAN = math.nan


def outputs(word):
    """One output of each kind, full of a word."""
    return [
        Table(title=word, columns=(word, "b"), rows=((word, "1"), ("2", word)), marks=("good", "bad")),
        Picture(title=word, pixels=np.zeros((4, 6, 3), np.uint8), caption=word),
        Curve(
            title=word, series=(Series(label=word, x=(0, 1, 2, 3), y=(0.0, NAN, 2.0, 1.0)),), x_label=word, y_label=word
        ),
        Histogram(title=word, edges=(0.0, 0.5, 1.0), counts=(3, 5), unit=word),
        Timeline(title=word, lanes=(Lane(label=word, spans=(Span(label=word, begin_ms=0, end_ms=4),), note=word),)),
        Text(title=word, lines=(word, word), mark="warn"),
        FileLink(label=word, path=f"runs/{word}.html"),
    ]


@pytest.fixture(scope="module")
def gate(tmp_path_factory):
    """What keeps pictures."""
    return Gate(Workspace(tmp_path_factory.mktemp("work")), None)


@pytest.mark.parametrize("number", range(7))
def test_no_text_becomes_markup(gate, number):
    """Whatever a label, a cell or a path holds."""
    shown = html.show(outputs(EVIL)[number], gate)
    assert "<script" not in shown and "alert('x')" not in shown


def test_logs_and_errors_are_escaped_too():
    """They hold what other programs print."""
    job = Job(id="1", action="a", label=EVIL, state="failed", text=EVIL, log=(EVIL,), argv=(EVIL,))
    for shown in (html.job_head(job), html.job_log(job), html.error(EVIL, EVIL), html.note(EVIL), html.marked([EVIL])):
        assert "<script" not in shown


def test_same_picture_is_kept_once(gate):
    """The address tells the content, so that a page asks for it once."""
    one, other = outputs("a")[1], outputs("b")[1]
    assert html.encode(one) == html.encode(other)
    changed = Picture(pixels=one.pixels + np.uint8(1))
    assert html.encode(changed)[0] != html.encode(one)[0]


def drawn(text, tag):
    """Elements of a tag in the SVG of a text."""
    begin, end = text.index("<svg"), text.index("</svg>") + len("</svg>")
    return list(ET.fromstring(text[begin:end]).iter(tag))


def test_curve_breaks_where_a_value_is_missing():
    """Two pieces, not a line across the gap."""
    assert len(drawn(svg.curve(outputs("a")[2]), "polyline")) == 2
    empty = Curve(series=(Series(label="a", x=(0, 1), y=(NAN, NAN)),))
    assert "nothing" in svg.curve(empty)


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=20))
def test_bars_are_as_high_as_their_counts(counts):
    """The highest fills the plot, an empty one has no height, all are in proportion."""
    output = Histogram(edges=tuple(map(float, range(len(counts) + 1))), counts=tuple(counts), unit="kg")
    heights = [float(bar.get("height")) for bar in drawn(svg.histogram(output), "rect")]
    most = max(max(counts), 1)
    room = svg.HEIGHT - svg._TOP - svg._BOTTOM
    assert heights == pytest.approx([room * count / most for count in counts], abs=0.06)


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6), st.integers(2, 8))
def test_ticks_are_evenly_spaced_and_inside(low, width, most):
    """So that a grid can be read."""
    high = low + width
    found = svg.ticks(low, high, most)
    room = 1e-6 * max(abs(low), abs(high), width)
    assert all(low - room <= tick <= high + room for tick in found) and len(found) <= most + 1
    gaps = np.diff(found)
    assert len(gaps) == 0 or np.allclose(gaps, gaps[0], rtol=1e-6, atol=room)


def test_timeline_draws_each_span_in_its_place():
    """Spans of a lane follow each other; a wider one takes longer."""
    spans = (Span(label="sensor", begin_ms=0, end_ms=2), Span(label="bus", begin_ms=2, end_ms=10))
    bars = drawn(svg.timeline(Timeline(lanes=(Lane(label="imu", spans=spans),))), "rect")
    first, second = ((float(bar.get("x")), float(bar.get("width"))) for bar in bars)
    assert second[0] == pytest.approx(first[0] + first[1], abs=0.2) and second[1] == pytest.approx(
        4 * first[1], rel=0.01
    )


@pytest.mark.parametrize(("seconds", "said"), [(4.2, "4 s"), (75, "1 min 15 s"), (7300, "2 h 1 min")])
def test_duration(seconds, said):
    """In words."""
    assert html.duration(seconds) == said
