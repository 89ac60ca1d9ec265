"""Every name of TensorRT that our code uses exists in the table of every version that it claims.

The tables hold what NVIDIA's own Python bindings of a version name: classes, methods with their parameters, properties,
enum members with their integers. 8.5 has no such package; its table is 8.6's without what came with 8.6.
"""

import ast
from pathlib import Path

import pytest

import sim2real.deploy
import sim2real.export.tensorrt
from tensorrt_double.strict import VERSIONS, read_table

DEPLOY, EXPORT = (Path(package.__path__[0]) for package in (sim2real.deploy, sim2real.export.tensorrt))
WHO = {
    EXPORT / "builder.py": {
        "builder": "Builder",
        "network": "INetworkDefinition",
        "parser": "OnnxParser",
        "config": "IBuilderConfig",
        "profile": "IOptimizationProfile",
        "cache": "ITimingCache",
        "error": "ParserError",
    },
    DEPLOY / "tensorrt_engine.py": {
        "engine": "ICudaEngine",
        "_engine": "ICudaEngine",
        "_context": "IExecutionContext",
        "_runtime": "Runtime",
        "inspector": "EngineInspector",
    },
}
"""Which variable or attribute of a file holds what."""
ASKED_FIRST = {("IBuilderConfig", "builder_optimization_level"), ("NetworkDefinitionCreationFlag", "EXPLICIT_BATCH")}
"""Used only after ``hasattr``."""
BY_PLAN = {("NetworkDefinitionCreationFlag", "STRONGLY_TYPED")}
"""Used only where the plan chose it for the version; see test_tensorrt_plan.py."""


def last_name(node):
    """``self._engine`` and ``engine`` -> the name that says what it is."""
    if isinstance(node, ast.Call) and last_name(node.func) == "get_timing_cache":
        return "cache"
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", None)


def is_package(node):
    """``trt`` or ``self._trt``."""
    return last_name(node) in ("trt", "_trt")


def uses_of(path):
    """(class or None for the package, name, call or None) of every use in a file."""
    tree = ast.parse(path.read_text())
    calls = {id(node.func): node for node in ast.walk(tree) if isinstance(node, ast.Call)}
    enums = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Attribute) and is_package(node.value.value):
            enums[node.targets[0].id] = node.value.attr  # flags = trt.NetworkDefinitionCreationFlag
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute):
            continue
        call = calls.get(id(node))
        if is_package(node.value):
            yield None, node.attr, call
        elif isinstance(node.value, ast.Attribute) and is_package(node.value.value):
            yield node.value.attr, node.attr, call
        elif isinstance(node.value, ast.Attribute) and is_package(getattr(node.value.value, "value", None)):
            yield f"{node.value.value.attr}.{node.value.attr}", node.attr, call
        elif isinstance(node.value, ast.Name) and node.value.id in enums:
            yield enums[node.value.id], node.attr, call
        elif last_name(node.value) in WHO.get(path, {}):
            yield WHO[path][last_name(node.value)], node.attr, call


FILES = sorted([*DEPLOY.glob("tensorrt*.py"), *EXPORT.glob("*.py")])
USES = [(path.name, *use) for path in FILES for use in uses_of(path)]


def test_the_uses_are_found():
    found = {(owner, name) for _, owner, name, _ in USES}
    assert {(None, "Builder"), ("BuilderFlag", "TF32"), ("IExecutionContext", "execute_async_v3")} <= found
    assert {("ILogger.Severity", "ERROR"), ("NetworkDefinitionCreationFlag", "STRONGLY_TYPED")} <= found
    assert {owner for owner in WHO[EXPORT / "builder.py"].values()} - {owner for owner, _ in found} == {
        "INetworkDefinition"  # it is only handed on
    }


@pytest.mark.parametrize("version", VERSIONS)
def test_every_name_exists(version):
    table = read_table(version)
    missing = []
    for file, owner, name, call in USES:
        if (owner, name) in ASKED_FIRST | BY_PLAN:
            continue
        if owner is None:
            known = name == "__version__" or any(
                name in table[k] for k in ("classes", "enums", "functions", "constants")
            )
        elif owner in table["enums"]:
            known = name in table["enums"][owner]
        else:
            cls = table["classes"][owner]
            nested = f"{owner}.{name}" in table["enums"]
            known = nested or name in cls["properties"] or (name in cls["methods"] and fits(cls["methods"][name], call))
        if not known:
            missing.append(f"{file}: {owner or 'tensorrt'}.{name}")
    assert missing == []


def fits(overloads, call):
    """Whether a call's arguments are those of an overload."""
    if call is None or any(isinstance(argument, ast.Starred) for argument in call.args):
        return True
    keywords = {keyword.arg for keyword in call.keywords}
    for parameters in overloads:
        names = [parameter.rstrip("=") for parameter in parameters]
        needed = [parameter for parameter in parameters if not parameter.endswith("=")]
        given = set(names[: len(call.args)]) | keywords
        if len(call.args) <= len(names) and set(needed) <= given <= set(names):
            return True
    return len(call.args) == 1 and overloads == [[]]  # ILogger.__init__(self), called on the class


@pytest.mark.parametrize("pair", sorted(ASKED_FIRST))
def test_what_is_asked_first_is_missing_somewhere(pair):
    owner, name = pair
    tables = [read_table(version) for version in VERSIONS]
    there = [name in t["enums"].get(owner, t["classes"].get(owner, {}).get("properties", {})) for t in tables]
    assert any(there) and not all(there)


def test_the_tables_are_of_those_versions():
    assert [read_table(version)["version"] for version in VERSIONS] == [
        "8.5.2.2",
        "8.6.1",
        "10.3.0",
        "10.13.3.9",
        "11.4.0",
    ]
    flags = {version: read_table(version)["enums"]["NetworkDefinitionCreationFlag"] for version in VERSIONS}
    assert flags["10.3.0"]["STRONGLY_TYPED"] == 1 and flags["11.4.0"]["STRONGLY_TYPED"] == 0
    assert "STRONGLY_TYPED" not in flags["8.6.1"] and "EXPLICIT_BATCH" not in flags["11.4.0"]
    assert not {"FP16", "INT8"} & set(read_table("11.4.0")["enums"]["BuilderFlag"])


@pytest.mark.parametrize("version", VERSIONS)
def test_the_stand_in_has_what_its_table_has_and_no_more(version):
    from tensorrt_double.cudart import Cudart
    from tensorrt_double.fake import make_tensorrt

    trt = make_tensorrt(version, Cudart())
    table = read_table(version)
    for enum in ("BuilderFlag", "DataType"):
        assert {n: int(m) for n, m in getattr(trt, enum).__members__.items()} == table["enums"][enum]
        with pytest.raises(AttributeError, match="has no attribute 'NOT_THERE'"):
            getattr(trt, enum).NOT_THERE  # noqa: B018
    with pytest.raises(AttributeError):
        trt.not_there  # noqa: B018
    builder = trt.Builder(trt.Logger())
    config = builder.create_builder_config()
    for wrong in (
        lambda: builder.create_network(flag=1),
        lambda: trt.Builder(),
        lambda: trt.Builder(object()),
        lambda: config.set_flag(0),
        lambda: config.set_flag(trt.DataType.FLOAT),
        lambda: trt.IBuilderConfig(),
        lambda: trt.Logger(severity=1),
    ):
        with pytest.raises(TypeError):
            wrong()
    with pytest.raises(AttributeError):
        config.max_workspace = 5
    assert hasattr(config, "builder_optimization_level") is (version != "8.5.2")
