"""The error of everything that reads or proves a contract."""

from sim2real.errors import Sim2RealError


class ContractError(Sim2RealError):
    """A contract, a file of a bundle or a frame is not what the policy was trained and exported with."""
