"""Reported: pools that let nobody in, or files that nobody could read, for a reason that was not told."""

from __future__ import annotations

import codecs
import gzip
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import rebalancer as rb
from rebalancer.errors import ConnectionSettingsError, PolicyError, RefusedByXapi, SnapshotError, Unreachable
from rebalancer.nightly import access_of
from rebalancer.nightly.members import KnownPool, keep_pool, known_pool
from rebalancer.simulator import Simulator, generate_pool
from tests.xapi.scripted import scripted, success
from tests.xapi.wire.tls_hosts import Files, as_xenserver_7, certificate, print_of

ROOT = rb.Credentials(user="root", password="simulator")
LOGIN = "session.login_with_password"
__all__ = ["certificate"]
"""A fixture of another file."""
SHARED = Callable[[str], Path]


@contextmanager
def forwarded(url: str) -> Iterator[str]:
    """A URL on this machine that leads to *url* through a port forward."""
    target = (str(urlsplit(url).hostname), int(urlsplit(url).port or 0))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_forward, args=(listener, target), daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)


def _forward(listener: socket.socket, target: tuple[str, int]) -> None:
    """Join every connection to one of its own until the listener is closed."""
    with suppress(OSError):
        while True:
            near, far = listener.accept()[0], socket.create_connection(target)
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=_pump, args=(one, other), daemon=True).start()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """A small pool, running."""
    with Simulator(generate_pool(hosts=3, vms=6, seed=1)) as running:
        yield running


def only(path: Path, content: bytes) -> Path:
    """A file with that content that nobody else may read."""
    path.touch(mode=0o600)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    "content",
    [
        codecs.BOM_UTF8 + b"root\r\nsimulator\r\n",
        codecs.BOM_UTF16_LE + "root\r\nsimulator\r\n".encode("utf-16-le"),
        codecs.BOM_UTF16_BE + "root\nsimulator".encode("utf-16-be"),
    ],
)
def test_credentials_from_windows(simulator: Simulator, tmp_path: Path, content: bytes) -> None:
    """A byte order mark is no part of the user's name, and says in which encoding the file is."""
    way = rb.Connection(credentials=only(tmp_path / "credentials", content))
    assert len(rb.read(simulator.url, way, metrics=False).pool.hosts) == 3


@pytest.mark.parametrize("mark", [codecs.BOM_UTF8, codecs.BOM_UTF16_LE])
def test_policies_snapshots_and_tables_from_windows(simulator: Simulator, tmp_path: Path, mark: bytes) -> None:
    """The same of every other file that a person hands in."""
    encoding = "utf-8" if mark == codecs.BOM_UTF8 else "utf-16-le"
    policy = tmp_path / "policy.toml"
    policy.write_bytes(mark + 'mode = "repair"\r\n'.encode(encoding))
    assert rb.Policy.load(policy).mode == "repair"
    state = rb.read(simulator.url, ROOT, metrics=False)
    state.save(tmp_path / "pool.json")
    (tmp_path / "copy.json").write_bytes(mark + (tmp_path / "pool.json").read_text().encode(encoding))
    assert rb.read(tmp_path / "copy.json").pool == state.pool


def test_an_ipv6_address_gets_brackets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is suggested for the address that xe shows works as a URL, and a URL without brackets is told so."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SnapshotError, match=re.escape("or write https://[fd00::10] if it is a pool")):
        rb.read("fd00::10")
    for url in ("https://fd00::10", "https://fd00::10/", "https://::1"):
        with pytest.raises(ConnectionSettingsError, match=r"Put it into brackets: https://\[\S+\]\.$"):
            rb.read(url, ROOT)
    said = "brackets: http://[::1:8080], or, with a port, http://[::1]:8080."
    with pytest.raises(ConnectionSettingsError, match=re.escape(said)):
        rb.read("http://::1:8080", ROOT)
    with pytest.raises(ConnectionSettingsError, match="it is not a URL"):
        rb.read("https://fd00:none:10", ROOT)


@pytest.mark.parametrize("name", ["state.db", "pool-dump-2026", "db.gz", "db.XML", "data", "dump.xml.gz", "dump.json"])
@pytest.mark.parametrize("packed", [True, False])
def test_a_dump_is_told_by_its_content(shared_data: SHARED, tmp_path: Path, name: str, *, packed: bool) -> None:
    """XAPI's own file, what `xe pool-dump-database` was told to write, and a backup of Xen Orchestra are all dumps."""
    real = shared_data("cases/reports/021-state.db-and-dumps-without-xml-suffix/Cowley-db.xml.gz").read_bytes()
    (tmp_path / "Cowley-db.xml.gz").write_bytes(real)
    (tmp_path / name).write_bytes(real if packed else gzip.decompress(real))
    assert rb.read(tmp_path / name).pool == rb.read(tmp_path / "Cowley-db.xml.gz").pool


@pytest.mark.parametrize("packed", [True, False])
def test_a_snapshot_is_told_by_its_content(simulator: Simulator, tmp_path: Path, *, packed: bool) -> None:
    """A snapshot under any name, gzip'd or not, is the same snapshot."""
    state = rb.read(simulator.url, ROOT, metrics=False)
    state.save(tmp_path / ("pool.json.gz" if packed else "pool.json"))
    written = next(tmp_path.iterdir())
    for name in ("backup", "pool.json.gz.old", "pool.xml", "pool.JSON"):
        assert rb.read(written.rename(tmp_path / name)).pool == state.pool
        written = tmp_path / name


def test_a_pool_of_6_1_lets_in(simulator: Simulator) -> None:
    """XenServer 6.1 and older refuse the fourth parameter of the login: it is left out."""
    simulator.faults.add("old-login", times=-1)
    assert len(rb.read(simulator.url, ROOT, metrics=False).pool.hosts) == 3


@pytest.mark.parametrize("code", ["HOST_STILL_BOOTING", "TOO_MANY_PENDING_TASKS"])
@pytest.mark.parametrize("method", [LOGIN, "pool.get_all_records", "event.from"])
def test_a_pool_that_is_not_ready_is_waited_for(simulator: Simulator, code: str, method: str) -> None:
    """A coordinator that still boots, or has too much to do, is asked again; then it is told in words."""
    simulator.faults.add("refused", method=method, code=code)
    assert rb.read(simulator.url, ROOT, metrics=False).pool.hosts
    simulator.faults.add("refused", method=method, code=code, times=-1)
    with pytest.raises(RefusedByXapi, match=rf"\({code}\)\. Try again in some minutes\."):
        rb.read(simulator.url, rb.Connection(credentials=ROOT, patience_seconds=0), metrics=False)


def test_a_night_has_more_patience(tmp_path: Path) -> None:
    """A night waits for minutes, for silence as well; a command for half a minute, and not for silence."""
    credentials = only(tmp_path / "credentials", b"root\nsimulator\n")
    written = f'[pool]\nurl = "https://x"\ncredentials_file = "{credentials}"\n'
    policy = rb.Policy.load(only(tmp_path / "p.toml", written.encode()))
    night, command = access_of(policy, tmp_path).connection, rb.Connection(credentials=ROOT)
    assert (night.patience_seconds, night.waits_for_silence) == (300.0, True)
    assert (command.patience_seconds, command.waits_for_silence) == (30.0, False)


def test_a_missing_role_is_named(simulator: Simulator) -> None:
    """Whoever may not read is told which role it takes."""
    call = "pool.get_all_records"
    simulator.faults.add("refused", method=call, code="RBAC_PERMISSION_DENIED", params=f"{call} No")
    with pytest.raises(RefusedByXapi, match="it takes the role read-only or more"):
        rb.read(simulator.url, ROOT, metrics=False)


def test_a_pool_behind_a_port_forward(simulator: Simulator) -> None:
    """The coordinator's metrics are asked where it has just answered; the others were asked where errors say."""
    coordinator, *members = simulator.urls.values()
    with forwarded(coordinator) as url:
        state = rb.read(url, ROOT)
        port = urlsplit(url).port
    assert len(state.pool.hosts) == 3
    assert state.refused is not None
    reasons = "; ".join(state.refused.reasons)
    for member in members:
        address = urlsplit(member).hostname
        assert f"nothing listens there (asked at http://{address}:{port}, its address in the pool)" in reasons
    assert f"http://{urlsplit(coordinator).hostname}:" not in reasons
    assert url not in reasons


def test_another_address_is_asked_where_the_first_is_silent(simulator: Simulator) -> None:
    """A list of addresses gets into a pool whose first host is down, through members, too."""
    dead, (_, *members) = "http://127.0.0.1:1", simulator.urls.values()
    way = rb.Connection(credentials=ROOT, fallbacks=("http://127.0.0.1:2", members[0]))
    assert len(rb.read(dead, way, metrics=False).pool.hosts) == 3
    with rb.connect(dead, way) as live:
        assert live.read().hosts
    with pytest.raises(Unreachable, match=f"{dead}: nothing listens there; nor do 2 other addresses answer"):
        rb.read(dead, rb.Connection(credentials=ROOT, fallbacks=("http://127.0.0.1:2", "http://127.0.0.1:3")))


def test_a_night_knows_other_addresses(simulator: Simulator, tmp_path: Path) -> None:
    """The policy's list of addresses and its word for old hosts are those of the night."""
    only(tmp_path / "credentials", b"root\nsimulator\n")
    where = f'url = "http://127.0.0.1:1"\nfallback_urls = ["{simulator.url}"]'
    written = f'[pool]\n{where}\ncredentials_file = "credentials"\n'
    policy = rb.Policy.load(only(tmp_path / "p.toml", written.encode()))
    access = access_of(policy, tmp_path)
    assert len(rb.read(access.url, access.connection, metrics=False).pool.hosts) == 3
    with pytest.raises(PolicyError, match='tls = "legacy" needs fingerprints'):
        rb.Policy.load(only(tmp_path / "old.toml", b'[pool]\ntls = "legacy"\n'))
    pinned = f'[pool]\nurl = "https://x"\ntls = "legacy"\nfingerprints = ["{"00" * 32}"]\n'
    old = rb.Policy.load(only(tmp_path / "pinned.toml", pinned.encode()))
    assert rb.Connection.of_policy(old, tmp_path).trust().legacy


def test_a_night_remembers_the_hosts_of_the_last(simulator: Simulator, tmp_path: Path) -> None:
    """Where the coordinator is gone, the hosts that the pool had are asked; at what port and scheme the URL says."""
    pool = rb.read(simulator.url, ROOT, metrics=False).pool
    keep_pool(simulator.url, pool, tmp_path)
    assert sorted(known_pool(simulator.url, tmp_path).members) == sorted(simulator.urls.values())
    known = known_pool(simulator.url, tmp_path)
    assert (known.uuid, known.name) == (pool.uuid, pool.name)
    assert known_pool("https://other", tmp_path) == KnownPool()
    (file,) = (tmp_path / "members").iterdir()
    for broken in ("", "{", '["http://evil"]', "7", '[["x"]]', '{"addresses": [1]}', '{"uuid": "u"}'):
        file.write_text(broken)
        assert known_pool(simulator.url, tmp_path).members == (), broken
    file.write_text('{"uuid": "u", "name": "west", "addresses": ["", "::1"]}')
    assert (known_pool(simulator.url, tmp_path).uuid, len(known_pool(simulator.url, tmp_path).members)) == ("u", 1)
    file.write_text('["192.0.2.1", "::1"]')
    assert known_pool(simulator.url, tmp_path).members == (f"http://[::1]:{urlsplit(simulator.url).port}",)


def test_rsa_key_exchange(certificate: Files) -> None:
    """A XenServer of 6.5 or 7 is named as such, and let in by an option, its fingerprint pinned."""
    files = certificate()
    context = as_xenserver_7(files)
    with scripted([success("OpaqueRef:S")], context=context) as server:
        way = rb.Connection(credentials=ROOT, fingerprints=(print_of(files),))
        with pytest.raises(Unreachable, match=r"RSA key exchange of XenServer 7\.x and older") as raised:
            rb.connect(server.url, way)
        assert "--legacy-tls" in raised.value.remedy
        rb.connect(server.url, replace(way, legacy_tls=True))
        assert server.methods == ["session.login_with_password"]
