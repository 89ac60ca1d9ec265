"""Addresses are read strictly: what is not a user on a host is refused before anything is done with it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim2real.export.jetson import Address, JetsonError, parse_address


@pytest.mark.parametrize(
    "text, user, host, port",
    [
        ("nvidia@192.168.1.100", "nvidia", "192.168.1.100", None),
        ("nvidia@orin:2222", "nvidia", "orin", 2222),
        ("a.b-c_d@my-jetson.local", "a.b-c_d", "my-jetson.local", None),
        ("u@[fe80::1]:22", "u", "fe80::1", 22),
        ("u@[::1]", "u", "::1", None),
    ],
)
def test_an_address_is_read_and_written(text, user, host, port):
    """User, host and port; written again it is the same text."""
    found = parse_address(text)
    assert found == Address(user=user, host=host, port=port)
    assert str(found) == text


@pytest.mark.parametrize(
    "text, why",
    [
        ("", "the user is missing"),
        ("orin", "the user is missing"),
        ("@orin", "'' is not the name of a user"),
        ("-oProxyCommand=touch@host", "is not the name of a user"),
        ("u@-oProxyCommand=touch", "is not the name of a host"),
        ("u@host; rm -rf ~", "is not the name of a host"),
        ("u@$(id)", "is not the name of a host"),
        ("u@a b", "is not the name of a host"),
        ("u@a..b", "is not the name of a host"),
        ("u@-a.b", "is not the name of a host"),
        ("u@a.b-", "is not the name of a host"),
        ("u`id`@host", "is not the name of a user"),
        ("u@host:0", "is not a port"),
        ("u@host:65536", "is not a port"),
        ("u@host:22x", "is not a port"),
        ("u@host:", "is not a port"),
        ("u@[::1", "is not an IPv6 address"),
        ("u@[host]", "is not an IPv6 address"),
        ("u@fe80::1", "is not a port"),
        ("u@host\n", "is not the name of a host"),
    ],
)
def test_anything_else_is_refused(text, why):
    """The message has the text, the reason and an example."""
    with pytest.raises(JetsonError) as caught:
        parse_address(text)
    assert repr(text) in str(caught.value) and why in str(caught.value)
    assert "nvidia@192.168.1.100" in str(caught.value)


@settings(deadline=None)
@given(st.text(max_size=40))
def test_what_passes_is_harmless(text):
    """Whatever comes: an error, or names of letters, digits, dots, dashes and colons that begin with no dash."""
    try:
        found = parse_address(text)
    except JetsonError:
        return
    for name in (found.user, found.host):
        assert name.isascii() and not name.startswith("-")
        assert all(c.isalnum() or c in "._-:" for c in name)
