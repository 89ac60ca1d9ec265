"""The runner of an engine: shapes, copies, graphs and every refusal, on TensorRT's stand-ins."""

import numpy as np
import pytest

from sim2real.deploy.tensorrt_cuda import Cuda
from sim2real.deploy.tensorrt_device import EngineError, parse_version
from sim2real.deploy.tensorrt_engine import Engine, make_logger
from sim2real.export.tensorrt.build import make_plan
from sim2real.export.tensorrt.builder import build_plan
from sim2real.export.tensorrt.plan import choose
from tensorrt_double import bundles, machine
from tensorrt_double.cudart import Gpu
from tensorrt_double.strict import VERSIONS


def plan_of(trt, kind="mlp", precision="fp32", batch=(1, 1, 1)):
    """A serialized engine of a small network."""
    bundle = bundles.made(kind)
    plan = make_plan(bundle, batch=batch)
    choice = choose(plan, precision, parse_version(trt.__version__))
    return build_plan(trt, plan, choice, (bundle / plan.networks[choice.network]["file"]).read_bytes())


def feeds_of(engine, batch=1, seed=0):
    rng = np.random.default_rng(seed)
    shapes = {name: [batch if size == -1 else size for size in engine.shapes[name]] for name in engine.inputs}
    return {name: rng.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}


def truth(kind, feeds):
    """What ONNX Runtime says."""
    from tensorrt_double.network import open_session

    session = open_session((bundles.made(kind) / make_plan(bundles.made(kind)).networks["float"]["file"]).read_bytes())
    names = [value.name for value in session.get_outputs()]
    return dict(zip(names, session.run(names, feeds), strict=True))


@pytest.mark.parametrize("integrated", [True, False])
@pytest.mark.parametrize("version", VERSIONS)
def test_an_engine_answers_as_the_network(monkeypatch, version, integrated):
    here = machine.put(monkeypatch, version, Gpu(integrated=integrated))
    with Engine(plan_of(here.trt, "gru", batch=(1, 2, 5))) as engine:
        assert engine.batches == (1, 5)
        assert engine.uses_mapped_memory is integrated
        for seed, batch in enumerate([1, 1, 1, 3, 5, 5, 5, 1]):
            feeds = feeds_of(engine, batch, seed)
            found, wanted = engine.infer(feeds), truth("gru", feeds)
            assert found.keys() == wanted.keys()
            for name in wanted:
                np.testing.assert_array_equal(found[name], wanted[name])
            assert engine.uses_graph is (seed in (1, 2, 5, 6)) and engine.graph_refused is None
        assert ("cudaMemcpyAsync" in here.cudart.calls) is not integrated
    assert here.cudart.is_clean
    assert here.cudart.launches == 4  # recorded and proven at the second of a batch, used at the third: twice


def test_outputs_do_not_change_under_the_callers_hands(monkeypatch):
    here = machine.put(monkeypatch, "10.3.0")
    with Engine(plan_of(here.trt)) as engine:
        first = engine.infer(feeds_of(engine, seed=1))["action"]
        kept = first.copy()
        engine.infer(feeds_of(engine, seed=2))
        np.testing.assert_array_equal(first, kept)


@pytest.mark.parametrize(
    "faults",
    [
        {"faults": ["graph"]},
        {"cuda_faults": {"cudaStreamBeginCapture": 900}},
        {"cuda_faults": {"cudaStreamEndCapture": 901}},
        {"cuda_faults": {"cudaGraphInstantiateWithFlags": 2}},
        {"cuda_faults": {"cudaGraphLaunch": 901}},
    ],
)
def test_an_engine_that_takes_no_graph_runs_without(monkeypatch, faults):
    here = machine.put(monkeypatch, "10.3.0", **faults)
    engine = Engine(plan_of(here.trt))
    feeds = feeds_of(engine)
    for _ in range(3):
        np.testing.assert_array_equal(engine.infer(feeds)["action"], truth("mlp", feeds)["action"])
    assert not engine.uses_graph and engine.graph_refused
    engine.close()
    assert here.cudart.is_clean


def test_no_graph_where_none_is_wanted(monkeypatch):
    here = machine.put(monkeypatch, "10.3.0")
    with Engine(plan_of(here.trt), graph=False) as engine:
        for _ in range(3):
            engine.infer(feeds_of(engine))
        assert not engine.uses_graph and "cudaStreamBeginCapture" not in here.cudart.calls


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda feeds: {}, "given are"),
        (lambda feeds: {**feeds, "more": feeds["observation"]}, "given are"),
        (lambda feeds: {"observation": feeds["observation"].astype(np.float64)}, "it takes float32"),
        (lambda feeds: {"observation": feeds["observation"][:, :-1]}, "it takes float32"),
        (lambda feeds: {"observation": np.repeat(feeds["observation"], 2, 0)}, "built for 1 to 1"),
        (lambda feeds: {"observation": feeds["observation"][:0]}, "a batch of 0"),
    ],
)
def test_wrong_inputs_are_refused(monkeypatch, spoil, said):
    here = machine.put(monkeypatch, "11.4.0")
    with Engine(plan_of(here.trt)) as engine, pytest.raises(EngineError, match=said):
        engine.infer(spoil(feeds_of(engine)))


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("start", "TensorRT's runtime does not start: CUDA initialization failure with error: 35.*driver"),
        ("deserialize", "damaged, or was built for another TensorRT.*the plan is damaged"),
        ("context", "no execution context.*out of memory"),
        ("address", "address of 'observation' was refused"),
    ],
)
def test_what_tensorrt_refuses_is_said_with_its_words(monkeypatch, fault, said):
    plan = plan_of(machine.put(monkeypatch, "8.6.1").trt)
    here = machine.put(monkeypatch, "8.6.1", faults=[fault])
    with pytest.raises(EngineError, match=said):
        Engine(plan)
    assert here.cudart.is_clean


def test_an_inference_that_fails_is_no_answer(monkeypatch):
    plan = plan_of(machine.put(monkeypatch, "10.3.0").trt)
    here = machine.put(monkeypatch, "10.3.0", faults=["execute"])
    with Engine(plan) as engine, pytest.raises(EngineError, match="could not be started.*not permitted"):
        engine.infer(feeds_of(engine))
    assert here.cudart.is_clean


@pytest.mark.parametrize("cut", [0, 3, 100, -1])
def test_a_truncated_plan_is_refused(monkeypatch, cut):
    here = machine.put(monkeypatch, "10.3.0")
    with pytest.raises(EngineError, match="does not take this plan"):
        Engine(plan_of(here.trt)[:cut])
    assert here.cudart.is_clean


def test_a_closed_engine_answers_no_more(monkeypatch):
    here = machine.put(monkeypatch, "10.3.0")
    engine = Engine(plan_of(here.trt))
    feeds = feeds_of(engine)
    engine.close()
    engine.close()
    with pytest.raises(EngineError, match="was closed"):
        engine.infer(feeds)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_inspector_says_the_same_of_each_version(monkeypatch, version):
    here = machine.put(monkeypatch, version)
    with Engine(plan_of(here.trt)) as engine:
        found = engine.layers()
    assert [layer["LayerType"] for layer in found["Layers"]] == ["kgen"] * 3
    assert found["Tensors"] == ["observation", "action"]


def test_a_full_gpu_is_named(monkeypatch):
    plan = plan_of(machine.put(monkeypatch, "10.3.0").trt)
    here = machine.put(monkeypatch, "10.3.0", Gpu(memory=8))
    with pytest.raises(EngineError, match="out of memory"):
        Engine(plan)
    assert here.cudart.is_clean


def test_the_logger_keeps_errors_once(monkeypatch):
    trt = machine.put(monkeypatch, "8.5.2").trt
    logger = make_logger(trt)
    logger.log(trt.ILogger.Severity.WARNING, "a warning")
    logger.log(trt.ILogger.Severity.ERROR, "an error")
    logger.log(trt.ILogger.Severity.ERROR, "an error")
    assert logger.errors() == "an error"
    assert logger.errors() == "it gave no reason"


def test_the_gpu_is_asked_once(monkeypatch):
    here = machine.put(monkeypatch, "10.3.0")
    cuda = Cuda()
    with Engine(plan_of(here.trt), cuda=cuda, trt=here.trt):
        pass
    assert here.cudart.calls.count("cudaSetDevice") == 1
