"""Runs a TensorRT engine: one code path for TensorRT 8.5 up to 11.

Where CPU and GPU share their memory (a Jetson), inputs and outputs lie in one piece of memory that both reach, and
nothing is copied. Elsewhere they are pinned and copied. Work goes to a stream of its own. When a batch comes a second
time, the work is recorded as a CUDA graph where TensorRT allows it, since launching the kernels of a small policy one
by one takes longer than running them. Every return value is looked at: TensorRT says False or None where Python would
raise.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import numpy as np

from sim2real.deploy.tensorrt_cuda import CAPTURE_THREAD_LOCAL, DEVICE_TO_HOST, HOST_TO_DEVICE, Buffer, Cuda
from sim2real.deploy.tensorrt_device import EngineError, import_tensorrt

_LOG = logging.getLogger("sim2real.tensorrt")


def make_logger(trt: Any) -> Any:
    """A logger for TensorRT that keeps its errors, so that an exception can say them.

    Returns:
        An ``ILogger`` with ``errors()``, which returns what was kept and forgets it.
    """

    class Logger(trt.ILogger):  # type: ignore[misc]
        def __init__(self) -> None:
            trt.ILogger.__init__(self)
            self._errors: list[str] = []

        def log(self, severity: Any, msg: str) -> None:
            if severity in (trt.ILogger.Severity.INTERNAL_ERROR, trt.ILogger.Severity.ERROR):
                self._errors.append(str(msg).strip())
                _LOG.error(msg)
            elif severity == trt.ILogger.Severity.WARNING:
                _LOG.warning(msg)
            else:
                _LOG.debug(msg)

        def errors(self) -> str:
            said = "; ".join(dict.fromkeys(self._errors[-5:])) or "it gave no reason"
            self._errors.clear()
            return said

    return Logger()


def start(kind: Any, logger: Any) -> Any:
    """TensorRT's runtime or builder. Raises: EngineError where CUDA does not let it start."""
    try:
        return kind(logger)
    except TypeError:  # what its bindings say of a null pointer
        raise EngineError(
            f"TensorRT's {kind.__name__.lower()} does not start: {logger.errors()}. Do its version, CUDA's and the "
            "driver's belong together, and does this user see the GPU?"
        ) from None


class Engine:
    """A plan, loaded and ready to answer.

    Example:
        >>> engine = Engine(Path("policy.fp16.plan").read_bytes())
        >>> engine.infer({"observation": observation})["actions"]

    Args:
        plan: content of the plan.
        source: the plan's name, for errors.
        cuda: the CUDA runtime; None: of GPU 0.
        trt: TensorRT's package; None: import it.
        graph: record the work as a CUDA graph where that is allowed.
        mapped: one piece of memory for both sides; None: where the GPU shares the CPU's.

    Raises:
        EngineError: TensorRT does not take the plan, or a tensor is of a type that NumPy has not.
    """

    def __init__(
        self,
        plan: bytes,
        source: str = "the plan",
        *,
        cuda: Cuda | None = None,
        trt: Any = None,
        graph: bool = True,
        mapped: bool | None = None,
    ) -> None:
        self.source = source
        self._trt = import_tensorrt() if trt is None else trt
        self._cuda = Cuda() if cuda is None else cuda
        self._mapped = self._cuda.shares_memory if mapped is None else mapped
        self._buffers: dict[str, Buffer] = {}
        self._graph: tuple[int, int] | None = None
        self._wants_graph = graph
        self.graph_refused: str | None = None
        """Why there is no CUDA graph; None: there is one, or none was tried yet."""
        self._batch: int | None = None
        self._stream: int | None = None
        self._logger = make_logger(self._trt)
        # Both are kept: a runtime must outlive its engine, an engine its context.
        self._runtime = start(self._trt.Runtime, self._logger)
        self._engine = self._need(
            self._runtime.deserialize_cuda_engine(plan),
            "TensorRT does not take this plan: it is damaged, or was built for another TensorRT or another GPU",
        )
        self._context = self._need(
            self._engine.create_execution_context(), "no execution context: the GPU's memory may be full"
        )
        try:
            self._stream = self._cuda.create_stream()
            self._allocate()
        except BaseException:
            self.close()
            raise

    def _need(self, value: Any, what: str) -> Any:
        """A value that TensorRT must not refuse. Raises: EngineError with what its logger said."""
        if value is None or value is False:
            raise EngineError(f"{self.source}: {what}. TensorRT says: {self._logger.errors()}.")
        return value

    def _allocate(self) -> None:
        """Read the tensors and give each memory for the largest batch."""
        trt, engine = self._trt, self._engine
        names = [engine.get_tensor_name(i) for i in range(engine.num_io_tensors)]
        self.inputs = tuple(n for n in names if engine.get_tensor_mode(n) == trt.TensorIOMode.INPUT)
        """Names of the inputs."""
        self.outputs = tuple(n for n in names if n not in self.inputs)
        """Names of the outputs."""
        self.shapes: dict[str, tuple[int, ...]] = {n: tuple(engine.get_tensor_shape(n)) for n in names}
        """Shape of each tensor; -1 is the batch."""
        self.dtypes: dict[str, Any] = {}
        """NumPy type of each tensor."""
        for name in names:
            kind = engine.get_tensor_dtype(name)
            try:
                self.dtypes[name] = np.dtype(trt.nptype(kind))
            except TypeError:
                raise EngineError(f"{self.source}: '{name}' is of type {kind}, which NumPy has not.") from None
        self.batches = self._batch_range()
        """Smallest and largest batch."""
        for name in names:
            shape = with_batch(self.shapes[name], self.batches[1])
            self._buffers[name] = Buffer(self._cuda, shape, self.dtypes[name], self._mapped)
            address = self._buffers[name].device
            self._need(self._context.set_tensor_address(name, address), f"the address of '{name}' was refused")

    def _batch_range(self) -> tuple[int, int]:
        """Smallest and largest batch that the profile allows."""
        low, high = 1, None
        for name in self.inputs:
            shape = self.shapes[name]
            if shape.count(-1) > 1:
                raise EngineError(f"{self.source}: '{name}' has the shape {shape}; only the batch may be free.")
            if -1 not in shape:
                continue
            axis = shape.index(-1)
            least, _, most = self._engine.get_tensor_profile_shape(name, 0)
            low = max(low, least[axis])
            high = most[axis] if high is None else min(high, most[axis])
        return low, 1 if high is None else high

    def infer(self, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Answer once.

        Args:
            feeds: every input by name; all with the same batch.

        Returns:
            Every output by name.

        Raises:
            EngineError: an input is missing, unknown, of another shape or type; or the GPU failed.
        """
        batch = self._check(feeds)
        again = batch == self._batch
        self._set_batch(batch)
        for name in self.inputs:
            self._view(name, batch)[...] = feeds[name]
        if self._graph is not None:
            self._cuda.call("cudaGraphLaunch", self._graph[1], self._stream)
        else:
            self._enqueue(batch)
        self._cuda.call("cudaStreamSynchronize", self._stream)
        outputs = {name: self._view(name, batch).copy() for name in self.outputs}
        if again and self._wants_graph and self._graph is None and self.graph_refused is None:
            self._record_graph(batch, outputs)
        return outputs

    def _check(self, feeds: Mapping[str, np.ndarray]) -> int:
        """The batch of the inputs, which fit."""
        if self._stream is None:
            raise EngineError(f"{self.source}: the engine was closed.")
        if set(feeds) != set(self.inputs):
            raise EngineError(f"{self.source}: given are {sorted(feeds)}; the inputs are {sorted(self.inputs)}.")
        batch = self.batches[0]
        for name in self.inputs:
            if -1 in self.shapes[name]:
                axis = self.shapes[name].index(-1)
                batch = feeds[name].shape[axis] if feeds[name].ndim > axis else -1
                break
        if not self.batches[0] <= batch <= self.batches[1]:
            raise EngineError(
                f"{self.source}: a batch of {batch}; built for {self.batches[0]} to {self.batches[1]}. Build the "
                "engine with another range."
            )
        for name in self.inputs:
            wanted = with_batch(self.shapes[name], batch)
            if feeds[name].shape != wanted or feeds[name].dtype != self.dtypes[name]:
                raise EngineError(
                    f"{self.source}: '{name}' is {feeds[name].dtype} {feeds[name].shape}; it takes "
                    f"{self.dtypes[name]} {wanted}."
                )
        return batch

    def _set_batch(self, batch: int) -> None:
        """Tell the context the shapes of this batch."""
        if batch == self._batch:
            return
        self._batch = None
        self._drop_graph()  # it was recorded for the shapes before
        for name in self.inputs:
            shape = with_batch(self.shapes[name], batch)
            self._need(self._context.set_input_shape(name, shape), f"'{name}' must not have the shape {shape}")
        missing = self._context.infer_shapes()
        if missing:
            raise EngineError(f"{self.source}: TensorRT wants more to be said of {', '.join(missing)}.")
        for name in self.outputs:
            found = tuple(self._context.get_tensor_shape(name))
            if found != with_batch(self.shapes[name], batch):
                raise EngineError(
                    f"{self.source}: '{name}' would be {found}; its batch axis must follow the inputs' batch {batch}."
                )
        self._batch = batch

    def _view(self, name: str, batch: int) -> np.ndarray:
        """The host's view of a tensor at a batch: dense at the start of its memory."""
        shape = with_batch(self.shapes[name], batch)
        return self._buffers[name].array.reshape(-1)[: int(np.prod(shape))].reshape(shape)

    def _enqueue(self, batch: int) -> None:
        """Put copies and inference on the stream."""
        stream = self._stream
        assert stream is not None
        for name in self.inputs:
            self._buffers[name].copy(HOST_TO_DEVICE, self._view(name, batch).nbytes, stream)
        self._need(self._context.execute_async_v3(stream), "the inference could not be started")
        for name in self.outputs:
            self._buffers[name].copy(DEVICE_TO_HOST, self._view(name, batch).nbytes, stream)

    def _record_graph(self, batch: int, wanted: Mapping[str, np.ndarray]) -> None:
        """Record what was just run as a graph, and keep it if it gives the same."""
        stream = self._stream
        assert stream is not None
        try:
            self._graph = self._capture(batch, stream)
            for name in self.outputs:
                self._view(name, batch)[...] = 0
            self._cuda.call("cudaGraphLaunch", self._graph[1], stream)
            self._cuda.call("cudaStreamSynchronize", stream)
            same = all(
                np.allclose(self._view(name, batch), wanted[name], rtol=1e-3, atol=1e-5, equal_nan=True)
                for name in self.outputs
            )
            if not same:
                raise EngineError("the graph gives other outputs than the same work without it")
        except EngineError as error:
            self._cuda.clear_error()
            self._drop_graph()
            self.graph_refused = str(error)
            _LOG.warning("%s: runs without a CUDA graph: %s", self.source, error)

    def _capture(self, batch: int, stream: int) -> tuple[int, int]:
        """The graph of one inference, and what can be launched of it."""
        self._cuda.call("cudaStreamBeginCapture", stream, CAPTURE_THREAD_LOCAL)
        try:
            self._enqueue(batch)
        except EngineError:
            try:
                self._cuda.call("cudaGraphDestroy", self._cuda.end_capture(stream))
            except EngineError:  # a capture that failed has no graph; the stream left it all the same
                self._cuda.clear_error()
            raise
        graph = self._cuda.end_capture(stream)
        try:
            return graph, self._cuda.instantiate(graph)
        except EngineError:
            self._cuda.call("cudaGraphDestroy", graph)
            raise

    def _drop_graph(self) -> None:
        recorded, self._graph = self._graph, None
        if recorded is not None:
            self._cuda.call("cudaGraphExecDestroy", recorded[1])
            self._cuda.call("cudaGraphDestroy", recorded[0])

    @property
    def uses_graph(self) -> bool:
        """Whether a CUDA graph is in use."""
        return self._graph is not None

    @property
    def uses_mapped_memory(self) -> bool:
        """Whether inputs and outputs lie in memory that both sides reach."""
        return self._mapped

    def layers(self) -> dict[str, Any]:
        """What TensorRT's inspector says of the engine: ``Layers``, and its tensors under ``Tensors``."""
        import json

        inspector = self._engine.create_engine_inspector()
        inspector.execution_context = self._context
        said = json.loads(inspector.get_engine_information(self._trt.LayerInformationFormat.JSON))
        # TensorRT 11 renamed the key.
        return {"Layers": said.get("Layers", []), "Tensors": said.get("I/O Tensors", said.get("Bindings", []))}

    def close(self) -> None:
        """Give everything back; a second call does nothing."""
        stream, self._stream = self._stream, None
        if stream is not None:
            self._cuda.call("cudaStreamSynchronize", stream)
            self._drop_graph()
        for buffer in self._buffers.values():
            buffer.free()
        self._buffers = {}
        self._context = self._engine = self._runtime = None
        if stream is not None:
            self._cuda.call("cudaStreamDestroy", stream)

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def with_batch(shape: tuple[int, ...], batch: int) -> tuple[int, ...]:
    """A shape with its free axis, -1, filled in."""
    return tuple(batch if size == -1 else size for size in shape)
