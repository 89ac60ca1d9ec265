"""Strict stand-ins for TensorRT and the CUDA runtime; see ``fake.py`` and ``cudart.py``."""
