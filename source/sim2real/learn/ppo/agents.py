"""The networks and the algorithm of a task: its own rsl_rl configuration, brought to the installed version."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from sim2real.learn.errors import LearnError
from sim2real.learn.ppo.config import MEMORY, RunCfg

if TYPE_CHECKING:
    from sim2real.learn.ppo.playing import Run

KEY = "rsl_rl_cfg_entry_point"
"""Where a registered task names its configuration of rsl_rl."""


def named(name: str) -> str:
    """Return the Gymnasium name of a task from a short one: `velocity/go2` is `Sim2Real-Velocity-Flat-Go2`.

    All words of the short name have to stand in the task's; where several tasks have them, the one on flat ground is
    meant.

    Raises:
        LearnError: no task, or several, have that name.
    """
    import gymnasium

    from sim2real_tasks import TASKS

    if name in TASKS:
        return TASKS[name]
    if name in gymnasium.registry:
        return name
    words = set(re.split(r"[/_ -]+", name.lower()))
    ours = [task for task in gymnasium.registry if task.startswith("Sim2Real-")]
    found = [task for task in ours if words <= set(task.lower().split("-"))]
    if len(found) > 1:
        found = [task for task in found if "flat" in task.lower().split("-")] or found
    if len(found) != 1:
        what = f"means several tasks: {', '.join(sorted(found))}" if found else "is no task"
        raise LearnError(f"'{name}' {what}; {trainable()}")
    return found[0]


def agent_of(task: str, device: str, seed: int) -> Any:
    """Return the rsl_rl configuration of a registered task.

    Args:
        task: Gymnasium name of the task.
        device: where the networks are.
        seed: seed of the run.

    Raises:
        LearnError: the task is not registered, or names none.
    """
    import contextlib
    import io
    from importlib.metadata import version

    import gymnasium
    from isaaclab_rl.rsl_rl import handle_deprecated_rsl_rl_cfg
    from isaaclab_tasks.utils import load_cfg_from_registry

    if task not in gymnasium.registry:
        raise LearnError(f"'{task}' is no task; {trainable()}")
    if KEY not in gymnasium.spec(task).kwargs:
        raise LearnError(f"task '{task}' names no configuration of rsl_rl ({KEY}); {trainable()}")
    with contextlib.redirect_stdout(io.StringIO()):
        agent = load_cfg_from_registry(task, KEY)
        agent = handle_deprecated_rsl_rl_cfg(agent, version("rsl-rl-lib"))
    agent.device, agent.seed = device, seed
    return agent


def agent_for(cfg: RunCfg, teacher: Run | None = None) -> Any:
    """Return the rsl_rl configuration of a run: the task's own, with what the run changes.

    Args:
        cfg: the run, whose device is meant for this process.
        teacher: the run to imitate, or None.

    Raises:
        LearnError: the task has none, or one that cannot be changed so.
    """
    agent = agent_of(cfg.task, cfg.device, cfg.seed)
    if cfg.privileged:
        agent = seeing_all(agent)
    if cfg.network is not None:
        agent = remembering(agent, cfg.network, cfg.memory or MEMORY)
    if teacher is not None:
        agent = student_of(agent, teacher.agent)
    if cfg.logger == "wandb":
        agent.logger = {"class_name": "WandbLogWriter", "project_name": cfg.project}
    return agent


def seeing_all(agent: Any) -> Any:
    """Let the actor see what the critic sees: a teacher, which no robot can run.

    Raises:
        LearnError: the task shows its critic no more than its actor.
    """
    groups = agent.obs_groups
    if set(groups["critic"]) <= set(groups["actor"]):
        raise LearnError("this task shows its critic no more than its actor, so there is nothing for a teacher to know")
    agent.obs_groups = {**groups, "actor": list(groups["critic"])}
    return agent


def remembering(agent: Any, network: str, size: int) -> Any:
    """Put a layer of memory before the perceptrons of actor and critic.

    Whoever sees only the present cannot tell a slow motor from a heavy robot; a network that remembers can, and so
    finds out by itself what a spec has drawn (Peng et al. 2018, arXiv:1710.06537).

    Args:
        agent: the task's rsl_rl configuration.
        network: `gru` or `lstm`.
        size: numbers that it remembers.

    Raises:
        LearnError: a network is no perceptron.
    """
    from importlib.metadata import version

    from isaaclab_rl.rsl_rl import RslRlRNNModelCfg, handle_deprecated_rsl_rl_cfg

    if getattr(agent.algorithm, "symmetry_cfg", None) is not None:
        agent.algorithm.symmetry_cfg = None  # rsl_rl mirrors steps, and these networks learn from whole episodes
    for name in ("actor", "critic"):
        had = getattr(agent, name)
        if had.class_name != "MLPModel":
            raise LearnError(
                f"this task's {name} is a {had.class_name}; 'network' is for tasks whose {name} is MLPModel"
            )
        layers = {"rnn_type": network, "rnn_hidden_dim": size, "rnn_num_layers": 1}
        given = {key: value for key, value in vars(had).items() if key != "class_name"}
        setattr(agent, name, RslRlRNNModelCfg(**given, **layers))
    return handle_deprecated_rsl_rl_cfg(agent, version("rsl-rl-lib"))


def check_batches(agent: Any, num_envs: int) -> None:
    """Prove that networks that remember learn from all worlds: rsl_rl deals whole worlds out to the mini-batches.

    Args:
        agent: the rsl_rl configuration.
        num_envs: environments of a rank.

    Raises:
        LearnError: there are fewer worlds than mini-batches, or some are left over, which rsl_rl would drop.
    """
    networks = [getattr(agent, name, None) for name in ("actor", "critic")]
    parts = getattr(agent.algorithm, "num_mini_batches", 1)
    if num_envs % parts and any(getattr(cfg, "class_name", "") == "RNNModel" for cfg in networks):
        raise LearnError(
            f"num_envs is {num_envs}; a network that remembers learns from {parts} groups of whole environments, so"
            f" give a multiple of {parts}, such as {max(1, num_envs // parts) * parts}"
        )


def student_of(agent: Any, teacher: dict[str, Any]) -> Any:
    """Return the configuration of a distillation: the task's actor learns what a teacher does.

    Args:
        agent: the task's own configuration, whose actor is the student.
        teacher: the rsl_rl configuration of the teacher's run.

    Raises:
        LearnError: one of them is neither a perceptron nor a network that remembers.
    """
    from importlib.metadata import version

    from isaaclab_rl.rsl_rl import (
        RslRlDistillationAlgorithmCfg,
        RslRlDistillationRunnerCfg,
        RslRlMLPModelCfg,
        RslRlRNNModelCfg,
        handle_deprecated_rsl_rl_cfg,
    )

    student = vars(agent.actor) | {"distribution_cfg": vars(agent.actor.distribution_cfg)}

    def network(actor: dict[str, Any], std: float) -> Any:
        made = {"MLPModel": RslRlMLPModelCfg, "RNNModel": RslRlRNNModelCfg}.get(actor["class_name"])
        if made is None:
            raise LearnError(f"an actor is a {actor['class_name']}; distillation is for MLPModel and RNNModel alone")
        kind = actor["distribution_cfg"].get("std_type", "scalar")
        return made(
            hidden_dims=list(actor["hidden_dims"]),
            activation=actor["activation"],
            obs_normalization=actor["obs_normalization"],
            distribution_cfg=RslRlMLPModelCfg.GaussianDistributionCfg(init_std=std, std_type=kind),
            **{key: value for key, value in actor.items() if key.startswith("rnn_")},
        )

    cfg = RslRlDistillationRunnerCfg(
        seed=agent.seed,
        device=agent.device,
        num_steps_per_env=agent.num_steps_per_env,
        max_iterations=agent.max_iterations,
        save_interval=agent.save_interval,
        experiment_name=agent.experiment_name,
        clip_actions=agent.clip_actions,
        obs_groups={"student": list(agent.obs_groups["actor"]), "teacher": list(teacher["obs_groups"]["actor"])},
        student=network(student, 0.1),  # it explores little: what it is taught is in the teacher's actions
        teacher=network(teacher["actor"], 1.0),
        algorithm=RslRlDistillationAlgorithmCfg(
            num_learning_epochs=2, learning_rate=1.0e-3, gradient_length=int(agent.num_steps_per_env), max_grad_norm=1.0
        ),
    )
    return handle_deprecated_rsl_rl_cfg(cfg, version("rsl-rl-lib"))


def trainable() -> str:
    """Return which tasks of ours can be trained, as the end of an error."""
    import gymnasium

    ours = sorted(
        name for name, spec in gymnasium.registry.items() if name.startswith("Sim2Real-") and KEY in spec.kwargs
    )
    return f"ours: {', '.join(ours)}"
