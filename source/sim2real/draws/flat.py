"""Tables of many distributions laid end to end, for kernels that read them from five arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim2real.draws.tables import COLUMNS, Table

NODE_FIELDS = ("kind", "dim", "count", "row", "threshold", "value", "number", "part")
"""Whole numbers that describe a node, in the order of the kernels' struct."""


class FlatTables:
    """Collects tables, then puts them on a device."""

    def __init__(self) -> None:
        """Start with nothing."""
        self.nodes: list[tuple[int, ...]] = []
        self._rows: list[np.ndarray] = []
        self._thresholds: list[np.ndarray] = []
        self._values: list[np.ndarray] = []
        self._numbers: list[np.ndarray] = []
        self._sizes = [0, 0, 0, 0]

    def add(self, table: Table) -> int:
        """Append a table with its parts and return its node's number; parts follow each other."""
        (number,) = self._add_all((table,))
        return number

    def _add_all(self, given: tuple[Table, ...]) -> list[int]:
        numbers = list(range(len(self.nodes), len(self.nodes) + len(given)))
        self.nodes += [()] * len(given)  # neighbours first, then their parts
        for number, table in zip(numbers, given, strict=True):
            start = tuple(self._sizes)
            arrays = (table.rows, table.thresholds, table.values.ravel(), table.numbers)
            stores = (self._rows, self._thresholds, self._values, self._numbers)
            for i, (store, array) in enumerate(zip(stores, arrays, strict=True)):
                store.append(array)
                self._sizes[i] += len(array)
            count = len(table.parts) or len(table.values)
            first = self._add_all(table.parts)[0] if table.parts else -1
            self.nodes[number] = (table.kind, table.dim, count, *start, first)
        return numbers

    def on(self, device: Any) -> Any:
        """Return the kernels' ``Tables`` on a device."""
        import warp as wp

        from sim2real.draws.kernels import Node, Tables

        def joined(arrays: list[np.ndarray], dtype: Any, shape: tuple[int, ...]) -> Any:
            return wp.array(np.concatenate([np.zeros(shape), *arrays]), dtype=dtype, device=device)

        tables = Tables()
        tables.rows = joined(self._rows, wp.float64, (0, COLUMNS))
        tables.thresholds = joined(self._thresholds, wp.uint32, (0,))
        tables.values = joined(self._values, wp.float32, (0,))
        tables.numbers = joined(self._numbers, wp.float64, (0,))
        node_type: Any = Node  # a struct to Warp, a plain class to the type checker
        nodes: Any = np.array(self.nodes, dtype=node_type.numpy_dtype())
        tables.nodes = wp.array(nodes, dtype=Node, device=device)
        return tables
