"""The line to the device: SSH with strict host keys, keys and agent alone, and one argument vector per command.

SSH hands the other side one string for its shell. Here a command is always a list of arguments, each quoted, never a
text with pipes or variables in it; so nothing that stands in a name or a path is ever executed. Hosts, proxies, keys
and aliases come from ``~/.ssh/config`` as with ``ssh``; passwords, agent forwarding and X11 are off whatever it says.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sim2real.export.jetson.address import Address
from sim2real.export.jetson.errors import HostKeyError, JetsonError, LinkLostError

ACCEPT = "--accept-new-host-key"
MOST_OUTPUT = 4_000_000
"""Longest output of a command that is read [bytes]."""
_SETUP = "pip install 'sim2real[jetson]'"


@dataclass(frozen=True, kw_only=True)
class SshCfg:
    """How to connect."""

    accept_host_key: str | None = None
    """``SHA256:...`` of a host key to trust although no ``known_hosts`` has it; it is added to the user's file."""
    config: tuple[str, ...] | None = None
    """Files like ``~/.ssh/config``; None: that one."""
    known_hosts: str | None = None
    """File of known hosts; None: what the config says, else ``~/.ssh/known_hosts``."""
    keys: tuple[str, ...] | None = None
    """Private key files; None: the agent's, the config's and the usual ones."""
    connect_timeout_s: float = 20.0
    """How long to wait for the device [s]."""
    keepalive_s: float = 10.0
    """Without an answer for three times this long the connection counts as lost [s]."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a command on the device gave."""

    code: int
    """Exit code."""
    out: str
    """Standard output."""
    err: str
    """Standard error."""


class Link:
    """An open connection."""

    def __init__(self, connection: Any, address: Address, fingerprint: str) -> None:
        self.connection, self.address, self.fingerprint = connection, address, fingerprint

    async def run(self, argv: Sequence[str], timeout_s: float = 60.0) -> Answer:
        """Run one command and wait for it.

        Args:
            argv: program and arguments; every one is quoted.
            timeout_s: how long it may take [s].

        Raises:
            LinkLostError: the connection broke.
            JetsonError: it took too long.
        """
        import asyncssh

        command = shlex.join(argv)
        try:
            done = await asyncio.wait_for(
                self.connection.run(command, check=False, encoding=None, stdin=asyncssh.DEVNULL), timeout_s
            )
        except asyncio.TimeoutError:
            raise JetsonError(
                f"{self.address}: '{argv[0]}' did not answer within {timeout_s:g} s. Is the device under load? "
                "Look at it, then run the same command again."
            ) from None
        except (asyncssh.Error, OSError) as error:
            raise lost(self.address, error) from None
        if done.exit_status is None:
            raise lost(self.address, "the command ended without an exit code")
        out, err = (bytes(text or b"")[-MOST_OUTPUT:].decode("utf-8", "replace") for text in (done.stdout, done.stderr))
        return Answer(code=int(done.exit_status), out=out, err=err)

    @contextlib.asynccontextmanager
    async def sftp(self) -> AsyncIterator[Any]:
        """An SFTP session. Raises: LinkLostError, JetsonError."""
        import asyncssh

        try:
            async with self.connection.start_sftp_client() as client:
                yield client
        except asyncssh.SFTPError as error:
            if isinstance(error, asyncssh.SFTPConnectionLost | asyncssh.SFTPNoConnection):
                raise lost(self.address, error) from None
            raise JetsonError(
                f"{self.address}: a file cannot be transferred ({error.reason}). Is the disk of the device full, or "
                "the home directory read-only? 'df -h ~' on the device says it."
            ) from None
        except (asyncssh.Error, ConnectionError, BrokenPipeError) as error:
            raise lost(self.address, error) from None


def lost(address: Address, why: object) -> LinkLostError:
    """The error for a connection that broke."""
    return LinkLostError(
        f"the connection to {address} was lost ({why}). What runs on the device goes on there; run the same command "
        "again and it goes on from the last finished step."
    )


@contextlib.asynccontextmanager
async def connected(address: Address, cfg: SshCfg | None = None) -> AsyncIterator[Link]:
    """Open a connection for the time of a block.

    Args:
        address: the device.
        cfg: how to connect.

    Raises:
        HostKeyError: the host key is unknown, has changed, or is not the accepted one.
        JetsonError: the device does not answer, or takes none of the keys.
    """
    link = await _open(address, cfg or SshCfg())
    try:
        yield link
    finally:
        link.connection.close()
        with contextlib.suppress(Exception):
            await asyncio.wait_for(link.connection.wait_closed(), 5.0)


async def _open(address: Address, cfg: SshCfg) -> Link:
    """Connect and check the host key."""
    try:
        import asyncssh
    except ModuleNotFoundError:
        raise JetsonError(f"a Jetson is reached with the Python package 'asyncssh'; install it: {_SETUP}.") from None

    guard: _Guard | None = None
    try:
        options, guard = _options(address, cfg)
        try:
            connection = await _connect(options, cfg)
        except (asyncssh.KeyExchangeFailed, asyncssh.ConnectionLost):
            # Only keys of the known kinds were asked for. A device that has none of them hangs up: ask for any kind,
            # which then is either known, or judged as every other key.
            if not guard.known or guard.fingerprint is not None:
                raise
            options, guard = _options(address, cfg, server_host_key_algs="default")
            connection = await _connect(options, cfg)
    except asyncssh.HostKeyNotVerifiable as error:
        assert guard is not None
        raise guard.error(str(error)) from None
    except asyncssh.PermissionDenied:
        raise JetsonError(
            f"{address} takes none of your SSH keys (passwords are never used here). Put your key there with "
            f"'ssh-copy-id {address.user}@{address.host}', or start an agent that has it: 'ssh-add'."
        ) from None
    except asyncssh.KeyExchangeFailed as error:
        raise JetsonError(
            f"{address}: no common SSH algorithm ({error}). Update the SSH server of the device."
        ) from None
    except asyncssh.KeyEncryptionError as error:
        raise JetsonError(f"an SSH key is encrypted ({error}); load it into an agent first: 'ssh-add'.") from None
    except (asyncssh.ConfigParseError, asyncssh.KeyImportError) as error:
        raise JetsonError(
            f"your SSH configuration or a key cannot be read: {error}. Does 'ssh {address}' work?"
        ) from None
    except (asyncio.TimeoutError, OSError, asyncssh.Error) as error:
        why = str(error) or f"no answer within {cfg.connect_timeout_s:g} s"
        raise JetsonError(
            f"{address} cannot be reached: {why}. Is it switched on, in this network, and does "
            f"'ssh {address.user}@{address.host}' work?"
        ) from None
    if guard.accepted:
        guard.remember()
    key = connection.get_server_host_key()
    return Link(connection, address, key.get_fingerprint() if key is not None else "")


async def _connect(options: Any, cfg: SshCfg) -> Any:
    """One try."""
    import asyncssh

    return await asyncio.wait_for(
        asyncssh.connect(options=options, host=options.host, port=options.port), cfg.connect_timeout_s
    )


def _options(address: Address, cfg: SshCfg, **more: Any) -> tuple[Any, _Guard]:
    """Options of asyncssh: the user's configuration, made strict."""
    import asyncssh

    given: dict[str, Any] = {
        "host": address.host,
        "username": address.user,
        "password": None,
        "password_auth": False,
        "kbdint_auth": False,
        "preferred_auth": "publickey",
        "agent_forwarding": False,
        "x11_forwarding": False,
        "gss_auth": False,
        "gss_kex": False,
        "keepalive_interval": cfg.keepalive_s,
        "keepalive_count_max": 3,
        "connect_timeout": cfg.connect_timeout_s,
        **more,
    }
    if address.port is not None:
        given["port"] = address.port
    if cfg.config is not None:
        given["config"] = list(cfg.config)
    if cfg.keys is not None:
        given |= {"client_keys": list(cfg.keys), "agent_path": None}
    if cfg.known_hosts is not None:
        files: Any = [cfg.known_hosts]
    else:
        files = asyncssh.SSHClientConnectionOptions(**given).known_hosts
        if files is None:
            raise HostKeyError(
                f"your SSH configuration switches the check of host keys off for {address} (UserKnownHostsFile none). "
                "That is not taken: remove the line, or name a file."
            )
        files = list(files) or [str(Path("~/.ssh/known_hosts").expanduser())]
    guard = _Guard(address, cfg.accept_host_key, [os.path.expanduser(file) for file in files])

    class Client(asyncssh.SSHClient):
        """Asks the guard about a key that no file vouches for."""

        def validate_host_public_key(self, host: str, addr: str, port: int, key: Any) -> bool:
            """Whether to trust it."""
            return guard.judge(host, port, key)

    options = asyncssh.SSHClientConnectionOptions(**given, known_hosts=guard.match, client_factory=Client)
    return options, guard


class _Guard:
    """Decides on a host key that is not trusted, and knows why it was refused."""

    def __init__(self, address: Address, accept: str | None, files: list[str]) -> None:
        self.address, self.accept, self.files = address, accept, files
        self.known = self.accepted = False
        self.fingerprint: str | None = None
        self._line = ""

    def match(self, host: str, addr: str, port: int | None) -> Any:
        """What the files of known hosts say about the host."""
        import asyncssh

        present = [file for file in self.files if os.path.isfile(file)]
        found = asyncssh.read_known_hosts(present).match(host, addr, port)
        self.known = bool(found[0] or found[1])
        return found

    def judge(self, host: str, port: int, key: Any) -> bool:
        """Trust an unknown key that the user has named; never one in place of another."""
        self.fingerprint = key.get_fingerprint()
        name = host if port == 22 else f"[{host}]:{port}"
        self._line = f"{name} {key.export_public_key('openssh').decode().strip()}\n"
        self.accepted = not self.known and self.accept is not None and self.accept == self.fingerprint
        return self.accepted

    def remember(self) -> None:
        """Add the accepted key to the user's file."""
        path = Path(self.files[0])
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600), "r+b") as file:
            file.seek(0, os.SEEK_END)
            if file.tell():
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":
                    file.write(b"\n")
            file.write(self._line.encode())

    def changed(self, why: str) -> HostKeyError:
        """The error for a device that is not the one that was known."""
        name = self.address.host if self.address.port is None else f"[{self.address.host}]:{self.address.port}"
        return HostKeyError(
            f"{self.address} is not the machine that is known by that name: {why}. Somebody may be listening in, or "
            f"the device was set up anew. If you know that it was: 'ssh-keygen -R \"{name}\"', then compare the new "
            f"fingerprint. Nothing was sent."
        )

    def error(self, said: str) -> HostKeyError:
        """The error for the key that was refused."""
        if self.fingerprint is None:
            return HostKeyError(f"{self.address}: the host key cannot be trusted ({said}). Nothing was sent.")
        if self.known:
            return self.changed(f"its host key is {self.fingerprint}, another one is known")
        if self.accept is not None:
            return HostKeyError(
                f"{self.address} has the host key {self.fingerprint}, you accepted {self.accept}. Nothing was sent. "
                "Read the fingerprint on the device itself: 'ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub'."
            )
        return HostKeyError(
            f"{self.address} is unknown: no known_hosts has its host key {self.fingerprint}. Compare it on the device "
            f"('ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub'); if it is the same, run the command again with "
            f"{ACCEPT} {self.fingerprint}"
        )
