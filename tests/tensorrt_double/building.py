"""The half of the stand-in that builds: loggers, builder, network, parser, profile, config, timing cache."""

from __future__ import annotations

import json
import zlib
from typing import Any

from tensorrt_double.network import Refusal, parse_network, round_weights
from tensorrt_double.world import MAGIC, World, as_logger, dims


class PlayedILogger:
    def __init__(self) -> None:
        object.__setattr__(self, "_made", True)

    def log(self, severity: Any, msg: str) -> None:
        raise RuntimeError('Tried to call pure virtual function "ILogger::log"')


class PlayedLogger(PlayedILogger):
    def __init__(self, min_severity: Any = None) -> None:
        object.__setattr__(self, "_made", True)

    def log(self, severity: Any, msg: str) -> None:
        pass


class PlayedBuilder:
    def __init__(self, logger: Any) -> None:
        self._logger = as_logger(self._world, logger, "Builder")
        self._world.start(self._logger)

    def create_network(self, flags: int = 0) -> Any:
        world: World = self._world
        known = world.module.NetworkDefinitionCreationFlag.__members__
        bits = {name for name, member in known.items() if flags >> int(member) & 1}
        if flags >> 1 + max(int(member) for member in known.values()) or "EXPLICIT_PRECISION" in bits:
            world.error(self._logger, f"create_network: flags {flags:#b} are not known, or not supported")
            return None
        explicit = world.numbers[0] >= 10 or "EXPLICIT_BATCH" in bits
        typed = world.numbers[0] >= 11 or "STRONGLY_TYPED" in bits
        return world.make("INetworkDefinition", self._logger, explicit, typed)

    def create_builder_config(self) -> Any:
        return self._world.make("IBuilderConfig")

    def create_optimization_profile(self) -> Any:
        return self._world.make("IOptimizationProfile")

    def build_serialized_network(self, network: Any, config: Any) -> Any:
        world: World = self._world
        world.need(network, "INetworkDefinition", "build_serialized_network")
        world.need(config, "IBuilderConfig", "build_serialized_network")
        try:
            header = _what_is_built(world, network, config)
        except Refusal as refusal:
            world.error(self._logger, str(refusal))
            return None
        onnx = network._onnx
        if "FP16" in header["flags"] and not header["typed"]:
            onnx = round_weights(onnx)
        text = json.dumps(header).encode()
        body = len(text).to_bytes(4, "little") + text + len(onnx).to_bytes(8, "little") + onnx
        if config._cache is not None:
            config._cache._timings[header["name"]] = 1
        return world.make("IHostMemory", MAGIC + body + zlib.crc32(body).to_bytes(4, "little"))


def _what_is_built(world: World, network: Any, config: Any) -> dict[str, Any]:
    """The header of a plan. Raises: Refusal where TensorRT would return None."""
    if network._graph is None:
        raise Refusal("the network has no output: nothing was parsed")
    if "build" in world.faults:
        raise Refusal("Could not find any implementation for node: insufficient workspace")
    if not config._profiles:
        raise Refusal("Network has dynamic or shape inputs, but no optimization profile has been defined.")
    flags = {flag.name for flag in config._flags}
    precisions = flags & {"FP16", "INT8", "BF16", "FP8"}
    if network._typed and precisions:
        raise Refusal(f"strongly typed networks do not take {', '.join(sorted(precisions))}")
    if network._graph.quantized and not network._typed and "INT8" not in flags:
        raise Refusal("Q/DQ layers need the INT8 flag")
    profile = config._profiles[0]._shapes
    for name, shape in network._graph.inputs.items():
        if name not in profile:
            raise Refusal(f"the profile says nothing of the dynamic input {name}")
        for given in profile[name]:
            if len(given) != len(shape) or any(s not in (-1, g) for s, g in zip(shape, given, strict=True)):
                raise Refusal(f"the profile's shape {given} of {name} does not fit {shape}")
    unknown = sorted(set(profile) - set(network._graph.inputs))
    if unknown:
        raise Refusal(f"the profile names {unknown}, which are no inputs")
    return {
        "version": world.version,
        "sm": world.sm,
        "name": network._graph.name,
        "flags": sorted(flags),
        "typed": network._typed,
        "tf32": "TF32" in flags,
        "detailed": config._verbosity.name == "DETAILED",
        "profile": {name: [list(shape) for shape in shapes] for name, shapes in profile.items()},
    }


class PlayedINetworkDefinition:
    def begin(self, logger: Any, explicit: bool, typed: bool) -> None:
        self._logger, self._explicit, self._typed = logger, explicit, typed
        self._graph, self._onnx = None, b""

    def get_num_inputs(self) -> int:
        return 0 if self._graph is None else len(self._graph.inputs)


class PlayedOnnxParser:
    def __init__(self, network: Any, logger: Any) -> None:
        self._world.need(network, "INetworkDefinition", "OnnxParser")
        self._network, self._logger = network, as_logger(self._world, logger, "OnnxParser")
        self._errors: list[Any] = []

    def parse(self, model: Any, path: str | None = None) -> bool:
        if not isinstance(model, (bytes, bytearray, memoryview)):
            raise TypeError(f"parse(): incompatible function arguments: {type(model).__name__} is no buffer")
        world: World = self._world
        try:
            if not self._network._explicit:
                raise Refusal("the network must have an explicit batch")
            self._network._graph = parse_network(bytes(model), world.numbers, self._network._typed)
            self._network._onnx = bytes(model)
        except Refusal as refusal:
            self._errors.append(world.make("ParserError", str(refusal)))
            world.error(self._logger, str(refusal))
            return False
        return True

    def get_num_errors(self) -> int:
        return len(self._errors)

    def get_error(self, index: int) -> Any:
        return self._errors[index]


class PlayedParserError:
    def begin(self, text: str) -> None:
        self._text = text

    def desc(self) -> str:
        return self._text

    def node(self) -> int:
        return 0


class PlayedIOptimizationProfile:
    def begin(self) -> None:
        self._shapes: dict[str, tuple[tuple[int, ...], ...]] = {}

    def set_shape(self, input: str, min: Any, opt: Any, max: Any) -> None:
        if not isinstance(input, str):
            raise TypeError("set_shape(): incompatible function arguments")
        self._shapes[input] = (dims(min), dims(opt), dims(max))


class PlayedIBuilderConfig:
    def begin(self) -> None:
        self._flags = {self._world.module.BuilderFlag.TF32}
        self._profiles: list[Any] = []
        self._pools: dict[Any, int] = {}
        self._verbosity = self._world.module.ProfilingVerbosity.LAYER_NAMES_ONLY
        self._level, self._cache = 3, None

    def set_flag(self, flag: Any) -> None:
        self._world.need(flag, "BuilderFlag", "set_flag")
        self._flags.add(flag)

    def clear_flag(self, flag: Any) -> None:
        self._world.need(flag, "BuilderFlag", "clear_flag")
        self._flags.discard(flag)

    def set_memory_pool_limit(self, pool: Any, pool_size: int) -> None:
        self._world.need(pool, "MemoryPoolType", "set_memory_pool_limit")
        self._pools[pool] = int(pool_size)

    def set_profiling_verbosity(self, value: Any) -> None:
        self._world.need(value, "ProfilingVerbosity", "profiling_verbosity")
        self._verbosity = value

    def get_profiling_verbosity(self) -> Any:
        return self._verbosity

    def set_builder_optimization_level(self, value: int) -> None:
        self._level = int(value)

    def get_builder_optimization_level(self) -> int:
        return self._level

    def add_optimization_profile(self, profile: Any) -> int:
        self._world.need(profile, "IOptimizationProfile", "add_optimization_profile")
        for low, usual, high in profile._shapes.values():
            ordered = len(low) == len(usual) == len(high)
            if not ordered or any(not 0 <= a <= b <= c for a, b, c in zip(low, usual, high, strict=True)):
                return -1
        if not profile._shapes:
            return -1
        self._profiles.append(profile)
        return len(self._profiles) - 1

    def create_timing_cache(self, serialized_timing_cache: Any) -> Any:
        content = bytes(serialized_timing_cache)
        header, _, rest = content.partition(b"\n")
        if content and not header.startswith(b"cache "):
            return None
        return self._world.make("ITimingCache", header.decode(), json.loads(rest) if content else {})

    def set_timing_cache(self, cache: Any, ignore_mismatch: bool) -> bool:
        self._world.need(cache, "ITimingCache", "set_timing_cache")
        if cache._header != _cache_header(self._world) and not ignore_mismatch:
            return False
        self._cache = cache
        return True

    def get_timing_cache(self) -> Any:
        return self._cache


def _cache_header(world: World) -> str:
    return f"cache {world.version} {world.sm}"


class PlayedITimingCache:
    def begin(self, header: str, timings: dict[str, int]) -> None:
        self._header, self._timings = header or _cache_header(self._world), timings

    def serialize(self) -> Any:
        return self._world.make("IHostMemory", f"{self._header}\n{json.dumps(self._timings)}".encode())


class PlayedIHostMemory:
    def begin(self, content: bytes) -> None:
        self._content = content

    def get_nbytes(self) -> int:
        return len(self._content)

    def __bytes__(self) -> bytes:
        return self._content
