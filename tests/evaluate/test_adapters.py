"""The whole way from a task to four engines: train, export, and the robot of the bundle moves alike in all of them."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from sim2real.cli.main import main

HERE = Path(__file__).parent
REACH = 0.02
"""How far a joint's place may differ between engines as it swings by 0.12 rad [rad]."""


def verb(*words):
    """A verb in a process of its own, as Isaac Lab wants."""
    subprocess.run([sys.executable, "-m", "sim2real.cli.main", *map(str, words)], check=True)


@pytest.fixture(scope="module", params=["ur5", "anymal_c", "g1"])
def bundle(request, tmp_path_factory):
    """A policy after one iteration, exported."""
    folder = tmp_path_factory.mktemp(request.param)
    verb("train", request.param, "--num-envs", 8, "--iterations", 1, "--out", folder / "run")
    verb("export", "--run", folder / "run", "--out", folder / "bundle")
    return folder / "bundle"


@pytest.mark.slow
def test_a_trained_robot_moves_alike_in_all_engines(bundle, tmp_path):
    """Joint order, signs, gains, armature and masses: 0.6 s of swings against MuJoCo's, and then the verb itself."""
    seen = {}
    for engine in ("mujoco", "dart", "newton", "physx"):
        words = [sys.executable, HERE / "open_loop.py", bundle, engine, tmp_path / f"{engine}.npz"]
        subprocess.run(words, check=True, env={**os.environ, "PYTHONPATH": str(HERE.parent)})
        with np.load(tmp_path / f"{engine}.npz") as file:
            seen[engine] = dict(file)
    known = seen["mujoco"]
    swung = (known["joint_pos"] - known["default"])[:, known["swing"] > 0.0]
    assert swung.shape[1] >= 6 and (np.abs(swung).max(axis=0) > 0.015).all()
    for engine, other in seen.items():
        np.testing.assert_allclose(other["mass"], known["mass"], rtol=1e-4, err_msg=engine)
        assert np.abs(other["joint_pos"] - known["joint_pos"]).max() < REACH, engine
        assert np.abs(other["base_pos"] - known["base_pos"]).max() < 0.03, engine
        assert np.abs(other["base_quat"] - known["base_quat"]).max() < 0.02, engine
    out = tmp_path / "transfer"
    played = ["--episodes", "2", "--curve-episodes", "0", "--episode-s", "2", "--out", str(out)]
    assert main(["transfer", str(bundle), *played]) == 0
    for engine in seen:
        assert len((out / f"episodes-{engine}.jsonl").read_text().splitlines()) == 3
