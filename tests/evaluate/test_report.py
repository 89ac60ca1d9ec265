"""The report: fixed keys, honest gaps, nothing from outside, every word escaped."""

import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from evaluate.made_up import report_data, table
from sim2real.evaluate.episodes import EpisodeResult, EpisodeTable, EvaluationError
from sim2real.evaluate.report import Picture, ReportData, write_report
from sim2real.evaluate.verdict import judge_transfer

KEYS = (
    "success_rate, episodes, ci95, engine_train, engine_test, success_rate_int8, baseline_forward,"
    " baseline_gap_follower, parity.max_abs_error, parity.int8_top1_agreement, latency_ms.p50, latency_ms.p99,"
    " dataset.frames, dataset.frames_per_second, training.images_per_second, training.val_accuracy, seconds_total,"
    " versions"
).split(", ")


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    """A report in which everything was run: its JSON and its page."""
    path = write_report(tmp_path_factory.mktemp("report"), report_data())
    return json.loads(path.with_suffix(".json").read_text()), path.read_text()


class Outline(HTMLParser):
    """Every tag must be closed where it belongs; collects tags, attributes and text."""

    VOID = {"meta", "link", "img", "br", "line", "rect", "path", "circle", "polyline"}

    def __init__(self):
        super().__init__()
        self.open, self.attributes, self.words, self.tags = [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.attributes += attrs
        self.tags.append(tag)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        if not self.open or self.open[-1] not in ("style", "script"):
            self.words.append(data)


def read(page):
    """Parse a page and check that it is well formed."""
    outline = Outline()
    outline.feed(page)
    outline.close()
    assert outline.open == []
    return outline


def look_up(content, dotted):
    """Follow a dotted key."""
    for key in dotted.split("."):
        content = content[key]
    return content


def test_json_has_every_key_with_its_number(full):
    """All keys exist and equal what went in."""
    content, _ = full
    data = report_data(strips=(), maps=())
    assert all(look_up(content, key) is not None for key in KEYS)
    assert content["success_rate"] == data.policy.summary().success_rate
    assert content["ci95"] == list(data.policy.summary().ci95)
    assert content["baseline_forward"] == data.baseline_forward.summary().success_rate
    assert content["parity"]["max_abs_error"] == 2.4e-6
    assert content["training"]["val_accuracy"] == 0.9768
    assert content["int8_minus_float"]["scenes"] == 100


def test_what_was_not_run_is_null_and_never_zero(tmp_path):
    """Without any result all keys exist, numbers are null, and the page says "not run" instead of 0."""
    path = write_report(tmp_path, ReportData(engine_train="newton_mjwarp", engine_test="ovphysx"))
    content = json.loads(path.with_suffix(".json").read_text())
    for key in KEYS:
        value = look_up(content, key)
        assert value is None or key in ("episodes", "engine_train", "engine_test", "versions")
    words = " ".join(read(path.read_text()).words)
    assert content["verdict"]["level"] == "not run"
    assert words.count("not run") >= 16
    assert not re.search(r"\b0\.0", words)
    assert "Nothing: no episode was driven." in words


def test_page_says_what_the_json_says(full):
    """The verdict and the main numbers stand in the page as they stand in the file."""
    content, page = full
    words = " ".join(" ".join(read(page).words).split())
    sentence = content["verdict"]["sentence"]
    assert re.match(
        r"Transfers: \d\d\.\d % of 200 episodes succeeded in PhysX after training on Newton \(95 % ", sentence
    )
    assert sentence in words
    for share in (content["success_rate"], content["success_rate_int8"], content["baseline_forward"]):
        assert f"{100 * share:.1f} %" in words
    for phrase in ("Nothing ran on a real robot", "same renderer", "./sim2real.sh demo --seed 7", "97.7 %", "8.60 ms"):
        assert phrase in words
    assert f"{len(report_data(strips=(), maps=()).policy) + 300} episodes" in words


def test_page_needs_nothing_from_outside(full):
    """No address, no import, pictures as data URIs, and a policy that forbids the browser to fetch anything."""
    _, page = full
    outline = read(page)
    for name, value in outline.attributes:
        if name in ("src", "href", "srcset", "action", "data"):
            assert value.startswith("data:")
    assert not re.search(r"https?://|@import|url\(|//cdn", page)
    assert any(name == "content" and "default-src 'none'" in (value or "") for name, value in outline.attributes)
    assert sum(tag == "img" for tag in outline.tags) == 4
    assert "prefers-color-scheme:dark" in page and "@media print" in page


def test_every_episode_and_every_failure_is_listed(full):
    """The table has a row per episode with a value to sort by; each failure of the policy stands in the list."""
    _, page = full
    data = report_data(strips=(), maps=())
    rows = re.search(r'<table class="sortable">.*?<tbody>(.*?)</tbody>', page, re.S).group(1)
    assert rows.count("<tr>") == 500
    assert rows.count("data-value=") == 500 * 6
    failed = [r for t in (data.policy, data.policy_int8) for r in t if not r.success]
    listed = re.search(r"<h2>Failures</h2>(.*?)</section>", page, re.S).group(1)
    assert listed.count("<tr>") == len(failed) + 1
    for result in failed:
        assert f'<td class="num">{result.scene}</td>' in listed


def test_every_word_is_escaped(tmp_path):
    """Markup in any text that comes from outside is shown, not run."""
    evil = '<script>alert("x")</script>&\'"'
    data = report_data(
        engine_train=evil,
        engine_test=evil + "2",
        strips=[Picture(image=report_data(strips=()).maps[0].image, title=evil, caption=evil)],
        maps=(),
        parity={"max_abs_error": 1.0, "int8_top1_agreement": 1.0, evil: evil},
        dataset={"frames": 1, "classes": {evil: 1}},
        training={"confusion": [[1]], "classes": [evil], evil: evil},
        stage_seconds={evil: 1.0},
        versions={evil: evil},
        command=evil,
        spec_digest=evil,
        notes=[evil],
    )
    page = write_report(tmp_path, data).read_text()
    outline = read(page)
    assert outline.tags.count("script") == 1
    assert "alert(" not in page.replace("alert(&quot;x&quot;)", "")
    assert page.count("&lt;script&gt;alert(&quot;x&quot;)") > 12


def test_numbers_that_json_cannot_hold_become_null(tmp_path):
    """NaN is not a number a report may show; NumPy types are converted."""
    data = report_data(
        strips=(),
        maps=(),
        parity={"max_abs_error": float("nan")},
        latency_ms={"p50": np.float32(2.5), "all": np.arange(2)},
    )
    path = write_report(tmp_path, data)
    content = json.loads(path.with_suffix(".json").read_text())
    assert content["parity"] == {"max_abs_error": None, "int8_top1_agreement": None}
    assert content["latency_ms"] == {"p50": 2.5, "p99": None, "all": [0, 1]}
    assert "nan" not in " ".join(read(path.read_text()).words).lower().split()


@pytest.mark.parametrize(
    ("reference", "policy", "level"),
    [
        (100, 98, "good"),
        (100, 91, "good"),
        (100, 90, "moderate"),
        (100, 70, "moderate"),
        (100, 69, "poor"),
        (75, 71, "good"),
        (70, 69, "moderate"),  # a small gap between two that fail often
        (51, 50, "moderate"),
        (49, 49, "poor"),
        (90, 100, "good"),
    ],
)
def test_verdict_follows_its_thresholds(reference, policy, level):
    """10 and 30 points of gap, 70 % and 50 % of success."""
    verdict = judge_transfer(
        engine_train="newton_mjwarp",
        engine_test="ovphysx",
        policy=exact(policy, "float"),
        in_training_engine=exact(reference, "float", "newton_mjwarp"),
    )
    assert verdict.level == level
    assert verdict.gap.value == pytest.approx((reference - policy) / 100)
    assert verdict.gap.low <= verdict.gap.value <= verdict.gap.high


def exact(successes, policy, engine="ovphysx"):
    """A table of 100 episodes with an exact number of successes, those of the last scenes."""
    pattern = {**next(iter(table(1.1, 1, policy, engine=engine))).to_dict(), "path": [[0.0, 0.0, 0.0]]}
    made = EpisodeTable()
    for scene in range(100):
        outcome = "success" if scene >= 100 - successes else "collision"
        made.append(EpisodeResult.from_dict({**pattern, "scene": scene, "outcome": outcome}))
    return made


def test_verdict_warns_of_what_weakens_it():
    """Too few episodes, an easy arena, a missing reference, and a test in the training's own engine are said."""
    few = judge_transfer(
        engine_train="a",
        engine_test="b",
        policy=table(1.1, 5, "float"),
        gap_follower=table(1.1, 5, "gap_follower"),
        always_forward=exact(25, "always_forward"),
    )
    assert few.level == "good"
    assert any("drive more episodes" in warning for warning in few.warnings)
    assert any("25.0 % of the episodes: the arena is too easy" in warning for warning in few.warnings)
    alone = judge_transfer(engine_train="a", engine_test="a", policy=exact(98, "float"))
    assert any("No reference" in warning for warning in alone.warnings)
    assert any("no transfer test" in warning for warning in alone.warnings)
    sure = judge_transfer(
        engine_train="a", engine_test="b", policy=exact(98, "float"), gap_follower=exact(99, "gap_follower")
    )
    assert sure.warnings == () and sure.gap.paired


def test_a_report_that_cannot_be_written_says_so(tmp_path):
    """The error names the place; a report that lies there stays whole."""
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(EvaluationError, match="cannot write the report to .*taken"):
        write_report(tmp_path / "taken", ReportData(engine_train="a", engine_test="b"))
    with pytest.raises(ValueError, match="allowed: PNG and JPEG"):
        write_report(
            tmp_path, ReportData(engine_train="a", engine_test="b", pictures=[Picture(image=b"GIF89a", title="no")])
        )
    assert not (tmp_path / "report.json").exists()
