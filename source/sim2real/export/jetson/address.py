"""Where the device is, ``user@host[:port]``, read strictly.

Names of users and hosts end up in other programs' hands (a proxy command of ``~/.ssh/config`` sees them), so only the
characters that such names are made of are let through, and none may begin with a dash, which would make it an option.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from sim2real.export.jetson.errors import JetsonError

_USER = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")
_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")


@dataclass(frozen=True, kw_only=True)
class Address:
    """A user on a machine."""

    user: str
    """Login name."""
    host: str
    """Host name, an alias of ``~/.ssh/config``, or an IP address."""
    port: int | None = None
    """TCP port; None: what ``~/.ssh/config`` says, else 22."""

    def __str__(self) -> str:
        """As it is typed."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.user}@{host}" + ("" if self.port is None else f":{self.port}")


def parse_address(text: str) -> Address:
    """Read ``user@host``, ``user@host:port`` or ``user@[ipv6]:port``.

    Raises:
        JetsonError: anything else.
    """
    user, at, rest = text.partition("@")
    if not at:
        raise _fault(text, "the user is missing")
    if not _USER.fullmatch(user):
        raise _fault(text, f"{user!r} is not the name of a user")
    if rest.startswith("["):
        host, bracket, tail = rest[1:].partition("]")
        if not bracket or not _is_ip(host, 6) or (tail and not tail.startswith(":")):
            raise _fault(text, f"{rest!r} is not an IPv6 address in brackets")
        port = tail[1:] if tail else None
    else:
        host, colon, number = rest.partition(":")
        port = number if colon else None
        labels = host.split(".")
        if not (0 < len(host) <= 253 and all(_LABEL.fullmatch(label) for label in labels)):
            raise _fault(text, f"{host!r} is not the name of a host")
    return Address(user=user, host=host, port=None if port is None else _port(text, port))


def _port(text: str, number: str) -> int:
    """A TCP port."""
    if not re.fullmatch(r"[0-9]{1,5}", number) or not 0 < int(number) < 65536:
        raise _fault(text, f"{number!r} is not a port from 1 to 65535")
    return int(number)


def _is_ip(host: str, version: int) -> bool:
    """Whether it is an address of that version."""
    try:
        return ipaddress.ip_address(host).version == version
    except ValueError:
        return False


def _fault(text: str, why: str) -> JetsonError:
    return JetsonError(
        f"{text!r} is no address of a device: {why}. Give user@host or user@host:port, such as nvidia@192.168.1.100; "
        "letters, digits, '.', '_' and '-' are allowed, and no name begins with '-'."
    )
