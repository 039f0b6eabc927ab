from __future__ import annotations

import gzip
import json
import re
import socket
import ssl
import sys
import time
import xml.etree.ElementTree as ET
import xmlrpc.client
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import XenAPI

from rebalancer.errors import MissingExtra
from rebalancer.simulator import SimulatedPool, Simulator, load_pool

# The stock client answers with whatever the method answers.
Proxy = Any

Shape = Any
TO_A_HOST = {"VM.assert_can_boot_here"}


def parsed(text: str) -> ET.Element:
    """The root element of an answer of the simulator, or of a recording."""
    return ET.fromstring(text)  # noqa: S314 - nobody else wrote it


def post(simulator: Simulator, path: str, body: str, kind: str = "text/xml") -> httpx.Response:
    """Send a body to the coordinator."""
    return httpx.post(simulator.url + path, content=body.encode(), headers={"Content-Type": kind}, timeout=20)


def shape(element: ET.Element) -> Shape:
    """An XML-RPC value without its contents: the types of members, and of the first element of arrays."""
    kinds = list(element)
    if not kinds:
        return "string"
    inner = kinds[0]
    if inner.tag == "struct":
        return {m.findtext("name"): shape(m.find("value")) for m in inner}  # type: ignore[arg-type]
    if inner.tag == "array":
        return [shape(value) for value in inner.iter("value")][:1] if list(inner[0]) else []
    return inner.tag


def agree(ours: Shape, theirs: Shape) -> bool:
    """Whether two shapes fit: the same types, where an empty set, map or null says nothing about its contents."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        if any(str(key).startswith("OpaqueRef:") for key in {**ours, **theirs}):
            return all(agree(mine, other) for mine in ours.values() for other in theirs.values())
        return all(agree(ours[key], theirs[key]) for key in ours.keys() & theirs.keys())
    if isinstance(ours, list) and isinstance(theirs, list):
        return all(agree(mine, other) for mine in ours for other in theirs)
    return bool(ours == theirs)


@pytest.fixture(scope="module")
def recorded_pool(shared_data: Callable[[str], Path]) -> SimulatedPool:
    """The pool behind the recordings is not kept; another recorded one stands in."""
    return load_pool(shared_data("xapi-verdicts/healthy.json.gz"))


def exchanges(shared_data: Callable[[str], Path], name: str) -> list[dict[str, Any]]:
    """The requests and responses of one recording."""
    recording = json.loads(gzip.decompress(shared_data(f"xapi-wire/{name}.json.gz").read_bytes()))
    found: list[dict[str, Any]] = recording["exchanges"]
    return found


def error_code(text: str) -> str:
    """The error code in an XML answer, or ok."""
    answer: Proxy = xmlrpc.client.loads(text)[0][0]
    return str(answer.get("ErrorDescription", ["ok"])[0])


def first_ref(simulator: Simulator, cls: str) -> str:
    """A ref of a class; of VM, a running guest."""
    for ref, record in simulator.database.items(cls):
        if cls != "VM" or (record["power_state"] == "Running" and not record["is_control_domain"]):
            return ref
    return "OpaqueRef:NULL"


def translated(simulator: Simulator, session: str, params: list[Any], method: str) -> list[Any]:
    """The recorded parameters with refs and uuids of our pool in the place of theirs."""
    cls = method.removeprefix("Async.").partition(".")[0]
    kinds = {
        "OpaqueRef:a5a953ec-8407-5be8-9796-af46a64ada3b": "host",
        params[-1] if method in TO_A_HOST else "": "host",
    }
    answer = []
    for value in params:
        if value == "PASSWORD":
            answer.append("secret")
        elif isinstance(value, str) and value.startswith("OpaqueRef:SESSION"):
            answer.append("OpaqueRef:dead" if value.endswith("-3") else session)
        elif isinstance(value, str) and value.startswith("OpaqueRef:") and len(value) == 46 and "00000000" not in value:
            answer.append(session if cls == "session" else first_ref(simulator, kinds.get(value, cls)))
        else:
            answer.append(value)
    return answer


@pytest.mark.parametrize("name", ["login", "inventory", "getters"])
def test_recorded_xml_requests_get_answers_of_the_same_shape(
    name: str, recorded_pool: SimulatedPool, shared_data: Callable[[str], Path]
) -> None:
    """What the stock client sent to XAPI's own server gets the same envelope, status and types of values here."""
    wrong, seen = [], 0
    with Simulator(recorded_pool, password="secret", login_delay=0.0) as simulator:
        login = xmlrpc.client.ServerProxy(simulator.url)
        session = login.session.login_with_password("root", "secret")["Value"]  # type: ignore[index, call-overload]
        for exchange in exchanges(shared_data, name):
            params, method = xmlrpc.client.loads(exchange["request"]["body"])
            theirs = parsed(exchange["response"]["body"]).find(".//value")
            assert method is not None
            assert theirs is not None
            if "Failure" in exchange["response"]["body"][:200] and method != "session.login_with_password":
                continue
            body = xmlrpc.client.dumps(tuple(translated(simulator, str(session), list(params), method)), method)
            if "by_uuid" in method:
                uuid = simulator.world.uuid("VM", first_ref(simulator, "VM"))
                body = xmlrpc.client.dumps((session, uuid), method)
            response = post(simulator, exchange["request"]["path"], body)
            ours = parsed(response.text).find(".//value")
            assert ours is not None
            assert response.headers["content-type"] == exchange["response"]["headers"]["content-type"]
            seen += 1
            if method != "session.logout" and not agree(shape(ours), shape(theirs)):
                wrong.append((method, response.text[:300]))
    assert wrong == []
    assert seen > 5


def test_recorded_mistakes_get_the_same_errors(
    recorded_pool: SimulatedPool, shared_data: Callable[[str], Path]
) -> None:
    """Every kind of wrong request in the recording gets the recorded HTTP status and error code."""
    wrong = []
    with Simulator(recorded_pool, password="secret", login_delay=0.0) as simulator:
        proxy = xmlrpc.client.ServerProxy(simulator.url)
        session = str(proxy.session.login_with_password("root", "secret")["Value"])  # type: ignore[index, call-overload]
        for exchange in exchanges(shared_data, "errors"):
            request, response = exchange["request"], exchange["response"]
            if response["status"] == 500:
                assert post(simulator, "/RPC2", request["body"]).status_code == 500
                continue
            params, method = xmlrpc.client.loads(request["body"])
            if method == "session.logout":
                continue
            assert method is not None
            sent = translated(simulator, session, list(params), method)
            ours = post(simulator, "/RPC2", xmlrpc.client.dumps(tuple(sent), method)).text
            codes = [error_code(ours), error_code(response["body"])]
            if codes[0] != codes[1]:
                wrong.append((method, params, codes))
    assert wrong == []


def test_json_answers_have_numbers_and_the_version_asked_for(simulator: Simulator) -> None:
    """JSON-RPC 2.0 and 1.0 have their own envelopes; integers are numbers, nothing is an empty string."""

    def ask(**request: Proxy) -> Proxy:
        return post(simulator, "/jsonrpc", json.dumps(request), "application/json").json()

    login = ask(jsonrpc="2.0", id=1, method="session.login_with_password", params=["root", "secret", "1.0", "me"])
    session, vm = login["result"], first_ref(simulator, "VM")
    record = ask(jsonrpc="2.0", id=2, method="VM.get_record", params=[session, vm])["result"]
    assert isinstance(record["memory_static_max"], int)
    assert isinstance(record["HVM_shadow_multiplier"], float)
    host = ask(jsonrpc="2.0", id=2, method="host.get_record", params=[session, first_ref(simulator, "host")])["result"]
    assert host["virtual_hardware_platform_versions"] == [0, 1, 2]
    assert isinstance(host["cpu_info"]["cpu_count"], str)
    refused = ask(jsonrpc="2.0", id=3, method="VM.get_record", params=[session, "OpaqueRef:bad"])
    assert refused["error"] == {"code": 1, "message": "HANDLE_INVALID", "data": ["VM", "OpaqueRef:bad"]}
    assert "result" not in refused
    old = ask(id=4, method="VM.get_record", params=[session, "OpaqueRef:bad"])
    assert old == {"result": None, "error": ["HANDLE_INVALID", "VM", "OpaqueRef:bad"], "id": 4}
    assert ask(id=5, method="session.logout", params=[session]) == {"result": "", "error": None, "id": 5}


def test_members_name_the_coordinator(simulator: Simulator) -> None:
    """Every host but the first answers HOST_IS_SLAVE with the coordinator's address, at login and later."""
    coordinator, *members = simulator.urls.values()
    assert coordinator == simulator.url
    for url in members:
        with pytest.raises(XenAPI.Failure) as refused:
            XenAPI.Session(url).xenapi.login_with_password("root", "secret")
        assert refused.value.details == ["HOST_IS_SLAVE", "127.0.1.1"]


def test_a_wrong_password_costs_time(simulator: Simulator) -> None:
    """A wrong password is refused after a pause, a dead session at once."""
    begun = time.monotonic()
    with pytest.raises(XenAPI.Failure) as refused:
        XenAPI.Session(simulator.url).xenapi.login_with_password("root", "wrong")
    assert refused.value.details == ["SESSION_AUTHENTICATION_FAILED", "root", "Authentication failure"]
    assert time.monotonic() - begun >= 0.05


def test_a_call_that_is_documented_but_not_played_says_so(xapi: Proxy) -> None:
    """NOT_IMPLEMENTED tells a call that XAPI has from one that nobody has."""
    with pytest.raises(XenAPI.Failure, match="NOT_IMPLEMENTED"):
        xapi.pool.sync_database()
    with pytest.raises(XenAPI.Failure, match="MESSAGE_METHOD_UNKNOWN"):
        xapi.pool.no_such_call()


def test_tls_shows_the_certificate_it_announces(small_pool: SimulatedPool) -> None:
    """The fingerprint of the simulator is that of the certificate on the wire, and plain HTTP gets no answer there."""
    with Simulator(small_pool, tls=True, password="secret") as simulator:
        host, _, port = simulator.url.removeprefix("https://").partition(":")
        pem = ssl.get_server_certificate((host, int(port)))
        assert sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest() == simulator.certificate_fingerprint
        trusted = ssl.create_default_context(cadata=pem)
        assert httpx.get(simulator.url + "/nothing", verify=trusted).status_code == 404
        with pytest.raises(httpx.TransportError):
            httpx.get(simulator.url.replace("https", "http"))


def test_tls_without_its_package_says_how_to_get_it(small_pool: SimulatedPool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra is named."""
    monkeypatch.setitem(sys.modules, "cryptography", None)
    said = "it needs the package cryptography. Install the extra `simulator`: in a checkout `pip install"
    with pytest.raises(MissingExtra, match=re.escape(said)):
        Simulator(small_pool, tls=True).start()


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("VM.pool_migrate", ["x", "y", "no map"]),
        ("VM.set_tags", ["x", "no set"]),
        ("VM.start", ["x", "no", "bool"]),
        ("event.from", ["vm", "", "soon"]),
        ("VM.set_user_version", ["x", "five"]),
    ],
)
def test_parameters_of_the_wrong_type_are_answered(simulator: Simulator, method: str, params: list[str]) -> None:
    """A value of another type than XAPI's gets an error, over JSON too; the connection stays."""
    with httpx.Client(base_url=simulator.url) as client:
        login = {"id": 1, "method": "session.login_with_password", "params": ["root", "secret"]}
        session = client.post("/jsonrpc", json=login).json()["result"]
        answer = client.post("/jsonrpc", json={"id": 2, "method": method, "params": [session, *params]}).json()
        assert answer["error"][0] == "INTERNAL_ERROR"
        assert client.post("/jsonrpc", json={"id": 3, "method": "VM.get_all", "params": [session]}).json()["result"]


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[",
        "[" * 200_000,
        "7",
        "{}",
        '{"method": 7}',
        '{"method": ["VM.get_record"]}',
        '{"method": "VM.x", "params": 7}',
    ],
)
def test_what_is_no_call_is_answered(simulator: Simulator, body: str) -> None:
    """HTTP 500 with words, never a connection that breaks as if the host had died."""
    assert post(simulator, "/jsonrpc", body, "application/json").status_code == 500


@pytest.mark.parametrize("length", ["-5", "abc", "99999999999", "\u00b2"])
def test_a_length_that_is_none_is_answered(simulator: Simulator, length: str) -> None:
    """At once: nobody waits for a body that never comes, or makes room for it."""
    address = urlsplit(simulator.url)
    with socket.create_connection((address.hostname, address.port), timeout=5) as connection:
        connection.sendall(f"POST / HTTP/1.1\r\nContent-Length: {length}\r\n\r\nabc".encode("latin-1"))
        assert connection.recv(12) == b"HTTP/1.1 500"


def test_maps_and_tags_can_be_written(simulator: Simulator, xapi: Proxy) -> None:
    """add_to, remove_from and add_tags change a record, and a key that is there is not written over."""
    vm = first_ref(simulator, "VM")
    xapi.VM.add_to_other_config(vm, "rebalancer", "1")
    with pytest.raises(XenAPI.Failure, match="MAP_DUPLICATE_KEY"):
        xapi.VM.add_to_other_config(vm, "rebalancer", "2")
    xapi.VM.remove_from_other_config(vm, "rebalancer")
    xapi.VM.add_tags(vm, "blue")
    assert xapi.VM.get_other_config(vm) == {}
    assert xapi.VM.get_tags(vm) == ["blue"]
