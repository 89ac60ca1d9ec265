"""Episode tables: what was reported finished survives anything, and what does not belong is refused."""

import resource
import signal
import subprocess
import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim2real.evaluate.episodes import EpisodeResult, EpisodeTable, EvaluationError

WHO = {"engine": "ovphysx", "policy": "float", "policy_digest": "p1", "spec_digest": "s1", "seed": 7}


def episode(scene, outcome="success", **changes):
    """A finished episode with a short path."""
    values = {
        "scene": scene,
        "outcome": outcome,
        "time_s": 17.3,
        "distance_m": 8.4,
        "min_clearance_m": 0.05,
        "path": [(0.4, 0.0, 0.0), (0.45001, 0.00049, 0.1)],
        **WHO,
        **changes,
    }
    return EpisodeResult(**values)


@given(
    st.integers(0, 10**6),
    st.sampled_from(["success", "collision", "timeout"]),
    st.lists(st.tuples(*[st.floats(-50, 50)] * 3), max_size=5),
    st.booleans(),
)
def test_a_result_survives_its_own_json(scene, outcome, path, wall):
    """Writing and reading changes nothing."""
    one = episode(scene, outcome, path=path, wall_contact=wall)
    assert EpisodeResult.from_dict(one.to_dict()) == one


def test_results_that_cannot_be_are_refused():
    """An unknown outcome, and a time that is no number."""
    with pytest.raises(ValueError, match="'crash'; allowed: success, collision, timeout"):
        episode(3, "crash")
    with pytest.raises(ValueError, match="time_s of scene 3 is nan"):
        episode(3, time_s=float("nan"))


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_file_cut_anywhere_keeps_every_whole_line(tmp_path_factory, data):
    """Cut at any byte: the whole lines before the cut remain, the rest is driven again, and the end is the same."""
    path = tmp_path_factory.mktemp("cut") / "table.jsonl"
    episodes = [episode(scene, time_s=scene / 10) for scene in range(4)]
    EpisodeTable.open(path).append(episodes)
    whole = path.read_bytes()
    cut = data.draw(st.integers(0, len(whole)))
    path.write_bytes(whole[:cut])
    table = EpisodeTable.open(path, **WHO)
    assert len(table) == whole[:cut].count(b"\n")
    missing = table.missing(range(4))
    assert missing == list(range(len(table), 4))
    table.append([episodes[scene] for scene in missing])
    assert path.read_bytes() == whole


def test_a_last_line_of_noise_is_dropped_but_one_in_the_middle_is_an_error(tmp_path):
    """Only the last line can have been torn by a crash; damage elsewhere is named, never skipped."""
    path = tmp_path / "table.jsonl"
    EpisodeTable.open(path).append([episode(0), episode(1)])
    whole = path.read_bytes()
    path.write_bytes(whole + b"\0\0\0\0\n")
    assert len(EpisodeTable.open(path)) == 2
    assert path.read_bytes() == whole
    path.write_bytes(b"\0\0\n" + whole)
    with pytest.raises(EvaluationError, match="table.jsonl, line 1 is damaged"):
        EpisodeTable.open(path)
    assert path.read_bytes() == b"\0\0\n" + whole


@pytest.mark.parametrize("name", ["engine", "policy", "policy_digest", "spec_digest"])
def test_a_table_of_another_run_is_refused(tmp_path, name):
    """Neither opening nor appending mixes two policies, engines or specs."""
    path = tmp_path / "table.jsonl"
    EpisodeTable.open(path, **WHO).append(episode(0))
    with pytest.raises(EvaluationError, match=f"{name} .*other.*"):
        EpisodeTable.open(path, **{**WHO, name: "other"})
    with pytest.raises(EvaluationError, match=f"{name} 'other'"):
        EpisodeTable.open(path).append(episode(1, **{name: "other"}))
    assert len(EpisodeTable.open(path)) == 1


def test_a_scene_is_driven_once(tmp_path):
    """A second episode of a scene is refused, within one batch too, and nothing of the batch is written."""
    table = EpisodeTable.open(tmp_path / "table.jsonl")
    table.append(episode(0))
    for batch in ([episode(1), episode(0)], [episode(1), episode(1)]):
        with pytest.raises(EvaluationError, match="has an episode already"):
            table.append(batch)
    assert [result.scene for result in EpisodeTable.open(tmp_path / "table.jsonl")] == [0]


def test_a_killed_run_keeps_what_it_reported(tmp_path):
    """A process that is killed with SIGKILL while it appends leaves every scene whose append had returned."""
    path = tmp_path / "table.jsonl"
    script = (
        "import sys\n"
        "from sim2real.evaluate.episodes import EpisodeResult, EpisodeTable\n"
        "table = EpisodeTable.open(sys.argv[1])\n"
        "for scene in range(10**6):\n"
        "    table.append(EpisodeResult(scene=scene, outcome='success', time_s=1, distance_m=1, min_clearance_m=1,\n"
        "        path=[(0, 0, 0)] * 200, engine='e', policy='p', spec_digest='s', seed=0))\n"
        "    print(scene, flush=True)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE, text=True) as process:
        for _ in range(20):
            process.stdout.readline()
        time.sleep(0.003)
        process.send_signal(signal.SIGKILL)
        whole_lines = process.stdout.read().split("\n")[:-1]
    reported = 20 + len(whole_lines)
    table = EpisodeTable.open(path)
    assert table.missing(range(reported)) == []
    assert len(table) in (reported, reported + 1)


def test_a_full_disk_loses_nothing(tmp_path):
    """When a write fails half way the file is as before, the error says so, and the table can go on later."""
    path = tmp_path / "table.jsonl"
    table = EpisodeTable.open(path)
    table.append(episode(0))
    before = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 20, hard))
        with pytest.raises(EvaluationError, match="the 1 episodes written so far are kept"):
            table.append(episode(1))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert path.read_bytes() == before
    assert table.missing([0, 1]) == [1]
    table.append(episode(1))
    assert len(EpisodeTable.open(path)) == 2


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    """The error is for a person."""
    (tmp_path / "taken").write_text("a file where the folder should be")
    with pytest.raises(EvaluationError, match="cannot write to .*taken"):
        EpisodeTable.open(tmp_path / "taken" / "table.jsonl").append(episode(0))


def test_summary_says_what_the_episodes_say():
    """Rates, interval, time of the successes, clearance of all."""
    table = EpisodeTable()
    assert table.summary().success_rate is None
    assert table.summary().to_dict()["ci95"] is None
    table.append([episode(0, time_s=10.0), episode(1, time_s=20.0, min_clearance_m=0.1)])
    table.append(
        [episode(2, "collision", time_s=99.0, min_clearance_m=-0.01, wall_contact=True), episode(3, "timeout")]
    )
    summary = table.summary()
    assert summary.counts == {"success": 2, "collision": 1, "timeout": 1}
    assert summary.success_rate == 0.5
    assert summary.ci95[0] < 0.5 < summary.ci95[1]
    assert summary.mean_time_s == 15.0
    assert summary.median_min_clearance_m == pytest.approx(0.05)
    assert summary.wall_contacts == 1
    assert table.summary([0, 1]).success_rate == 1.0


def test_tables_are_compared_on_shared_scenes_only():
    """Scenes that one of the two has not driven do not count; other seeds cannot be compared at all."""
    first, second, other = EpisodeTable(), EpisodeTable(), EpisodeTable()
    first.append([episode(scene) for scene in range(10)])
    second.append([episode(scene, "collision" if scene < 3 else "success", policy="int8") for scene in range(2, 12)])
    seen = first.compare(second)
    assert (seen.both, seen.first_only, seen.second_only, seen.neither) == (7, 1, 0, 0)
    assert first.compare(EpisodeTable()) is None
    other.append(episode(0, seed=8))
    with pytest.raises(EvaluationError, match="their seed is 7 and 8"):
        first.compare(other)
