"""The inspect verb end to end: a spec alone, a spec on a task, and what cannot be done."""

from __future__ import annotations

import json

import pytest

from engine_env import ENGINES
from sim2real.cli.main import main
from sim2real.spec import load_spec, preset_names


@pytest.mark.parametrize("spec", preset_names())
def test_every_preset_alone(spec, capsys):
    """Every term stands in the table, with what it touches; nothing is started."""
    assert main(["inspect", spec]) == 0
    shown = capsys.readouterr().out
    loaded = load_spec(spec)
    assert loaded.digest[:12] in shown
    for name, term in loaded.terms.items():
        (line,) = [line for line in shown.splitlines() if line.startswith(f"{name} ")]
        assert term.target in line and term.provenance in line


def test_a_range_is_shown_in_si_and_as_written(tmp_path, capsys):
    """Degrees become radians; the file's own words stand beside, as text and as data."""
    path = tmp_path / "mine.yaml"
    path.write_text(
        "schema: 1\nseed: 3\nterms:\n"
        "  tilt: {target: world.gravity_tilt, unit: deg, dist: {uniform: [0, 180]}, provenance: 'datasheet:x'}\n"
        "  mass: {target: body.mass, op: add, unit: g, dist: {normal: [0, 500]}, select: base}\n"
    )
    assert main(["inspect", str(path)]) == 0
    tilt, mass = capsys.readouterr().out.splitlines()[4:6]
    assert "uniform [0, 3.14159] rad" in tilt and "{uniform: [0, 180]} deg" in tilt and "datasheet:x" in tilt
    assert "normal [0, 0.5] kg" in mass and "{normal: [0, 500]} g" in mass and "robot/base" in mass
    assert main(["inspect", str(path), "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    first, second = data["terms"]
    assert first["high"] == [pytest.approx(3.14159265)] and first["unit"] == "rad" and first["written_unit"] == "deg"
    assert second["unit"] == "kg" and second["written_dist"] == "{normal: [0, 500]}" and second["low"] < [-1.0]
    assert data["digest"] == load_spec(path).digest


@pytest.mark.parametrize("physics", ENGINES)
def test_a_task_says_where_and_how_far(physics, capfd):
    """The plan of a real task: elements, reach, pairs, and what is left out; stdout is JSON and nothing else."""
    assert main(["inspect", "quadruped", "--task", "velocity", "--physics", physics, "--json"]) == 0
    data = json.loads(capfd.readouterr().out)
    entries = {entry["term"]: entry for entry in data["entries"]}
    assert data["engine"] == physics and data["num_worlds"] == 2
    assert entries["base_mass"]["elements"] == ["robot/base"] and entries["base_mass"]["where"]
    ((low, high),) = entries["joint_friction"]["effective"]
    assert (low, high) == (0.0, pytest.approx(0.05))
    if physics == "newton_mjwarp":
        assert entries["joint_zero"]["applied"] == "engine"
    elif physics != "mujoco":
        assert entries["joint_zero"]["applied"] == "skipped" and "frames" in entries["joint_zero"]["note"]
    assert entries["start_yaw"]["applied"] == "caller"
    assert len(data["pairs"]) == 4
    for pair in data["pairs"]:
        assert pair["rule"] == "max" and pair["effective"] == pytest.approx([0.3, 1.2])
        assert pair["against"] == ["ground/ground/0"]
    assert data["signals"]["rates"] == {"control_hz": 50.0, "physics_hz": 200.0, "from": "task"}
    assert "joint_pos" in [path["sensor"] for path in data["signals"]["paths"]]


SIGNALS = """schema: 1
seed: 3
rates: {control_hz: 100, physics_hz: 400}
signals:
  imu: {latency: {uniform: [2, 4], unit: ms}, white: 0.1, bus: spi}
  action: {latency: 0.005, dropout: 0.1}
"""


def test_paths_of_signals_are_shown_and_drawn(tmp_path, capsys):
    """From sensor to actuator: as a table, as data, and as a picture that says how to make it again."""
    path, picture = tmp_path / "late.yaml", tmp_path / "late.svg"
    path.write_text(SIGNALS)
    assert main(["inspect", str(path), "--picture", str(picture)]) == 0
    shown = capsys.readouterr().out
    (line,) = [line for line in shown.splitlines() if line.startswith("imu -> action")]
    assert "spi -> -" in line and "0 % -> 10 %" in line and " 3, 2.1 to 3.9 " in line
    assert "policy at 100 Hz, physics at 400 Hz (the spec's)" in shown and "errors of the data: imu: white" in shown
    assert picture.read_text().startswith("<?xml")
    assert main(["inspect", str(path), "--json"]) == 0
    data = json.loads(capsys.readouterr().out)["signals"]
    (found,) = data["paths"]
    assert found["stages"]["transport"]["median"] == pytest.approx(0.003, abs=5e-5)
    assert found["end_to_end"]["p5"] > 0.007 and data["rates"]["from"] == "spec"


def test_a_picture_of_nothing_is_refused(tmp_path, capsys):
    """Without signals, or with a name that is no picture's."""
    bare, late = tmp_path / "bare.yaml", tmp_path / "late.yaml"
    bare.write_text("schema: 1\nseed: 3\n")
    late.write_text(SIGNALS)
    assert main(["inspect", str(bare)]) == 0
    assert "policy at" not in capsys.readouterr().out
    assert main(["inspect", str(bare), "--picture", str(tmp_path / "a.png")]) == 2
    assert "no signals to draw" in capsys.readouterr().err
    assert main(["inspect", str(late), "--picture", str(tmp_path / "a.pdf")]) == 2
    assert "a picture is a .png or .svg file" in capsys.readouterr().err and not (tmp_path / "a.pdf").exists()


def test_all_that_cannot_be_done_is_said_at_once(tmp_path, capfd):
    """A target that the engine lacks, a name that nobody has, and friction below the ground's: one error, exit 2."""
    path = tmp_path / "wrong.yaml"
    path.write_text(
        "schema: 1\nseed: 3\nterms:\n"
        "  bounce: {target: shape.restitution, select: '.*_foot', dist: {uniform: [0, 0.3]}}\n"
        "  tail: {target: body.mass, op: scale, select: tail, dist: {uniform: [0.9, 1.1]}}\n"
        "  ice: {target: shape.friction, op: set, select: '.*_foot', against: ground, dist: {uniform: [0.01, 0.5]}}\n"
    )
    assert main(["inspect", str(path), "--task", "velocity"]) == 2
    captured = capfd.readouterr()
    assert "3 things cannot be done" in captured.err and "Traceback" not in captured.err
    for said in ("terms.bounce: newton_mjwarp cannot hold shape.restitution", "terms.tail", "terms.ice: wants"):
        assert said in captured.err
    assert captured.out == "" and "Active Event Terms" not in captured.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["no_such_spec"], "no_such_spec"),
        (["quadruped", "--task", "velocity", "--physics", "bullet"], "unknown physics 'bullet'"),
        (["quadruped", "--task", "velocity", "--num-envs", "0"], "num_envs is 0"),
        (["quadruped", "--task", "Nobody-Knows"], "unknown task 'Nobody-Knows'"),
    ],
)
def test_bad_input_is_an_error_of_the_user(arguments, said, capsys):
    """Exit code 2, and what came."""
    assert main(["inspect", *arguments]) == 2
    assert said in capsys.readouterr().err


def test_a_task_that_draws_a_part_itself(tmp_path, capfd):
    """The lab takes the spec too, and says what it draws; what the lab does not know stays an error."""
    task = ["--task", "Sim2Real-Avoidance-Rover", "--physics", "newton_mjwarp"]
    assert main(["inspect", "rover", *task, "--json"]) == 0
    entries = {entry["term"]: entry for entry in json.loads(capfd.readouterr().out)["entries"]}
    assert entries["base_mass"]["applied"] == "engine"
    assert entries["focal_length"]["applied"] == "elsewhere"
    assert entries["focal_length"]["note"] == "drawn and applied by the task"
    other = tmp_path / "other.yaml"
    other.write_text(load_spec("rover").to_yaml().replace("focal_length:", "zoom:"))
    assert main(["inspect", str(other), *task]) == 2
    assert "terms.zoom: this task has no such term" in capfd.readouterr().err
