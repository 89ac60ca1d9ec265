"""A small model that has one of everything, and what a test needs to write into it."""

from __future__ import annotations

import numpy as np

LEGGED = """
<mujoco model="one_of_everything">
  <compiler autolimits="true"/>
  <option timestep="0.002" integrator="implicitfast"/>
  <worldbody>
    <geom name="floor" type="plane" size="5 5 .1" friction="0.01 0.005 0.0001"/>
    <camera name="follow" mode="trackcom" pos="0 -3 1"/>
    <body name="base" pos="0 0 .6">
      <freejoint/>
      <geom name="trunk" type="box" size=".2 .1 .05" mass="6"/>
      <geom name="head" type="sphere" size=".06" pos=".25 0 .05" mass="1"/>
      <geom type="capsule" size=".03 .1" pos="-.2 0 .05" mass=".5" euler="0 40 0"/>
      <body name="FL_thigh" pos=".15 .12 0">
        <joint name="FL_hip" axis="0 1 0" range="-60 60" damping=".2" armature=".01" frictionloss=".05" stiffness="3"/>
        <geom name="FL_thigh" type="capsule" fromto="0 0 0 .05 .02 -.2" size=".03" mass=".8"/>
        <body name="FL_calf" pos=".05 .02 -.2">
          <joint name="FL_knee" axis="0 1 0" range="-100 0" damping=".1" armature=".02"/>
          <geom type="capsule" fromto="0 0 0 -.05 0 -.2" size=".02" mass=".3"/>
          <geom name="FL_foot" type="sphere" size=".03" pos="-.05 0 -.2" mass=".1" friction=".8 .01 .001"/>
        </body>
      </body>
      <body name="FR_thigh" pos=".15 -.12 0">
        <joint name="FR_hip" axis="0 1 0" range="-60 60" damping=".2" armature=".01"/>
        <geom name="FR_thigh" type="capsule" fromto="0 0 0 .05 -.02 -.2" size=".03" mass=".8"/>
        <body name="tail" pos="-.1 0 0"><joint name="slide" type="slide" axis="1 0 0" damping=".4"/>
          <geom type="box" size=".02 .03 .04" mass=".2"/></body>
      </body>
    </body>
    <body name="crate" pos="1 0 .2"><freejoint/><geom name="crate" type="box" size=".1 .1 .1" mass="1"/></body>
    <body name="wall" pos="0 2 0"><geom name="wall" type="box" size="1 .1 1"/></body>
  </worldbody>
  <tendon><fixed name="pull"><joint joint="FL_hip" coef=".5"/><joint joint="FL_knee" coef="-.5"/></fixed></tendon>
  <equality><connect body1="tail" body2="base" anchor=".01 0 0" active="false"/></equality>
  <actuator>
    <position name="hip_servo" joint="FL_hip" kp="20" kv="1" gear="2" forcerange="-30 30"/>
    <motor name="knee_motor" joint="FL_knee" gear="15" ctrlrange="-1 1"/>
    <velocity name="hip_speed" joint="FR_hip" kv="4"/>
    <motor name="slide_motor" joint="slide" gear="-5" ctrlrange="-2 2" forcerange="-1.5 1.5"/>
    <motor name="pull_motor" tendon="pull"/>
  </actuator>
</mujoco>
"""


def compile_model(text=LEGGED):
    """A fresh model."""
    import mujoco

    return mujoco.MjModel.from_xml_string(text)


def make_engine(text=LEGGED):
    """An engine over a fresh model with data in the starting state."""
    import mujoco

    from sim2real.engines.mujoco import MujocoEngine

    model = compile_model(text)
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    return MujocoEngine(model, data)


def rows(*worlds):
    """Rows that name these worlds."""
    import warp as wp

    from sim2real.engines.engine import Rows

    return Rows(index=wp.array(np.array(worlds, dtype=np.int32), dtype=int, device="cpu"), n=len(worlds))


def put(engine, quantity, values, finish=True):
    """Write an array of shape (count, width) and derive what depends on it."""
    import warp as wp

    array = wp.array(np.asarray(values, dtype=np.float32)[None], dtype=float, device="cpu")
    engine.write(quantity, array, rows(0))
    if finish:
        engine.finish((quantity,), rows(0))


def image(model):
    """All bytes of a model."""
    import mujoco

    buffer = np.zeros(mujoco.mj_sizeModel(model), dtype=np.uint8)
    mujoco.mj_saveModel(model, None, buffer)
    return buffer.tobytes()


def index(engine, kind, name):
    """Number of an element by its name."""
    return [element.name for element in engine.elements.of(kind)].index(name)
