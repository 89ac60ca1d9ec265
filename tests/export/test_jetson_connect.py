"""The line to the device: host keys are strict, passwords never asked, and words arrive as they were given."""

import re
import shlex
import subprocess

import asyncssh
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jetson_fixtures import device, with_link
from sim2real.export.jetson import HostKeyError, JetsonError, LinkLostError


async def hello(link, home):
    """What the device is."""
    return (await link.run(("uname", "-m"))).out


def test_a_known_device_answers(tmp_path):
    """With its key in known_hosts and ours among its authorized ones."""
    with device(tmp_path) as double:
        assert with_link(double, hello) == "aarch64\n"


def test_an_unknown_device_is_not_talked_to(tmp_path):
    """The error has the fingerprint and the option that accepts it; nothing reached the device; then it is accepted."""
    with device(tmp_path) as double:
        known = double.root / "known_hosts"
        known.unlink()
        fingerprint = double.host_key.get_fingerprint()
        with pytest.raises(HostKeyError) as caught:
            with_link(double, hello)
        assert f"--accept-new-host-key {fingerprint}" in str(caught.value) and fingerprint.startswith("SHA256:")
        with pytest.raises(HostKeyError, match=f"has the host key {re.escape(fingerprint)}, you accepted SHA256:other"):
            with_link(double, hello, accept_host_key="SHA256:other")
        assert double.commands == [] and not known.exists()
        assert with_link(double, hello, accept_host_key=fingerprint) == "aarch64\n"
        assert with_link(double, hello) == "aarch64\n"  # remembered


def test_an_accepted_key_joins_a_file_without_an_end_of_line(tmp_path):
    """The line before it stays a line of its own."""
    with device(tmp_path) as double:
        known = double.root / "known_hosts"
        other = asyncssh.generate_private_key("ssh-ed25519").export_public_key("openssh").decode().strip()
        known.write_text(f"elsewhere {other}")
        with_link(double, hello, accept_host_key=double.host_key.get_fingerprint())
        assert [line.split()[0] for line in known.read_text().splitlines()] == [
            "elsewhere",
            f"[127.0.0.1]:{double.port}",
        ]


def test_a_changed_host_key_is_refused_for_good(tmp_path):
    """Also when its new fingerprint is accepted: first the user has to forget the old one."""
    with device(tmp_path) as double:
        with_link(double, hello)
        said = len(double.commands)
        double.change_host_key()
        for accept in (None, double.host_key.get_fingerprint()):
            with pytest.raises(HostKeyError) as caught:
                with_link(double, hello, accept_host_key=accept)
            assert "not the machine that is known" in str(caught.value)
            assert f'ssh-keygen -R "[127.0.0.1]:{double.port}"' in str(caught.value)
        assert len(double.commands) == said


def test_a_host_key_of_another_kind_is_a_changed_one(tmp_path):
    """The device had an ECDSA key, now it has an Ed25519 one."""
    with device(tmp_path) as double:
        double.write_known_hosts(asyncssh.generate_private_key("ecdsa-sha2-nistp256"))
        with pytest.raises(HostKeyError, match="its host key is SHA256:.*another one is known"):
            with_link(double, hello)


def test_a_configuration_that_switches_the_check_off_is_not_taken(tmp_path):
    """``UserKnownHostsFile none`` means: trust anybody."""
    with device(tmp_path) as double:
        config = tmp_path / "config"
        config.write_text("Host *\n  UserKnownHostsFile none\n")
        with pytest.raises(HostKeyError, match="switches the check of host keys off"):
            with_link(double, hello, config=(str(config),), known_hosts=None)


def test_the_configuration_is_honoured(tmp_path):
    """An alias with its port, its key and its known hosts; StrictHostKeyChecking no changes nothing."""
    import asyncio

    from sim2real.export.jetson import SshCfg, parse_address
    from sim2real.export.jetson.connect import connected

    with device(tmp_path) as double:
        config, known = tmp_path / "config", double.root / "known_hosts"
        config.write_text(
            f"Host bench\n  HostName 127.0.0.1\n  Port {double.port}\n  IdentityFile {double.root}/client_key\n"
            f"  UserKnownHostsFile {known}\n  StrictHostKeyChecking no\n  ForwardAgent yes\n"
        )

        async def go():
            async with connected(parse_address("nvidia@bench"), SshCfg(config=(str(config),))) as link:
                return await hello(link, "")

        assert asyncio.run(go()) == "aarch64\n"
        known.write_text("")
        with pytest.raises(HostKeyError, match="nvidia@bench is unknown"):
            asyncio.run(go())


def test_a_key_that_is_not_authorized(tmp_path):
    """The message says how to put one there."""
    with device(tmp_path) as double:
        stranger = asyncssh.generate_private_key("ssh-ed25519")
        stranger.write_private_key(tmp_path / "stranger")
        with pytest.raises(JetsonError, match="takes none of your SSH keys.*ssh-copy-id nvidia@127.0.0.1"):
            with_link(double, hello, keys=(str(tmp_path / "stranger"),))


def test_nobody_listens(tmp_path):
    """Nothing is there: the message asks whether it is switched on."""
    with device(tmp_path) as double:
        pass
    with pytest.raises(JetsonError, match="cannot be reached.*Is it switched on"):
        with_link(double, hello)


def test_a_cut_line_is_said_as_such(tmp_path):
    """The command was carried out, its answer never came."""
    with device(tmp_path, drop_at=("uname", 1)) as double:
        with pytest.raises(LinkLostError, match="was lost .*run the same command again"):
            with_link(double, hello)


def test_the_device_double_is_strict(tmp_path):
    """A command that is not on the list, and one that a shell would take apart, answer 127."""

    async def action(link, home):
        unknown = await link.run(("reboot",))
        raw = await link.connection.run("uname -m; uname -m", check=False)
        return unknown.code, raw.exit_status

    with device(tmp_path) as double:
        assert with_link(double, action) == (127, 127)
        assert double.refused == ["reboot", "uname -m; uname -m"]


NASTY = st.text(st.sampled_from(list("ab -;$()`'\"\\|&<>*?~#\n!{}[]é")), max_size=12)


@settings(deadline=None)
@given(st.lists(NASTY, min_size=1, max_size=4))
def test_every_word_arrives_as_it_was(words):
    """What we send through a shell comes out word by word, executed nowhere."""
    command = shlex.join(["printf", "%s\\0", *words])
    done = subprocess.run(["sh", "-c", command], capture_output=True, check=True)
    assert done.stdout.decode().split("\0")[:-1] == words and done.stderr == b""
