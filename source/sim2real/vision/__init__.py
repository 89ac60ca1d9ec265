"""Image-space camera models: what a real camera makes of a rendered picture.

Depth first: ``depth_noise`` turns clean depth into what a stereo camera reports, ``remap_intrinsics`` gives each frame
its own focal length, ``draw_depth_params`` draws each frame's camera from a spec. Colour beside it:
``randomize_pictures`` changes light and colours, blurs, adds noise and puts something in the way, by the values of
``draw_picture_params``.
Everything is a function of the frame's id, so a frame looks the same in any batch, on any shard and after a resume.
Importing this package imports NumPy only; Warp is loaded by the functions that launch kernels, Kornia where colours
change.
"""

from sim2real.vision.depth_camera import NOISE_STREAM, depth_noise, draw_depth_params, noise_key
from sim2real.vision.depth_model import FIELDS, DepthCameraModel, DepthParams
from sim2real.vision.errors import VisionError
from sim2real.vision.image import luminance, remap_intrinsics
from sim2real.vision.picture import PICTURE_STREAM, picture_key, randomize_pictures
from sim2real.vision.picture_params import PictureParams, clear_params, draw_picture_params
from sim2real.vision.presets import IDEAL, PRESETS, REALSENSE_D435, SOURCES, find_preset

__all__ = [
    "FIELDS",
    "IDEAL",
    "NOISE_STREAM",
    "PICTURE_STREAM",
    "PRESETS",
    "REALSENSE_D435",
    "SOURCES",
    "DepthCameraModel",
    "DepthParams",
    "PictureParams",
    "VisionError",
    "clear_params",
    "depth_noise",
    "draw_depth_params",
    "draw_picture_params",
    "find_preset",
    "luminance",
    "noise_key",
    "picture_key",
    "randomize_pictures",
    "remap_intrinsics",
]
