"""The one exception that a person is meant to read.

Whatever goes wrong because of an input, a file or a machine derives from :class:`Sim2RealError`. Its message says what
came, what is allowed, where, and what to do. The command line prints that message alone and exits with 2; every other
exception is a fault of ours and keeps its traceback.
"""


class Sim2RealError(Exception):
    """A mistake that the reader of the message can mend: the message says what came, what is allowed and what to do."""
