"""`rebalancer wlb`: accounts, connecting a pool, the unit, and what is refused."""

from __future__ import annotations

import io
import stat

import pytest

from tests.cli.terminal import Served, Terminal
from tests.simulator.balancing.stub import envelope, stub


def test_an_account_is_kept(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """The password comes from standard input, and only its hash is kept."""
    monkeypatch.setattr("sys.stdin", io.StringIO("a long password\n"))
    ended = terminal.run("wlb", "account", "xapi", "--state-dir", "state")
    file = terminal.folder / "state" / "wlb" / "accounts"
    assert ended.code == 0, ended.err
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_text().startswith("xapi:scrypt:")
    assert "long" not in file.read_text() + ended.out


def test_an_account_needs_a_password(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing on standard input is no password."""
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    ended = terminal.run("wlb", "account", "xapi", "--state-dir", "state")
    assert ended.code == 1
    assert "there is no password on its first line" in ended.err


def test_a_pool_is_connected_and_disconnected(served: Served, terminal: Terminal) -> None:
    """The pool asks the server that is named, as who is named; what the server refuses is told in words."""
    terminal.write("account", "xapi\na long password\n").chmod(0o600)
    with stub() as server:
        server.says = envelope("AddXenServer", "<Id>1</Id>")
        ended = terminal.run("wlb", "init", served.url, server.url, "--account", "account")
        assert ended.out == f"the pool asks {server.url} as xapi; the server's certificate is not verified\n", ended.err
        server.says = envelope("RemoveXenServer", "")
        assert terminal.run("wlb", "disconnect", served.url).out == f"the pool asks {server.url} no more\n"
        again = terminal.run("wlb", "disconnect", served.url)
        assert (again.code, "the pool asks no Workload Balancing server" in again.err) == (1, True)
        server.says = b"HTTP/1.1 401 No\r\n\r\n"
        refused = terminal.run("wlb", "init", served.url, server.url, "--account", "account")
        assert (refused.code, "does not take this account" in refused.err) == (1, True)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--listen", "0.0.0.0:8012"), "Give --tls-cert and --tls-key"),
        (("--listen", "8012"), "it is no address"),
        (("--tls-cert", "x.pem"), "Give both"),
        ((), "accounts"),
    ],
)
def test_serving_begins_with_what_is_right(terminal: Terminal, words: tuple[str, ...], told: str) -> None:
    """Addresses, certificates and accounts are looked at before anything listens."""
    terminal.write("p.toml", "")
    ended = terminal.run("wlb", "serve", "p.toml", "--state-dir", "state", *words)
    assert ended.code == 1
    assert told in ended.err


def test_the_unit_has_the_paths_of_the_installation(terminal: Terminal) -> None:
    """One line runs the server as somebody without rights."""
    text = terminal.run("wlb", "unit", "--program", "/usr/bin/rebalancer", "--run-as", "wlb").out
    assert "\nExecStart=/usr/bin/rebalancer wlb serve /etc/rebalancer/wlb.toml --listen 0.0.0.0:8012 " in text
    assert "\nUser=wlb\n" in text
    assert "\nProtectSystem=strict\n" in text
