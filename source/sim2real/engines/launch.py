"""A kernel with its arguments bound once, launched over rows: packing them anew costs more than 64 rows of work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import warp as wp

    from sim2real.engines.engine import Rows


class RowsKernel:
    """A kernel whose first argument is the index of rows and whose first dimension are its entries."""

    def __init__(self, kernel: Any, inputs: list[Any], device: str, width: int | None = None) -> None:
        """Bind everything but the rows.

        Args:
            kernel: the Warp kernel.
            inputs: its arguments after the index.
            device: where it runs.
            width: threads of a second dimension; None for a kernel with one.
        """
        self._kernel, self._inputs, self._device, self._width = kernel, inputs, device, width
        self._command: Any = None
        self._index: wp.array | None = None
        self._n = -1

    def __call__(self, rows: Rows) -> None:
        """Launch over the rows."""
        if rows.n == 0 or self._width == 0:
            return
        import warp as wp

        if self._command is None or self._index is not rows.index or self._n != rows.n:
            dim = rows.n if self._width is None else (rows.n, self._width)
            if self._command is None:
                self._command = wp.launch(
                    self._kernel, dim=dim, inputs=[rows.index, *self._inputs], device=self._device, record_cmd=True
                )
            else:
                self._command.set_param_at_index(0, rows.index)
                self._command.set_dim(dim)
            self._index, self._n = rows.index, rows.n
        self._command.launch()


def int_array(values: Any, device: str) -> wp.array:
    """Return whole numbers as an int32 Warp array; an empty one where there are none."""
    import warp as wp

    return wp.array(np.asarray(values, np.int32).reshape(-1), dtype=wp.int32, device=device)


def float_array(values: Any, device: str) -> wp.array:
    """Return numbers as a float32 Warp array of one dimension."""
    import warp as wp

    return wp.array(np.asarray(values, np.float32).reshape(-1), dtype=wp.float32, device=device)


def starts_of(lists: Any) -> list[int]:
    """Return where each of several lists begins once they stand in a row, and where the last ends."""
    return [0, *np.cumsum([len(entries) for entries in lists]).tolist()]
