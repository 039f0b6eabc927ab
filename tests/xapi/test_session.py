from __future__ import annotations

import gzip
import json
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from rebalancer.errors import (
    CertificateMismatch,
    LoginRefused,
    RefusedByXapi,
    Unreachable,
    XapiError,
)
from rebalancer.simulator import Simulator, generate_pool
from rebalancer.xapi import Credentials, ReadSession, Trust, connect
from rebalancer.xapi.patience import NONE
from rebalancer.xapi.session import READS
from tests.xapi.scripted import CLOSE, SILENCE, failure, scripted, success

ROOT = Credentials(user="root", password="simulator")


def open_session(url: str, timeout_seconds: float = 30.0) -> ReadSession:
    """A session with the simulated pool's login, which asks nobody twice."""
    return connect(url, ROOT, Trust(), timeout_seconds=timeout_seconds, patience=NONE)


@pytest.fixture(scope="module")
def simulator() -> object:
    """A running pool of three hosts over plain HTTP."""
    with Simulator(generate_pool(hosts=3, vms=6, seed=1), login_delay=0) as running:
        yield running


def test_login_and_logout() -> None:
    """A session logs in once, reads in one connection, and logs out at the end."""
    with scripted([success("OpaqueRef:S"), success({}), success("")]) as server:
        with open_session(server.url) as session:
            assert session.session_ref == "OpaqueRef:S"
            assert session.all_records("VM") == {}
        assert server.asked == [
            (1, "session.login_with_password"),
            (1, "VM.get_all_records"),
            (1, "session.logout"),
        ]


def test_wrong_password(simulator: Simulator) -> None:
    """A wrong password is `LoginRefused`, names the user and not the password."""
    with pytest.raises(LoginRefused) as raised:
        connect(simulator.url, Credentials(user="root", password="open sesame"), Trust())
    assert "user root or its password is refused" in str(raised.value)
    assert "open sesame" not in str(raised.value)


def test_a_member_leads_to_the_coordinator(simulator: Simulator) -> None:
    """A session with any member ends up at the coordinator, on the same port."""
    members = [url for url in simulator.urls.values() if url != simulator.url]
    assert members
    for url in members:
        with open_session(url) as session:
            assert session.url == simulator.url
            assert len(session.all_records("host")) == 3


def test_recorded_member_is_followed(shared_data: Callable[[str], Path]) -> None:
    """The answer that a real member gave to a login leads to the coordinator that it names."""
    recorded = shared_data("rrd/login-host-is-slave.xml").read_bytes()
    with scripted([success("OpaqueRef:S"), success("")]) as coordinator:
        answer = recorded.replace(b"127.0.0.1:8083", f"127.0.0.1:{coordinator.port}".encode())
        with scripted([answer]) as member, open_session(member.url) as session:
            assert session.url == coordinator.url
        assert coordinator.methods == ["session.login_with_password", "session.logout"]


def test_coordinator_changes_in_between() -> None:
    """When HA makes another host coordinator, a read logs in there and is repeated."""
    with scripted([success("OpaqueRef:T"), success({"R": {}}), success("")]) as new:
        moved = failure("HOST_IS_SLAVE", f"127.0.0.1:{new.port}")
        with scripted([success("OpaqueRef:S"), moved]) as old, open_session(old.url) as session:
            assert session.all_records("VM") == {"R": {}}
            assert session.url == new.url


def test_members_that_name_each_other_are_left() -> None:
    """Hosts that send each other's clients around are not followed for ever."""
    with scripted([]) as server:
        server.script[:] = [failure("HOST_IS_SLAVE", f"127.0.0.1:{server.port}")] * 9
        with pytest.raises(Unreachable, match="3 hosts in a row named another coordinator"):
            open_session(server.url)


def test_a_coordinator_elsewhere_is_not_followed_in_the_clear() -> None:
    """Over plain HTTP no password follows to another machine."""
    refused = pytest.raises(Unreachable, match=r"names '192.0.2.1'.* plain http would send the password.*https://192")
    with scripted([failure("HOST_IS_SLAVE", "192.0.2.1")]) as server, refused:
        open_session(server.url)


def test_a_session_that_ended_is_renewed(simulator: Simulator) -> None:
    """A read in a session that XAPI has forgotten logs in again and answers."""
    with open_session(simulator.url) as session:
        before = session.session_ref
        simulator.faults.add("session-expires", method="VM.get_all_records")
        assert session.all_records("VM")
        assert session.session_ref != before


def test_a_pool_that_forgets_every_session_is_left() -> None:
    """A pool that ends each new session at once is given up, not asked for ever."""
    script = [success("OpaqueRef:S"), *[failure("SESSION_INVALID", "S"), success("OpaqueRef:S")] * 9]
    with scripted(script) as server:
        session = open_session(server.url)
        with pytest.raises(Unreachable, match="3 times to get a valid session"):
            session.all_records("VM")


def test_a_kept_connection_that_was_closed_is_replaced() -> None:
    """A read on a connection that the server has closed in silence is repeated on a new one."""
    with scripted([success("OpaqueRef:S"), success({}), success({}), success("")], keep=False) as server:
        with open_session(server.url) as session:
            time.sleep(0.05)
            assert session.all_records("VM") == {}
        assert server.asked[1] == (2, "VM.get_all_records")


def test_a_new_connection_that_breaks_is_not_repeated() -> None:
    """A first request without answer is sent once, and told as unreachable."""
    with scripted([CLOSE, success("OpaqueRef:S")]) as server:
        with pytest.raises(Unreachable):
            open_session(server.url)
        assert server.methods == ["session.login_with_password"]


def test_silence_ends_in_time() -> None:
    """A server that does not answer is unreachable once the time-out is over."""
    with scripted([SILENCE]) as server, pytest.raises(Unreachable, match="no answer in time"):
        open_session(server.url, timeout_seconds=0.3)


def test_nothing_listens() -> None:
    """A port where nothing listens is unreachable, by its name."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(Unreachable, match=f"http://127.0.0.1:{port}: nothing listens there"):
        open_session(f"http://127.0.0.1:{port}")


def test_no_such_host() -> None:
    """A name that no server knows is unreachable, by its name."""
    with pytest.raises(Unreachable, match=r"https://absent\.invalid: there is no host of that name"):
        open_session("https://absent.invalid")


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", "HTTP 500 Oops"),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "HTTP 404"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>", "not as XAPI does"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "not as XAPI does"),
        (success("x").replace(b"Status", b"Estate"), "not as XAPI does"),
        (success(["x"]).replace(b"<array>", b"<arrow>"), "not as XAPI does"),
    ],
)
def test_something_else_answers(answer: bytes, problem: str) -> None:
    """A web server, an SSH server or half an answer is told apart from a pool, without a traceback."""
    line = answer if answer.startswith((b"HTTP", b"<")) else b"HTTP" + answer
    with scripted([line]) as server, pytest.raises(Unreachable) as raised:
        open_session(server.url)
    assert problem in str(raised.value)


def test_logout_of_a_dead_pool_is_no_error() -> None:
    """Leaving a session with a pool that has gone meanwhile ends quietly."""
    with scripted([success("OpaqueRef:S")]) as server:
        session = open_session(server.url)
    with session:
        pass


def test_leaving_without_a_session_is_quiet() -> None:
    """A session whose coordinator has sent it away, and that could not log in elsewhere, is left quietly."""
    with scripted([success("OpaqueRef:S"), failure("HOST_IS_SLAVE", "127.0.0.1:1")]) as server:
        with open_session(server.url) as session, pytest.raises(Unreachable, match="nothing listens there"):
            session.all_records("VM")
        assert session.url == server.url


def test_another_host_is_asked_when_the_coordinator_is_gone() -> None:
    """The coordinator is asked once more where it was given, then another host, which may be the new one."""
    with scripted([success("OpaqueRef:T"), success({"R": {}}), success("")]) as other:
        with scripted([success("OpaqueRef:S"), CLOSE, CLOSE]) as dying:
            session = open_session(dying.url)
            session.remember([f"127.0.0.1:{other.port}"])
            for _ in range(2):
                with pytest.raises(Unreachable):
                    session.all_records("VM")
                assert session.url in {dying.url, other.url}
        with session:
            assert session.all_records("VM") == {"R": {}}
            assert session.url == other.url


def test_the_error_inside_is_the_one_that_is_told(simulator: Simulator) -> None:
    """What goes wrong inside a session is raised, not what goes wrong while leaving it."""
    with pytest.raises(RefusedByXapi) as raised, open_session(simulator.url) as session:
        session.record("VM", "OpaqueRef:none")
    assert (raised.value.code, raised.value.params) == ("HANDLE_INVALID", ("VM", "OpaqueRef:none"))


@pytest.mark.parametrize(
    "message",
    [
        "VM.pool_migrate",
        "Async.VM.pool_migrate",
        "Async.VM.get_record",
        "VM.set_name_label",
        "VM.hard_shutdown",
        "host.disable",
        "task.cancel",
        "task.destroy",
        "pool.ha_compute_max_host_failures_to_tolerate",
        "session.logout",
        "host.call_plugin",
        "get_record",
        "",
    ],
)
def test_a_reading_session_cannot_write(message: str) -> None:
    """Whatever is not on the list of reads is refused before anything is sent."""
    with scripted([success("OpaqueRef:S")]) as server:
        session = open_session(server.url)
        with pytest.raises(ValueError, match="is not on the list"):
            session._read(message)
        assert server.methods == ["session.login_with_password"]


def test_reads_are_reads(shared_data: Callable[[str], Path]) -> None:
    """Every message on the list may be sent by XAPI's read-only role; secrets, which nobody asks for, may not."""
    with gzip.open(shared_data("xenapi-datamodel.json.gz")) as file:
        messages = [message for each in json.load(file) if each["name"] != "secret" for message in each["messages"]]
    listed = [message for message in messages if message["name"] in READS]
    assert {message["name"] for message in listed} | {"get_all_records", "get_by_uuid", "get_record"} == READS
    assert all("read-only" in message["roles"] for message in listed)


@pytest.fixture(scope="module")
def encrypted() -> object:
    """A running pool over HTTPS with a self-signed certificate."""
    with Simulator(generate_pool(hosts=2, vms=2, seed=1), tls=True) as running:
        yield running


def test_a_self_signed_certificate_is_not_trusted(encrypted: Simulator) -> None:
    """Without a pin a self-signed certificate is refused, with both fixes."""
    with pytest.raises(CertificateMismatch, match="--ca-file, or pin the certificate with --fingerprint"):
        connect(encrypted.url, ROOT, Trust())


def test_a_pinned_certificate_is_trusted(encrypted: Simulator) -> None:
    """With its fingerprint pinned, the same certificate is believed, on the member too."""
    trust = Trust(fingerprints=frozenset({str(encrypted.certificate_fingerprint)}))
    for url in encrypted.urls.values():
        with connect(url, ROOT, trust) as session:
            assert session.url == encrypted.url


def test_another_certificate_than_the_pinned_one(encrypted: Simulator) -> None:
    """Another certificate is refused before the password is sent, and the sentence shows its fingerprint."""
    with pytest.raises(CertificateMismatch) as raised:
        connect(encrypted.url, ROOT, Trust(fingerprints=frozenset({"00" * 32})))
    assert str(encrypted.certificate_fingerprint).replace(":", "").lower() in str(raised.value)
    assert encrypted.url in str(raised.value)


def test_https_to_a_plain_server(simulator: Simulator) -> None:
    """HTTPS to a port that speaks plain HTTP is told as such."""
    with pytest.raises(XapiError, match="no TLS connection"):
        open_session(simulator.url.replace("http:", "https:"))
