"""A loopback device and the ways to it, shared by the tests of the Jetson."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path

from jetson_double import DEVICES, Faults, JetsonDouble
from sim2real.export.jetson import SshCfg
from sim2real.export.jetson.address import parse_address
from sim2real.export.jetson.connect import connected
from sim2real.export.jetson.remote import home_of


@contextlib.contextmanager
def device(tmp_path: Path, kind: str = "jetpack_6_2", home: str = "home", **faults) -> Iterator[JetsonDouble]:
    """A device whose host key is known."""
    root = tmp_path / "device"
    root.mkdir()
    with JetsonDouble(root, DEVICES[kind], home, Faults(**faults)) as double:
        double.write_known_hosts()
        yield double


def ssh(double: JetsonDouble, **changes) -> SshCfg:
    """The way to it: its key, its known hosts, no configuration of the machine that tests."""
    given = {
        "known_hosts": str(double.root / "known_hosts"),
        "keys": (str(double.root / "client_key"),),
        "config": (),
        **changes,
    }
    return SshCfg(**given)


def with_link(double: JetsonDouble, action, **changes):
    """Connect, call ``await action(link, home)``, disconnect."""

    async def go():
        async with connected(parse_address(double.address), ssh(double, **changes)) as link:
            return await action(link, await home_of(link))

    return asyncio.run(go())


def tiny_payload(name: str = "tiny", size: int = 6, actions: int = 3):
    """One matrix as a policy, with its one golden vector: what a device can build in no time."""
    import hashlib
    import io

    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    from sim2real.export.half import to_half
    from sim2real.export.jetson import Payload
    from sim2real.export.tensorrt.plan import BuildPlan

    rng = np.random.default_rng(0)
    weights = rng.normal(size=(size, actions)).astype(np.float32)
    observations = rng.normal(size=(1, 1, size)).astype(np.float32)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["obs", "w"], ["actions"])],
        name,
        [helper.make_tensor_value_info("obs", TensorProto.FLOAT, ["batch", size])],
        [helper.make_tensor_value_info("actions", TensorProto.FLOAT, ["batch", actions])],
        [numpy_helper.from_array(weights, "w")],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    model, half = proto.SerializeToString(), to_half(proto).SerializeToString()
    buffer = io.BytesIO()
    np.savez(buffer, observations=observations, actions=observations @ weights, fresh=np.ones((1, 1), bool))
    golden = buffer.getvalue()
    plan = BuildPlan(
        name=name,
        contract_sha256="0" * 64,
        networks={
            "float": {"file": f"{name}.onnx", "sha256": hashlib.sha256(model).hexdigest()},
            "fp16": {"file": f"{name}.fp16.onnx", "sha256": hashlib.sha256(half).hexdigest()},
        },
        shapes={"obs": (-1, size)},
        golden={
            "sha256": hashlib.sha256(golden).hexdigest(),
            "inputs": {"obs": "observations"},
            "outputs": {"actions": "actions"},
            "int8_outputs": None,
            "fresh": "fresh",
            "states": {},
            "shapes": {},
            "tolerances": {"fp32": 1e-4, "fp16": 1e-2, "int8": 0.05},
            "choice": False,
        },
    )
    return Payload(plan=plan, files={f"{name}.onnx": model, f"{name}.fp16.onnx": half, "golden.npz": golden})
