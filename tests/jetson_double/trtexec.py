"""A stand-in for ``trtexec``: as strict about options as the real one of each version, and as talkative.

Run as a program. The version is ``$JETSON_DOUBLE_TENSORRT``. What a version lacks is answered as there: the option is
named, the verdict is FAILED, the exit code 1. A plan is a header and the ONNX file; an inference runs the file on
ONNX Runtime, so that what comes back is right or wrong for a reason. Times are drawn, never measured.
``$JETSON_DOUBLE_FAULT``: ``disk_full`` fails to write a plan, ``slow_int8`` makes INT8 slower than FP16, ``wrong_fp16``
spoils FP16's outputs.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

MAGIC = b"double-plan\n"
PACKAGE_MAGIC = b"TRTD"
ALWAYS = frozenset(
    "onnx saveEngine loadEngine minShapes optShapes maxShapes shapes memPoolSize timingCacheFile dumpProfile "
    "exportProfile exportTimes exportLayerInfo dumpLayerInfo profilingVerbosity percentile warmUp duration iterations "
    "avgRuns useCudaGraph noDataTransfers useSpinWait loadInputs exportOutput dumpOutput noTF32 verbose help "
    "separateProfileRun".split()
)
WEAK = frozenset("fp16 int8 best calib layerPrecisions precisionConstraints".split())
OLD = frozenset("explicitBatch workspace nvtxMode minTiming heuristic batch maxBatch buildOnly".split())
SINCE_8_6 = frozenset(
    ("skipInference", "builderOptimizationLevel", "versionCompatible", "hardwareCompatibilityLevel", "maxAuxStreams")
) | {"infStreams"}
SINCE_10 = frozenset("stronglyTyped bf16 fp8 getPlanVersionOnly allocationStrategy".split())
SINCE_11 = frozenset("includeDataTransfers noCudaGraph noSpinWait stronglyTyped".split())
SM = {"Orin": "8.7", "NVIDIA Thor": "11.0", "Xavier": "7.2"}


def known_options(version: tuple[int, ...]) -> frozenset[str]:
    """The options that a version takes, as its branch of NVIDIA/TensorRT reads them (sampleOptions.cpp)."""
    known = ALWAYS
    if version < (10,):
        known |= OLD
    if version < (11,):
        known |= WEAK
    if version >= (8, 6):
        known |= SINCE_8_6
    if (10,) <= version < (11,):
        known |= SINCE_10
    if version >= (11,):
        known |= SINCE_11 | {"getPlanVersionOnly", "allocationStrategy"}
    return known


def tag(version: tuple[int, ...]) -> str:
    """As in the banner: v8502, v100300."""
    major, minor, patch = version
    return f"v{major}{minor}{patch:02d}" if major < 10 else f"v{major}{minor:02d}{patch:02d}"


class Failed(Exception):
    """What the program prints before it fails."""


def main(arguments: list[str]) -> int:
    """The program."""
    version = tuple(int(part) for part in os.environ["JETSON_DOUBLE_TENSORRT"].split("."))[:3]
    words = f"TensorRT.trtexec [TensorRT {tag(version)}] # trtexec {' '.join(arguments)}"
    print(f"&&&& RUNNING {words}")
    options = dict(argument.lstrip("-").partition("=")[::2] for argument in arguments)
    if "help" in options:
        print("=== Model Options ===\n  --onnx=<file>               ONNX model")
        return 0
    try:
        unknown = sorted(set(options) - known_options(version))
        if unknown:
            raise Failed(f"Unknown option: --{unknown[0]} {options[unknown[0]]}".strip())
        gpu = os.environ.get("JETSON_DOUBLE_GPU", "Orin")
        said("=== Device Information ===")
        said(f"Selected Device: {gpu}")
        said(f"Compute Capability: {SM[gpu]}")
        if "onnx" in options:
            build(options, version)
        else:
            infer(options, version)
    except Failed as error:
        print(f"[11/21/2026-06:00:00] [E] {error}")
        print(f"&&&& FAILED {words}")
        return 1
    print(f"&&&& PASSED {words}")
    return 0


def said(text: str) -> None:
    """A line of information."""
    print(f"[11/21/2026-06:00:00] [I] {text}")


def build(options: dict[str, str], version: tuple[int, ...]) -> None:
    """From the ONNX file to a plan."""
    if not ({"buildOnly", "skipInference"} & set(options)):
        raise Failed("this stand-in builds without inference alone: give --skipInference or --buildOnly")
    content = Path(options["onnx"]).read_bytes()
    session_of(content)
    half = "stronglyTyped" in options and is_half(content)
    types = ["fp16"] if half else sorted({"fp16", "int8"} & set(options))
    if os.environ.get("JETSON_DOUBLE_FAULT") == "disk_full":
        raise Failed(f"Saving engine to file failed: {options['saveEngine']}: No space left on device")
    header = {"version": version, "gpu": os.environ.get("JETSON_DOUBLE_GPU", "Orin"), "types": types}
    Path(options["saveEngine"]).write_bytes(MAGIC + json.dumps(header).encode() + b"\n" + content)
    if "timingCacheFile" in options:
        Path(options["timingCacheFile"]).write_bytes(b"timings")
    said("Engine built in 12.3456 sec.")


def load(options: dict[str, str], version: tuple[int, ...]) -> tuple[dict, bytes]:
    """A plan of this version, of this program or of the stand-in for TensorRT's package."""
    plan = Path(options["loadEngine"]).read_bytes()
    if plan.startswith(PACKAGE_MAGIC):
        body = plan[len(PACKAGE_MAGIC) : -4]
        length = int.from_bytes(body[:4], "little")
        known, content = json.loads(body[4 : 4 + length]), body[4 + length + 8 :]
        known = {"version": known["version"].split(".")[:3], "types": Path(options["loadEngine"]).stem.split("_")}
    elif plan.startswith(MAGIC):
        header, content = plan[len(MAGIC) :].split(b"\n", 1)
        known = json.loads(header)
    else:
        raise Failed("Error Code 1: Serialization (Serialization assertion magicTagRead == kMAGIC_TAG failed.)")
    if tuple(map(int, known["version"])) != version:
        raise Failed("Error Code 1: Serialization (Version tag does not match)")
    return known, content


def infer(options: dict[str, str], version: tuple[int, ...]) -> None:
    """Run, or time."""
    import numpy as np

    header, content = load(options, version)
    session = session_of(content)
    fault = os.environ.get("JETSON_DOUBLE_FAULT")
    shapes = {name: [int(n) for n in dims.split("x")] for name, dims in pairs(options.get("shapes", ""))}
    feeds = {}
    files = dict(pairs(options.get("loadInputs", "")))
    for tensor in session.get_inputs():
        shape = shapes.get(tensor.name) or [n if isinstance(n, int) else 1 for n in tensor.shape]
        kind = {"tensor(float)": np.float32, "tensor(float16)": np.float16}[tensor.type]
        if tensor.name in files:
            values = np.frombuffer(Path(files[tensor.name]).read_bytes(), kind)
            if values.size != int(np.prod(shape)):
                raise Failed(f"Note: input file {files[tensor.name]} has {values.size} values, {shape} expected")
            feeds[tensor.name] = values.reshape(shape)
        else:
            feeds[tensor.name] = np.random.default_rng(0).random(shape).astype(kind)
    if "exportOutput" in options:
        outputs = []
        for tensor, value in zip(session.get_outputs(), session.run(None, feeds), strict=True):
            value = value + 100.0 if fault == "wrong_fp16" and header["types"] == ["fp16"] else value
            dims = "x".join(map(str, value.shape))
            outputs.append({"name": tensor.name, "dimensions": dims, "values": [float(f"{v:.6g}") for v in value.flat]})
        Path(options["exportOutput"]).write_text(json.dumps(outputs))
    if "exportTimes" in options:
        transfers = "noDataTransfers" not in options and (version < (11,) or "includeDataTransfers" in options)
        Path(options["exportTimes"]).write_text(json.dumps(times(header["types"], transfers)))
        said("=== Performance summary ===")
        said("Throughput: 611.13 qps")
        said("Latency: min = 1.5 ms, max = 2.5 ms, mean = 1.6 ms, median = 1.6 ms, percentile(99%) = 2.1 ms")


def times(types: list[str], transfers: bool) -> list[dict[str, float]]:
    """Drawn times [ms], in the real file's keys."""
    import numpy as np

    base = 1.0 if "int8" in types else 1.6 if "fp16" in types else 3.0
    if os.environ.get("JETSON_DOUBLE_FAULT") == "slow_int8" and "int8" in types:
        base = 5.0
    rows, now = [], 100.0
    for noise in np.random.default_rng(7).gamma(2.0, 0.05, 400):
        h2d, compute, d2h = (0.02, base + noise, 0.01) if transfers else (0.0, base + noise, 0.0)
        durations = {"h2dMs": h2d, "computeMs": compute, "d2hMs": d2h, "latencyMs": h2d + compute + d2h}
        stamps = {"startEnqMs": now, "endEnqMs": now + 0.1, "startH2dMs": now, "endH2dMs": now + h2d}
        stamps |= {"startComputeMs": now + h2d, "endComputeMs": now + h2d + compute}
        stamps |= {"startD2hMs": now + h2d + compute, "endD2hMs": now + h2d + compute + d2h}
        rows.append({name: float(f"{value:.6g}") for name, value in {**stamps, **durations}.items()})
        now += h2d + compute + d2h
    return rows


def pairs(text: str) -> list[tuple[str, str]]:
    """``a:1x2,b:3`` -> [("a", "1x2"), ("b", "3")]."""
    return [tuple(part.split(":", 1)) for part in text.split(",") if part]


def is_half(content: bytes) -> bool:
    """Whether a network has weights in half floats."""
    import onnx

    weights = onnx.load_from_string(content).graph.initializer
    return any(tensor.data_type == onnx.TensorProto.FLOAT16 for tensor in weights)


def session_of(content: bytes):
    """ONNX Runtime's session of a file."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    options.add_session_config_entry("session.disable_quant_qdq", "1")  # TensorRT leaves biases in float
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise Failed(f"Failed to parse onnx file ({str(error).splitlines()[0]})") from None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
