"""The distributions that a spec may name, as plain frozen data.

Every value is a tuple with one entry per component (a single number for a scalar), in SI units. The constructors accept
numbers too. :mod:`sim2real.draws` turns a distribution into numbers.
"""

from __future__ import annotations

from sim2real.spec.distribution_base import LARGEST, Distribution, Numbers, Vector, as_vector, check_finite
from sim2real.spec.distribution_joint import (
    MOST_COMPONENTS,
    MOST_SAMPLES,
    Choice,
    Empirical,
    Mixture,
    MultivariateNormal,
)
from sim2real.spec.distribution_simple import (
    BETA_LEAST,
    BETA_MOST,
    LARGEST_INTEGER,
    NORMAL_REACH,
    SMALLEST_MASS,
    Beta,
    Constant,
    LogUniform,
    Normal,
    TruncatedNormal,
    Uniform,
    UniformInt,
    normal_cdf,
    truncated_mass,
)

KINDS: dict[str, type[Distribution]] = {
    cls.kind: cls
    for cls in (
        Constant,
        Uniform,
        UniformInt,
        LogUniform,
        Normal,
        TruncatedNormal,
        Beta,
        Choice,
        Mixture,
        MultivariateNormal,
        Empirical,
    )
}
"""The closed list of distributions: name in YAML -> class."""

__all__ = [
    "BETA_LEAST", "BETA_MOST", "KINDS", "LARGEST", "LARGEST_INTEGER", "MOST_COMPONENTS", "MOST_SAMPLES", "NORMAL_REACH",
    "SMALLEST_MASS", "Beta", "Choice", "Constant", "Distribution", "Empirical", "LogUniform", "Mixture",
    "MultivariateNormal", "Normal", "Numbers", "TruncatedNormal", "Uniform", "UniformInt", "Vector", "as_vector",
    "check_finite", "normal_cdf", "truncated_mass",
]  # fmt: skip
