"""What the signals cannot do."""

from sim2real.errors import Sim2RealError


class SignalError(Sim2RealError):
    """A signal that cannot be applied to these data."""
