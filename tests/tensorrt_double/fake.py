"""A strict stand-in for the ``tensorrt`` package of one version, which runs ONNX files on ONNX Runtime.

Its names come from a table of that version, its rules from what that version documents: wrong states give None, False
or -1 and a line in the logger, wrong types raise. A "plan" is the ONNX file with the version, the GPU and the settings
it was built with. An engine works on the memory of the CUDA stand-in, on its streams, when they are synchronised.
"""

from __future__ import annotations

import types
from collections.abc import Iterable
from typing import Any

from tensorrt_double import building, running
from tensorrt_double.cudart import Cudart
from tensorrt_double.strict import make_class, make_enum, read_table
from tensorrt_double.world import World


class _Nothing:
    """A class of the table of which nothing is played."""


PLAYED: dict[str, type] = {
    "ILogger": building.PlayedILogger,
    "Logger": building.PlayedLogger,
    "Builder": building.PlayedBuilder,
    "INetworkDefinition": building.PlayedINetworkDefinition,
    "OnnxParser": building.PlayedOnnxParser,
    "ParserError": building.PlayedParserError,
    "IOptimizationProfile": building.PlayedIOptimizationProfile,
    "IBuilderConfig": building.PlayedIBuilderConfig,
    "ITimingCache": building.PlayedITimingCache,
    "IHostMemory": building.PlayedIHostMemory,
    "Runtime": running.PlayedRuntime,
    "ICudaEngine": running.PlayedICudaEngine,
    "IExecutionContext": running.PlayedIExecutionContext,
    "EngineInspector": running.PlayedEngineInspector,
}
"""What each class does."""


def make_tensorrt(version: str, cudart: Cudart, faults: Iterable[str] = ()) -> types.ModuleType:
    """The package of a version.

    Args:
        version: a table's name.
        cudart: the CUDA runtime that its engines run on.
        faults: what goes wrong: ``start``, ``build``, ``deserialize``, ``context``, ``execute``, ``address`` or
            ``graph``.
    """
    table = read_table(version)
    module = types.ModuleType("tensorrt")
    module.__dict__["__version__"] = table["version"]
    world = World(module, table, PLAYED, cudart, set(faults))
    enums: dict[str, Any] = {}
    for full, members in table["enums"].items():
        enums[full] = make_enum(full, members)
        if "." not in full:
            setattr(module, full, enums[full])
    for name, where in table["constants"].items():
        setattr(module, name, getattr(module.DataType, where.rpartition(".")[2]))
    for name, spec in table["classes"].items():
        severities = enums[f"{name}.Severity"] if f"{name}.Severity" in enums else None
        constants: dict[str, Any] = {"_world": world}
        if severities is not None:
            severities = enums["ILogger.Severity"]  # Logger's is the same class
            constants["Severity"] = severities
            constants |= {key: getattr(severities, key) for key in spec["constants"]}
        bases = module.ILogger if name == "Logger" and hasattr(module, "ILogger") else None
        cls = make_class(name, spec, PLAYED.get(name, _Nothing), constants)
        if bases is not None:
            cls = type(name, (cls, bases), {"__module__": cls.__module__})
        setattr(module, name, cls)
    if "nptype" in table["functions"]:
        module.__dict__["nptype"] = world.nptype

    def missing(name: str) -> Any:
        raise AttributeError(f"module 'tensorrt' {table['version']} has no attribute '{name}'")

    module.__dict__["__getattr__"] = missing
    module.__dict__["double"] = world
    return module
