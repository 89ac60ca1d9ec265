"""What is uncertain: frozen dataclasses and their YAML, with units and provenance. Imports NumPy-free and light.

``load_spec("avoidance")`` or ``load_spec("my_robot.yaml")`` gives a :class:`Spec`; a file that is wrong gives a
:class:`SpecError` that names file, line, key, what came and what is allowed.
"""

from sim2real.spec.curriculum import AdrRange, AdrSpec, CurriculumSpec, StageSpec
from sim2real.spec.distributions import (
    Beta,
    Choice,
    Constant,
    Distribution,
    Empirical,
    LogUniform,
    Mixture,
    MultivariateNormal,
    Normal,
    TruncatedNormal,
    Uniform,
    UniformInt,
)
from sim2real.spec.errors import Fault, SpecError
from sim2real.spec.loader import load_spec, parse_spec, preset_names
from sim2real.spec.rates import Rates
from sim2real.spec.signals import SignalSpec
from sim2real.spec.spec import SCHEMA, Spec
from sim2real.spec.targets import TARGETS, Target
from sim2real.spec.terms import Term
from sim2real.spec.vision import DepthNoiseSpec, ImageSpec
from sim2real.spec.vision_stage import VisionStageGroup, VisionStageSpec

__all__ = [
    "SCHEMA", "TARGETS", "AdrRange", "AdrSpec", "Beta", "Choice", "Constant", "CurriculumSpec", "DepthNoiseSpec",
    "Distribution", "Empirical", "Fault", "ImageSpec", "LogUniform", "Mixture", "MultivariateNormal", "Normal", "Rates",
    "SignalSpec", "Spec", "SpecError", "StageSpec", "Target", "Term", "TruncatedNormal", "Uniform", "UniformInt",
    "VisionStageGroup", "VisionStageSpec", "load_spec", "parse_spec", "preset_names",
]  # fmt: skip
