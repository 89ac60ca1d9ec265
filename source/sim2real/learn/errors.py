"""The error of training."""

from sim2real.errors import Sim2RealError


class LearnError(Sim2RealError):
    """A training set, a configuration or a run folder does not allow the training that was asked for."""
