"""The whole way to a device and back, on a device of the loopback that really runs the build script.

The folder that the device's files lie in has a name full of what a shell would execute.
"""

import json

import pytest

from jetson_fixtures import device, ssh, tiny_payload
from sim2real.export.jetson import DeviceError, JetsonCfg, JetsonError, LinkLostError, build_payload, parse_address

NASTY_HOME = """my "home"; touch owned $(touch owned) `touch owned` 'x' -rf *"""


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """A journal of its own for each test."""
    monkeypatch.setenv("SIM2REAL_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "jetson"


def build(double, said=None, keep=None, **settings):
    """Build the tiny policy there; ``said`` collects the stages."""
    given = {"precisions": ("fp16",), "ssh": ssh(double), "poll_s": 0.05, "reconnects": 0, "reconnect_wait_s": 0.0}
    cfg = JetsonCfg(**{**given, "timing": False, **settings})
    stages = [] if said is None else said
    return build_payload(tiny_payload(), parse_address(double.address), cfg, lambda *words: stages.append(words), keep)


def started(double, step):
    """How often a step was started."""
    return sum(argv[2:4] == ["start", step] for argv in double.commands)


@pytest.mark.parametrize(
    "kind",
    [
        "jetpack_5",
        "jetpack_6_2",
        pytest.param("jetpack_7_2", marks=pytest.mark.slow),
        pytest.param("jetpack_6_0", marks=pytest.mark.slow),
        pytest.param("jetpack_7_1", marks=pytest.mark.slow),
    ],
)
def test_from_a_payload_to_proven_engines(tmp_path, cache, kind):
    """Probed, sent, built, proven, timed, weighed, fetched; then nothing is left there, and nothing was executed."""
    said = []
    with device(tmp_path, kind, home=NASTY_HOME) as double:
        built = build(double, said, timing=True)
        assert double.refused == [] and double.leftovers() == []
        assert not list(tmp_path.rglob("owned*"))
    assert built.record["chosen"] == "fp16" and built.record["parity"]["fp16"]["status"] == "pass"
    assert built.record["device"]["tensorrt"] == double.text.tensorrt == built.facts.tensorrt
    assert sorted(built.files) == ["fp16.plan"] and built.files["fp16.plan"].startswith(b"double-plan")
    found = built.measured["fp16"]
    assert found.latency["count"] == 400 and found.compute["p50"] < found.latency["p50"] < found.latency["p99_9"]
    assert found.power.busy and found.power.watts > 5.0
    stages = [stage for stage, _, _ in said if stage not in ("wait", "time")]
    assert stages == ["connect", "probe", "send", "probe", "build", "prove", "done", "fetch"]
    assert list(cache.iterdir()) == []


def test_the_python_route(tmp_path):
    """With TensorRT's package there, the script runs the golden vectors in its own runner and times it."""
    with device(tmp_path, no_python_tensorrt=False) as double:
        built = build(double, timing=True)
        assert double.refused == [] and double.leftovers() == []
    assert built.facts.python and built.record["route"] == "python"
    assert built.record["parity"]["fp16"]["status"] == "pass" and built.record["latency"]["fp16"]["runs"] == 1000
    assert sorted(built.files) == ["fp16.layers.json", "fp16.plan"]
    assert built.measured["fp16"].latency["count"] == 400


def test_the_fastest_that_passes_is_chosen(tmp_path):
    """FP16 answers wrongly on this device, so float32 is kept, and FP16 is not brought back."""
    with device(tmp_path, environment={"JETSON_DOUBLE_FAULT": "wrong_fp16"}) as double:
        built = build(double, precisions=("fp32", "fp16"))
    assert built.record["chosen"] == "fp32" and sorted(built.files) == ["fp32.plan"]
    assert built.record["parity"]["fp16"]["status"] == "fail"


def test_none_passes(tmp_path, cache):
    """The error has the difference; nothing is kept, nothing is left there."""
    with device(tmp_path, environment={"JETSON_DOUBLE_FAULT": "wrong_fp16"}) as double:
        with pytest.raises(DeviceError, match="no engine passed its proof.*fp16: largest difference 100"):
            build(double)
        assert double.leftovers() == [] and list(cache.iterdir()) == []


def test_the_disk_fills_up_while_it_builds(tmp_path):
    """What trtexec said is in the error."""
    with device(tmp_path, environment={"JETSON_DOUBLE_FAULT": "disk_full"}) as double:
        with pytest.raises(DeviceError, match="no engine passed.*No space left on device"):
            build(double)
        assert double.leftovers() == []


def test_a_lost_connection_is_taken_up_again(tmp_path, cache):
    """Cut as the build begins: the same call goes on with that build; then cut again, and mended by itself."""
    with device(tmp_path, no_python_tensorrt=False) as double:
        double.faults.drop_at = ("start build", 1)
        with pytest.raises(LinkLostError, match="run the same command again"):
            build(double, timing=True)
        assert len(double.leftovers()) == 1 and len(list(cache.iterdir())) == 1
        double.faults.drop_at = ("status time_fp16", 1)
        said = []
        built = build(double, said, reconnects=1, timing=True)
        assert built.record["chosen"] == "fp16"
        assert [stage for stage, _, _ in said].count("resume") == 2
        assert started(double, "build") == started(double, "time_fp16") == 1
        assert double.leftovers() == [] and list(cache.iterdir()) == []


def test_what_could_not_be_kept_is_not_built_again(tmp_path):
    """The disk here was full: the engines stay on the device, and the same call brings them."""

    def full(built):
        raise OSError("No space left on device")

    with device(tmp_path, no_python_tensorrt=False) as double:
        with pytest.raises(OSError, match="No space left"):
            build(double, keep=full)
        assert len(double.leftovers()) == 1
        kept = []
        build(double, keep=kept.append)
        assert len(kept) == 1 and started(double, "build") == 1 and double.leftovers() == []


def test_a_connection_lost_while_sending_begins_anew(tmp_path):
    """A folder that is not complete is never built from: it is deleted, and everything is sent again."""
    with device(tmp_path, no_python_tensorrt=False) as double:
        double.faults.drop_at = ("golden.npz", 1)
        with pytest.raises(LinkLostError):
            build(double)
        (first,) = double.leftovers()
        double.faults.drop_at = ("start build", 1)
        with pytest.raises(LinkLostError):
            build(double)
        (second,) = double.leftovers()
        assert first != second


def test_a_journal_that_names_another_folder_touches_nothing(tmp_path, cache):
    """Somebody changed the journal: the folder that it names is neither used nor deleted."""
    with device(tmp_path, no_python_tensorrt=False) as double:
        double.faults.drop_at = ("start build", 1)
        with pytest.raises(LinkLostError):
            build(double)
        (journal,) = cache.iterdir()
        victim = tmp_path / ".sim2real-ABCDEFGHIJ"
        victim.mkdir()
        journal.write_text(json.dumps({"path": str(victim)}))
        double.faults.drop_at = ("start build", 1)
        with pytest.raises(LinkLostError):
            build(double)
        assert victim.is_dir() and double.refused == [] and len(double.leftovers()) == 2


CASES = {
    "no TensorRT": ({"no_tensorrt": True}, {}, r"has no TensorRT.*sudo apt install nvidia-jetpack"),
    "no NumPy": ({"no_numpy": True}, {}, r"no NumPy.*sudo apt install python3-numpy"),
    "no room": ({"no_room": True}, {}, r"has 12 MiB free.*Make room"),
    "disk full": ({"disk_full": True}, {}, r"cannot be transferred \(No space left on device\).*df -h"),
    "damage": ({"damage": "golden.npz"}, {}, r"golden.npz arrived damaged"),
    "power mode": (
        {"power": "NV Power Mode: 15W\n0\n"},
        {"power_mode": "MAXN_SUPER"},
        r"is in power mode 15W, wanted is MAXN_SUPER.*type it there: 'sudo nvpmodel -m 2'",
    ),
    "unknown power mode": ({}, {"power_mode": "99W"}, r"no power mode '99W'; it has: 15W \(0\), 25W \(1\), MAXN_SUPER"),
    "power mode untold": ({"power": "error\n"}, {"power_mode": "15W"}, r"is in an unknown power mode"),
}


@pytest.mark.parametrize("faults, settings, message", CASES.values(), ids=CASES)
def test_every_fault_says_what_to_do(tmp_path, faults, settings, message):
    """One message, nothing built, nothing left on the device."""
    with device(tmp_path, **faults) as double:
        with pytest.raises(JetsonError, match=message):
            build(double, **settings)
        assert started(double, "build") == 0 and double.leftovers() == [] and double.refused == []


def test_a_slower_power_mode_is_said_and_taken(tmp_path):
    """Without a wanted mode a word about it is enough; the command to change it is in it, and never run."""
    with device(tmp_path, power="NV Power Mode: 15W\n0\n", disk_full=True) as double:
        said = []
        with pytest.raises(JetsonError):
            build(double, said)
        (word,) = [message for _, _, message in said if "nvpmodel" in message]
        assert word == "power mode 15W; engines are tuned for it. For MAXN_SUPER, there: sudo nvpmodel -m 2"
        assert not any("sudo" in argv for argv in double.commands)


def test_precisions_are_checked_before_anything(tmp_path):
    """No connection is made for a precision that does not exist."""
    from sim2real.deploy.tensorrt_device import EngineError

    with device(tmp_path) as double:
        with pytest.raises(EngineError, match="fp17"):
            build(double, precisions=("fp17",))
        assert double.commands == []


@pytest.mark.parametrize("name", ["; rm -rf ~", "$(touch x)", "-oProxyCommand=x", "a b", "../x", "a'b", "a\nb"])
def test_names_that_a_shell_would_execute_never_become_files(name):
    """The name of a policy and of a file is refused before it is sent anywhere."""
    import dataclasses

    from sim2real.deploy.tensorrt_device import EngineError

    plan = tiny_payload().plan
    with pytest.raises(EngineError):
        dataclasses.replace(plan, name=name)
    with pytest.raises(EngineError):
        dataclasses.replace(plan, networks={"float": {"file": name, "sha256": "0" * 64}})
