"""The half of the stand-in that runs: runtime, engine, context, inspector."""

from __future__ import annotations

import ctypes
import json
import zlib
from typing import Any

import numpy as np

from tensorrt_double.cudart import MisuseError
from tensorrt_double.network import open_session
from tensorrt_double.world import MAGIC, as_logger, dims


class PlayedRuntime:
    def __init__(self, logger: Any) -> None:
        self._logger = as_logger(self._world, logger, "Runtime")
        self._world.start(self._logger)

    def deserialize_cuda_engine(self, serialized_engine: Any) -> Any:
        if not isinstance(serialized_engine, (bytes, bytearray, memoryview)):
            raise TypeError("deserialize_cuda_engine(): incompatible function arguments")
        world = self._world
        content = bytes(serialized_engine)
        body, crc = content[len(MAGIC) : -4], content[-4:]
        if content[: len(MAGIC)] != MAGIC:
            world.error(
                self._logger, "Serialization assertion magicTagRead == kMAGIC_TAG failed. Magic tag does not match"
            )
            return None
        if len(content) < 16 or zlib.crc32(body).to_bytes(4, "little") != crc or "deserialize" in world.faults:
            world.error(self._logger, "Serialization assertion failed: the plan is damaged")
            return None
        length = int.from_bytes(body[:4], "little")
        header = json.loads(body[4 : 4 + length])
        if header["version"] != world.version:
            world.error(self._logger, "Version tag does not match. Note: Current Version differs from the plan's")
            return None
        if header["sm"] != world.sm:
            said = f"expecting compute {world.sm} got compute {header['sm']}"
            world.error(self._logger, f"The engine plan file is generated on an incompatible device, {said}")
            return None
        return world.make("ICudaEngine", self, header, body[4 + length + 8 :])


class PlayedICudaEngine:
    def begin(self, runtime: Any, header: dict[str, Any], onnx: bytes) -> None:
        self._runtime, self._header = runtime, header
        self._session = open_session(onnx)
        self._in = {value.name: value for value in self._session.get_inputs()}
        self._out = {value.name: value for value in self._session.get_outputs()}

    def get_num_io_tensors(self) -> int:
        return len(self._in) + len(self._out)

    def get_num_layers(self) -> int:
        return 3

    def get_tensor_name(self, index: int) -> str:
        return [*self._in, *self._out][index]

    def get_tensor_mode(self, name: str) -> Any:
        _known(self, name)
        return getattr(self._world.module.TensorIOMode, "INPUT" if name in self._in else "OUTPUT")

    def get_tensor_dtype(self, name: str) -> Any:
        kind = _known(self, name).type
        names = {"tensor(float)": "FLOAT", "tensor(float16)": "HALF", "tensor(bfloat16)": "BF16"}
        return getattr(self._world.module.DataType, names[kind])

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        return tuple(size if isinstance(size, int) else -1 for size in _known(self, name).shape)

    def get_tensor_profile_shape(self, name: str, profile_index: int) -> list[tuple[int, ...]]:
        if name not in self._in or profile_index != 0:
            raise MisuseError(f"the profile {profile_index} has no shape of {name}: only of inputs")
        return [tuple(shape) for shape in self._header["profile"][name]]

    def create_execution_context(self) -> Any:
        if "context" in self._world.faults:
            self._world.error(self._runtime._logger, "CUDA error 2: out of memory")
            return None
        return self._world.make("IExecutionContext", self)

    def create_engine_inspector(self) -> Any:
        return self._world.make("EngineInspector", self)


def _known(engine: Any, name: str) -> Any:
    """A tensor. The real one answers unknown names with nonsense."""
    tensors = {**engine._in, **engine._out}
    if name not in tensors:
        raise MisuseError(f"there is no tensor {name!r}; there are {list(tensors)}")
    return tensors[name]


class PlayedIExecutionContext:
    def begin(self, engine: Any) -> None:
        self._engine, self._shapes, self._addresses = engine, {}, {}

    def set_input_shape(self, name: str, shape: Any) -> bool:
        given = dims(shape)
        engine = self._engine
        if name not in engine._in:
            return False
        low, _, high = engine._header["profile"][name]
        if len(given) != len(low) or any(not a <= s <= b for a, s, b in zip(low, given, high, strict=True)):
            self._world.error(engine._runtime._logger, f"{given} of {name} is not in the profile {low}..{high}")
            return False
        self._shapes[name] = given
        return True

    def infer_shapes(self) -> list[str]:
        return [name for name in self._engine._in if name not in self._shapes]

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        _known(self._engine, name)
        if name in self._shapes:
            return self._shapes[name]
        batch = _batch(self._engine, self._shapes)
        declared = PlayedICudaEngine.get_tensor_shape(self._engine, name)
        return tuple(batch if size == -1 else size for size in declared)

    def set_tensor_address(self, name: str, memory: int) -> bool:
        if not isinstance(memory, int):
            raise TypeError("set_tensor_address(): incompatible function arguments")
        _known(self._engine, name)
        if "address" in self._world.faults or not memory:
            return False
        self._addresses[name] = memory
        return True

    def execute_async_v3(self, stream_handle: int) -> bool:
        if not isinstance(stream_handle, int):
            raise TypeError("execute_async_v3(): incompatible function arguments")
        world, engine = self._world, self._engine
        logger = engine._runtime._logger
        recording = world.cudart.is_recording(stream_handle) if stream_handle in world.cudart.streams else False
        if "execute" in world.faults or ("graph" in world.faults and recording):
            world.error(logger, "enqueueV3: an operation is not permitted here")
            return False
        missing = [name for name in engine._in if name not in self._shapes]
        missing += [name for name in (*engine._in, *engine._out) if name not in self._addresses]
        if missing:
            world.error(logger, f"enqueueV3: not specified: {missing}")
            return False
        addresses = dict(self._addresses)
        shapes = {name: PlayedIExecutionContext.get_tensor_shape(self, name) for name in addresses}
        world.cudart.enqueue(stream_handle, lambda: _run(world, engine, addresses, shapes))
        return True


def _batch(engine: Any, shapes: dict[str, tuple[int, ...]]) -> int:
    """The free size, -1 until it is known; inputs that disagree are refused as the real one's shape check does."""
    found = set()
    for name, shape in shapes.items():
        declared = PlayedICudaEngine.get_tensor_shape(engine, name)
        found |= {given for size, given in zip(declared, shape, strict=True) if size == -1}
    if len(found) > 1:
        raise RuntimeError(f"infer_shapes: the inputs have different batches {sorted(found)}")
    return found.pop() if found else -1


def _run(world: Any, engine: Any, addresses: dict[str, int], shapes: dict[str, tuple[int, ...]]) -> None:
    """One inference on the GPU's memory."""

    def view(name: str) -> np.ndarray:
        kind = np.dtype(world.nptype(PlayedICudaEngine.get_tensor_dtype(engine, name)))
        count = int(np.prod(shapes[name]))
        memory = world.cudart.memory(addresses[name], count * kind.itemsize)
        return np.frombuffer(memory, kind, count).reshape(shapes[name])

    outputs = list(engine._out)
    found = engine._session.run(outputs, {name: view(name).copy() for name in engine._in})
    for name, array in zip(outputs, found, strict=True):
        target = view(name)
        ctypes.memmove(target.ctypes.data, np.ascontiguousarray(array).ctypes.data, target.nbytes)


class PlayedEngineInspector:
    def begin(self, engine: Any) -> None:
        self._engine, self._context = engine, None

    def set_execution_context(self, value: Any) -> None:
        self._world.need(value, "IExecutionContext", "execution_context")
        self._context = value

    def get_execution_context(self) -> Any:
        return self._context

    def get_engine_information(self, format: Any) -> str:
        self._world.need(format, "LayerInformationFormat", "get_engine_information")
        layers: list[Any] = [{"Name": f"layer {i}", "LayerType": "kgen"} for i in range(3)]
        if not self._engine._header["detailed"]:
            layers = [layer["Name"] for layer in layers]
        key = "I/O Tensors" if self._world.numbers[0] >= 11 else "Bindings"
        return json.dumps({"Layers": layers, key: [*self._engine._in, *self._engine._out]})
