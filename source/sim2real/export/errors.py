"""The errors of the export."""

from sim2real.errors import Sim2RealError


class ExportError(Sim2RealError):
    """A policy cannot become a bundle; nothing was written."""


class ParityError(ExportError):
    """The exported network does not answer as the trained one; nothing was written."""
