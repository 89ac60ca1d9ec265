"""The calls of the CUDA runtime: the real library's symbols, and memory and errors on the stand-in."""

import ctypes

import numpy as np
import pytest

from sim2real.deploy.tensorrt_cuda import (
    DEVICE_TO_HOST,
    HOST_TO_DEVICE,
    SIGNATURES,
    Buffer,
    Cuda,
    library_candidates,
    load_library,
)
from sim2real.deploy.tensorrt_device import EngineError
from tensorrt_double.cudart import Cudart, Gpu, MisuseError


def test_the_real_library_has_every_function():
    library = load_library()  # torch brings one, also where there is no GPU
    for name in (*SIGNATURES, "cudaGetErrorName", "cudaGetErrorString"):
        assert ctypes.cast(getattr(library, name), ctypes.c_void_p).value


def test_a_missing_library_says_what_to_install():
    with pytest.raises(EngineError, match="sudo apt install"):
        load_library(["libcudart_that_is_not_there.so"])
    assert "libcudart.so.12" in library_candidates()


def test_a_library_without_a_function_is_too_old():
    class Old:
        def __getattr__(self, name):
            raise AttributeError(f"undefined symbol: {name}")

    with pytest.raises(EngineError, match="lacks a function"):
        Cuda(library=Old())


@pytest.mark.parametrize(("count", "device", "said"), [(0, 0, "cudaErrorNoDevice"), (1, 1, "this machine has 1")])
def test_a_missing_gpu_is_named(count, device, said):
    with pytest.raises(EngineError, match=said):
        Cuda(device, library=Cudart(Gpu(count=count)))


def test_the_gpu_says_who_it_is():
    cuda = Cuda(library=Cudart(Gpu(name="NVIDIA Thor", sm=(11, 0), integrated=False, runtime=13020)))
    assert (cuda.gpu, cuda.sm, cuda.shares_memory) == ("NVIDIA Thor", "11.0", False)
    assert cuda.versions == "13.2 (driver 13.2)"


def test_mapped_memory_is_one_piece_with_two_addresses():
    cudart = Cudart()
    buffer = Buffer(Cuda(library=cudart), (2, 3), np.float32, mapped=True)
    buffer.array[:] = np.arange(6).reshape(2, 3)
    there = np.frombuffer(cudart.memory(buffer.device, buffer.bytes), np.float32)
    assert there.tolist() == [0, 1, 2, 3, 4, 5]
    assert buffer.device != buffer.array.ctypes.data
    buffer.copy(HOST_TO_DEVICE, 24, 12345)  # nothing to do, so the stream is not even looked at
    buffer.free()
    buffer.free()
    assert cudart.is_clean


def test_other_memory_is_copied_when_the_stream_gets_there():
    cudart = Cudart(Gpu(integrated=False))
    cuda = Cuda(library=cudart)
    stream, buffer = cuda.create_stream(), Buffer(cuda, (4,), np.float32, mapped=False)
    buffer.array[:] = 7
    buffer.copy(HOST_TO_DEVICE, buffer.bytes, stream)
    assert 7 not in np.frombuffer(cudart.memory(buffer.device, 16), np.float32)  # not yet
    cuda.call("cudaStreamSynchronize", stream)
    assert np.frombuffer(cudart.memory(buffer.device, 16), np.float32).tolist() == [7] * 4
    buffer.array[:] = 0
    buffer.copy(DEVICE_TO_HOST, buffer.bytes, stream)
    assert not buffer.array.any()
    cuda.call("cudaStreamSynchronize", stream)
    assert buffer.array.tolist() == [7] * 4
    cuda.call("cudaStreamDestroy", stream)
    buffer.free()
    assert cudart.is_clean


@pytest.mark.parametrize(("mapped", "fault"), [(True, "cudaHostGetDevicePointer"), (False, "cudaMalloc")])
def test_nothing_stays_allocated_where_half_of_it_fails(mapped, fault):
    cudart = Cudart(faults={fault: 2})
    with pytest.raises(EngineError, match=f"{fault} failed: cudaErrorMemoryAllocation .2.: out of memory"):
        Buffer(Cuda(library=cudart), (4,), np.float32, mapped)
    assert cudart.is_clean


def test_the_stand_in_is_strict():
    cudart = Cudart()
    with pytest.raises(AttributeError, match="undefined symbol: cudaMallocPitch"):
        cudart.cudaMallocPitch  # noqa: B018
    with pytest.raises(MisuseError, match="before its types were declared"):
        cudart.cudaFree(0)
    cuda = Cuda(library=cudart)
    with pytest.raises(MisuseError, match="stream 0"):
        cudart.enqueue(0, lambda: None)
    buffer = Buffer(cuda, (4,), np.float32, mapped=True)
    address = buffer.device
    buffer.free()
    with pytest.raises(MisuseError, match="was freed"):
        cudart.memory(address, 4)
    with pytest.raises(TypeError, match="takes 1 arguments"):
        cuda.call("cudaFree", 1, 2)
    with pytest.raises(TypeError):  # an address where a place for one is wanted
        cuda.call("cudaMalloc", 5, 5)
