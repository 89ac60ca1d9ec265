"""The parsers of what a device prints, on texts in its form, and on none."""

import pytest

from jetson_double import DEVICES
from jetson_fixtures import device, with_link
from sim2real.export.jetson import DeviceError
from sim2real.export.jetson.connect import Answer
from sim2real.export.jetson.power import parse_power_lines
from sim2real.export.jetson.probe import (
    COMMANDS,
    PowerMode,
    parse_banner,
    parse_disk,
    parse_memory,
    parse_model,
    parse_modes,
    parse_packages,
    parse_power,
    parse_release,
    parse_trtexec,
    probe,
    read_facts,
    tensorrt_package,
)

WANTED = {
    "jetpack_5": ("35.4.1", "5.1.2", "8.5.2", PowerMode(id=0, name="MAXN")),
    "jetpack_6_0": ("36.3.0", None, "8.6.2", PowerMode(id=0, name="MAXN")),
    "jetpack_6_2": ("36.4.3", "6.2", "10.3.0", PowerMode(id=2, name="MAXN_SUPER")),
    "jetpack_7_1": ("38.4.0", "7.1", "10.13.3", PowerMode(id=0, name="MAXN")),
    "jetpack_7_2": ("39.2.0", None, "10.16.2", PowerMode(id=0, name="MAXN")),
}


@pytest.mark.parametrize("kind", WANTED)
def test_every_device_is_recognised(tmp_path, kind):
    """Release, JetPack where it tells it, TensorRT, power mode, room."""
    with device(tmp_path, kind) as double:
        facts = with_link(double, probe)
    assert (facts.l4t, facts.jetpack, facts.tensorrt, facts.power_mode) == WANTED[kind]
    assert facts.model == DEVICES[kind].model and facts.machine == "aarch64"
    assert facts.trtexec == "/usr/src/tensorrt/bin/trtexec" and not facts.python
    assert (facts.free_memory_mib, facts.free_disk_mib) == (5120, 43210)
    assert facts.tensorrt in str(facts) and facts.model in str(facts)


def test_the_commands_only_read():
    """Words that are fixed here, none of which changes anything."""
    assert {argv[0] for argv in COMMANDS.values()} == {
        "uname", "cat", "dpkg-query", "python3", "command", "ls", "nvpmodel",
    }  # fmt: skip
    assert COMMANDS["power"] == ("nvpmodel", "-q")


def test_versions_of_banners():
    """8.x has other digits than 10.x."""
    for text, version in (("v8502", "8.5.2"), ("v8602", "8.6.2"), ("v100300", "10.3.0"), ("v101602", "10.16.2")):
        assert parse_banner(f"&&&& RUNNING TensorRT.trtexec [TensorRT {text}] # x") == version
    assert parse_banner("trtexec") is None


def test_releases():
    """The number after R, and the revision."""
    assert parse_release("# R36 (release), REVISION: 4.7, GCID: 1, BOARD: generic\n") == "36.4.7"
    assert parse_release("no such file") is None


def test_packages_that_are_not_installed_are_left_away():
    """dpkg-query lists names without a version."""
    found = parse_packages("libnvinfer8 \nlibnvinfer10 10.3.0.30-1+cuda12.5\nnothing\n")
    assert found == {"libnvinfer10": "10.3.0.30-1+cuda12.5"}
    assert tensorrt_package(found) == "10.3.0.30"
    assert tensorrt_package({}) is None


def test_a_model_is_printable_text():
    """The NUL at the end goes, and so does what would move a terminal's cursor."""
    assert parse_model(Answer(code=0, out="Jetson\x1b[2J Orin\0", err="")) == "Jetson[2J Orin"
    assert parse_model(Answer(code=1, out="", err="no")) is None


def test_only_a_path_of_trtexec_is_taken():
    """Whatever the shell answers, it becomes a program's name only where it looks like this one."""
    none = Answer(code=1, out="", err="")
    for text in ("trtexec; reboot", "alias trtexec='rm'", "/tmp/x y/trtexec", "/usr/bin/trtexec -x"):
        assert parse_trtexec(Answer(code=0, out=text, err=""), none) is None
    assert parse_trtexec(Answer(code=0, out="/opt/trt/trtexec\n", err=""), none) == "/opt/trt/trtexec"


def test_power_and_modes():
    """The mode's name and number; the list of modes of nvpmodel's configuration."""
    assert parse_power("NVPM WARN: fan mode is not set!\nNV Power Mode: 30W\n2\n") == PowerMode(id=2, name="30W")
    assert parse_power("") is None
    modes = parse_modes(DEVICES["jetpack_6_2"].modes)
    assert [mode.name for mode in modes] == ["15W", "25W", "MAXN_SUPER"]
    assert modes[2].command == "sudo nvpmodel -m 2"


def test_memory_and_disk():
    """In MiB; 0 where the text says nothing."""
    assert parse_memory("MemTotal: 1 kB\nMemAvailable:    2097152 kB\n") == 2048
    assert parse_disk("Filesystem 1M Used Avail Use% Mounted\n/dev/nvme0n1p1 460000 9999 43210 5% /my home\n") == 43210
    assert parse_memory("") == parse_disk("") == 0


def test_a_device_with_libraries_alone_cannot_build():
    """Neither trtexec nor Python's package: the message says what to install."""
    none = Answer(code=1, out="", err="")
    answers = {name: none for name in COMMANDS}
    answers["packages"] = Answer(code=0, out="libnvinfer10 10.3.0.30-1+cuda12.5\n", err="")
    with pytest.raises(DeviceError, match="TensorRT 10.3.0.30 but neither trtexec nor its Python package.*apt"):
        read_facts(answers, None, None, none, "nvidia@orin")


def line(load: int, text: str) -> str:
    """A line of tegrastats."""
    return f"RAM 2448/7620MB (lfb 4x4MB) CPU [12%@1510,off] GR3D_FREQ {load}%@[1015] gpu@49C {text}"


def test_watts_are_those_under_load():
    """Lines before and after the inference are left away; the rail of the whole module is taken alone."""
    rails = "VDD_IN {}mW/4998mW VDD_CPU_GPU_CV 937mW/937mW"
    text = "\n".join([line(0, rails.format(4000)), line(97, rails.format(9000)), line(99, rails.format(9200))])
    found = parse_power_lines(text)
    assert (found.watts, found.rails, found.samples, found.busy) == (pytest.approx(9.1), ("VDD_IN",), 2, True)


def test_rails_are_added_where_none_is_the_whole():
    """An AGX Orin has three; what only some lines tell is left away."""
    text = "\n".join(
        [
            line(90, "VDD_GPU_SOC 2400mW/2400mW VDD_CPU_CV 400mW/400mW VIN_SYS_5V0 3600mW/3600mW EXTRA 1mW/1mW"),
            line(90, "VDD_GPU_SOC 2400mW/2400mW VDD_CPU_CV 400mW/400mW VIN_SYS_5V0 3600mW/3600mW"),
        ]
    )
    found = parse_power_lines(text)
    assert found.watts == pytest.approx(6.4) and found.rails == ("VDD_CPU_CV", "VDD_GPU_SOC", "VIN_SYS_5V0")


def test_no_load_and_no_rails_are_said():
    """Without a busy line all of them are averaged, marked so; without a rail there is no number."""
    assert parse_power_lines(line(3, "VDD_IN 4000mW/4000mW")).busy is False
    assert parse_power_lines("RAM 2448/7620MB CPU [1%@1510]\n") is None
    assert parse_power_lines("") is None
