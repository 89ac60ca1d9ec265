"""A Go2 on its back asks the solver for more than one on its feet."""

import numpy as np
import torch

from sim2real.lab.launch import make_env
from sim2real_tasks.velocity import TASK


def test_a_robot_that_falls_does_not_overflow_the_solver():
    """Thrown in from any side, with motors that struggle: rows and contacts stay below the solver's room."""
    changes = {"seed": 0, "scene.num_envs": 32, "terminations.base_contact": None}
    with make_env(TASK, "newton_mjwarp", **changes) as env:
        env.reset()
        robot, generator = env.scene["robot"], torch.Generator().manual_seed(0)
        data = env.sim.physics_manager._solver.mjw_data
        contacts = 0
        for effort in (0.0, 8.0):
            turn = torch.nn.functional.normalize(torch.randn(32, 4, generator=generator), dim=1)
            place = env.scene.env_origins + torch.tensor([0.0, 0.0, 0.45])
            robot.write_root_pose_to_sim_index(root_pose=torch.cat([place, turn], 1))
            for _ in range(40):
                env.step(torch.full((32, 12), effort))
                count = int(data.nacon.numpy()[0])
                contacts = max(contacts, np.bincount(data.contact.worldid.numpy()[:count], minlength=32).max())
                assert data.nefc.numpy().max() < data.njmax / 2
                assert count < data.naconmax / 2
            assert (robot.data.root_pos_w.torch[:, 2] > 0.05).all()  # on the ground, not in it
        assert contacts > 8  # it did lie on more than its feet
