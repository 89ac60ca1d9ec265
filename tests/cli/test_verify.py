"""The verify verb end to end: read-back on a task, probes, exit codes."""

from __future__ import annotations

import json

import pytest

from engine_env import ENGINES
from sim2real.cli.main import main


@pytest.mark.parametrize("physics", ENGINES)
def test_the_quadruped_holds_its_draws(physics, capfd):
    """Every quantity of the preset agrees, over several resets; what is no property is named."""
    arguments = ["quadruped", "--task", "velocity", "--physics", physics, "--num-envs", "8", "--json"]
    assert main(["verify", *arguments]) == 0
    found = json.loads(capfd.readouterr().out)["read_back"]
    assert found["passed"] and found["rounds"] == 4 and found["engine"] == physics
    checks = {check["quantity"]: check for check in found["checks"]}
    assert {"body_mass", "body_com", "body_inertia", "shape_friction", "actuator_kp", "gravity"} <= set(checks)
    for check in checks.values():
        assert check["untouched"] and check["error"] <= check["allowed"] < 0.1 * check["spread"], check
    assert {"push", "start_yaw"} <= set(found["left"])
    assert ("joint_zero" in found["left"]) == (physics == "ovphysx")  # PhysX cannot hold it


def test_a_difference_is_exit_code_one(capfd, monkeypatch):
    """An engine that leaves masses alone: the table names the first world and body."""
    from sim2real.engines.newton.engine import NewtonEngine

    write = NewtonEngine.write
    monkeypatch.setattr(NewtonEngine, "write", lambda e, q, v, r: None if q == "body_mass" else write(e, q, v, r))
    assert main(["verify", "quadruped", "--task", "velocity", "--num-envs", "4", "--resets", "1"]) == 1
    lines = capfd.readouterr().out.splitlines()
    (mass,) = [line for line in lines if line.startswith("mass [kg]")]
    assert "FAIL at world" in mass and "robot/" in mass
    assert sum("FAIL" in line for line in lines) == 1


def test_probes_are_chosen_by_name(capfd):
    """One that runs, and one that this engine cannot tell, which is said and is no failure."""
    assert main(["verify", "--probes", "gravity,restitution", "--num-envs", "4"]) == 0
    shown = capfd.readouterr().out
    assert shown.count(" pass") == 4
    assert "cannot tell restitution on newton_mjwarp: MuJoCo has no coefficient of restitution" in shown


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "give SPEC with --task, or --probes, or both"),
        (["quadruped"], "give SPEC with --task"),
        (["--probes", "taste"], "unknown probe 'taste'"),
        (["quadruped", "--task", "velocity", "--resets", "0"], "--resets is 0"),
    ],
)
def test_bad_input_is_an_error_of_the_user(arguments, said, capsys):
    """Exit code 2, and what came."""
    assert main(["verify", *arguments]) == 2
    assert said in capsys.readouterr().err
