"""Whether an artefact and a contract that came from elsewhere speak of the same policy.

Formats round, so numbers have to agree within what the coarsest of them keeps: three significant digits.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim2real.contract import Contract
from sim2real.export.importers.found import Found
from sim2real.export.importers.reading import ArtefactError

CLOSE = 6e-3
"""Largest difference of a number, relative and absolute."""


def check_agreement(found: Found, contract: Contract, source: str) -> None:
    """What an artefact says agrees with a contract that came from elsewhere. Raises: ArtefactError."""
    faults = []
    if found.action is not None:
        action = contract.joint_action
        if found.action.joints != action.joints:
            faults.append(f"joints of the action: {', '.join(found.action.joints)} / {', '.join(action.joints)}")
        count = len(found.action.joints)
        scale = np.broadcast_to(np.asarray(action.scale), (len(action.joints),))
        for word, theirs, ours in (
            ("scale", found.action.scale, scale),
            ("offset", found.action.offset, action.offset),
        ):
            if len(action.joints) != count or not np.allclose(theirs, ours, atol=CLOSE, rtol=CLOSE):
                faults.append(f"{word} of the action: {_brief(theirs)} / {_brief(ours)}")
    if found.terms:
        theirs_size = [term.size for term in found.terms if term.size is not None]
        if len(found.terms) != len(contract.state.terms):
            faults.append(
                f"terms: {', '.join(t.name for t in found.terms)} / {', '.join(t.name for t in contract.state.terms)}"
            )
        elif len(theirs_size) == len(found.terms) and theirs_size != [term.size for term in contract.state.terms]:
            faults.append(f"sizes of terms: {theirs_size} / {[term.size for term in contract.state.terms]}")
    if found.step_s is not None and abs(found.step_s * contract.rate_hz - 1.0) > 1e-3:
        faults.append(f"decisions per second: {1.0 / found.step_s:g} / {contract.rate_hz:g}")
    if faults:
        raise ArtefactError(f"{source}: is not of this contract (artefact / contract):\n  " + "\n  ".join(faults))


def _brief(values: Any) -> str:
    return ", ".join(f"{value:g}" for value in values)
