"""The dependencies that are not open source, and whose terms a user accepts by installing them.

Set-up shows them before it downloads anything and asks once; nothing here ever answers for the user. The packages and
their terms were read from the installed metadata and licence files; a test compares this table with the lock and with
what is installed, so that a new package cannot slip in unseen. Standard library alone: it runs before anything is
installed.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

OMNIVERSE_AGREEMENT = "https://www.nvidia.com/en-us/agreements/enterprise-software/nvidia-software-license-agreement/"
OMNIVERSE_PRODUCT = "https://www.nvidia.com/en-us/agreements/enterprise-software/product-specific-terms-for-omniverse/"
CUDA_EULA = "https://docs.nvidia.com/cuda/eula/"
CUDNN_EULA = "https://docs.nvidia.com/deeplearning/cudnn/latest/reference/eula.html"


@dataclass(frozen=True, kw_only=True)
class Terms:
    """One set of terms, and the packages that it governs."""

    name: str
    """What the terms are called."""
    urls: tuple[str, ...]
    """Where to read them."""
    packages: tuple[str, ...]
    """Package names as the lock spells them."""
    purpose: str
    """What the packages are for."""


TERMS: tuple[Terms, ...] = (
    Terms(
        name="NVIDIA Software License Agreement with the Product-Specific Terms for Omniverse",
        urls=(OMNIVERSE_AGREEMENT, OMNIVERSE_PRODUCT),
        packages=("ovphysx", "ovstage"),
        purpose="PhysX without Isaac Sim, and the stage that it simulates",
    ),
    Terms(
        name="NVIDIA Software License Agreement",
        urls=(OMNIVERSE_AGREEMENT,),
        packages=("omniverseclient",),
        purpose="asset paths; Isaac Lab requires it",
    ),
    Terms(
        name="NVIDIA CUDA Toolkit End User License Agreement",
        urls=(CUDA_EULA,),
        packages=(
            "nvidia-cublas",
            "nvidia-cuda-cupti",
            "nvidia-cuda-nvrtc",
            "nvidia-cuda-runtime",
            "nvidia-cufft",
            "nvidia-cufile",
            "nvidia-curand",
            "nvidia-cusolver",
            "nvidia-cusparse",
            "nvidia-cusparselt-cu13",
            "nvidia-nvjitlink",
            "nvidia-nvshmem-cu13",
        ),
        purpose="CUDA libraries; torch requires them",
    ),
    Terms(
        name="NVIDIA cuDNN Software License Agreement",
        urls=(CUDNN_EULA,),
        packages=("nvidia-cudnn-cu13",),
        purpose="CUDA network layers; torch requires it",
    ),
    Terms(
        name="Apache-2.0, with NVRTC and libmathdx inside under the NVIDIA CUDA Toolkit terms",
        urls=(CUDA_EULA,),
        packages=("warp-lang",),
        purpose="kernels on CPU and CUDA",
    ),
)

# Their metadata says "proprietary" or nothing; the licence file inside the wheel was read and is open.
OPEN_AFTER_READING: dict[str, str] = {
    "nvidia-nccl-cu13": "BSD-3-Clause",
    "nvidia-nvtx": "Apache-2.0",
}


def locked_versions(lock_text: str) -> dict[str, str]:
    """Name -> version of every package of a requirements lock."""
    return dict(re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", lock_text, flags=re.MULTILINE))


def terms_in(lock_text: str) -> list[tuple[Terms, list[str]]]:
    """The terms that a lock brings, each with its packages as ``name version``."""
    versions = locked_versions(lock_text)
    found = []
    for terms in TERMS:
        packages = [f"{name} {versions[name]}" for name in terms.packages if name in versions]
        if packages:
            found.append((terms, packages))
    return found


def terms_digest(lock_text: str) -> str:
    """What an answer is good for: these packages in these versions under these terms, as a SHA-256 in hex.

    Another version of such a package may bring other terms, so it is asked about again; any other change is not.
    """
    parts = [f"{terms.name}|{'|'.join(terms.urls)}|{','.join(packages)}" for terms, packages in terms_in(lock_text)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def describe(lock_text: str) -> str:
    """The list that a user reads before answering."""
    lines = ["These packages are not (only) open source. Downloading them means accepting their terms:", ""]
    for terms, packages in terms_in(lock_text):
        lines.append(f"  {', '.join(packages)}")
        lines.append(f"      {terms.purpose}")
        lines.append(f"      {terms.name}")
        lines.extend(f"      {url}" for url in terms.urls)
        lines.append("")
    lines.append("LICENSES.md lists every dependency with its licence.")
    return "\n".join(lines)
