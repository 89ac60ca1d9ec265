"""Where a robot's description and its links are found: own robots by their card, links that an engine fused."""

import dataclasses

import numpy as np
import pytest

from evaluate.robots import digest, go2
from sim2real.cli.main import main
from sim2real.evaluate.engines.player import LinkChanges, RobotMismatch
from sim2real.evaluate.engines.urdf import find_urdf
from sim2real_tasks import own
from sim2real_tasks.robots.own import own_urdf
from tasks.own_urdfs import quadruped


def test_an_own_robot_is_found_by_its_card(tmp_path, monkeypatch):
    """In the cache; written again from the card where that is gone; refused where the card is gone or another one."""
    folder = tmp_path / "cards"
    monkeypatch.setenv("SIM2REAL_ROBOTS", str(folder))
    monkeypatch.setenv("SIM2REAL_CACHE", str(tmp_path / "cache"))
    source = tmp_path / "dog.urdf"
    source.write_text(quadruped())
    assert main(["robot", "add", str(source), "--name", "my_dog"]) == 0
    written = own_urdf(own.card_named("my_dog"))
    robot = dataclasses.replace(go2(), urdf=f"own/{written.name}", urdf_sha256=digest(written))
    assert find_urdf(robot) == written
    written.unlink()
    assert find_urdf(robot) == written and written.is_file()
    with pytest.raises(RobotMismatch, match="leave --urdf away: its card has it"):
        find_urdf(robot, source)
    written.unlink()
    card = folder / "my_dog.yaml"
    card.write_text(card.read_text().replace("effort: 20", "effort: 19", 1))
    with pytest.raises(RobotMismatch, match="card 'my_dog' or its URDF has changed since: now it gives my_dog-"):
        find_urdf(robot)
    card.unlink()
    with pytest.raises(RobotMismatch, match=r"no robot card 'my_dog' in .*; or give its file with --urdf"):
        find_urdf(robot)
    with pytest.raises(RobotMismatch, match="'own/dog.urdf' is no description of an own robot"):
        find_urdf(dataclasses.replace(robot, urdf="own/dog.urdf"))


def test_a_fused_link_goes_with_its_head():
    """A hand's factor on mass is its fingers' too; anything else of a finger needs a body of its own."""
    changes = LinkChanges(
        names=("hand", "finger"), mass=np.array([[1.2, 1.2], [0.9, 0.9]]), load=np.zeros((2, 2)),
        com=np.zeros((2, 2, 3)), heads={"hand": "hand", "finger": "hand"},
    )  # fmt: skip
    np.testing.assert_array_equal(changes.on(["base", "hand"], "physx").mass, [[1.0, 1.2], [1.0, 0.9]])
    assert changes.take([1]).on(["hand"], "physx").mass.tolist() == [[0.9]]
    loaded, moved = np.array([[0.0, 0.5], [0.0, 0.0]]), np.zeros((2, 2, 3))
    moved[0, 1, 0] = 0.01
    for other in (
        {"heads": {}},
        {"mass": np.array([[1.2, 1.1], [0.9, 0.9]])},
        {"load": loaded},
        {"com": moved},
    ):
        with pytest.raises(RobotMismatch, match="not links of their own in 'physx': finger; it has: hand"):
            dataclasses.replace(changes, **other).on(["hand"], "physx")
