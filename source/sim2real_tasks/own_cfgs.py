"""The task of a robot card: Isaac Lab's velocity task, or our reach task, with the card's robot and figures.

A skeleton: weights and curricula are the general ones, tuned for no robot. The guide shows how to derive from it.
"""

from __future__ import annotations

import re
from typing import Any

from isaaclab.managers import SceneEntityCfg
from isaaclab.utils import configclass
from isaaclab_tasks.core.velocity.velocity_env_cfg import LocomotionVelocityRoughEnvCfg

from .reach.agents import ReachAgentCfg
from .reach.env_cfg import ReachEnvCfg
from .robots.card import Card, ReachTask, VelocityTask
from .robots.own import own_cfg
from .velocity.agents import FlatAgentCfg
from .velocity.scene import localise, play


@configclass
class OwnVelocityEnvCfg(LocomotionVelocityRoughEnvCfg):
    """A robot of one's own on flat ground follows commanded velocities; `walk` puts it in."""

    def walk(self, card: Card) -> None:
        """Put the robot of a card in.

        Args:
            card: of kind velocity.
        """
        task = card.task
        assert isinstance(task, VelocityTask)
        joints = [joint.name for joint in card.joints]
        self.scene.height_scanner = None
        localise(self, own_cfg(card), joints, card.feet)
        self.actions.joint_pos.scale = task.action_scale
        ranges = self.commands.base_velocity.ranges
        ranges.lin_vel_x, ranges.lin_vel_y, ranges.ang_vel_z = task.forward, task.left, task.turn
        feet = [re.escape(name) for name in card.feet]
        self.rewards.feet_air_time.params["sensor_cfg"] = SceneEntityCfg("contact_forces", body_names=feet)
        self.rewards.feet_air_time.weight = 0.25
        self.rewards.undesired_contacts = None
        self.rewards.flat_orientation_l2.weight = -2.5
        base = re.escape(card.base)
        self.terminations.base_contact.params["sensor_cfg"].body_names = base
        for event in (self.events.add_base_mass, self.events.base_com, self.events.base_external_force_torque):
            event.params["asset_cfg"].body_names = base
        solver = self.sim.physics.newton_mjwarp.solver_cfg
        solver.njmax, solver.nconmax = 400, 150  # nobody has measured how many contacts this robot makes

    def play_mode(self):
        """Called by `isaaclab play`."""
        play(self)


def env_cfg(card: Card) -> type:
    """Return the class of a card's environment configuration."""
    return _walker(card) if card.kind == "velocity" else _arm(card)


def _walker(card: Card) -> type:
    @configclass
    class Walker(OwnVelocityEnvCfg):
        def __post_init__(self):
            super().__post_init__()
            self.walk(card)

    Walker.__doc__ = f"The velocity task of {card.name}."
    return Walker


def _arm(card: Card) -> type:
    @configclass
    class Arm(ReachEnvCfg):
        def __post_init__(self):
            super().__post_init__()
            task = card.task
            assert isinstance(task, ReachTask)
            self.arm(own_cfg(card), [joint.name for joint in card.joints], card.end_effector)
            self.actions.joint_pos.scale = task.action_scale
            ranges = self.commands.ee_pose.ranges
            ranges.pos_x, ranges.pos_y, ranges.pos_z = task.x, task.y, task.z
            ranges.roll, ranges.pitch, ranges.yaw = task.roll, task.pitch, task.yaw

    Arm.__doc__ = f"The reach task of {card.name}."
    return Arm


def agent_cfg(card: Card) -> Any:
    """Return the class of a card's rsl_rl configuration: that of the shipped tasks, in a folder of its own."""
    base = FlatAgentCfg if card.kind == "velocity" else ReachAgentCfg
    name = f"{card.name}_{'flat' if card.kind == 'velocity' else 'reach'}"

    @configclass
    class Agent(base):  # type: ignore[misc, valid-type]
        experiment_name: str = name

    return Agent
