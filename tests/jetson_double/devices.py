"""What devices print, by JetPack: texts in the form of real ones, with versions of real releases."""

from __future__ import annotations

from dataclasses import dataclass, field

ORIN_MODES = """# NVPMODEL CONFIG DATA
< PARAM TYPE=FILE NAME=CPU_ONLINE >
CORE_0 /sys/devices/system/cpu/cpu0/online
< POWER_MODEL ID=0 NAME=15W >
CPU_ONLINE CORE_0 1
< POWER_MODEL ID=1 NAME=25W >
CPU_ONLINE CORE_0 1
< POWER_MODEL ID=2 NAME=MAXN_SUPER >
CPU_ONLINE CORE_0 1
< PM_CONFIG DEFAULT=1 >
"""
AGX_MODES = "< POWER_MODEL ID=0 NAME=MAXN >\n< POWER_MODEL ID=1 NAME=15W >\n< POWER_MODEL ID=2 NAME=30W >\n"
NANO_STATS = (
    "11-21-2026 06:00:0{i} RAM 2448/7620MB (lfb 4x4MB) SWAP 0/3810MB (cached 0MB) CPU [12%@1510,0%@1510] "
    "EMC_FREQ 3%@2133 GR3D_FREQ {load}%@[1015] cpu@48.5C soc2@47.3C gpu@49C tj@49C "
    "VDD_IN {vin}mW/4998mW VDD_CPU_GPU_CV {gpu}mW/937mW VDD_SOC 1517mW/1517mW\n"
)
AGX_STATS = (
    "RAM 3100/30592MB (lfb 6x4MB) SWAP 0/15296MB (cached 0MB) CPU [5%@2201,off] EMC_FREQ 0% GR3D_FREQ {load}% "
    "CV0@-256C CPU@44.9C VDD_GPU_SOC {vin}mW/2400mW VDD_CPU_CV {gpu}mW/400mW VIN_SYS_5V0 3600mW/3600mW\n"
)


@dataclass(frozen=True, kw_only=True)
class DeviceText:
    """One kind of device."""

    model: str
    """Of the device tree."""
    gpu: str
    """As trtexec names it."""
    release: str | None
    """``/etc/nv_tegra_release``."""
    packages: str
    """What ``dpkg-query`` prints."""
    tensorrt: str
    """Version of trtexec and of the libraries."""
    power: str
    """What ``nvpmodel -q`` prints."""
    modes: str
    """``/etc/nvpmodel.conf``."""
    stats: str = field(default=NANO_STATS)
    """A line of tegrastats."""


JETPACK_5 = DeviceText(
    model="Jetson AGX Orin Developer Kit",
    gpu="Orin",
    release="# R35 (release), REVISION: 4.1, GCID: 33958178, BOARD: t186ref, EABI: aarch64, DATE: Tue Aug  1 2023\n",
    packages="libnvinfer-bin 8.5.2-1+cuda11.4\nlibnvinfer8 8.5.2-1+cuda11.4\nlibnvinfer10 \n"
    "nvidia-jetpack 5.1.2-b104\nnvidia-l4t-core 35.4.1-20230801124926\ntensorrt 8.5.2.2-1+cuda11.4\n",
    tensorrt="8.5.2",
    power="NV Power Mode: MAXN\n0\n",
    modes=AGX_MODES,
    stats=AGX_STATS,
)
JETPACK_6_0 = DeviceText(
    model="NVIDIA Jetson AGX Orin Developer Kit",
    gpu="Orin",
    release="# R36 (release), REVISION: 3.0, GCID: 36923193, BOARD: generic, EABI: aarch64, DATE: Fri Jul 19 2024\n",
    packages="libnvinfer8 8.6.2.3-1+cuda12.2\nnvidia-l4t-core 36.3.0-20240719161631\n",
    tensorrt="8.6.2",
    power="NV Power Mode: MAXN\n0\n",
    modes=AGX_MODES,
    stats=AGX_STATS,
)
JETPACK_6_2 = DeviceText(
    model="NVIDIA Jetson Orin Nano Engineering Reference Developer Kit Super",
    gpu="Orin",
    release="# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic, EABI: aarch64, DATE: Wed Jan  8 2025\n"
    "# KERNEL_VARIANT: oot\nTARGET_USERSPACE_LIB_DIR=nvidia\n",
    packages="libnvinfer-bin 10.3.0.30-1+cuda12.5\nlibnvinfer10 10.3.0.30-1+cuda12.5\nnvidia-jetpack 6.2+b77\n"
    "nvidia-l4t-core 36.4.3-20250107174145\ntensorrt 10.3.0.30-1+cuda12.5\n",
    tensorrt="10.3.0",
    power="NV Power Mode: MAXN_SUPER\n2\n",
    modes=ORIN_MODES,
)
JETPACK_7_1 = DeviceText(
    model="NVIDIA Jetson AGX Thor Developer Kit",
    gpu="NVIDIA Thor",
    release="# R38 (release), REVISION: 4.0, GCID: 43443517, BOARD: generic, EABI: aarch64, DATE: Wed Dec 31 2025\n",
    packages="libnvinfer10 10.13.3.9-1+cuda13.0\nnvidia-jetpack 7.1-b112\nnvidia-l4t-core 38.4.0-20251230160601\n",
    tensorrt="10.13.3",
    power="NV Power Mode: MAXN\n0\n",
    modes="< POWER_MODEL ID=0 NAME=MAXN >\n< POWER_MODEL ID=1 NAME=120W >\n",
    stats=AGX_STATS,
)
JETPACK_7_2 = DeviceText(
    model="NVIDIA Jetson AGX Orin Developer Kit",
    gpu="Orin",
    release="# R39 (release), REVISION: 2.0, GCID: 45000000, BOARD: generic, EABI: aarch64, DATE: Mon Jun  1 2026\n",
    packages="libnvinfer10 10.16.2.10-1+cuda13.2\nnvidia-l4t-core 39.2.0-20260601000000\n",
    tensorrt="10.16.2",
    power="NV Power Mode: MAXN\n0\n",
    modes=AGX_MODES,
    stats=AGX_STATS,
)
DEVICES = {
    "jetpack_5": JETPACK_5,
    "jetpack_6_0": JETPACK_6_0,
    "jetpack_6_2": JETPACK_6_2,
    "jetpack_7_1": JETPACK_7_1,
    "jetpack_7_2": JETPACK_7_2,
}
