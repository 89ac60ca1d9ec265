"""The networks and the algorithm of a task: its own rsl_rl configuration, brought to the installed version."""

from __future__ import annotations

import re
from typing import Any

from sim2real.learn.errors import LearnError

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


def student_of(agent: Any, teacher: dict[str, Any]) -> Any:
    """Return the configuration of a distillation: the task's actor learns what a teacher does.

    Args:
        agent: the task's own configuration, whose actor is the student.
        teacher: the rsl_rl configuration of the teacher's run.

    Raises:
        LearnError: one of them is no perceptron.
    """
    from importlib.metadata import version

    from isaaclab_rl.rsl_rl import (
        RslRlDistillationAlgorithmCfg,
        RslRlDistillationRunnerCfg,
        RslRlMLPModelCfg,
        handle_deprecated_rsl_rl_cfg,
    )

    student = vars(agent.actor) | {"distribution_cfg": vars(agent.actor.distribution_cfg)}

    def network(actor: dict[str, Any], std: float) -> Any:
        if actor["class_name"] != "MLPModel":
            raise LearnError(f"an actor is a {actor['class_name']}; distillation is for MLPModel alone")
        kind = actor["distribution_cfg"].get("std_type", "scalar")
        return RslRlMLPModelCfg(
            hidden_dims=list(actor["hidden_dims"]),
            activation=actor["activation"],
            obs_normalization=actor["obs_normalization"],
            distribution_cfg=RslRlMLPModelCfg.GaussianDistributionCfg(init_std=std, std_type=kind),
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
