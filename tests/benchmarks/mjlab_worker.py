"""mjlab's randomization of its Go1, one round per line on stdin; runs in mjlab's own environment.

`bench_randomizers.py` starts it and alternates with it, so that both see the same machine. Terms as in the case `four`:
friction of the feet, mass with consistent inertia (`dr.pseudo_inertia`) of all bodies, centre of mass of the trunk,
armature of all joints; then `recompute_constants(set_const)`, which is what mjlab's event manager runs after them.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import warnings

warnings.filterwarnings("ignore")
os.environ.setdefault("WANDB_MODE", "disabled")


def make_env(num_envs: int):
    """mjlab's flat velocity task with the four terms and nothing else at start-up."""
    import mjlab.tasks  # noqa: F401  registers the tasks
    from mjlab.envs import ManagerBasedRlEnv
    from mjlab.envs.mdp import dr
    from mjlab.managers.event_manager import EventTermCfg
    from mjlab.managers.scene_entity_config import SceneEntityCfg
    from mjlab.tasks.registry import load_env_cfg

    feet = tuple(f"{leg}_foot_collision" for leg in ("FR", "FL", "RR", "RL"))
    terms = {
        "friction": (
            dr.geom_friction,
            {
                "asset_cfg": SceneEntityCfg("robot", geom_names=feet),
                "operation": "abs",
                "axes": [0],
                "ranges": (0.4, 1.2),
            },
        ),
        "mass": (
            dr.pseudo_inertia,
            {"asset_cfg": SceneEntityCfg("robot", body_names=(".*",)), "alpha_range": (-0.1, 0.1)},
        ),
        "com": (
            dr.body_com_offset,
            {
                "asset_cfg": SceneEntityCfg("robot", body_names=("trunk",)),
                "operation": "add",
                "ranges": {axis: (-0.02, 0.02) for axis in range(3)},
            },
        ),
        "armature": (
            dr.joint_armature,
            {
                "asset_cfg": SceneEntityCfg("robot", joint_names=(".*",)),
                "operation": "scale",
                "ranges": (0.8, 1.2),
            },
        ),
    }
    cfg = load_env_cfg("Mjlab-Velocity-Flat-Unitree-Go1")
    cfg.scene.num_envs, cfg.seed = num_envs, 0
    cfg.events = {
        name: EventTermCfg(mode="startup", func=func, params=params) for name, (func, params) in terms.items()
    }
    return ManagerBasedRlEnv(cfg, device="cpu")


def main() -> None:
    """Say that it is ready, then time one round per line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--num-envs", type=int, required=True)
    parser.add_argument("--few", type=int, required=True)
    args = parser.parse_args()
    answers, sys.stdout = sys.stdout, sys.stderr  # what libraries print is no answer
    import torch
    from mjlab.managers.event_manager import RecomputeLevel

    torch.set_num_threads(1)
    env = make_env(args.num_envs)
    manager = env.event_manager
    few = torch.randperm(args.num_envs, generator=torch.Generator().manual_seed(0))[: args.few]
    worlds = {"all": torch.arange(args.num_envs), "few": few}
    terms = [manager.get_term_cfg(name) for name in ("friction", "mass", "com", "armature")]

    def say(message: dict) -> None:
        answers.write(json.dumps(message) + "\n")
        answers.flush()

    say({"nv": int(env.sim.mj_model.nv), "bodies": int(env.sim.mj_model.nbody) - 1})
    for line in sys.stdin:
        ids = worlds[line.strip()]
        begin = time.perf_counter()
        for cfg in terms:
            cfg.func(env, ids, **cfg.params)
        middle = time.perf_counter()
        env.sim.recompute_constants(RecomputeLevel.set_const)
        say({"write": (middle - begin) * 1e3, "refresh": (time.perf_counter() - middle) * 1e3})


if __name__ == "__main__":
    main()
