"""Who may talk to the studio: hosts, origins, tokens, and files of the workspace."""

import asyncio

import pytest

from sim2real.studio.browser.gate import MOST_PICTURES, Gate, choose_token, is_loopback
from sim2real.studio.errors import StudioError
from sim2real.studio.workspace import Workspace

TOKEN = "a-token-of-some-length"
HERE = {"host": "localhost:8080"}
UPGRADE = {"upgrade": "websocket"}


@pytest.fixture
def gate(tmp_path):
    """A gate on a loopback address."""
    return Gate(Workspace(tmp_path / "work"), None)


@pytest.fixture
def guarded(tmp_path):
    """A gate that asks for a token."""
    return Gate(Workspace(tmp_path / "work"), TOKEN)


def ask(gate, target="/", **headers):
    """What the gate answers; None: viser may."""
    return asyncio.run(gate.answer(target, headers))


@pytest.mark.parametrize("host", ["localhost:8080", "127.0.0.1", "[::1]:8080", "LOCALHOST:1", "127.8.9.1:80"])
def test_names_of_this_machine_pass(gate, host):
    """A loopback gate takes every loopback name, on any port: a tunnel has another."""
    assert ask(gate, host=host) is None


@pytest.mark.parametrize(
    "host", ["evil.example:8080", "192.168.0.4", "localhost.evil.example", "127.0.0.1.evil.example"]
)
def test_other_names_do_not(gate, host):
    """A page of somebody else whose name was made to lead here (DNS rebinding) names its own host."""
    assert ask(gate, host=host).status == 403


@pytest.mark.parametrize("host", ["", ":80", "[", "[::1"])
def test_request_without_a_host_is_refused(gate, guarded, host):
    """Whatever stands in the header."""
    assert ask(gate, host=host).status == 400
    assert ask(guarded, host=host).status == 400


@pytest.mark.parametrize("origin", ["http://localhost:8080", "https://LOCALHOST:8080"])
def test_socket_of_an_own_page_passes(gate, origin):
    """The page that this server served may open it."""
    assert ask(gate, **HERE, **UPGRADE, origin=origin) is None


@pytest.mark.parametrize(
    "origin", ["", "null", "http://evil.example", "http://localhost:9000", "http://localhost", "file://localhost:8080"]
)
@pytest.mark.parametrize("upgrade", ["websocket", "WebSocket", ",websocket"])
def test_socket_of_another_page_is_refused(gate, origin, upgrade):
    """Browsers let any page open a WebSocket to any port; a sandboxed report has the origin null."""
    assert ask(gate, **HERE, upgrade=upgrade, origin=origin).status == 403


def test_token_is_asked_for_kept_and_compared(guarded):
    """The address with the token gives a cookie, which pages, pictures, files and sockets need."""
    for target in ("/", "/index.html", "/files/a.txt", "/pictures/x.png", "/?token=wrong", "/?token="):
        assert ask(guarded, target, host="robot.local:8080").status == 401, target
    answer = ask(guarded, f"/?token={TOKEN}&x=1", host="robot.local:8080")
    assert answer.status == 303 and answer.headers["Location"] == "/?x=1"
    kept = answer.headers["Set-Cookie"]
    assert "HttpOnly" in kept and "SameSite=Strict" in kept
    cookie = kept.partition(";")[0]
    assert ask(guarded, host="robot.local:8080", cookie=f"other=1; {cookie}") is None
    own = {"host": "robot.local:8080", "origin": "http://robot.local:8080"}
    assert ask(guarded, **own, **UPGRADE).status == 401
    assert ask(guarded, **own, **UPGRADE, cookie=cookie) is None
    assert ask(guarded, host="robot.local:8080", cookie=f"{cookie}x").status == 401


@pytest.mark.parametrize("path", ["//evil.example/", "/\\evil.example/", "///evil.example"])
def test_token_leads_to_no_other_host(guarded, path):
    """The redirection stays here."""
    location = ask(guarded, f"{path}?token={TOKEN}", host="robot:1").headers["Location"]
    assert location.startswith("/") and location[1] not in "/\\"


def test_exposed_studio_draws_a_token():
    """Without a token nobody but this machine gets in; a short one is refused."""
    assert choose_token("127.0.0.1", None) is None and choose_token("localhost", None) is None
    drawn = {choose_token("0.0.0.0", None) for _ in range(4)}
    assert len(drawn) == 4 and all(len(token) >= 32 for token in drawn)
    assert choose_token("127.0.0.1", TOKEN) == TOKEN
    for bad in ("", "short", "with spaces in its text", "ends/with;signs&more"):
        with pytest.raises(StudioError, match="token"):
            choose_token("0.0.0.0", bad)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "robot.local", ""])
def test_addresses_that_others_reach(host):
    """All but loopback."""
    assert not is_loopback(host)


def test_files_of_the_workspace_are_served_in_a_sandbox(gate):
    """With their kind, and with a policy that gives a page among them no origin."""
    root = gate.workspace.root
    (root / "runs").mkdir()
    (root / "runs" / "report.html").write_text("<h1>it transfers</h1>")
    answer = ask(gate, "/files/runs/report.html", **HERE)
    assert answer.status == 200 and answer.body == b"<h1>it transfers</h1>"
    assert answer.headers["Content-Type"].startswith("text/html")
    assert answer.headers["Content-Security-Policy"].startswith("sandbox ")
    assert "allow-same-origin" not in answer.headers["Content-Security-Policy"]
    (root / "a b#c.yaml").write_text("x: 1")
    assert ask(gate, "/files/a%20b%23c.yaml", **HERE).headers["Content-Type"].startswith("text/plain")


@pytest.mark.parametrize(
    "name",
    ["../secret", "%2e%2e/secret", "/etc/passwd", "//etc/passwd", "out/secret", ".studio/panel.yaml", "", "%00", "no"],
)
def test_no_path_leaves_the_workspace(gate, tmp_path, name):
    """Neither by '..', nor by a link, nor into the studio's own folder."""
    (tmp_path / "secret").write_text("s3cret")
    (gate.workspace.root / "out").symlink_to(tmp_path)
    (gate.workspace.private / "panel.yaml").write_text("s3cret")
    answer = ask(gate, f"/files/{name}", **HERE)
    assert answer.status == 404 and b"s3cret" not in answer.body


def test_pictures_are_kept_for_a_while(gate):
    """The last ones are served; older ones give way."""
    first = gate.add_picture("first", b"png")
    assert ask(gate, first, **HERE).body == b"png"
    for i in range(MOST_PICTURES):
        gate.add_picture(str(i), b"x")
    assert ask(gate, first, **HERE).status == 404
