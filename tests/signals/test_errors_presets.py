"""The signals of the robots' presets at work: each fits its data, and errs as its data sheet says."""

import numpy as np
import pytest
import torch

from sim2real.signals import CommandPath, SignalPath
from sim2real.spec import load_spec

JOINTS = {"go2": 12, "anymal_c": 12, "panda": 7, "ur5": 6, "rover": 2}
AXES = ("base_ang_vel", "projected_gravity")
WORLDS = 300


def sensors(preset):
    """The paths of a robot's observations, their first episode begun."""
    spec, found = load_spec(preset), {}
    for name in spec.signals:
        if name != "command":
            found[name] = SignalPath(spec, name, 3 if name in AXES else JOINTS[preset], 0.02, WORLDS, "cpu")
            found[name].reset()
    return found


@pytest.mark.parametrize("preset", JOINTS)
def test_every_signal_of_a_preset_works(preset):
    """On changing data of the robot's size something is told, and it errs; a command acts late, and acts."""
    for name, path in sensors(preset).items():
        for k in range(3):
            x = torch.full((WORLDS, *path.shape), 0.4 * (k + 1))
            error = path(x) - x
        assert torch.isfinite(error).all() and float(error.std()) > 0.0, name
        assert float(error.abs().mean()) < 1.0, name
    command = CommandPath(load_spec(preset), "command", JOINTS[preset], 0.02, WORLDS, "cpu", substeps=4)
    command.reset()
    command(torch.zeros(WORLDS, JOINTS[preset]))
    acting = [command(torch.ones(WORLDS, JOINTS[preset])).clone() for _ in range(5)]
    assert float(acting[0].mean()) < 0.9 and float(acting[-1].mean()) > 0.98


@pytest.mark.parametrize("preset", ["go2", "anymal_c"])
def test_gyro_and_gravity_are_of_one_box(preset):
    """They come late together and are turned alike; what the gyro tells is cut at its range."""
    gyro, gravity = (sensors(preset)[name] for name in AXES)
    for part in ("latency", "misalignment"):
        np.testing.assert_array_equal(gyro.values(part).numpy(), gravity.values(part).numpy())
    (limit,) = gyro.signal.saturation.bounds()[0]
    assert float(gyro(torch.full((WORLDS, 3), 100.0)).max()) == pytest.approx(limit, rel=1e-4)


@pytest.mark.parametrize("preset", ["go2", "anymal_c"])
def test_a_gyro_at_rest_has_the_bias_of_its_sheet(preset):
    """Averaged over two seconds: the drawn bias, within what the sheet's noise and the impacts leave."""
    gyro = sensors(preset)["base_ang_vel"]
    mean = torch.stack([gyro(torch.zeros(WORLDS, 3)) for _ in range(100)]).mean(dim=0).numpy()
    spread = np.sqrt(gyro.values("white").numpy() ** 2 / 100 + gyro.values("noise_density").numpy() ** 2 / 2.0) + 1e-4
    assert (np.abs(mean - gyro.values("bias").numpy()) < 5.0 * spread).all()
