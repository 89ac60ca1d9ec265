"""All draws of a spec by one kernel: a bank of streams, a column for each number, a row for each world.

A stream is a name, a distribution and how many draws a world takes of it. Drawing fills the rows of the given worlds
with the numbers of :meth:`sim2real.draws.sampler.Draws.sample`; other rows stay as they are. A thread draws a block of
four neighbouring numbers, which is what one call of Philox yields. Nothing waits for the device, so that a draw can be
captured in a CUDA graph.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from sim2real.draws.flat import NODE_FIELDS, FlatTables
from sim2real.draws.keys import check_seed, hash64, key_words
from sim2real.draws.tables import LOG_UNIFORM, UNIFORM, Table, compile_table, range_row
from sim2real.spec.distributions import Distribution, LogUniform, Numbers, Uniform, Vector, as_vector

if TYPE_CHECKING:
    import warp as wp


@dataclass(frozen=True)
class Stream:
    """Numbers that a world draws under one name."""

    name: str
    """Name of the stream, part of the random key."""
    dist: Distribution
    """What is drawn."""
    count: int = 1
    """Draws for each world."""

    @property
    def width(self) -> int:
        """Numbers for each world: draws times components."""
        return self.count * self.dist.dim


class WorldRows(Protocol):
    """The worlds that a call is about, as :class:`sim2real.engines.engine.Rows` says them."""

    @property
    def index(self) -> wp.array:
        """World of each entry, int32 (n,); -1 for none."""

    @property
    def n(self) -> int:
        """How many entries."""


class DrawBank:
    """The current draws of every stream in every world of this process."""

    def __init__(
        self,
        seed: int,
        streams: Sequence[Stream],
        num_worlds: int,
        device: Any = None,
        first_world: int = 0,
        pinned: Sequence[str] = (),
    ) -> None:
        """Lay the streams side by side.

        Args:
            seed: the spec's seed.
            streams: their order gives the order of columns, and changes no number.
            num_worlds: worlds of this process.
            device: Warp device of all arrays.
            first_world: global id of world 0; see :attr:`worlds`.
            pinned: uniform and log_uniform streams that :attr:`boundary` may pin to a bound, in the order of its codes.

        Raises:
            ValueError: a name given twice, an empty count, an unknown name in ``pinned``, or one without bounds to pin.
        """
        import warp as wp

        self.seed, self.first_world, self.num_worlds = check_seed(seed), int(first_world), int(num_worlds)
        self.streams = tuple(streams)
        self.numbers: dict[str, int] = {stream.name: i for i, stream in enumerate(self.streams)}
        """Number of each stream, which is its column in ``occurrence`` and ``fire``."""
        self.pinned = tuple(pinned)
        """Names of the streams that can be pinned to a bound."""
        self._check()
        ends = np.cumsum([0, *(stream.width for stream in self.streams)]).tolist()
        self.columns: dict[str, slice] = {s.name: slice(ends[i], ends[i + 1]) for i, s in enumerate(self.streams)}
        """Columns of each stream in ``values``."""
        self.device = wp.get_device(device)
        compiled = [compile_table(stream.dist) for stream in self.streams]
        flat = FlatTables()
        self._nodes = [flat.add(table) for table in compiled]
        self._tables = flat.on(self.device)
        self._row_of = [flat.nodes[node][NODE_FIELDS.index("row")] for node in self._nodes]
        self._blocks = self._make_blocks(flat, compiled, ends)
        self._chosen: dict[tuple[str, ...], wp.array] = {}
        self._bounds = {s.name: s.dist.bounds() for s in self.streams}
        self.values = wp.zeros((self.num_worlds, ends[-1]), dtype=wp.float32, device=self.device)
        """The draws, float32 (num_worlds, columns), SI; zero before the first draw."""
        ids = (np.arange(self.num_worlds) + self.first_world).astype(np.uint32).view(np.int32)
        self.worlds = wp.array(ids, dtype=wp.int32, device=self.device)
        """Global id of each row's world, int32 (num_worlds,); who plays other worlds in a row (numbered scenes, say)
        writes their ids here before a draw."""
        self.boundary = wp.full(self.num_worlds, -1, dtype=wp.int32, device=self.device)
        """int32 (num_worlds,): -1, or 2 k for a world whose stream ``pinned[k]`` is held at its low bound, 2 k + 1 at
        its high one. Read when a draw is made."""
        self._no_fire = wp.zeros((0, 0), dtype=wp.int32, device=self.device)
        self._all = self.choose([stream.name for stream in self.streams])

    def _check(self) -> None:
        if len(self.numbers) != len(self.streams):
            names = [stream.name for stream in self.streams]
            twice = sorted({name for name in names if names.count(name) > 1})
            raise ValueError(f"streams: {', '.join(twice)} given twice; a name is part of the key, give each its own")
        for stream in self.streams:
            if stream.count < 1:
                raise ValueError(f"stream {stream.name}: count is {stream.count}; give at least 1")
        for name in self.pinned:
            if not isinstance(self._stream(name).dist, Uniform | LogUniform):
                kind = self._stream(name).dist.kind
                raise ValueError(f"stream {name}: {kind} has no bounds to move; give uniform or log_uniform")

    def _stream(self, name: str) -> Stream:
        if name not in self.numbers:
            raise ValueError(f"no stream '{name}'; there are {', '.join(self.numbers) or 'none'}")
        return self.streams[self.numbers[name]]

    def _make_blocks(self, flat: FlatTables, compiled: list[Table], ends: list[int]) -> np.ndarray:
        """Return one entry for each block of each stream, in the order of streams."""
        from sim2real.draws.kernels import Block

        struct: Any = Block  # to the type checker it is a plain class
        blocks = np.zeros(sum(-(-stream.width // 4) for stream in self.streams), dtype=struct.numpy_dtype())
        at = 0
        for i, (stream, table) in enumerate(zip(self.streams, compiled, strict=True)):
            k0, k1 = key_words(hash64(self.seed, stream.name))
            for number in range(-(-stream.width // 4)):
                block = blocks[at]
                block["k0"], block["k1"], block["number"] = k0, k1, number
                block["words"] = min(4, stream.width - 4 * number)
                block["column"] = ends[i] + 4 * number
                block["component"] = 4 * number % table.dim
                block["stream"] = i
                block["pin"] = self.pinned.index(stream.name) if stream.name in self.pinned else -1
                for field, value in zip(NODE_FIELDS, flat.nodes[self._nodes[i]], strict=True):
                    block["node"][field] = value
                at += 1
        return blocks

    def choose(self, names: Sequence[str]) -> wp.array:
        """Return what :meth:`draw` takes as ``streams`` to draw these alone; made once for each list of names."""
        import warp as wp

        from sim2real.draws.kernels import Block

        key = tuple(names)
        if key not in self._chosen:
            numbers = [self.numbers[self._stream(name).name] for name in key]
            found = self._blocks[np.isin(self._blocks["stream"], numbers)]
            self._chosen[key] = wp.array(found, dtype=Block, device=self.device)
        return self._chosen[key]

    def draw(
        self,
        rows: WorldRows,
        episode: wp.array,
        occurrence: wp.array,
        streams: wp.array | None = None,
        fire: wp.array | None = None,
    ) -> None:
        """Draw anew for the given worlds, into :attr:`values`.

        Args:
            rows: which worlds, by their number in this process.
            episode: episode of each world, int32 (num_worlds,).
            occurrence: occurrence of each stream in each world, int32 (num_worlds, streams).
            streams: from :meth:`choose`; None draws all.
            fire: int32 (num_worlds, streams); where it is 0 nothing is drawn. None draws everything.
        """
        import warp as wp

        from sim2real.draws.kernels import draw_blocks

        blocks = self._all if streams is None else streams
        inputs = [
            blocks,
            self._tables,
            rows.index,
            self.worlds,
            episode,
            occurrence,
            int(fire is not None),
            self._no_fire if fire is None else fire,
            self.boundary,
        ]
        dim = (rows.n, blocks.shape[0])
        wp.launch(draw_blocks, dim=dim, inputs=inputs, outputs=[self.values], device=self.device)

    def bounds(self, name: str) -> tuple[Vector, Vector]:
        """Return the present bounds of a stream, one number for each component."""
        return self._bounds[self._stream(name).name]

    def set_bounds(self, name: str, low: Numbers, high: Numbers) -> None:
        """Draw a uniform or log_uniform stream between other bounds from now on; u stays the same function.

        Args:
            name: the stream.
            low: one number for each component, SI.
            high: one number for each component, SI.

        Raises:
            ValueError: another distribution, another number of components, or low > high.
        """
        dist = self._stream(name).dist
        if not isinstance(dist, Uniform | LogUniform):
            raise ValueError(f"stream {name}: {dist.kind} has no bounds to move; give uniform or log_uniform")
        moved = type(dist)(as_vector(low), as_vector(high))
        if moved.dim != dist.dim:
            raise ValueError(f"stream {name}: got {moved.dim} components; give {dist.dim}")
        kind = LOG_UNIFORM if isinstance(dist, LogUniform) else UNIFORM
        table = np.array([range_row(kind, a, b) for a, b in zip(moved.low, moved.high, strict=True)])
        start = self._row_of[self.numbers[name]]
        self._tables.rows[start : start + dist.dim].assign(table)
        self._bounds[name] = moved.bounds()


def sample_on_device(
    key: int, table: Table, world: wp.array, episode: Any = 0, occurrence: Any = 0, count: int = 1
) -> wp.array:
    """Draw one stream on the device of ``world``; the numbers of :meth:`sim2real.draws.sampler.Draws.sample`.

    Args:
        key: 64-bit key from :func:`sim2real.draws.keys.hash64`.
        table: the compiled distribution.
        world: int32 or uint32 array (n,) of global world ids.
        episode: number, or int32 or uint32 array (n,) on the same device.
        occurrence: number, or int32 or uint32 array (n,) on the same device.
        count: draws for each world.

    Returns:
        float32 array of shape (n, count x dim).
    """
    import warp as wp

    from sim2real.draws.kernels import draw_sample

    device, n = world.device, world.shape[0]
    values = wp.empty((n, count * table.dim), dtype=wp.float32, device=device)
    if n and count:
        flat = FlatTables()
        flat.add(table)
        counters = [
            _as_words("world", world, n, device),
            _as_words("episode", episode, n, device),
            _as_words("occurrence", occurrence, n, device),
        ]
        inputs = [flat.on(device), *(wp.uint32(word) for word in key_words(key)), *counters]
        dim = (n, -(-values.shape[1] // 4))
        wp.launch(draw_sample, dim=dim, inputs=inputs, outputs=[values], device=device)
    return values


def _as_words(what: str, ids: Any, n: int, device: Any) -> wp.array:
    import warp as wp

    if isinstance(ids, wp.array):
        if ids.ndim != 1 or ids.dtype not in (wp.int32, wp.uint32) or ids.shape[0] not in (1, n):
            raise ValueError(f"{what}: got {ids.dtype.__name__} {ids.shape}; give int32 or uint32 of shape ({n},)")
        return ids if ids.dtype is wp.uint32 else ids.view(wp.uint32)
    return wp.array([int(ids)], dtype=wp.uint32, device=device)
