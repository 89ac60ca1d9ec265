"""The contract inside the ONNX file, so that a network that got separated from its folder still says what it is.

ONNX has string properties on the model. Writing them needs a loaded ``onnx.ModelProto``; reading them needs only the
mapping that ONNX Runtime hands out (``session.get_modelmeta().custom_metadata_map``), so a robot needs no ``onnx``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from sim2real.contract.errors import ContractError
from sim2real.contract.schema import Contract

KEY = "sim2real.contract"
KEY_HASH = "sim2real.contract_sha256"
KEY_PRECISION = "sim2real.precision"


def embed(model: Any, contract: Contract, precision: str) -> None:
    """Write the contract into a loaded ONNX model, in place of whatever properties it had.

    Args:
        model: an ``onnx.ModelProto``.
        contract: what to write.
        precision: ``float``, ``fp16`` or ``int8``.
    """
    contract.model_file(precision)
    del model.metadata_props[:]
    text = contract.canonical()
    for key, value in ((KEY, text), (KEY_HASH, contract.sha256), (KEY_PRECISION, precision)):
        model.metadata_props.add(key=key, value=value)


def extract(properties: Mapping[str, str], source: str) -> tuple[Contract, str]:
    """Read the contract out of an ONNX file's properties.

    Args:
        properties: ``session.get_modelmeta().custom_metadata_map``.
        source: the file's name, for the error.

    Returns:
        The contract and the precision (``float``, ``fp16`` or ``int8``).

    Raises:
        ContractError: there is none, or it is damaged.
    """
    missing = [key for key in (KEY, KEY_HASH, KEY_PRECISION) if key not in properties]
    if missing:
        raise ContractError(
            f"{source}: no contract inside (missing: {', '.join(missing)}). It was not written by "
            "'sim2real export', or a tool dropped its properties; export the policy again."
        )
    text = properties[KEY]
    if hashlib.sha256(text.encode()).hexdigest() != properties[KEY_HASH]:
        raise ContractError(f"{source}: the contract inside was changed after the export; export the policy again.")
    return Contract.from_json(text, f"{source} (contract inside)"), properties[KEY_PRECISION]
