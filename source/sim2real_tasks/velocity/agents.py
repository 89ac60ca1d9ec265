"""PPO of rsl_rl for the velocity tasks: the actor sees `policy`, the critic sees `critic`, both normalised."""

from __future__ import annotations

from isaaclab.utils import configclass
from isaaclab_rl.rsl_rl import RslRlMLPModelCfg, RslRlOnPolicyRunnerCfg, RslRlPpoAlgorithmCfg, RslRlSymmetryCfg


def network(*hidden: int, std: float | None = None) -> RslRlMLPModelCfg:
    """A perceptron with ELUs on normalised observations.

    Args:
        hidden: widths of the hidden layers.
        std: first standard deviation of an actor's actions; None for a critic.
    """
    cfg = RslRlMLPModelCfg(hidden_dims=list(hidden), activation="elu", obs_normalization=True)
    if std is not None:
        cfg.distribution_cfg = RslRlMLPModelCfg.GaussianDistributionCfg(init_std=std)
    return cfg


def ppo(entropy: float = 0.01, epochs: int = 5, mirrored: str | None = None) -> RslRlPpoAlgorithmCfg:
    """PPO as Isaac Lab's locomotion tasks set it.

    Args:
        entropy: weight of the bonus for exploring.
        epochs: passes over what was collected.
        mirrored: `module:function` that mirrors a robot's steps (`mirror.py`), to learn from them too.
    """
    symmetry = None
    if mirrored is not None:
        symmetry = RslRlSymmetryCfg(use_data_augmentation=True, data_augmentation_func=mirrored)
    return RslRlPpoAlgorithmCfg(
        symmetry_cfg=symmetry,
        value_loss_coef=1.0,
        use_clipped_value_loss=True,
        clip_param=0.2,
        entropy_coef=entropy,
        num_learning_epochs=epochs,
        num_mini_batches=4,
        learning_rate=1.0e-3,
        schedule="adaptive",
        gamma=0.99,
        lam=0.95,
        desired_kl=0.01,
        max_grad_norm=1.0,
    )


@configclass
class FlatAgentCfg(RslRlOnPolicyRunnerCfg):
    """A small network: a core of a CPU evaluates it in no time beside the physics."""

    num_steps_per_env = 24
    max_iterations = 300
    save_interval = 50
    experiment_name = "velocity_flat"
    obs_groups = {"actor": ["policy"], "critic": ["critic"]}
    clip_actions = 100.0
    actor = network(128, 128, 128, std=1.0)
    critic = network(128, 128, 128)
    algorithm = ppo()


@configclass
class Go2FlatAgentCfg(FlatAgentCfg):
    """The Go2 on flat ground. It learns from its steps in the mirror too, so that three passes over them do.

    Its rewards lead to a gait, so that little is paid for exploring: with more, noise is a part of how it walks, and
    without the noise it is another gait.
    """

    experiment_name = "go2_flat"
    algorithm = ppo(entropy=0.001, epochs=3, mirrored="sim2real_tasks.velocity.mirror:go2_mirrored")


@configclass
class RoughAgentCfg(FlatAgentCfg):
    """A wider network, and longer."""

    max_iterations = 1500
    experiment_name = "velocity_rough"
    actor = network(512, 256, 128, std=1.0)
    critic = network(512, 256, 128)


@configclass
class Go2RoughAgentCfg(RoughAgentCfg):
    """The Go2 on rough ground."""

    experiment_name = "go2_rough"


@configclass
class AnymalCFlatAgentCfg(FlatAgentCfg):
    """The ANYmal C on flat ground."""

    experiment_name = "anymal_c_flat"


@configclass
class AnymalCRoughAgentCfg(RoughAgentCfg):
    """The ANYmal C on rough ground."""

    experiment_name = "anymal_c_rough"


@configclass
class G1FlatAgentCfg(FlatAgentCfg):
    """The G1 on flat ground: more joints, a wider network, longer."""

    max_iterations = 1500
    experiment_name = "g1_flat"
    actor = network(256, 128, 128, std=1.0)
    critic = network(256, 128, 128)
    algorithm = ppo(entropy=0.008)
