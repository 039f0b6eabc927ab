"""What a host sends ends in time, and fits into memory, whatever it sends."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from itertools import chain, repeat
from types import SimpleNamespace
from typing import cast

import pytest

from rebalancer.errors import OutcomeUnknown, Unreachable
from rebalancer.inventory import Pool
from rebalancer.xapi import Credentials, LivePool, MetricsFailure, ReadSession, Trust, connect, fetch_metrics
from rebalancer.xapi.patience import NONE
from rebalancer.xapi.wire import answers, elements, unescaped
from rebalancer.xapi.wire.address import Address
from rebalancer.xapi.wire.answers import from_json, from_xml
from rebalancer.xapi.wire.connection import HostConnection
from rebalancer.xapi.wire.limits import ANSWER_BYTES, BYTES_A_SECOND, DEPTH, MEBI, RRD_BYTES
from rebalancer.xapi.wire.malformed import Malformed
from tests.pools import make_host, make_pool
from tests.xapi.scripted import scripted, success
from tests.xapi.wire.dripping import dripping

ROOT = Credentials(user="root", password="simulator")
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n"
DRIPS = {
    "in the first line": chain([b"HTTP/1.1 2"], repeat(b"0")),
    "in a header": chain([HEAD, b"X: "], repeat(b"x")),
    "in the body": chain([HEAD, b"Content-Length: 9999999\r\n\r\n"], repeat(b" ")),
    "in chunks": chain([HEAD, b"Transfer-Encoding: chunked\r\n\r\n"], repeat(b"1\r\n \r\n")),
    "without a length": chain([HEAD, b"\r\n"], repeat(b" ")),
    "before the answer": repeat(b"HTTP/1.1 100 Continue\r\n\r\n"),
}


def head(*lines: str) -> bytes:
    """The beginning of an answer."""
    return HEAD + "".join(f"{line}\r\n" for line in lines).encode() + b"\r\n"


def session_at(port: int) -> ReadSession:
    """A session that is not logged in, at a host that may be silent for half a second."""
    address = Address(scheme="http", host="127.0.0.1", port=port)
    return ReadSession(address, ROOT, Trust().context(), 0.5)


@pytest.mark.parametrize("where", DRIPS)
def test_an_answer_that_never_ends_is_none(where: str) -> None:
    """A host that is never silent for long, and never done, is left alone after a while."""
    with dripping(DRIPS[where]) as (port, gone):
        with pytest.raises(Unreachable, match="no answer in time"):
            session_at(port).log_in()
        assert gone.wait(20)


def test_a_long_answer_over_a_slow_line_is_read() -> None:
    """What keeps coming may take longer than a silence may."""
    size = 30 * BYTES_A_SECOND
    said = [head(f"Content-Length: {size}"), *[b" " * BYTES_A_SECOND] * 30]
    with dripping(said, pause=0.1) as (port, _):
        host = HostConnection(Address(scheme="http", host="127.0.0.1", port=port), None, 2.0)
        assert len(host.ask("GET", "/", most=size).body) == size


def test_a_move_whose_answer_never_ends_is_unknown() -> None:
    """It was sent, and is watched."""
    with scripted([success("OpaqueRef:S"), success("OpaqueRef:V"), success("OpaqueRef:H")]) as server:
        session = connect(server.url, ROOT, Trust(), timeout_seconds=0.5, patience=NONE)
        live = LivePool(session)
        live.ref_of("VM", "v")
        live.ref_of("host", "h")
        with dripping(DRIPS["in the body"]) as (port, _):
            session.address = Address(scheme="http", host="127.0.0.1", port=port)
            with pytest.raises(OutcomeUnknown, match="was sent and no answer came"):
                live.migrate("v", "h")


def metrics_of(port: int) -> bytes | MetricsFailure:
    """What a host that listens there says of its load."""
    address = Address(scheme="http", host="127.0.0.1", port=port)
    session = cast("ReadSession", SimpleNamespace(address=address, session_ref="OpaqueRef:S", context=None))
    pool: Pool = make_pool(hosts=[make_host("h1")], vms=[])
    (answer,) = fetch_metrics(session, pool, {"h1": 0.0}, window=timedelta(days=7), timeout_seconds=0.5).values()
    return answer


def test_metrics_that_never_end_are_none() -> None:
    """The same of a host's metrics, which are missing then."""
    with dripping(DRIPS["in the body"]) as (port, _):
        answer = metrics_of(port)
        assert isinstance(answer, MetricsFailure)
        assert answer.reason.startswith("no answer in time")


REFUSED = {
    f"an answer of more than {ANSWER_BYTES // MEBI} MiB": head(f"Content-Length: {ANSWER_BYTES + 1}"),
    "an answer that is packed (gzip)": head("Content-Encoding: gzip", "Content-Length: 20") + b"x" * 20,
    "an answer that is packed (br)": head("Content-Encoding: br", "Content-Length: 0"),
}


@pytest.mark.parametrize("why", REFUSED)
def test_an_answer_that_is_too_long_or_packed_is_not_read(why: str) -> None:
    """XAPI sends neither: it is refused by its head."""
    with scripted([REFUSED[why]]) as server, pytest.raises(Unreachable) as raised:
        connect(server.url, ROOT, Trust())
    assert why in str(raised.value)


def test_metrics_that_are_too_long_or_packed_are_not_read() -> None:
    """The same of a host's metrics."""
    long = head(f"Content-Length: {RRD_BYTES + 1}")
    for said, why in ((long, "of more than 64 MiB"), (REFUSED["an answer that is packed (gzip)"], "packed (gzip)")):
        with scripted([said]) as server:
            answer = metrics_of(server.port)
        assert isinstance(answer, MetricsFailure)
        assert why in answer.reason


CHUNK = b"1000\r\n" + b"x" * 4096 + b"\r\n"


@pytest.mark.parametrize("framed", [b"Transfer-Encoding: chunked\r\n\r\n", b"\r\n"])
def test_an_answer_without_a_length_is_read_up_to_the_limit(framed: bytes) -> None:
    """Where the head does not tell, what comes is counted."""
    with dripping(chain([HEAD + framed], repeat(CHUNK)), pause=0) as (port, _):
        host = HostConnection(Address(scheme="http", host="127.0.0.1", port=port), None, 5.0)
        with pytest.raises(Malformed, match="more than 1 MiB"):
            host.ask("GET", "/", most=MEBI)
        assert not host.is_open


def answer_of(value: bytes) -> bytes:
    """An answer with a value in it, as XAPI frames it."""
    return success("@").replace(b"<value><string>@</string></value>", b"<value>" + value + b"</value>")


def nested(levels: int) -> bytes:
    """Lists inside one another."""
    return b"<array><data><value>" * levels + b"</value></data></array>" * levels


def test_what_xapi_nests_is_read() -> None:
    """Lists in lists, as deep as no answer of XAPI's goes."""
    assert from_xml(answer_of(nested(15)))["Status"] == "Success"


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (nested(DEPTH), "too deep"),
        (b"<value>" * DEPTH, "too deep"),
        (b"<int>" + b"9" * 400 + b"</int>", "no integer of 64 bits"),
        (b"<i8>" + b"9" * 20 + b"</i8>", "no integer of 64 bits"),
        (b"<int>1_000</int>", "no integer of 64 bits"),
        ("<int>٣</int>".encode(), "no integer of 64 bits"),
        (b"<double>" + b"9" * 400 + b"</double>", "no number"),
        (b"<double>1_0</double>", "no number"),
        (b"<a " + b" ".join(b"a%d='b'" % number for number in range(400_000)) + b"/>", "too long a tag"),
    ],
)
def test_what_no_xapi_sends_is_refused_in_time(value: bytes, why: str) -> None:
    """Depth, digits and tags that would cost time or memory, or mean something else to others."""
    with pytest.raises(Malformed, match=why):
        from_xml(answer_of(value))


@pytest.mark.parametrize("declared", ["UTF-7", "utf-16", "ISO-8859-1", "rot13", "zlib_codec", "idna"])
def test_other_encodings_are_refused(declared: str) -> None:
    """XAPI writes UTF-8 and declares nothing; whatever else is declared, its bytes mean something else."""
    with pytest.raises(Malformed, match="declares the encoding"):
        from_xml(f"<?xml version='1.0' encoding='{declared}'?>".encode() + answer_of(b"+ADw-").partition(b"?>")[2])
    wide = answer_of(b"x").decode().encode("utf-16")
    with pytest.raises(Malformed):
        from_xml(wide)


@pytest.mark.parametrize(
    "text",
    [
        "[" * (DEPTH + 2) + "]" * (DEPTH + 2),
        '{"a":' * (DEPTH + 2) + "1" + "}" * (DEPTH + 2),
        "9" * 400,
        "1" * 20,
        "0." + "1" * 400,
        "NaN",
        '"\\ud83d"',
        '"\\ude00\\ud83d"',
    ],
)
def test_the_same_in_json(text: str) -> None:
    """Depth, digits, what is no number, and half a letter."""
    with pytest.raises(Malformed):
        from_json(f'{{"result": {text}, "error": null}}'.encode())


def test_whole_letters_in_json_are_read() -> None:
    """Two halves make one."""
    assert from_json(b'{"result": "\\ud83d\\ude00", "error": null}')["Value"] == "\U0001f600"


SMALL = {
    "HELD_BYTES": (10_000, answer_of(b"<array><data>" + b"<value>ab</value>" * 200 + b"</data></array>"), from_xml),
    "ELEMENTS": (300, answer_of(b"<array><data>" + b"<value/>" * 300 + b"</data></array>"), from_xml),
    "TEXT_LETTERS": (30_000, answer_of(b"x" * 40_000), from_xml),
    "DOUBTFUL_BYTES": (100, answer_of(b"\x01"), from_xml),
    "ODD_LETTERS": (3, answer_of(b"\x01\x02\x01\x0c"), from_xml),
    "ITEMS": (30, b'{"result": [' + b"1," * 40 + b"1]}", from_json),
    "JSON_BYTES": (20, b'{"result": "plain text"}', from_json),
    "WIDE_BYTES": (20, '{"result": "ä"}     '.encode(), from_json),
}


@pytest.mark.parametrize("limit", SMALL)
def test_each_limit_holds(limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is read in full is refused where the limit is lower."""
    most, body, read = SMALL[limit]
    assert read(body)["Status"] == "Success"
    (reader,) = (each for each in (answers, elements, unescaped) if hasattr(each, limit))
    monkeypatch.setattr(reader, limit, most)
    with pytest.raises(Malformed):
        read(body)


def test_letters_that_nobody_can_stand_in_for_are_refused() -> None:
    """An answer that holds every letter that nobody uses leaves none to write its control characters with."""
    with pytest.raises(Malformed):
        from_xml(answer_of(b"\x01" + "".join(map(chr, range(0xE000, 0xF900))).encode()))


FILL = """
import resource, sys, time
from rebalancer.xapi.wire.limits import ANSWER_BYTES, ITEMS
from rebalancer.xapi.wire.answers import from_json, from_xml
from rebalancer.xapi.wire.malformed import Malformed
head, unit, read, most = {head!r}, {unit!r}, {read}, {most}
body = head + unit * ((most - len(head)) // len(unit))
began = time.process_time()
try:
    read(body)
except Malformed:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, time.process_time() - began)
"""
STRUCT = b"<methodResponse><params><param><value><struct>"
SHAPES = {
    "values": (STRUCT, b"<value>ab</value>", "from_xml", "ANSWER_BYTES"),
    "maps": (STRUCT, b"<member><name>a</name><value><struct/></value></member>", "from_xml", "ANSWER_BYTES"),
    "wide letters": (STRUCT, b"<value>" + "\U0001f600".encode() + b"x" * 99 + b"</value>", "from_xml", "ANSWER_BYTES"),
    "one text": (STRUCT + b"<value>", b"x", "from_xml", "ANSWER_BYTES"),
    "control characters": (STRUCT, b"<value>\x01\x02\x03</value>", "from_xml", "8 * 1024**2"),
    "small maps in JSON": (b'{"result": [', b'{"a":1},', "from_json", "4 * ITEMS"),
    "one text in JSON": (b'{"result": "', b"x", "from_json", "40 * 1024**2"),
}


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
def test_the_worst_answers_fit_into_memory(shape: str) -> None:
    """An answer as long as answers may be is given up below 300 MB and within 10 s of work."""
    first, unit, read, most = SHAPES[shape]
    program = FILL.format(head=first, unit=unit, read=read, most=most)
    shell = ["sh", "-c", '"$@"; true', "sh"]  # a process begins with the most memory that its parent ever had
    ran = subprocess.run(
        [*shell, sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=300
    )
    megabytes, seconds = map(float, ran.stdout.split())
    assert megabytes < 300
    assert seconds < 10


def test_no_address_names_the_session() -> None:
    """Addresses are logged, and a session is as good as a password."""
    with scripted([success("no metrics")]) as server:
        metrics_of(server.port)
        (path,) = server.methods
    assert path.startswith("/rrd_updates?start=")
    assert "OpaqueRef" not in path
    assert "session" not in path


def test_no_session_is_taken_to_another_host() -> None:
    """Whoever sends us elsewhere is not followed."""
    with scripted([success("no metrics")]) as other:
        moved = f"HTTP/1.1 302 Found\r\nLocation: {other.url}/rrd_updates\r\nContent-Length: 0\r\n\r\n".encode()
        with scripted([moved]) as server:
            answer = metrics_of(server.port)
        assert isinstance(answer, MetricsFailure)
        assert "HTTP 302" in answer.reason
        assert other.asked == []
