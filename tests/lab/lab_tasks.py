"""Tasks of these tests: Isaac Lab's velocity task and our direct environment, with events from a spec."""

import gymnasium
from isaaclab.managers import DatasetExportMode, RecorderManagerBaseCfg, TerminationTermCfg
from isaaclab.utils import configclass

import sim2real.lab
from sim2real.spec import parse_spec
from sim2real_tasks.avoidance.env_cfg import AvoidanceEnvCfg
from sim2real_tasks.velocity.go2_cfg import Go2FlatEnvCfg

ROBOT = """
schema: 1
seed: 11
terms:
  base_mass: {target: body.mass, select: base, op: scale, dist: {log_uniform: [0.8, 1.25]}, keep: density}
  base_com:
    {target: body.com, select: base, op: add, unit: m, dist: {uniform: [[-0.02, -0.02, -0.02], [0.02, 0.02, 0.02]]}}
  rotor: {target: joint.armature, select: ".*", op: scale, dist: {uniform: [0.5, 1.5]}, each: joint}
  stiffness: {target: actuator.kp, select: ".*", op: scale, dist: {uniform: [0.9, 1.1]}, each: joint, when: startup}
  place: {target: root.position, op: add, unit: m, dist: {uniform: [[-0.5, -0.5, 0.0], [0.5, 0.5, 0.1]]}}
  heading: {target: root.yaw, op: add, unit: rad, dist: {uniform: [-3, 3]}}
  lean: {target: root.rotation, op: add, unit: deg, dist: {uniform: [[-5, -5, 0], [5, 5, 0]]}}
  glide: {target: root.velocity, op: add, unit: m/s, dist: {uniform: [[-0.5, -0.5, 0], [0.5, 0.5, 0]]}}
  spin: {target: root.angular_velocity, op: set, unit: rad/s, dist: {uniform: [[0, 0, -1], [0, 0, 1]]}}
  pose: {target: joint.position, op: scale, dist: {uniform: [0.9, 1.1]}, each: joint}
  wiggle: {target: joint.velocity, op: add, unit: rad/s, dist: {uniform: [-0.1, 0.1]}, each: joint}
  shove:
    {target: body.velocity_kick, select: base, direction: horizontal, unit: m/s, dist: {uniform: [0.1, 1]},
     when: {interval_s: [0.06, 0.14]}}
"""
"""Properties, starts and kicks of a legged robot."""
ROVER = """
schema: 1
seed: 12
terms:
  base_mass: {target: body.mass, select: base, op: scale, dist: {uniform: [0.9, 1.1]}, keep: density}
  bearing: {target: joint.damping, select: ".*wheel.*", op: add, unit: N*m*s/rad, dist: {uniform: [0.0, 0.02]}}
"""
"""Properties of the rover, whose starts are its environment's own."""
PLACE = "  place: {target: root.position, op: add, unit: m, dist: {uniform: [[-0.5, -0.5, 0], [0.5, 0.5, 0]]}}\n"
"""A start, which a task's own reset events would meet."""
ADR = """
schema: 1
seed: 13
terms:
  base_mass: {target: body.mass, select: base, op: scale, dist: {log_uniform: [0.5, 2.0]}, keep: density}
  foot_friction:
    {target: shape.friction, select: ".*_foot", against: ground, op: set, dist: {uniform: [0.2, 1.2]}}
  place: {target: root.position, op: add, unit: m, dist: {uniform: [[-0.5, -0.5, 0], [0.5, 0.5, 0]]}}
curriculum:
  adr:
    metric: survival
    grow: 0.75
    shrink: 0.4
    step: 0.1
    episodes: 2
    terms: {base_mass: {start: [0.9, 1.1]}, foot_friction: {start: [0.6, 0.8]}}
"""
"""Ranges that grow, friction among them."""
PLACED = ROVER + PLACE
"""Starts that the rover's environment writes itself."""
STAGED = (
    ROBOT
    + """
curriculum:
  stages: [{name: easy, iterations: 2, range: 0.25}, {name: full, iterations: 1, range: 1.0}]
"""
)
"""Ranges that open in stages."""


@configclass
class RobotCfg(Go2FlatEnvCfg):
    """Three lines on a stock task."""

    def __post_init__(self):
        """Isaac Lab's task, its events replaced."""
        super().__post_init__()
        self.observations.policy.draws = sim2real.lab.privileged()
        self.events = sim2real.lab.events(parse_spec(ROBOT))


@configclass
class KeptCfg(Go2FlatEnvCfg):
    """A task's own events beside a spec's."""

    def __post_init__(self):
        """The spec has no starts; the task's own stay."""
        super().__post_init__()
        self.events.base_external_force_torque = None
        self.events.add_base_mass = None
        self.events.base_com = None
        self.events = sim2real.lab.events(parse_spec(ADR.replace(PLACE, "")), keep=self.events)


@configclass
class AdrCfg(Go2FlatEnvCfg):
    """Ranges that grow, and worlds that may go wrong."""

    def __post_init__(self):
        """Short episodes."""
        super().__post_init__()
        self.episode_length_s = 0.1
        self.events = sim2real.lab.events(parse_spec(ADR), on_divergence="count", check_every=1)
        self.terminations.diverged = TerminationTermCfg(func=sim2real.lab.diverged)
        self.curriculum = {"ranges": sim2real.lab.curriculum()}


@configclass
class StagedCfg(Go2FlatEnvCfg):
    """Ranges that open in stages."""

    def __post_init__(self):
        """Three steps are an iteration."""
        super().__post_init__()
        self.events = sim2real.lab.events(parse_spec(STAGED), steps_per_iteration=3)


@configclass
class TightCfg(Go2FlatEnvCfg):
    """A solver without room."""

    def __post_init__(self):
        """Too few constraints for a robot on its feet."""
        super().__post_init__()
        self.sim.physics.newton_mjwarp.solver_cfg.njmax = 24
        self.events = sim2real.lab.events(parse_spec(ROBOT), check_every=5)


@configclass
class RecordedCfg(RobotCfg):
    """Episodes are recorded, in memory."""

    def __post_init__(self):
        """No file is written."""
        super().__post_init__()
        self.recorders = RecorderCfg()


@configclass
class RecorderCfg(RecorderManagerBaseCfg):
    """What is recorded."""

    draws = sim2real.lab.recorder()
    dataset_export_mode = DatasetExportMode.EXPORT_NONE


@configclass
class RoverCfg(AvoidanceEnvCfg):
    """Three lines on a direct environment."""

    def __post_init__(self):
        """The environment has no events of its own."""
        super().__post_init__()
        self.events = sim2real.lab.events(parse_spec(ROVER))


@configclass
class PlacedCfg(AvoidanceEnvCfg):
    """A start on an environment that places its robot itself."""

    def __post_init__(self):
        """Episodes of three steps."""
        super().__post_init__()
        self.episode_length_s = 0.3
        self.events = sim2real.lab.events(parse_spec(PLACED))


def register():
    """Make the tasks known to Gymnasium."""
    for name in ("Robot", "Kept", "Adr", "Staged", "Tight", "Recorded"):
        _register(name, "isaaclab.envs:ManagerBasedRLEnv")
    for name in ("Rover", "Placed"):
        _register(name, "sim2real_tasks.avoidance.env:AvoidanceEnv")


def _register(name, entry_point):
    task = f"Test-Lab-{name}"
    if task not in gymnasium.registry:
        gymnasium.register(
            id=task,
            entry_point=entry_point,
            disable_env_checker=True,
            kwargs={"env_cfg_entry_point": globals()[f"{name}Cfg"]},
        )
