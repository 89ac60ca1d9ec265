"""Why a motor's Coulomb friction is the solver's: who holds a loaded hinge at rest, and who lets it creep.

A hinge of 0.02 kg·m², 0.0045 of it armature, loaded with 3 N·m, friction 5 N·m, steps of 5 ms: it should stand still.
Run with `-s` for the table of docs/actuators.md.
"""

import mujoco
import numpy as np

INERTIA, ARMATURE, LOAD, FRICTION, DT = 0.02, 0.0045, 3.0, 5.0, 5e-3
STEPS = 400


def drive(law):
    """Speeds over the last half of the run, where a drive's torque is held for a step."""
    speed, found = 0.0, []
    for _ in range(STEPS):
        speed += DT * (LOAD + law(speed)) / INERTIA
        found.append(speed)
    return np.array(found[STEPS // 2 :])


def solver(impedance):
    """The same from MuJoCo's friction constraint."""
    model = mujoco.MjModel.from_xml_string(f"""
        <mujoco><option timestep="{DT}" gravity="0 0 0"/><worldbody><body>
          <joint type="hinge" axis="0 0 1" armature="{ARMATURE}" frictionloss="{FRICTION}"
                 solimpfriction="{impedance[0]} {impedance[1]}"/>
          <inertial pos="0 0 0" mass="1" diaginertia="1 1 {INERTIA - ARMATURE}"/>
          <geom size="0.01" contype="0" conaffinity="0" mass="0"/>
        </body></worldbody></mujoco>""")
    data, found = mujoco.MjData(model), []
    for _ in range(STEPS):
        data.qfrc_applied[0] = LOAD
        mujoco.mj_step(model, data)
        found.append(data.qvel[0])
    return np.array(found[STEPS // 2 :])


def test_only_a_hard_constraint_holds_a_loaded_joint():
    """Creep is the mean speed, chatter the largest step of speed; the bounded law creeps at load * dt / inertia."""
    speeds = {
        "drive, -Fc sign(v)": drive(lambda v: -FRICTION * np.sign(v)),
        "drive, stops the armature at most": drive(lambda v: np.clip(-ARMATURE * v / DT, -FRICTION, FRICTION)),
        "drive, stops the whole inertia": drive(lambda v: np.clip(-INERTIA * v / DT, -FRICTION, FRICTION)),
        "MuJoCo's constraint, its default": solver((0.9, 0.95)),
        "MuJoCo's constraint, hard": solver((0.9999, 0.9999)),
    }
    creep = {name: abs(float(values.mean())) for name, values in speeds.items()}
    chatter = {name: float(np.abs(np.diff(values)).max()) for name, values in speeds.items()}
    for name in speeds:
        print(f"| {name} | {creep[name]:.4f} | {chatter[name]:.4f} |")
    named = list(speeds)
    assert chatter[named[0]] > 0.5
    np.testing.assert_allclose(creep[named[1]], LOAD * DT / ARMATURE, rtol=1e-3)
    np.testing.assert_allclose(creep[named[2]], LOAD * DT / INERTIA, rtol=1e-3)
    assert 0.05 < creep[named[3]] < creep[named[2]]
    assert creep[named[4]] < 1e-3 and chatter[named[4]] < 1e-6
