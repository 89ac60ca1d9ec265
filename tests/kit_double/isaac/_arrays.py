"""Reading and writing rows and columns of the physics arrays, with NumPy's broadcasting and the types that come in."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._physics import Arrays


def plain(what: str, values: Any) -> np.ndarray:
    """Warp, torch, NumPy or a list as an array of finite numbers.

    Raises:
        TypeError: no numbers. ValueError: not a number among them.
    """
    if hasattr(values, "detach"):
        values = values.detach().cpu()
    found = np.asarray(values.numpy() if hasattr(values, "numpy") else values)
    if found.dtype.kind not in "fiub":
        raise TypeError(f"{what} takes numbers, got {type(values).__name__} of {found.dtype}")
    if np.isnan(found.astype(float)).any():
        raise ValueError(f"{what} got a value that is not a number")
    return found


def index(what: str, indices: Any, count: int) -> np.ndarray:
    """Indices as an array, all where None.

    Raises:
        IndexError: one is out of range.
    """
    if indices is None:
        return np.arange(count)
    found = np.atleast_1d(plain(what, indices)).astype(int)
    if found.size and (found.min() < 0 or found.max() >= count):
        raise IndexError(f"{what}: {found.tolist()} is not within 0 .. {count - 1}")
    return found


def read(states: list[Arrays], field: str, rows: np.ndarray, columns: np.ndarray | None = None) -> np.ndarray:
    """A field of several states, ``(rows, columns, ...)``."""
    found = np.stack([state[field] for state in states])[rows]
    return (found if columns is None else found[:, columns]).copy()


def write(
    what: str, states: list[Arrays], field: str, values: Any, rows: np.ndarray, columns: np.ndarray | None = None
) -> None:
    """Writes a field; smaller shapes are broadcast as NumPy does.

    Raises:
        ValueError: the shape does not fit.
    """
    sample = states[0][field]
    tail = sample.shape if columns is None else (len(columns), *sample.shape[1:])
    given = plain(what, values)
    try:
        wanted = np.broadcast_to(given, (len(rows), *tail))
    except ValueError:
        raise ValueError(f"{what} takes {(len(rows), *tail)} or what broadcasts to it, got {given.shape}") from None
    if field == "mass" and (wanted <= 0).any():
        raise ValueError(f"{what}: masses must be above 0, got {wanted.min()}")
    for row, value in zip(rows, wanted, strict=True):
        if columns is None:
            states[row][field][...] = value
        else:
            states[row][field][columns] = value
