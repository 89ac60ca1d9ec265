"""Measured samples from a file: a CSV table with a header, or a NumPy array, beside the spec that names it.

The numbers become part of the spec and of its digest: the file may change or vanish afterwards.
"""

from __future__ import annotations

import csv
import math
from pathlib import Path

from sim2real.spec.distributions import MOST_SAMPLES, Vector
from sim2real.spec.errors import did_you_mean, listing
from sim2real.spec.nodes import Node

LARGEST_FILE = 4_000_000
"""Largest file of samples that is read, in bytes."""


def read_samples(node: Node, columns: Node | None) -> tuple[Vector, ...]:
    """Return the samples of the file that is named at ``node``, one tuple for each row.

    Args:
        node: the file's name; a relative one is looked for beside the spec.
        columns: for a CSV file, a list of the header's names; None takes all columns.

    Raises:
        SpecError: no such file, another format, an unknown column, or a cell that is no number.
    """
    name = node.text("the name of a .csv or .npy file")
    path = Path(name)
    if path.suffix not in (".csv", ".npy"):
        raise node.fault(f"got '{name}'; give a .csv file with a header, or a .npy file")
    if not path.is_absolute():
        if node.folder is None:
            raise node.fault(f"'{name}' is relative, but this spec is no file; give an absolute path")
        path = node.folder / path
    try:
        if not path.is_file():
            raise node.fault(f"there is no file {path}")
        if path.stat().st_size > LARGEST_FILE:
            raise node.fault(f"{path.name} has more than {LARGEST_FILE} bytes; give fewer samples")
        rows = _read_npy(node, path) if path.suffix == ".npy" else _read_csv(node, path, columns)
    except OSError as error:
        raise node.fault(f"{name} cannot be read: {error.strerror or error}") from None
    if path.suffix == ".npy" and columns is not None:
        raise columns.fault("a .npy file has no column names; remove 'columns'")
    if not rows:
        raise node.fault(f"{path.name} holds no samples; give at least one row")
    if len(rows) * len(rows[0]) > MOST_SAMPLES:
        raise node.fault(
            f"{path.name} holds {len(rows)} samples of {len(rows[0])} number(s); "
            f"give at most {MOST_SAMPLES} numbers in all"
        )
    return rows


def _read_csv(node: Node, path: Path, columns: Node | None) -> tuple[Vector, ...]:
    try:
        lines = list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines()))
    except (UnicodeDecodeError, csv.Error) as error:
        raise node.fault(f"{path.name} is no CSV file: {error}") from None
    lines = [line for line in lines if line]
    header = [cell.strip() for cell in lines[0]] if lines else []
    if len(set(header)) != len(header):
        raise node.fault(f"{path.name}: a name stands twice in the header: {listing(header)}")
    chosen = _columns(columns, header, path.name)
    rows = []
    for number, line in enumerate(lines[1:], 2):
        if len(line) != len(header):
            raise node.fault(f"{path.name}: row {number} has {len(line)} cells, the header has {len(header)}")
        rows.append(tuple(_cell(node, path.name, number, header[i], line[i]) for i in chosen))
    return tuple(rows)


def _columns(node: Node | None, header: list[str], name: str) -> list[int]:
    if node is None:
        return list(range(len(header)))
    entries = node.items(f"a list of columns of {name}")
    if not entries:
        raise node.fault(f"got an empty list; give columns of {name}: {listing(header)}")
    chosen = []
    for entry in entries:
        column = entry.text("the name of a column")
        if column not in header:
            hint = did_you_mean(column, header)
            raise entry.fault(f"{name} has no column '{column}'{hint}; its header has {listing(header)}")
        chosen.append(header.index(column))
    return chosen


def _cell(node: Node, name: str, row: int, column: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise node.fault(f"{name}: row {row}, column '{column}' holds {text[:40]!r}; give a finite number")
    return value


def _read_npy(node: Node, path: Path) -> tuple[Vector, ...]:
    import numpy as np  # a spec without such a file is read without NumPy

    try:
        array = np.load(path, allow_pickle=False)
    except (ValueError, EOFError, SyntaxError) as error:
        raise node.fault(f"{path.name} is no NumPy array: {error}") from None
    if array.ndim not in (1, 2) or array.dtype.kind not in "fiu":
        raise node.fault(
            f"{path.name} is {array.dtype} of shape {array.shape}; "
            "give numbers of shape (samples,) or (samples, numbers)"
        )
    if not np.isfinite(array).all():
        raise node.fault(f"{path.name} holds a number that is not finite; remove it")
    return tuple(tuple(float(v) for v in np.atleast_1d(row)) for row in array)
