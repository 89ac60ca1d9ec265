"""The nudge without CUDA: still needed, harmless with CUDA, done once, refused on a Warp that nobody checked."""

import subprocess
import sys

import pytest

ALLOCATE = "import warp as wp; wp.zeros(3, dtype=float, device='cpu', pinned=True).numpy()"
NUDGE = "from sim2real.lab.bind import allow_unpinned_arrays as allow; "


def run(code: str) -> subprocess.CompletedProcess:
    """Run code in an interpreter of its own: other tests of this process may have nudged already."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)


@pytest.fixture(scope="module")
def no_cuda():
    """Skip where there is a GPU: the nudge does nothing there."""
    if run("import warp as wp, sys; sys.exit(wp.is_cuda_available())").returncode:
        pytest.skip("this machine has CUDA")


def test_page_locked_arrays_still_fail_without_cuda(no_cuda):
    """When this fails, Warp has mended it: remove the nudge."""
    failed = run(ALLOCATE)
    assert failed.returncode != 0
    assert "pinned" in failed.stderr.lower() or "cuda" in failed.stderr.lower()


def test_the_nudge_lets_them_be_made(no_cuda):
    """Afterwards the same allocation works, and is writable memory."""
    done = run(
        f"{NUDGE}assert allow() is True; {ALLOCATE}; a = wp.zeros(3, dtype=float, device='cpu', pinned=True);"
        "a.fill_(2.0); assert a.numpy().tolist() == [2.0] * 3 and not a.pinned"
    )
    assert done.returncode == 0, done.stderr


def test_twice_is_once(no_cuda):
    """The second call wraps nothing again and says the same."""
    done = run(
        f"{NUDGE}import warp as wp; assert allow(); first = wp.array._init_new;"
        "assert allow(); assert wp.array._init_new is first"
    )
    assert done.returncode == 0, done.stderr


def test_nothing_is_touched_with_cuda():
    """Where CUDA is said to be there, the class keeps its constructor."""
    done = run(
        f"{NUDGE}import warp as wp; wp.init(); wp.is_cuda_available = lambda: True; before = wp.array._init_new;"
        "assert allow() is False; assert wp.array._init_new is before"
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("change", ["wp.__version__ = '1.99.0'", "del wp.array._init_new"])
def test_another_warp_is_refused(no_cuda, change):
    """The error names the release that came, the one that was checked, and the remedy; nothing is wrapped."""
    done = run(f"{NUDGE}import warp as wp; {change}; allow()")
    assert done.returncode != 0
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("RuntimeError: Warp 1.") and "this release was not checked" in last
    assert "install warp-lang as pinned by Isaac Lab" in last
