"""The error of the Gymnasium wrapper."""

from sim2real.errors import Sim2RealError


class GymError(Sim2RealError):
    """An env that cannot be randomized, or a part of a spec that has no meaning for it."""
