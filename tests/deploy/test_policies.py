"""The policies that come with the repository prove themselves, and say how they were made."""

from pathlib import Path

import pytest

from sim2real.contract.bundle import read_manifest
from sim2real.deploy import JointPolicyRuntime

POLICIES = Path(__file__).parents[2] / "policies"
BUNDLES = sorted(path.parent.name for path in POLICIES.glob("*/contract.json"))


def test_there_are_some():
    """The folder is found, and its guide names every bundle."""
    assert BUNDLES
    guide = (POLICIES / "README.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in guide for name in BUNDLES)


@pytest.mark.parametrize("name", BUNDLES)
def test_a_policy_proves_itself_in_every_precision(name):
    """Its recorded episodes come out again on this machine."""
    kept = read_manifest(POLICIES / name)
    precisions = [p for p in ("float", "fp16", "int8") if kept.contract.model_file(p) in kept.files]
    assert "float" in precisions
    for precision in precisions:
        assert JointPolicyRuntime(POLICIES / name, precision=precision).joint_names


@pytest.mark.parametrize("name", BUNDLES)
def test_a_policy_says_how_it_was_made(name):
    """By a command that can be given again, from a commit, on a machine, in so many steps."""
    run = read_manifest(POLICIES / name).contract.run
    assert run.command.startswith("./sim2real.sh train ") and "/work" not in run.command and " /" not in run.command
    assert len(run.commit) == 40 and run.machine and run.env_steps > 0 and run.hours > 0.0
