"""Signals at work: latency in seconds, jitter, loss and error between sensor, policy and actuator, in Warp.

``SignalPath`` is the door for observations, ``CommandPath`` the one for commands; both are plain objects that know
nothing of any engine. ``SignalGroup`` takes several observations through theirs at once. ``sim2real.lab`` puts them
into Isaac Lab's managers.
"""

from sim2real.signals.command import CommandPath
from sim2real.signals.errors import SignalError
from sim2real.signals.group import SignalGroup
from sim2real.signals.path import SignalPath

__all__ = ["CommandPath", "SignalError", "SignalGroup", "SignalPath"]
