"""Plays one robot in one engine without a policy and keeps how it moved: `python open_loop.py BUNDLE ENGINE FILE`.

Every joint that has room swings at a rate of its own for 0.6 s; a robot that walks does so in the air, 3 m up, so that
nothing but its drives, its inertias and the names of its joints decides. Isaac Lab wants a process for each engine.
"""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from sim2real.contract import read_manifest
from sim2real.evaluate.engines.player import Conditions
from sim2real.evaluate.transfer_plan import TransferTask
from sim2real.evaluate.transfer_run import open_player


def main(bundle, engine, path):
    """Play and keep."""
    contract = read_manifest(Path(bundle)).contract
    if contract.robot.floating_base:
        contract = replace(contract, robot=replace(contract.robot, start_pos=(0.0, 0.0, 3.0)))
    joints, task = contract.robot.joints, TransferTask.of(contract)
    default = np.array([joint.default_pos for joint in joints])
    limits = np.array([joint.position_limit or (-np.inf, np.inf) for joint in joints])
    swing = 0.12 * ((np.abs(limits - default[:, None])).min(axis=1) > 0.15)
    rate = 2 * np.pi * (1.0 + 0.15 * np.arange(len(joints)))
    player = open_player(engine, task, 1)
    try:
        seen, rows = player.reset(Conditions.nominal(1, len(joints))), []
        for step in range(round(0.6 / task.step_s)):
            seen = player.step((default + swing * np.sin(rate * step * task.step_s))[None])
            rows.append((seen.joint_pos[0], seen.base_pos[0], seen.base_quat_xyzw[0]))
        pos, place, turn = (np.array(column) for column in zip(*rows, strict=True))
        np.savez(path, joint_pos=pos, base_pos=place, base_quat=turn, mass=player.mass, swing=swing, default=default)
    finally:
        player.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
