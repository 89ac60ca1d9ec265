"""Logs: what is written is read, and what does not fit is refused by name."""

import numpy as np
import pytest

from evaluate.logs import play_arm
from sim2real.contract import RobotState
from sim2real.evaluate.log import LogError, LogWriter, RobotLog, read_log

COUNT = 25


def arrays(**changes):
    rng = np.random.default_rng(0)
    values = {
        "time": 0.02 * np.arange(COUNT), "joint_names": ("a", "b.c"), "joint_pos": rng.normal(size=(COUNT, 2)),
        "joint_vel": rng.normal(size=(COUNT, 2)), "base_quat_xyzw": np.tile([0.0, 0.0, 0.6, 0.8], (COUNT, 1)),
        "base_ang_vel": rng.normal(size=(COUNT, 3)), "commands": {"go.to": rng.normal(size=(COUNT, 3))},
        "action_names": ("b.c",), "action": rng.normal(size=(COUNT, 1)), "targets": rng.normal(size=(COUNT, 2)),
        "effort": rng.normal(size=(COUNT, 2)), "base_pos": rng.normal(size=(COUNT, 3)),
    }  # fmt: skip
    return {**values, **changes}


@pytest.mark.parametrize("ending", [".npz", ".csv"])
def test_a_log_comes_back_bit_by_bit(ending, tmp_path):
    log = RobotLog(**arrays())
    again = read_log(log.save(tmp_path / "deep" / f"log{ending}"))
    wanted = log.arrays()
    found = again.arrays()
    assert set(found) == set(wanted) and "base_lin_vel" not in found
    for name, value in wanted.items():
        np.testing.assert_array_equal(found[name], value)


def test_a_recorded_log_holds_what_happened():
    log = play_arm()
    assert len(log) == 120 and log.step_s == pytest.approx(0.02)
    assert log.joint_names == log.action_names == ("j0", "j1", "j2")
    np.testing.assert_allclose(log.targets, 0.5 * log.action + [0.2, 0.4, -0.6], atol=1e-6)
    np.testing.assert_allclose(log.joint_pos[0], [0.2, 0.4, -0.6])
    assert np.abs(log.effort).max() > 1.0 and set(log.commands) == {"goal"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"time": np.zeros(COUNT)}, "time does not rise after row 0"),
        ({"time": np.arange(5.0)}, "give 20 or more decisions"),
        ({"joint_names": ("a", "a")}, "each once"),
        ({"joint_pos": np.zeros((COUNT, 3))}, r"joint_pos has shape \(25, 3\); .* must be \(25, 2\)"),
        ({"joint_vel": np.full((COUNT, 2), np.nan)}, "joint_vel of row 0 is not finite"),
        ({"base_quat_xyzw": np.ones((COUNT, 4))}, "base_quat_xyzw of row 0 has length 2; it must be 1"),
        ({"action": None, "targets": None}, "neither action nor targets"),
        ({"effort": np.full((COUNT, 2), "x")}, "effort is <U1; give numbers"),
        ({"commands": {"go": np.zeros((3, 3))}}, r"command.go has shape \(3, 3\)"),
    ],
)
def test_what_does_not_fit_is_refused(changes, said):
    with pytest.raises(LogError, match=said):
        RobotLog(**arrays(**changes))


def test_files_that_are_no_logs_are_refused(tmp_path):
    path = tmp_path / "log.txt"
    with pytest.raises(LogError, match="ends with .npz or .csv"):
        read_log(path)
    with pytest.raises(LogError, match="ends with .npz or .csv"):
        RobotLog(**arrays()).save(path)
    with pytest.raises(LogError, match="No such file"):
        read_log(tmp_path / "none.csv")
    broken = tmp_path / "log.npz"
    broken.write_bytes(b"nothing")
    with pytest.raises(LogError, match="not a log"):
        read_log(broken)
    np.savez(broken, time=np.arange(30.0), joint_names=np.array(["a"]), joint_pos=np.zeros((30, 1)), speed=np.zeros(30))
    with pytest.raises(LogError, match="missing: joint_vel; unknown: speed"):
        read_log(broken)


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("time,pos.a,vel.a,target.a,wind", "unknown column 'wind'; allowed: time, pos.*"),
        ("time,pos.a,vel.b,target.a", "joint_vel: missing or extra columns: a, b"),
        ("time,pos.a,pos.a,vel.a", "column 'pos.a' stands twice"),
        ("time,pos.a,vel.a,gyro.x", "base_ang_vel: missing or extra columns: y, z"),
        ("pos.a,vel.a,target.a,effort.a", "missing: time"),
    ],
)
def test_columns_that_are_unknown_or_missing_are_named(header, said, tmp_path):
    path = tmp_path / "log.csv"
    row = ",".join("0" for _ in header.split(","))
    path.write_text("\n".join([header, *[row] * 25]))
    with pytest.raises(LogError, match=said):
        read_log(path)
    path.write_text(header + "\n" + row + ",1\n")
    with pytest.raises(LogError, match="row 2 has"):
        read_log(path)


def test_the_writer_takes_one_robot_and_always_the_same():
    writer = LogWriter(("a",), ("a",))
    with pytest.raises(LogError, match="no decision was written"):
        writer.log()
    for k in range(COUNT):
        writer.add(0.02 * k, RobotState(joint_pos=[0.1 * k], joint_vel=[0.0], commands={"c": [1, 2, 3]}), action=[k])
    log = writer.log()
    assert log.action_names == ("a",) and log.action[-1, 0] == COUNT - 1 and log.targets is None
    with pytest.raises(LogError, match="decision 25 gives other quantities than the first: command.c"):
        writer.add(1.0, RobotState(joint_pos=[0.0], joint_vel=[0.0]), action=[0.0])
