"""Networks that rsl_rl's own exporters write, and a small one of our own."""

from pathlib import Path
from types import SimpleNamespace

import torch

FIXTURES = Path(__file__).parent / "fixtures"
RANGES = {"lin_vel_x": (-1.0, 1.0), "lin_vel_y": (-0.4, 0.4), "ang_vel_z": (-1.0, 1.0)}
LAB = {"ranges": RANGES, "physics": "newton_mjwarp", "start_height_m": 0.4, "kp": "25", "kd": "0.5", "drive": "pd"}
"""What Isaac Lab's files do not say of the Go2 task."""
NAMES = ("hip", "knee", "ankle")
SIZE = 3 + 3 + 3 + 3 + 3 + 3
"""Of an observation: turn rates, gravity, command, positions, velocities, last action."""


def vendor(robot):
    """A vendor's description."""
    from sim2real_tasks.robots.vendor import vendor_urdf

    return vendor_urdf(f"{robot}_description/urdf/{robot}.urdf")


def actor(size=SIZE, outputs=3, rnn=None, seed=0):
    """An untrained rsl_rl actor with a normalizer that has seen something."""
    from rsl_rl.models import MLPModel, RNNModel
    from tensordict import TensorDict

    torch.manual_seed(seed)
    seen = TensorDict({"policy": torch.randn(64, size) * 2.0 + 0.5}, [64])
    gauss = {"class_name": "GaussianDistribution", "init_std": 1.0, "std_type": "scalar"}
    shared = {"hidden_dims": (16,), "obs_normalization": True, "distribution_cfg": gauss}
    groups = {"actor": ["policy"]}
    if rnn is None:
        model = MLPModel(seen, groups, "actor", outputs, **shared)
    else:
        model = RNNModel(seen, groups, "actor", outputs, rnn_type=rnn, rnn_hidden_dim=8, **shared)
    model.update_normalization(seen)
    return model.eval()


def runner(model):
    """rsl_rl's runner with a finished actor: its exporters, without an environment."""
    from rsl_rl.runners import OnPolicyRunner

    made = OnPolicyRunner.__new__(OnPolicyRunner)
    made.alg = SimpleNamespace(get_policy=lambda: model)
    return made


def plain_onnx(path, sizes=(SIZE, 3), **properties):
    """A small ONNX actor of our own, quick to write; returns the path."""
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    rng = np.random.default_rng(4)
    weights = [
        numpy_helper.from_array(rng.normal(size=sizes).astype(np.float32) * 0.1, "w"),
        numpy_helper.from_array(rng.normal(size=sizes[1]).astype(np.float32) * 0.1, "b"),
    ]
    nodes = [helper.make_node("Gemm", ["obs", "w", "b"], ["x"]), helper.make_node("Tanh", ["x"], ["actions"])]
    names = ("obs", "actions")
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, s]) for n, s in zip(names, sizes, strict=True)]
    graph = helper.make_graph(nodes, "actor", ends[:1], ends[1:], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    for key, value in properties.items():
        model.metadata_props.add(key=key, value=value)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, str(path))
    return path
