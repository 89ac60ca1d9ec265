"""From a live environment to a contract, a bundle and a runtime that acts as the policy does, on both engines."""

from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from engine_env import ENGINES
from sim2real.contract import ActionMapper, Contract, ObservationAssembler, TrainingRun
from sim2real.deploy import JointPolicyRuntime
from sim2real.export import ExportError, JointExportCfg, ParityError, export_joint_policy
from sim2real.lab.apply import apply_nothing
from sim2real.lab.launch import make_env
from sim2real.lab.policy_contract import policy_contract, record_rollout, robot_state
from sim2real.lab.policy_robot import described_as, joint_action, trained_robot
from sim2real.lab.policy_terms import PolicyContractError, side_of, state_observation
from sim2real_tasks.robots.go2 import ARMATURE, JOINTS
from sim2real_tasks.robots.vendor import vendor_urdf
from sim2real_tasks.velocity import TASK

NUM_ENVS, STEPS, CLIP = 4, 100, (-3.0, 3.0)
URDF = vendor_urdf("go2_description/urdf/go2.urdf")
FEW = JointExportCfg(least_frames=1)
SHUFFLED = tuple(JOINTS[i] for i in (7, 2, 11, 0, 5))


def add_groups(cfg):
    """Nothing random; beside the policy's own group one with histories, scales, clips and shuffled joints, and one
    that goes sample by sample."""
    from isaaclab.envs import mdp
    from isaaclab.managers import ObservationGroupCfg, ObservationTermCfg, SceneEntityCfg
    from isaaclab.utils import configclass

    some = SceneEntityCfg("robot", joint_names=list(SHUFFLED), preserve_order=True)

    @configclass
    class WideCfg(ObservationGroupCfg):
        lin = ObservationTermCfg(func=mdp.base_lin_vel, scale=2.0, clip=(-0.1, 0.1))
        gyro = ObservationTermCfg(func=mdp.base_ang_vel, scale=(0.25, 0.5, 1.0), history_length=4)
        angles = ObservationTermCfg(func=mdp.joint_pos, params={"asset_cfg": some}, history_length=2)
        relative = ObservationTermCfg(func=mdp.joint_pos_rel, params={"asset_cfg": some}, clip=(-0.3, 0.2), scale=3.0)
        speeds = ObservationTermCfg(func=mdp.joint_vel, params={"asset_cfg": some}, scale=0.05)
        last = ObservationTermCfg(func=mdp.last_action, history_length=3)

    @configclass
    class TimedCfg(ObservationGroupCfg):
        down = ObservationTermCfg(func=mdp.projected_gravity)
        wanted = ObservationTermCfg(func=mdp.generated_commands, params={"command_name": "base_velocity"})
        angles = ObservationTermCfg(func=mdp.joint_pos_rel)

        def __post_init__(self):
            self.history_length, self.history_order = 3, "time"

    apply_nothing(cfg)
    cfg.observations.wide, cfg.observations.timed = WideCfg(), TimedCfg()


@pytest.fixture(scope="module", params=ENGINES)
def engine(request):
    """Four robots of the flat velocity task, without anything random but starts and commands."""
    with make_env(TASK, request.param, prepare=add_groups, **{"scene.num_envs": NUM_ENVS, "seed": 3}) as env:
        env.physics = request.param
        yield env


@pytest.fixture
def env(engine):
    """The same, after a reset."""
    engine.reset()
    return engine


def contract_of(env, groups=("policy",), **changes):
    """The contract of a policy of these groups."""
    run = TrainingRun(physics=env.physics, physics_dt_s=1.0, decimation=1, seed=7)
    values = {"name": "go2", "task": TASK, "urdf": URDF, "run": run, "groups": groups, "raw_clip": CLIP}
    return policy_contract(env, **{**values, **changes})


class Wild(torch.nn.Module):
    """An actor that throws robots over, with statistics of its inputs as an rsl_rl actor has them."""

    def __init__(self, size, seed=0):
        """Draw weights."""
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.register_buffer("mean", torch.randn(size, generator=generator) * 0.1)
        self.register_buffer("std", torch.rand(size, generator=generator) + 0.5)
        self.first, self.second = torch.nn.Linear(size, 32), torch.nn.Linear(32, 12)
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.3)

    def forward(self, x):
        """(n, size) -> (n, 12)."""
        return self.second(torch.nn.functional.elu(self.first((x - self.mean) / (self.std + 1e-2)))) * 2


@pytest.mark.parametrize("groups", [("policy", "wide"), ("timed",)])
def test_the_assembly_gives_what_the_observation_manager_gives(env, groups):
    """A hundred decisions with falls among them: every number within 2e-6, relative to the largest; targets too."""
    contract = contract_of(env, groups)
    actor = Wild(contract.state.size)
    rollout = record_rollout(env, actor, STEPS, groups=groups, raw_clip=CLIP)
    assembler, mapper = ObservationAssembler(contract, NUM_ENVS), ActionMapper(contract)
    worst = wrong = 0.0
    for step in range(STEPS):
        assembler.reset(rollout.fresh[step])
        worst = max(worst, np.abs(assembler(rollout.state(step)) - rollout.observations[step]).max())
        wrong = max(wrong, np.abs(mapper.targets(rollout.actions[step]) - rollout.targets[step]).max())
    assert worst <= 2e-6 * max(1.0, np.abs(rollout.observations).max())
    assert wrong <= 1e-6
    assert rollout.fresh[1:].any(), "no robot fell: the reset was not tried"
    assert np.abs(rollout.actions).max() > CLIP[1], "no action was clipped"


def test_a_bundle_acts_as_the_torch_policy_in_the_environment(env, tmp_path):
    """Export, load, and a hundred decisions side by side: from the state by names alone come the same joint targets."""
    groups = ("policy", "wide")
    contract = contract_of(env, groups)
    actor = Wild(contract.state.size)
    rollout = record_rollout(env, actor, 12, groups=groups, raw_clip=CLIP)
    result = export_joint_policy(
        actor, contract, rollout, tmp_path / "bundle", JointExportCfg(latency_runs=5, least_frames=1)
    )
    assert result.parity["targets_max_abs_error"] < 1e-4 and result.parity["assembly_max_abs_error"] < 1e-4
    runtime = JointPolicyRuntime(tmp_path / "bundle", NUM_ENVS, task=TASK)
    assert runtime.rate_hz == 50.0 and runtime.joint_names == JOINTS
    observed, _ = env.reset()
    falls = 0
    with torch.inference_mode():
        for _ in range(STEPS):
            targets = runtime.step(replace(robot_state(env), last_action=None))
            output = actor(torch.cat([observed[group] for group in groups], dim=-1))
            observed, _, terminated, truncated, _ = env.step(output.clamp(*CLIP))
            wanted = env.action_manager.get_term("joint_pos").processed_actions.numpy()
            # relative to the outputs before they are clipped, whose rounding this is
            np.testing.assert_allclose(targets, wanted, rtol=0.0, atol=2e-6 * max(1.0, float(output.abs().max())))
            ended = (terminated | truncated).numpy()
            runtime.reset(ended)
            falls += int(ended.sum())
    assert falls > 0


def test_the_contract_says_what_the_robot_is(env):
    """Rates, gains, limits, rotor inertia, start and command ranges, as the task's configuration has them."""
    contract = contract_of(env)
    assert Contract.from_json(contract.canonical()) == contract
    assert (contract.rate_hz, contract.run.physics_dt_s, contract.run.decimation) == (50.0, 0.005, 4)
    assert contract.latency_s is None and contract.spec_hash is None
    robot, action = contract.robot, contract.action
    assert robot.joint_names == action.joints == JOINTS
    assert (robot.urdf, robot.base_link, robot.floating_base) == ("go2_description/urdf/go2.urdf", "base", True)
    assert robot.start_pos == (0.0, 0.0, 0.4) and action.scale == (0.25,) and action.raw_clip == CLIP
    assert robot.chain.root == "base" and robot.chain.joint("RL_calf_joint").parent == "RL_thigh"
    calf = robot.joint("RL_calf_joint")
    assert (calf.drive, calf.kp, calf.kd, calf.unit) == ("dc_motor", 25.0, 0.5, "rad")
    assert (calf.effort_limit, calf.saturation_effort, calf.velocity_limit) == (45.43, 45.43, 15.7)
    assert calf.armature == ARMATURE[".*_calf_joint"]
    assert calf.position_limit == pytest.approx((-2.7227, -0.83776), abs=1e-5)
    assert action.offset == tuple(joint.default_pos for joint in robot.joints)
    assert [term.kind for term in contract.state.terms] == [
        "base_ang_vel", "projected_gravity", "velocity_command", "joint_pos", "joint_vel", "last_action",
    ]  # fmt: skip
    (command,) = contract.state.commands
    assert command.ranges["lin_vel_x"] == (-1.0, 1.0) and command.heading_stiffness == 0.5


def test_what_cannot_be_assembled_on_a_robot_is_named(env):
    """All unknown terms at once, and a group that is not there."""
    with pytest.raises(PolicyContractError) as caught:
        state_observation(env, ("critic",))
    message = str(caught.value)
    assert "critic.feet_height: nobody could compute 'feet_height' on a robot" in message
    assert "critic.feet_contact" in message and "base_lin_vel, " in message
    with pytest.raises(PolicyContractError, match="no observation group eyes; it has: policy, critic"):
        state_observation(env, ("eyes",))
    with pytest.raises(PolicyContractError, match="policy, timed: several groups of which one is time-major"):
        state_observation(env, ("policy", "timed"))


def acting(env, cfg):
    """The environment as if its only action term were another."""
    term = SimpleNamespace(cfg=cfg)
    manager = SimpleNamespace(active_terms=["legs"], get_term=lambda name: term, total_action_dim=2)
    return SimpleNamespace(action_manager=manager, scene=env.scene)


def test_scales_offsets_and_clips_by_pattern_go_to_their_joints(env):
    """In the order that was asked for; other kinds of action are refused by their name."""
    from isaaclab.envs import mdp

    names = ["RR_calf_joint", "FL_hip_joint"]
    cfg = mdp.JointPositionActionCfg(
        asset_name="robot", joint_names=names, preserve_order=True, scale={".*calf.*": 0.5}, use_default_offset=False,
        offset={"FL.*": 0.1}, clip={".*calf.*": (-2.0, -1.0)},
    )  # fmt: skip
    action = joint_action(acting(env, cfg))
    assert action.joints == tuple(names) and action.scale == (0.5, 1.0) and action.offset == (0.0, 0.1)
    assert action.clip == ((-2.0, -1.0), None) and action.raw_clip is None
    other = mdp.BinaryJointPositionActionCfg(
        asset_name="robot", joint_names=names, open_command_expr={".*": 0.1}, close_command_expr={".*": 0.0}
    )
    with pytest.raises(
        PolicyContractError,
        match="actions.legs is a BinaryJointPositionAction; a contract can say JointPositionAction, Relative",
    ):
        joint_action(acting(env, other))
    with pytest.raises(PolicyContractError, match="2 outputs move 1 joints"):
        joint_action(acting(env, mdp.JointPositionActionCfg(asset_name="robot", joint_names=names[:1])))


KINDS = {
    "position": (lambda mdp: mdp.JointPositionActionCfg, {"use_default_offset": True}),
    "delta_position": (lambda mdp: mdp.RelativeJointPositionActionCfg, {"use_zero_offset": True}),
    "velocity": (lambda mdp: mdp.JointVelocityActionCfg, {"use_default_offset": True}),
    "effort": (lambda mdp: mdp.JointEffortActionCfg, {"offset": {"FL.*": 0.5}}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_targets_of_each_kind_are_what_isaac_lab_applies(env, kind):
    """Isaac Lab's own action term processes an output; the mapper gives the number that it hands to the robot."""
    from isaaclab.envs import mdp
    from isaaclab.utils.string import string_to_callable

    names = ["RR_calf_joint", "FL_hip_joint"]
    make_cfg, more = KINDS[kind]
    cfg = make_cfg(mdp)(
        asset_name="robot", joint_names=names, preserve_order=True, scale={".*calf.*": 0.5, ".*hip.*": 2.0},
        clip={".*calf.*": (-2.0, 0.1)}, **more,
    )  # fmt: skip
    action = joint_action(acting(env, cfg))
    assert action.kind == kind and action.joints == tuple(names)
    observation = replace(contract_of(env).observation, terms=contract_of(env).state.terms[:2], commands=())
    mapper = ActionMapper(replace(contract_of(env), observation=observation, action=action))
    made = string_to_callable(cfg.class_type) if isinstance(cfg.class_type, str) else cfg.class_type
    term = made(cfg, env.unwrapped)
    asked = {}
    robot = env.scene["robot"]
    setters = ("position", "velocity", "effort")
    kept = {name: getattr(robot, f"set_joint_{name}_target_index") for name in setters}
    try:
        for name in setters:
            setattr(robot, f"set_joint_{name}_target_index", partial(note, asked, name))
        output = torch.tensor([[0.4, -0.7]]).repeat(NUM_ENVS, 1)
        term.process_actions(output)
        term.apply_actions()
    finally:
        for name in setters:
            setattr(robot, f"set_joint_{name}_target_index", kept[name])
    (wanted,) = asked.values()
    assert list(asked) == [{"delta_position": "position"}.get(kind, kind)]
    targets = mapper.targets_in(robot_state(env), output.numpy())
    np.testing.assert_allclose(targets, wanted.cpu().numpy(), atol=1e-6)
    low, high = mapper.limits[0]
    assert mapper.units[0] == {"velocity": "rad/s", "effort": "N·m"}.get(kind, "rad") and low < high


def note(asked, name, target, joint_ids):
    """Keep what an action term sets."""
    asked[name] = target


def test_kinds_of_action_cannot_be_mixed(env):
    """Positions of one joint and efforts of another are two contracts."""
    from isaaclab.envs import mdp

    terms = {
        "legs": SimpleNamespace(cfg=mdp.JointPositionActionCfg(asset_name="robot", joint_names=["FL_hip_joint"])),
        "arm": SimpleNamespace(cfg=mdp.JointEffortActionCfg(asset_name="robot", joint_names=["FR_hip_joint"])),
    }
    manager = SimpleNamespace(active_terms=list(terms), get_term=terms.get, total_action_dim=2)
    with pytest.raises(PolicyContractError, match="one kind of joint targets; here legs gives position, arm gives eff"):
        joint_action(SimpleNamespace(action_manager=manager, scene=env.scene))


def test_each_kind_of_drive_is_described(env, monkeypatch):
    """PD inside and outside of the solver, with a delay, a motor of ours; a linkage is refused."""
    from isaaclab.actuators import DelayedPDActuatorCfg, ImplicitActuatorCfg, RemotizedPDActuatorCfg

    robot = env.scene["robot"]
    gains = {"joint_names_expr": [".*"], "stiffness": {".*": 30.0}, "damping": 1.0}

    def drive(cfg):
        monkeypatch.setitem(robot.cfg.actuators, "base_legs", cfg)
        return trained_robot(env, URDF).joint("FL_hip_joint")

    inside = drive(ImplicitActuatorCfg(**gains, joint_effort_limit=9.0))
    assert (inside.drive, inside.kp, inside.kd, inside.effort_limit) == ("implicit_pd", 30.0, 1.0, 9.0)
    assert inside.armature == pytest.approx(ARMATURE[".*_(hip|thigh)_joint"], rel=1e-6)  # left to the simulation
    late = drive(DelayedPDActuatorCfg(**gains, actuator_effort_limit=8.0, min_delay=1, max_delay=3))
    assert (late.drive, late.effort_limit, late.delay_s) == ("pd", 8.0, (0.005, 0.015))
    motor = {"voltage": 28.0, "no_load_speed": 30.0, "stall_torque": 40.0}
    monkeypatch.setattr(robot.cfg, "motors", {"base_legs": motor}, raising=False)
    with_motor = drive(DelayedPDActuatorCfg(**gains, actuator_effort_limit=8.0))
    assert with_motor.drive == "motor" and with_motor.motor["voltage"] == 28.0
    assert with_motor.motor["heat_capacity"] is None  # infinite
    monkeypatch.setattr(robot.cfg, "motors", {})
    linkage = RemotizedPDActuatorCfg(**gains, joint_parameter_lookup=[[0.0, 1.0, 1.0]])
    with pytest.raises(PolicyContractError, match="base_legs is a RemotizedPDActuatorCfg; a contract can say Implicit"):
        drive(linkage)


def test_a_rollout_with_noise_is_refused_and_the_term_is_named(env, tmp_path):
    """Observations that no robot would assemble so; and a rollout of another policy."""
    contract = contract_of(env)
    actor = Wild(contract.state.size)
    rollout = record_rollout(env, actor, 12, raw_clip=CLIP)
    noisy = rollout.observations.copy()
    noisy[5, 2, 10] += 0.01  # the second joint's angle
    with pytest.raises(ParityError, match="differs from the training environment's: joint_pos by 0.01; allowed is"):
        export_joint_policy(actor, contract, replace(rollout, observations=noisy), tmp_path / "b", FEW)
    with pytest.raises(ParityError, match="other actions than those that were recorded with it"):
        export_joint_policy(Wild(contract.state.size, seed=1), contract, rollout, tmp_path / "b", FEW)
    with pytest.raises(ParityError, match="from recorded states to joint targets.*differs"):
        export_joint_policy(actor, contract, replace(rollout, targets=rollout.targets + 0.01), tmp_path / "b", FEW)
    with pytest.raises(ExportError, match=r"actions and targets of \(45, 12, 12\) numbers, the contract of \("):
        export_joint_policy(actor, contract_of(env, ("wide",)), rollout, tmp_path / "b", FEW)
    assert list(tmp_path.iterdir()) == []


class Poses:
    """An environment that commands poses, and nothing else."""

    def __init__(self, quats):
        self.command_manager = self
        self.poses = torch.cat([torch.zeros(len(quats), 3), torch.tensor(quats)], dim=1)

    def get_command(self, name):
        assert name == "hand"
        return self.poses


def test_the_side_of_commanded_turns_is_told():
    """The real part's where it is one; else the commands' own; both signs are refused."""
    assert side_of(Poses([[0.6, 0.0, 0.0, 0.8], [-0.6, 0.0, 0.0, 0.8]]), "hand") == (0.0, 0.0, 0.0, 1.0)
    down = Poses([[0.6, -0.8, 0.0, 4e-8], [-0.6, -0.8, 0.0, 4e-8]])
    assert side_of(down, "hand") == pytest.approx((0.0, -1.0, 0.0, 0.0), abs=1e-6)
    with pytest.raises(PolicyContractError, match="both signs"):
        side_of(Poses([[0.6, -0.8, 0.0, 4e-8], [-0.6, 0.8, 0.0, 4e-8]]), "hand")


def test_a_description_is_named_below_the_robots(tmp_path):
    """By the last folder of that name, else by its own name; one that is not there is an error."""
    assert described_as(URDF) == "go2_description/urdf/go2.urdf"
    assert described_as(tmp_path / "mine.urdf") == "mine.urdf"
    with pytest.raises(PolicyContractError, match="mine.urdf: the robot's description cannot be read"):
        trained_robot(SimpleNamespace(scene={"robot": None}), tmp_path / "mine.urdf")


def test_a_direct_task_has_no_managers_to_ask():
    """The error says so."""
    with pytest.raises(PolicyContractError, match="has no managers to ask; only manager-based tasks have"):
        policy_contract(
            SimpleNamespace(unwrapped=SimpleNamespace()),
            name="a",
            task="b",
            urdf=URDF,
            run=None,  # type: ignore
        )
