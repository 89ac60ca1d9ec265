"""Builds every precision on the machine that will run it, proves each, times each, and writes the record.

A precision that was built here before, of the same file with the same settings, is taken as it is; so a build that was
cut off goes on where it was. Nothing has its name before it is whole: plans first, then the record. This module is the
heart of ``build_on_device.py`` too, which needs nothing but JetPack.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sim2real.deploy.tensorrt_cuda import Cuda
from sim2real.deploy.tensorrt_device import Device, EngineError, import_tensorrt, power_mode, read_device
from sim2real.deploy.tensorrt_engine import Engine
from sim2real.deploy.tensorrt_proof import Proof, describe, measure, prove, read_proof
from sim2real.deploy.tensorrt_record import RECORD_SCHEMA, device_dict, seal
from sim2real.export.tensorrt.builder import build_plan, replace_file
from sim2real.export.tensorrt.plan import (
    PRECISIONS,
    BuildPlan,
    Choice,
    cache_key,
    check_precisions,
    choose,
    version_of,
)
from sim2real.export.tensorrt.trtexec import Trtexec, find_trtexec, selected_gpu

if TYPE_CHECKING:
    from collections.abc import Callable

    Say = Callable[[str, str, str], None]

ROUTES = ("auto", "python", "trtexec")
GOLDEN = "golden.npz"
RECORD = "record.json"
TIMING_CACHE = "timing.cache"
_TRTEXEC_VECTORS = 8  # each is a start of the program


def quiet(stage: str, precision: str, message: str) -> None:
    """Says nothing of the progress."""


class Workshop:
    """The machine's tools: TensorRT's Python package, or trtexec where that is missing.

    Args:
        route: ``python``, ``trtexec``, or ``auto``: the first of them that is there.

    Raises:
        EngineError: there is neither, or no GPU.
    """

    def __init__(self, route: str = "auto") -> None:
        if route not in ROUTES:
            raise EngineError(f"route is {route!r}; allowed: {', '.join(ROUTES)}.")
        self.trt: Any = None
        self.cuda: Cuda | None = None
        self.trtexec: Trtexec | None = None
        self.route = "python"
        try:
            if route == "trtexec":
                raise EngineError("not asked for")
            self.trt = import_tensorrt()
            self.cuda = Cuda()
            self.device = read_device(self.trt.__version__, self.cuda.sm, self.cuda.gpu)
        except EngineError as missing:
            if route == "python":
                raise
            self.route = "trtexec"
            try:
                self.trtexec = Trtexec(find_trtexec())
            except EngineError as error:
                raise EngineError(f"{missing} {error}" if route == "auto" else str(error)) from None
            self.device = self._device_of_trtexec()

    def _device_of_trtexec(self) -> Device:
        """The GPU as CUDA names it; trtexec names it in each run, which is compared."""
        assert self.trtexec is not None
        self.cuda = Cuda()
        return read_device(self.trtexec.version, self.cuda.sm, self.cuda.gpu)

    def build(self, plan: BuildPlan, choice: Choice, onnx: Path, target: Path, timing_cache: Path) -> None:
        """Build one precision into a file."""
        if self.trtexec is None:
            replace_file(target, build_plan(self.trt, plan, choice, onnx.read_bytes(), timing_cache))
            return
        output = self.trtexec.build(plan, choice, onnx, target, timing_cache)
        gpu, sm = selected_gpu(output)
        if sm != self.device.sm:
            target.unlink()
            raise EngineError(f"trtexec built for {gpu} ({sm}), not for {self.device.gpu} ({self.device.sm}).")

    def try_out(self, plan: BuildPlan, target: Path, proof: Proof | None) -> dict[str, Any]:
        """Prove an engine and time it: ``parity``, ``latency`` and what is known of how it runs."""
        if self.trtexec is None:
            with Engine(target.read_bytes(), str(target), cuda=self.cuda, trt=self.trt) as engine:
                found: dict[str, Any] = {"parity": _not_run("no golden vectors"), "latency": None}
                if proof is not None:
                    found["parity"] = prove(engine.infer, proof, engine.batches[1])
                    found["latency"] = measure(engine.infer, proof, plan.latency_runs)
                layers = engine.layers()
                found["layers"] = len(layers["Layers"])
                found["layer_information"] = layers
                found["cuda_graph"] = engine.graph_refused or engine.uses_graph
                found["mapped_memory"] = engine.uses_mapped_memory
            return found
        program = self.trtexec
        parity = _not_run("no golden vectors")
        if proof is not None:
            parity = prove(lambda feeds: program.infer(plan, target, feeds), proof, 1, _TRTEXEC_VECTORS)
        return {"parity": parity, "latency": program.time(plan, target)}


def build_all(
    plan: BuildPlan,
    source: Path,
    out: Path,
    precisions: tuple[str, ...] = PRECISIONS,
    workshop: Workshop | None = None,
    say: Say = quiet,
) -> dict[str, Any]:
    """Build, prove and time the engines of a bundle on this machine.

    Args:
        plan: what to build.
        source: folder of the ONNX files and the golden vectors.
        out: folder of the engines; made where it is missing.
        precisions: which to build.
        workshop: the tools; None: what is here.
        say: told of the progress: stage, precision, message.

    Returns:
        The record, as written to ``record.json``. ``chosen`` is the precision with the shortest p99 among those that
        reproduce the golden vectors; None where none does.

    Raises:
        EngineError: no TensorRT, no GPU, a file of the bundle is missing or not the one of the plan, or the disk does
            not take it. What is whole stays, and the same call goes on from there.
    """
    check_precisions(precisions)
    shop = Workshop() if workshop is None else workshop
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / RECORD).unlink(missing_ok=True)  # what follows makes it untrue
    except OSError as error:
        raise EngineError(f"{out}: cannot be written ({error}).") from None
    golden = _read_golden(plan, source)
    say("probe", "", f"{shop.device.gpu}, sm {shop.device.sm}, TensorRT {shop.device.tensorrt}, by {shop.route}")
    engines: dict[str, Any] = {}
    parity: dict[str, Any] = {name: _not_run("not asked for") for name in PRECISIONS}
    latency: dict[str, Any] = {}
    for precision in precisions:
        proof = None if golden is None else read_proof(golden, plan.golden, precision)
        try:
            choice = choose(plan, precision, version_of(shop.device))
        except EngineError as error:
            parity[precision] = _not_run(str(error))
            say("skip", precision, str(error))
            continue
        try:
            entry = _build_one(shop, plan, choice, source, out, say)
            say("prove", precision, "golden vectors")
            tried = shop.try_out(plan, out / entry["plan"]["file"], proof)
        except EngineError as error:
            parity[precision] = {"status": "fail", "reason": str(error)}
            say("fail", precision, str(error))
            continue
        information = tried.pop("layer_information", None)
        parity[precision], latency[precision] = tried.pop("parity"), tried.pop("latency")
        if parity[precision]["status"] == "fail":
            say("fail", precision, describe(parity[precision]))
            _forget(out, precision)
            continue
        if information is not None:
            replace_file(out / f"{precision}.layers.json", json.dumps(information, indent=1).encode())
        engines[precision] = dict(entry, **tried)
        say("done", precision, _summary(parity[precision], latency[precision]))
    passed = [name for name in engines if parity[name]["status"] == "pass"]
    record = seal(
        {
            "schema": RECORD_SCHEMA,
            "policy": plan.name,
            "contract_sha256": plan.contract_sha256,
            "device": device_dict(shop.device),
            "cuda": None if shop.cuda is None else shop.cuda.versions,
            "power_mode": power_mode(),
            "route": shop.route,
            "chosen": min(passed, key=lambda name: latency[name]["p99"]) if passed else None,
            "engines": engines,
            "parity": parity,
            "latency": {"unit": "ms", "batch": 1, **latency},
        }
    )
    replace_file(out / RECORD, (json.dumps(record, indent=2, sort_keys=True) + "\n").encode())
    return record


def _not_run(reason: str) -> dict[str, Any]:
    return {"status": "not_run", "reason": reason}


def _summary(parity: Mapping[str, Any], latency: Mapping[str, Any] | None) -> str:
    said = f"proof {parity['status']}"
    if parity["status"] == "pass":
        said += f": {describe(parity)}"
    return said if latency is None else f"{said}; p50 {latency['p50']:.3g} ms, p99 {latency['p99']:.3g} ms"


def _read_golden(plan: BuildPlan, source: Path) -> dict[str, np.ndarray] | None:
    """The golden vectors; None where the plan names none."""
    if not plan.golden:
        return None
    content = _read_checked(source / GOLDEN, plan.golden["sha256"])
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def _read_checked(path: Path, sha256: str) -> bytes:
    """A file of the bundle, proven to be the plan's. Raises: EngineError."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise EngineError(f"{path}: cannot be read ({error.strerror}). Copy the whole bundle again.") from None
    if hashlib.sha256(content).hexdigest() != sha256:
        raise EngineError(f"{path}: not the file that the plan was made of. Copy the whole bundle again.")
    return content


def _forget(out: Path, precision: str) -> None:
    """Remove an engine that must not be used."""
    for name in (f"{precision}.json", f"{precision}.plan", f"{precision}.layers.json"):
        try:
            (out / name).unlink()
        except FileNotFoundError:
            pass


def _build_one(shop: Workshop, plan: BuildPlan, choice: Choice, source: Path, out: Path, say: Say) -> dict[str, Any]:
    """One engine, built now or before; and its part of the record."""
    precision = choice.precision
    network = plan.networks[choice.network]
    onnx = source / network["file"]
    _read_checked(onnx, network["sha256"])
    key = cache_key(plan, choice, shop.device, shop.route)
    target, note = out / f"{precision}.plan", out / f"{precision}.json"
    known = _known(note, target, key)
    if known is not None:
        say("cached", precision, "built before of the same file with the same settings")
        return known
    _forget(out, precision)
    say("build", precision, f"{network['file']}; this can take minutes")
    began = time.monotonic()
    shop.build(plan, choice, onnx, target, out / TIMING_CACHE)
    content = target.read_bytes()
    entry = {
        "plan": {"file": target.name, "sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)},
        "onnx": dict(network),
        "key": key,
        "strongly_typed": choice.typed,
        "flags": list(choice.flags),
        "tf32": choice.tf32,
        "batch": list(plan.batch),
        "workspace_mib": plan.workspace_mib,
        "optimization_level": plan.optimization_level,
        "seconds": round(time.monotonic() - began, 3),
    }
    replace_file(note, json.dumps(entry, indent=2).encode())
    return entry


def _known(note: Path, target: Path, key: str) -> dict[str, Any] | None:
    """What was built before under this key, if it is whole."""
    try:
        entry = json.loads(note.read_text(encoding="utf-8"))
        content = target.read_bytes()
        whole = hashlib.sha256(content).hexdigest() == entry["plan"]["sha256"]
        return entry if whole and entry["key"] == key else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def engine_files(out: Path, record: Mapping[str, Any]) -> list[str]:
    """Names of the files that belong to the record's engines."""
    names = []
    for precision, entry in record["engines"].items():
        names.append(entry["plan"]["file"])
        if (out / f"{precision}.layers.json").is_file():
            names.append(f"{precision}.layers.json")
    return names


def list_in_bundle(bundle: Path, device: str, record: Mapping[str, Any]) -> None:
    """Name the engines in the bundle's ``contract.json``, as ``sim2real.contract.add_engine`` does."""
    manifest = json.loads((bundle / "contract.json").read_text(encoding="utf-8"))
    prefix = f"engines/{device}/"
    files = {name: entry for name, entry in manifest["files"].items() if not name.startswith(prefix)}
    folder = bundle / "engines" / device
    for name in [*engine_files(folder, record), RECORD]:
        content = (folder / name).read_bytes()
        files[prefix + name] = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    manifest["files"] = {name: files[name] for name in sorted(files)}
    text = json.dumps(manifest, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    replace_file(bundle / "contract.json", text.encode())


def device_main(plan: BuildPlan, bundle: Path, argv: list[str] | None = None) -> int:
    """The command line of ``build_on_device.py``.

    Args:
        plan: what to build.
        bundle: the folder that the script lies in.
        argv: arguments; None: the program's.

    Returns:
        0: an engine passed its proof; 1: none did; 2: nothing could be built.
    """
    parser = argparse.ArgumentParser(description="Build and prove the TensorRT engines of this bundle on this machine.")
    parser.add_argument("--bundle", type=Path, default=bundle, help="the bundle (default: where this script lies)")
    parser.add_argument("--out", type=Path, help="folder of the engines (default: engines/<device>/ of the bundle)")
    parser.add_argument("--precisions", default=",".join(PRECISIONS), help="which to build (default: %(default)s)")
    parser.add_argument("--route", choices=ROUTES, default="auto", help="TensorRT's Python package, or trtexec")
    parser.add_argument("--json", action="store_true", help="print one JSON object per line")
    args = parser.parse_args(argv)

    def say(stage: str, precision: str, message: str) -> None:
        line = {"stage": stage, "precision": precision, "message": message}
        text = json.dumps(line) if args.json else f"{stage:<7}{precision:<6}{message}"
        print(text, flush=True)

    try:
        shop = Workshop(args.route)
        device = shop.device.folder
        out = args.bundle / "engines" / device if args.out is None else args.out
        record = build_all(plan, args.bundle, out, tuple(args.precisions.split(",")), shop, say)
        if args.out is None:
            list_in_bundle(args.bundle, device, record)
    except EngineError as error:
        say("error", "", str(error))
        return 2
    if args.json:
        print(json.dumps({"stage": "record", "device": device, "folder": str(out), "record": record}), flush=True)
    else:
        print(f"engines: {out}; chosen: {record['chosen'] or 'none'}")
    return 0 if record["chosen"] else 1


def script_main(plan: str, script: str) -> int:
    """What ``build_on_device.py`` calls: its plan as text, and its own path."""
    return device_main(BuildPlan.from_json(plan), Path(script).resolve().parent)
