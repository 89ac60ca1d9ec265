"""Builds an engine through TensorRT's Python package; one code path for 8.5 up to 11.

What a version lacks is not asked for, and every answer is looked at: a parser returns False, a builder None, a profile
that does not fit gets the index -1. TensorRT's own words then go into the error.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from sim2real.deploy.tensorrt_device import EngineError, parse_version
from sim2real.deploy.tensorrt_engine import make_logger, start, with_batch
from sim2real.export.tensorrt.plan import BuildPlan, Choice


def build_plan(trt: Any, plan: BuildPlan, choice: Choice, onnx: bytes, timing_cache: Path | None = None) -> bytes:
    """Build one precision and return the serialized engine.

    Args:
        trt: TensorRT's package.
        plan: what to build.
        choice: how.
        onnx: content of the ONNX file.
        timing_cache: file of kernel timings, read and brought up to date; it makes the next build faster.

    Raises:
        EngineError: TensorRT refuses the network, a flag or a shape, or cannot build it.
    """
    logger = make_logger(trt)
    builder = start(trt.Builder, logger)
    network = builder.create_network(network_flags(trt, choice))
    if network is None:
        raise EngineError(f"TensorRT {trt.__version__} makes no network: {logger.errors()}.")
    parser = trt.OnnxParser(network, logger)
    if not parser.parse(onnx):
        raise EngineError(f"TensorRT {trt.__version__} does not take {_name(plan, choice)}: {_errors(parser)}.")
    config = builder.create_builder_config()
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, plan.workspace_mib << 20)
    config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
    if plan.optimization_level is not None and hasattr(config, "builder_optimization_level"):
        config.builder_optimization_level = plan.optimization_level
    for flag in choice.flags:
        config.set_flag(getattr(trt.BuilderFlag, flag))
    if not choice.tf32:
        config.clear_flag(trt.BuilderFlag.TF32)
    _add_profile(builder, config, plan, logger)
    cache = _attach_cache(config, timing_cache)
    built = builder.build_serialized_network(network, config)
    if built is None:
        raise EngineError(
            f"TensorRT {trt.__version__} cannot build {choice.precision} of {_name(plan, choice)}: {logger.errors()}. "
            "If its memory was full, close other programs, or build with a smaller workspace."
        )
    content = bytes(built)
    if cache and timing_cache is not None:
        replace_file(timing_cache, bytes(config.get_timing_cache().serialize()))
    return content


def network_flags(trt: Any, choice: Choice) -> int:
    """The bits of ``create_network``: an explicit batch where that is still a choice, strong typing where asked for."""
    flags = trt.NetworkDefinitionCreationFlag
    bits = 0
    if parse_version(trt.__version__)[0] < 10 and hasattr(flags, "EXPLICIT_BATCH"):
        bits |= 1 << int(flags.EXPLICIT_BATCH)
    if choice.typed:
        bits |= 1 << int(flags.STRONGLY_TYPED)
    return bits


def _name(plan: BuildPlan, choice: Choice) -> str:
    return plan.networks[choice.network]["file"]


def _errors(parser: Any) -> str:
    """What the parser says, node by node."""
    said = [
        f"{error.desc()} (node {error.node()})" for error in (parser.get_error(i) for i in range(parser.num_errors))
    ]
    return "; ".join(said[:3]) or "it gave no reason"


def _add_profile(builder: Any, config: Any, plan: BuildPlan, logger: Any) -> None:
    """The range of batches."""
    profile = builder.create_optimization_profile()
    for name, shape in plan.shapes.items():
        low, usual, high = (with_batch(shape, batch) for batch in plan.batch)
        profile.set_shape(name, low, usual, high)
    if config.add_optimization_profile(profile) < 0:
        raise EngineError(
            f"TensorRT does not take the shapes {plan.shapes} at batches {plan.batch}: {logger.errors()}."
        )


def _attach_cache(config: Any, path: Path | None) -> bool:
    """Use the timings of earlier builds; those of another version or GPU are left away."""
    if path is None:
        return False
    known = path.read_bytes() if path.is_file() else b""
    for content in (known, b"") if known else (b"",):
        cache = config.create_timing_cache(content)
        if cache is not None and config.set_timing_cache(cache, False):
            return True
    return False


def replace_file(path: Path, content: bytes) -> None:
    """Write a file that has its name only when it is whole. Raises: EngineError, e.g. where the disk is full."""
    part = path.with_name(path.name + ".part")
    try:
        with open(part, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except OSError as error:
        try:
            part.unlink()
        except OSError:
            pass
        raise EngineError(f"{path}: cannot be written ({error}). Make room, and run the same again.") from None
