"""The memory of a recurrent network: what comes out of one decision and goes into the next.

ONNX networks remember nothing by themselves. A recurrent policy therefore takes its state as inputs and gives the next
one as outputs, and whoever runs it hands it back, a column for each robot, and sets it to 0 where an episode begins.
"""

from __future__ import annotations

from dataclasses import dataclass

from sim2real.contract.reading import need, need_name, need_whole


@dataclass(frozen=True, kw_only=True)
class RecurrentState:
    """One state tensor, float32 (layers, batch, size)."""

    input: str = "h_in"
    """Name of the network's input."""
    output: str = "h_out"
    """Name of the network's output, which goes into ``input`` at the next decision."""
    layers: int = 1
    """First length of the tensor."""
    size: int
    """Last length of the tensor; the robots are in between."""
    initial: str = "zero"
    """``zero``: what an episode begins with."""

    def __post_init__(self) -> None:
        """Check names and sizes. Raises: ContractError."""
        for name in ("input", "output"):
            need_name(getattr(self, name), f"memory: {name}")
        for name in ("layers", "size"):
            need_whole(self, name, f"memory: {self.input}.", 1)
        need(self.initial == "zero", f"memory: {self.input}.initial", self.initial, "'zero'")

    def shape(self, batch: int) -> tuple[int, int, int]:
        """Shape of the tensor for so many robots."""
        return (self.layers, batch, self.size)
