"""What the tests of what is built share: a spec, robots made by it, their measures, and what was drawn."""

import numpy as np
import torch

import sim2real.lab
from sim2real.draws import Draws
from sim2real.lab.launch import make_env
from sim2real.spec import parse_spec
from sim2real_tasks.velocity import TASK

LEGS = parse_spec("""
schema: 1
seed: 4
terms:
  legs: {target: link.length, select: ".*_(thigh|calf)", each: body, op: scale, dist: {uniform: [0.9, 1.1]}}
  feet: {target: geometry.scale, select: ".*_foot", op: scale, dist: {uniform: [0.8, 1.3]}, keep: density}
  ground: {target: terrain.height, op: add, unit: cm, dist: {uniform: [-5, 5]}}
  mass: {target: body.mass, select: base, op: scale, dist: {uniform: [0.8, 1.2]}, keep: density}
""")
"""Legs that differ, on uneven ground."""
COUNT = 5
"""Robots, where nothing else is said."""


def robots(physics, num_envs=COUNT, spec=LEGS, first_world=None, **settings):
    """Go2s as a spec builds and randomizes them."""

    def prepare(cfg):
        sim2real.lab.build(cfg, spec, first_world=first_world, **settings)
        cfg.events = sim2real.lab.events(spec, first_world=first_world)

    return make_env(TASK, physics, prepare=prepare, **{"scene.num_envs": num_envs})


def lengths(env):
    """Distance from each leg's knee to hip pitch, and from foot to knee, over the URDF's 0.213 m; (n, 8)."""
    data, names = env.scene["robot"].data, list(env.scene["robot"].body_names)
    at = data.body_link_pos_w.torch
    pairs = [
        (f"{leg}_{a}", f"{leg}_{b}")
        for leg in ("FL", "FR", "RL", "RR")
        for a, b in (("calf", "foot"), ("thigh", "calf"))
    ]
    return (
        torch.stack([(at[:, names.index(a)] - at[:, names.index(b)]).norm(dim=-1) for a, b in pairs], 1).numpy() / 0.213
    )


def drawn(term, count, worlds=COUNT, spec=LEGS):
    """NumPy's draws."""
    return Draws(spec.seed).sample(term, spec.terms[term].dist, np.arange(worlds), count=count)
