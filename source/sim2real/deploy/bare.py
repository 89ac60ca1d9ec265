"""A bare ONNX file, opened to be looked at: what it takes, gives and says of itself, and its answers offline.

It has no golden vectors, so nothing is proven of it. It answers arrays, never a robot.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from sim2real.contract import Contract, ContractError, extract
from sim2real.contract.metadata import KEY
from sim2real.deploy.network import OnnxNetwork


class BareNetwork:
    """An ONNX file without proof.

    Example:
        >>> network = PolicyRuntime.from_onnx("policy.onnx")
        >>> network.inputs, network.outputs, network.properties

    Args:
        path: the file; weights beside it are not looked for.
        threads: CPU threads of one inference; 0: as many as there are cores.

    Raises:
        ContractError: it cannot be read, is damaged, or uses what ONNX Runtime here does not know.
    """

    proven = False
    """What ``require_proven`` asks before a robot moves."""

    def __init__(self, path: str | os.PathLike[str], *, threads: int = 0) -> None:
        self.source = str(path)
        """The file."""
        try:
            content = Path(path).read_bytes()
        except OSError as error:
            raise ContractError(f"{path}: cannot be read ({error.strerror}).") from None
        self._network = OnnxNetwork(content, self.source, threads=threads)
        self.inputs: Mapping[str, tuple[int | None, ...]] = self._network.inputs
        """Shape of each input by name; None where the length is open."""
        self.outputs: Mapping[str, tuple[int | None, ...]] = self._network.outputs
        """Shape of each output by name."""
        self.properties: dict[str, str] = self._network.properties
        """The texts that the file carries by name."""
        self.contract: Contract | None = None
        """The contract inside, where the file came out of a bundle; None: it says nothing that we can read."""
        if KEY in self.properties:
            self.contract, _ = extract(self.properties, self.source)

    def run(self, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """All outputs by name for all inputs by name, as the file says them.

        Raises:
            ContractError: other inputs than the file's, or of another shape or type.
        """
        if feeds.keys() != self.inputs.keys():
            raise ContractError(
                f"{self.source}: given {', '.join(feeds) or 'none'}; it takes {', '.join(self.inputs)}."
            )
        try:
            return self._network.run(feeds)
        except Exception as error:  # noqa: BLE001  ONNX Runtime raises a kind of its own per cause
            raise ContractError(f"{self.source}: {str(error).splitlines()[0]}") from None

    def _refuse(self, *args: object, **kwargs: object) -> np.ndarray:
        """A robot's question. Raises: ContractError, always."""
        from sim2real.deploy.loading import require_proven

        require_proven(self)
        raise AssertionError  # the line above raises

    act = _refuse
    """Refused: there is no proof."""
    step = _refuse
    """Refused: there is no proof."""
