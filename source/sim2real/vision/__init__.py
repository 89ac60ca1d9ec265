"""Image-space camera models: what a real camera makes of a rendered picture.

Depth first: ``depth_noise`` turns clean depth into what a stereo camera reports, ``remap_intrinsics`` gives each frame
its own focal length, ``draw_depth_params`` draws each frame's camera from a spec. Everything is a function of the
frame's id, so a frame looks the same in any batch, on any shard and after a resume. Importing this package imports
NumPy only; Warp is loaded by the functions that launch kernels.
"""

from sim2real.vision.depth_camera import NOISE_STREAM, depth_noise, draw_depth_params, noise_key
from sim2real.vision.depth_model import FIELDS, DepthCameraModel, DepthParams
from sim2real.vision.errors import VisionError
from sim2real.vision.image import luminance, remap_intrinsics
from sim2real.vision.presets import IDEAL, PRESETS, REALSENSE_D435, SOURCES, find_preset

__all__ = [
    "FIELDS",
    "IDEAL",
    "NOISE_STREAM",
    "PRESETS",
    "REALSENSE_D435",
    "SOURCES",
    "DepthCameraModel",
    "DepthParams",
    "VisionError",
    "depth_noise",
    "draw_depth_params",
    "find_preset",
    "luminance",
    "noise_key",
    "remap_intrinsics",
]
