"""Names, assets, actuators and the limits of a particular model."""

import re

import mujoco
import numpy as np
import pytest

from engines.mujoco.everything_model import LEGGED, index, make_engine, put
from sim2real.engines.engine import EngineError


def names(elements):
    """`asset/name` of all."""
    return [f"{element.asset}/{element.name}" for element in elements]


def test_assets_and_names(engine):
    """What an actuator drives is the robot, what is fixed to the world the ground, the rest goes by its own name."""
    parts = engine.elements
    assert names(parts.body) == [
        "robot/base", "robot/FL_thigh", "robot/FL_calf", "robot/FR_thigh", "robot/tail", "crate/crate", "wall/wall"
    ]  # fmt: skip
    assert names(parts.joint) == ["robot/FL_hip", "robot/FL_knee", "robot/FR_hip", "robot/slide"]
    assert [joint.prismatic for joint in parts.joint] == [False, False, False, True]
    assert names(parts.shape)[:4] == ["ground/floor", "robot/trunk", "robot/head", "robot/base/2"]
    assert {shape.name: shape.body for shape in parts.shape if shape.name in ("floor", "wall", "FL_foot")} == {
        "floor": -1, "wall": -1, "FL_foot": 2
    }  # fmt: skip
    assert [body.fixed for body in parts.body] == [False] * 6 + [True]


def test_names_that_are_missing_are_unique_and_stable():
    """Bodies without names are called after their parent, past a name that is taken."""
    text = """<mujoco><worldbody><body name="a"><joint name="a/0"/><joint/><geom size="1"/>
        <body><joint/><geom size="1"/></body><body name="a/1"><geom size="1"/></body>
        <body><joint axis="1 0 0"/><geom size="1"/></body></body></worldbody></mujoco>"""
    parts = make_engine(text).elements
    assert [body.name for body in parts.body] == ["a", "a/0", "a/1", "a/2"]
    assert [joint.name for joint in parts.joint] == ["a/0", "a/1", "a/0/0", "a/2/0"]
    assert [shape.name for shape in parts.shape] == ["a/0", "a/0/0", "a/1/0", "a/2/0"]


def test_a_planar_base_is_no_joint():
    """Slides and a hinge that only let the whole robot move are its base; a driven or limited cart is not."""
    base = '<joint name="x" type="slide" axis="1 0 0"/><joint name="z" type="slide" axis="0 0 1"/><joint name="y"/>'
    leg = '<body name="leg"><joint name="knee"/><geom size=".1"/></body>'
    text = '<mujoco><worldbody><body name="t">{}<geom size=".1"/>{}</body></worldbody><actuator>{}</actuator></mujoco>'
    knee, cart = '<motor joint="knee"/>', '<motor joint="x"/>'
    assert names(make_engine(text.format(base, leg, knee)).elements.joint) == ["robot/knee"]
    assert len(make_engine(text.format(base, leg, knee + cart)).elements.joint) == 4
    assert (
        len(make_engine(text.format(base.replace('name="y"', 'name="y" stiffness="1"'), leg, knee)).elements.joint) == 4
    )


def test_actuator_values_at_the_joint(engine):
    """Gains and limits in the joint's units: the gear counts once for a force and twice for a gain."""
    values = {q: dict(zip([j.name for j in engine.elements.joint], engine.nominal(q)[0, :, 0].tolist(), strict=True))
              for q in ("actuator_kp", "actuator_kd", "actuator_effort_limit")}  # fmt: skip
    assert values["actuator_kp"] == {"FL_hip": 80.0, "FL_knee": 0.0, "FR_hip": 0.0, "slide": 0.0}
    assert values["actuator_kd"] == {"FL_hip": 4.0, "FL_knee": 0.0, "FR_hip": 4.0, "slide": 0.0}
    assert values["actuator_effort_limit"] == {"FL_hip": 60.0, "FL_knee": 15.0, "FR_hip": np.inf, "slide": 7.5}


def torques(engine, q=0.2, v=0.5, ctrl=0.7):
    """Torques of the actuators at the joints in one state."""
    data = mujoco.MjData(engine.model)
    for joint in engine.parts.joints:
        data.qpos[engine.model.jnt_qposadr[joint]], data.qvel[engine.model.jnt_dofadr[joint]] = q, v
    data.ctrl[:4] = ctrl
    mujoco.mj_forward(engine.model, data)
    return data.qfrc_actuator[engine.parts.dofs].copy()


def test_strength_is_delivered_over_commanded_torque(engine):
    """Gains and limits times 0.8 make every joint's torque 0.8 times as large, limited or not."""
    for state in ({}, {"ctrl": 30.0}, {"ctrl": -0.1, "v": -3.0}):
        for quantity in ("actuator_kp", "actuator_kd", "actuator_effort_limit"):
            put(engine, quantity, engine.nominal(quantity)[0])
        full = torques(engine, **state)
        for quantity in ("actuator_kp", "actuator_kd", "actuator_effort_limit"):
            put(engine, quantity, engine.nominal(quantity)[0] * np.float32(0.8))
        assert np.all(full != 0.0)
        np.testing.assert_allclose(torques(engine, **state), 0.8 * full, rtol=1e-6)


def test_a_servo_follows_its_gains(engine):
    """A position servo gives kp (command - q) - kd v, in the joint's units."""
    hip = index(engine, "joint", "FL_hip")
    kp, kd = engine.nominal("actuator_kp")[0], engine.nominal("actuator_kd")[0]
    kp[hip], kd[hip] = 50.0, 3.0
    put(engine, "actuator_kp", kp)
    put(engine, "actuator_kd", kd)
    # the control is at the actuator: it commands q = ctrl / gear
    assert torques(engine, q=0.2, v=0.5, ctrl=0.7)[hip] == pytest.approx(50.0 * (0.7 / 2 - 0.2) - 3.0 * 0.5)


def test_a_limit_cuts_an_unlimited_servo(engine):
    """A finite effort on a servo without one limits it; giving it back takes the limit away."""
    hip = index(engine, "joint", "FR_hip")
    effort = engine.nominal("actuator_effort_limit")[0]
    free = torques(engine, ctrl=9.0)[hip]
    effort[hip] = 3.0
    put(engine, "actuator_effort_limit", effort)
    assert torques(engine, ctrl=9.0)[hip] == 3.0 < free
    put(engine, "actuator_effort_limit", engine.nominal("actuator_effort_limit")[0])
    assert torques(engine, ctrl=9.0)[hip] == free


def test_two_servos_on_a_joint_share_a_gain_or_refuse():
    """A gain that two servos make together is scaled; one that none of them has cannot be shared out."""
    text = LEGGED.replace("<actuator>", '<actuator><velocity name="second" joint="FL_hip" kv="1"/>')
    engine = make_engine(text)
    hip = index(engine, "joint", "FL_hip")
    assert engine.nominal("actuator_kd")[0, hip, 0] == 5.0
    put(engine, "actuator_kd", engine.nominal("actuator_kd")[0] * 2)
    assert engine.read("actuator_kd")[0, hip, 0] == 10.0 and engine.nominal("actuator_kp")[0, hip, 0] == 80.0
    two = make_engine(LEGGED.replace("<actuator>", '<actuator><velocity name="again" joint="FR_hip" kv="2"/>'))
    kp = two.nominal("actuator_kp")[0]
    kp[index(two, "joint", "FR_hip")] = 5.0
    with pytest.raises(EngineError, match="2 servos without it"):
        put(two, "actuator_kp", kp)


@pytest.mark.parametrize(
    "change, target, words",
    [
        (("</mujoco>", '<contact><pair geom1="floor" geom2="FL_foot"/></contact></mujoco>'), "shape.friction", "pairs"),
        (("<worldbody>", '<default><geom condim="1"/></default><worldbody>'), "shape.friction", "frictionless"),
        (('<motor name="knee', '<motor name="knee'), "actuator.effort_limit", "actuator.strength"),
        (("kp=", "kp="), "shape.restitution", "soft"),
        (("kp=", "kp="), "contact.stiffness", "effective mass"),
    ],
)
def test_what_a_model_cannot_hold(change, target, words):
    """Refused before anything runs, with the reason."""
    text = LEGGED.replace(*change, 1)
    support = make_engine(text).support(target)
    assert not support.able and words in support.note


def test_cautions(engine):
    """Actuators that are left alone and contacts decided by priority are said."""
    assert "1 actuators" in engine.support("actuator.strength").note
    text = LEGGED.replace('name="FL_foot"', 'name="FL_foot" priority="1"')
    assert "priority" in make_engine(text).support("shape.friction").note
    servos = re.sub(r"<(position|velocity) .*?/>", "", LEGGED)
    assert not make_engine(servos).support("actuator.kp").able
