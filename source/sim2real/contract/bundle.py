"""``contract.json``: the contract beside the network, and the size and hash of every file of the bundle.

The contract names itself by its hash and is embedded in the ONNX files, whose own hashes therefore cannot be part of
it: they stand beside it, in ``files``.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sim2real.contract.errors import ContractError
from sim2real.contract.reading import parse_json
from sim2real.contract.schema import Contract

CONTRACT_FILE = "contract.json"


@dataclass(frozen=True, kw_only=True)
class FileRecord:
    """What a file of the bundle was when it was written."""

    bytes: int
    """Size [bytes]."""
    sha256: str
    """SHA-256 of its content."""


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """The content of ``contract.json``."""

    contract: Contract
    """What the policy needs to run."""
    files: Mapping[str, FileRecord]
    """Every other file of the bundle, by name."""


def file_record(content: bytes) -> FileRecord:
    """Size and hash of a file's content."""
    return FileRecord(bytes=len(content), sha256=hashlib.sha256(content).hexdigest())


def write_manifest(folder: Path, contract: Contract, files: Mapping[str, FileRecord]) -> None:
    """Write ``contract.json`` into a folder; it takes the place of an older one in a single step."""
    data = {
        "contract": contract.to_dict(),
        "contract_sha256": contract.sha256,
        "files": {name: asdict(record) for name, record in sorted(files.items())},
    }
    text = json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    handle, temporary = tempfile.mkstemp(prefix=f".{CONTRACT_FILE}.", dir=folder)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, folder / CONTRACT_FILE)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise


def read_manifest(folder: Path) -> Manifest:
    """Read ``contract.json`` of a bundle and check its own hash.

    Raises:
        ContractError: there is none, it is damaged, or it was changed after the export.
    """
    path = folder / CONTRACT_FILE
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ContractError(
            f"{folder}: not a bundle: {CONTRACT_FILE} cannot be read ({error.strerror}). "
            "Give the folder that 'sim2real export' wrote."
        ) from None
    except UnicodeDecodeError:
        raise ContractError(f"{path}: not text. The file is damaged; export the policy again.") from None
    data = parse_json(text, str(path))
    keys = ["contract", "contract_sha256", "files"]
    if not isinstance(data, dict) or sorted(data) != keys:
        raise ContractError(f"{path}: it must hold exactly the keys {', '.join(keys)}; export the policy again.")
    contract = Contract.from_dict(data["contract"], str(path))
    if contract.sha256 != data["contract_sha256"]:
        raise ContractError(
            f"{path}: the contract was changed after the export (its hash is {contract.sha256[:12]}, "
            f"written is {str(data['contract_sha256'])[:12]}). Export the policy again instead of editing it."
        )
    return Manifest(contract=contract, files=_files(data["files"], path))


def _files(data: Any, path: Path) -> dict[str, FileRecord]:
    """The ``files`` section."""
    try:
        return {
            str(name): FileRecord(bytes=int(record["bytes"]), sha256=str(record["sha256"]))
            for name, record in data.items()
        }
    except (AttributeError, KeyError, TypeError, ValueError):
        raise ContractError(f"{path}: 'files' must map each file name to its bytes and sha256.") from None


def check_file(manifest: Manifest, folder: Path, name: str) -> bytes:
    """The content of a file of the bundle, proven to be what was exported.

    Raises:
        ContractError: not part of the bundle, missing, truncated, or another content.
    """
    record = manifest.files.get(name)
    if record is None:
        raise ContractError(
            f"{folder}: {name} is not part of this bundle; it has: {', '.join(sorted(manifest.files))}."
        )
    try:
        content = (folder / name).read_bytes()
    except OSError as error:
        raise ContractError(
            f"{folder / name}: cannot be read ({error.strerror}). Copy the whole bundle again."
        ) from None
    if len(content) < record.bytes:
        raise ContractError(
            f"{folder / name}: truncated: {len(content)} of {record.bytes} bytes. Copy the bundle again."
        )
    if file_record(content) != record:
        raise ContractError(
            f"{folder / name}: not the file that was exported with this contract (SHA-256 differs). "
            "Copy the bundle again, or export again."
        )
    return content
