"""A whole spec in the avoidance task's configuration: what it adds, and what it leaves alone."""

import pytest

import sim2real.lab
from sim2real.spec import load_spec, parse_spec
from sim2real_tasks.avoidance.env_cfg import AvoidanceEnvCfg
from sim2real_tasks.avoidance.prepare import prepare
from sim2real_tasks.avoidance.terms import TaskSpecError

VOLTAGE = 'supply: {target: actuator.voltage, select: ".*_wheel_joint", op: set, unit: V, dist: {uniform: [10, 13]}}'


def configured(spec="avoidance", **settings):
    """The task's configuration, prepared."""
    cfg = AvoidanceEnvCfg()
    cfg.spec = spec
    for name, value in settings.items():
        setattr(cfg, name, value)
    return cfg, prepare(cfg)


@pytest.fixture
def written(tmp_path):
    """Writes a spec: the lab's own, with more terms."""

    def write(more):
        path = tmp_path / "spec.yaml"
        path.write_text(load_spec("avoidance").to_yaml().replace("terms:\n", f"terms:\n  {more}\n"))
        return str(path)

    return write


@pytest.mark.parametrize("spec", ["avoidance", "avoidance_nominal", "avoidance_outside"])
def test_a_spec_of_scenes_and_cameras_leaves_the_engine_alone(spec):
    """No events, no motors: the lab drives as it did before a spec could say more."""
    cfg, _ = configured(spec)
    assert cfg.events is None and "motors" not in vars(cfg.scene.robot) and cfg.scene.robot.spawn.visible
    assert cfg.scene.robot.actuators["wheels"].to_dict() == AvoidanceEnvCfg().scene.robot.actuators["wheels"].to_dict()


def test_the_rest_becomes_events_with_the_seed_that_was_asked_for():
    """The events hold the whole spec, with the configuration's seed."""
    cfg, spec = configured("rover", spec_seed=99)
    text = cfg.events.sim2real_startup.params["settings"]["spec"]
    assert spec.seed == 99 and parse_spec(text) == spec == load_spec("rover").with_seed(99)


def test_events_of_the_same_spec_stay_and_of_another_are_refused():
    """Nothing of the spec may get lost between the two."""
    events = sim2real.lab.events("rover", check_every=7)
    cfg, _ = configured("rover", events=events)
    assert cfg.events is events
    with pytest.raises(TaskSpecError, match="terms.base_mass, .*the configuration's events are of another spec"):
        configured("rover", events=sim2real.lab.events("avoidance"))
    configured("avoidance", events=events)


def test_what_only_a_motor_has_brings_motors(written):
    """Explicit wheels with our motor; a file of one's own instead, also without such a term."""
    cfg, _ = configured(written(VOLTAGE))
    assert cfg.scene.robot.motors["wheels"]["voltage"] == 12.0
    wheels = cfg.scene.robot.actuators["wheels"]
    assert wheels.stiffness == 0.0 and type(wheels).__name__ == "IdealPDActuatorCfg"
    # A wheel alone has to be stable under the loop at the task's physics step, by a factor of two.
    assert wheels.damping * cfg.sim.dt < 0.00147 + wheels.armature
    assert configured(motors="go2")[0].scene.robot.motors["wheels"]["voltage"] != 12.0
    with pytest.raises(Exception, match="no_such_motor"):
        configured(motors="no_such_motor")
