"""A loopback device and the ways to it, shared by the tests of the Jetson."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path

from jetson_double import DEVICES, Faults, JetsonDouble
from sim2real.export.jetson import SshCfg
from sim2real.export.jetson.address import parse_address
from sim2real.export.jetson.connect import connected
from sim2real.export.jetson.remote import home_of


@contextlib.contextmanager
def device(tmp_path: Path, kind: str = "jetpack_6_2", home: str = "home", **faults) -> Iterator[JetsonDouble]:
    """A device whose host key is known."""
    root = tmp_path / "device"
    root.mkdir()
    with JetsonDouble(root, DEVICES[kind], home, Faults(**faults)) as double:
        double.write_known_hosts()
        yield double


def ssh(double: JetsonDouble, **changes) -> SshCfg:
    """The way to it: its key, its known hosts, no configuration of the machine that tests."""
    given = {
        "known_hosts": str(double.root / "known_hosts"),
        "keys": (str(double.root / "client_key"),),
        "config": (),
        **changes,
    }
    return SshCfg(**given)


def with_link(double: JetsonDouble, action, **changes):
    """Connect, call ``await action(link, home)``, disconnect."""

    async def go():
        async with connected(parse_address(double.address), ssh(double, **changes)) as link:
            return await action(link, await home_of(link))

    return asyncio.run(go())
