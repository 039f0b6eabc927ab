"""What XAPI does not escape is read all the same, and loses nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebalancer.errors import ConnectionSettingsError, OutcomeUnknown, RefusedByXapi, Unreachable, UnreadableKey
from rebalancer.simulator import Simulator, generate_pool
from rebalancer.simulator.wire import jsonform, xmlform
from rebalancer.xapi import Credentials, ReadSession, Trust, connect, live_pool, read_pool
from rebalancer.xapi.wire.address import Address, parse_url
from rebalancer.xapi.wire.answers import from_json, from_xml
from rebalancer.xapi.wire.malformed import Malformed
from tests.xapi.scripted import failure, scripted, success

ROOT = Credentials(user="root", password="simulator")
MAP = "(string -> string) map"
MARKUP = ["R&D", "a</name>b", "R&amp;D", "&#38;", "a\ufffeb", "a\x01b", "a\rb", "<value>", "</name>", "x<name>y", "]]>"]
MORE = ["<!--", "<![CDATA[", "ü", " lead ", "", "\ue000", "</member>", "a\nb", "\t", "\ue00000fe", "<name>", "</value>"]
AMBIGUOUS = ["a</name><value>b", "</name><value>", "a</name><value></name><value>"]


def as_xml(value: Any, kind: str = MAP) -> bytes:  # noqa: ANN401 - what XAPI answers
    """An answer as XAPI writes it: names of members as they are."""
    return xmlform.success(kind, value).encode()


@pytest.mark.parametrize("key", MARKUP + MORE)
def test_a_key_with_markup_is_read_as_it_is(key: str) -> None:
    """Whatever stands in a key, it and its value come through, together with their neighbours."""
    value = {"before": "1 < 2 & 3", key: "a\r\nb\x02", "after": ""}
    assert from_xml(as_xml(value)) == {"Status": "Success", "Value": value}


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), st.text(), max_size=5))
def test_maps_come_through(value: dict[str, str]) -> None:
    """Every map is read as it was written, unless a key ends a name by itself, which no text of this kind does."""
    assert from_xml(as_xml(value))["Value"] == value
    assert from_json(jsonform.success({"jsonrpc": "2.0", "id": 1}, MAP, value).encode())["Value"] == value


@pytest.mark.parametrize("key", AMBIGUOUS)
def test_a_key_that_ends_itself_is_named(key: str) -> None:
    """Where a key holds the end of a name and the begin of a value, it is named instead of guessed."""
    with pytest.raises(Malformed) as raised:
        from_xml(as_xml({"before": "1", key: "2", "after": "3"}))
    assert raised.value.key == key


def test_a_key_that_forges_a_field_is_refused() -> None:
    """A key that closes its map and names a field of the record again is no reading of the record."""
    text, struct = "</name><value>y</value></member>", "</name><value><struct><member><name>"
    key = f"x{text}</struct></value></member><member><name>resident_on{text}<member><name>z{struct}w"
    with pytest.raises(Malformed, match="names a member twice") as raised:
        from_xml(as_xml({"other_config": {key: "v"}, "resident_on": "OpaqueRef:home"}, "VM record"))
    assert raised.value.key == "resident_on"


def test_types_are_the_same_in_both_languages() -> None:
    """Integers and times are strings, booleans and floats are values, nothing is an empty string."""
    record = {"order": "5", "is_a_template": True, "HVM_shadow_multiplier": 1.5, "snapshot_time": "19700101T00:00:00Z"}
    said = [
        from_xml(as_xml(record, "VM record")),
        from_json(jsonform.success({"id": 1}, "VM record", record).encode()),
        from_json(jsonform.success({"jsonrpc": "2.0", "id": 1}, "VM record", record).encode()),
    ]
    assert said == [{"Status": "Success", "Value": record}] * 3
    assert from_xml(success({"a": 1, "b": True})) == {"Status": "Success", "Value": {"a": "1", "b": True}}


def test_refusals_are_the_same_in_both_languages() -> None:
    """Code and parameters, whichever version of JSON-RPC says them."""
    words = ["HANDLE_INVALID", "VM", "OpaqueRef:x & y"]
    said = [
        from_xml(xmlform.failure(words).encode()),
        from_json(jsonform.failure({"id": 1}, words).encode()),
        from_json(jsonform.failure({"jsonrpc": "2.0", "id": 1}, words).encode()),
    ]
    assert said == [{"Status": "Failure", "ErrorDescription": words}] * 3


GOOD = as_xml({"key": "value"}).decode()
BROKEN = [
    "",
    "<html><body>It works!</body></html>",
    GOOD[:-30],
    GOOD.replace("Status", "Estate"),
    GOOD.replace("Success", "Perhaps"),
    GOOD.replace("<value>value</value>", "<value><int>ten</int></value>"),
    GOOD.replace("<value>value</value>", "<value><boolean>2</boolean></value>"),
    GOOD.replace("<value>value</value>", "<value><double>x</double></value>"),
    GOOD.replace("<value>value</value>", f"<value><int>{'7' * 9999}</int></value>"),
    GOOD.replace("<value>value</value>", "<value><odd/></value>"),
    GOOD.replace("<value>value</value>", ""),
    GOOD.replace("<name>key</name>", ""),
    GOOD.replace("<methodResponse>", "<!DOCTYPE a [<!ENTITY b 'c'>]><methodResponse>"),
    "<methodResponse><fault><value><struct/></value></fault></methodResponse>",
    "<methodResponse><params/></methodResponse>",
    "<name>" * 50_000,
    xmlform.failure([]),
    xmlform.failure(["A"]).replace("<array><data><value>A</value></data></array>", "A"),
]


@pytest.mark.parametrize("text", BROKEN)
def test_what_is_no_answer_is_malformed(text: str) -> None:
    """Bytes that no XAPI sends are one kind of error, whatever is wrong with them."""
    with pytest.raises(Malformed) as raised:
        from_xml(text.encode())
    assert raised.value.key == ""


@pytest.mark.parametrize("text", ["", "7", "[]", "{}", '{"error": 7}', '{"error": {}}', "<html>", "[" * 99_999, "\xff"])
def test_what_is_no_answer_in_json_is_malformed(text: str) -> None:
    """The same in JSON."""
    with pytest.raises(Malformed):
        from_json(text.encode("latin-1"))


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """A running pool of three hosts, as XAPI puts it on the wire."""
    with Simulator(generate_pool(hosts=3, vms=6, seed=1)) as running:
        yield running


def give_key(simulator: Simulator, key: str, cls: str = "VM", field: str = "other_config") -> str:
    """Let the first object of a class have a key in a map, and return its uuid."""
    ref, record = next(iter(simulator.database.items(cls)))
    simulator.database.change(cls, ref, **{field: {**record[field], key: "yes"}})
    return str(record["uuid"])


@pytest.mark.parametrize("key", [*MARKUP, *AMBIGUOUS, "b</name><value>c</value></member><member><name>d&"])
@pytest.mark.parametrize("field", ["other_config", "xenstore_data"])
def test_a_pool_with_an_odd_key_is_read(simulator: Simulator, key: str, field: str) -> None:
    """A key that XAPI sends as it is stops no reading, and is read as it is, where the host speaks JSON."""
    uuid = give_key(simulator, key, field=field)
    with connect(simulator.url, ROOT, Trust()) as session:
        assert uuid in read_pool(session).vms
        assert session.record("VM", session.ref("VM", uuid))[field][key] == "yes"


@contextmanager
def as_old_as_xenserver_6(simulator: Simulator) -> Iterator[str]:
    """The coordinator's URL while it does not speak JSON."""
    simulator.faults.add("no-json", times=-1)
    yield simulator.url
    simulator.faults.clear()


@pytest.mark.parametrize("key", MARKUP)
def test_an_old_pool_with_an_odd_key_is_read(simulator: Simulator, key: str) -> None:
    """The same without JSON."""
    uuid = give_key(simulator, key)
    with as_old_as_xenserver_6(simulator) as url, connect(url, ROOT, Trust()) as session:
        assert uuid in read_pool(session).vms
        assert session.record("VM", session.ref("VM", uuid))["other_config"][key] == "yes"


@pytest.mark.parametrize("cls", ["VM", "host", "pool", "VDI", "PBD"])
def test_a_key_that_cannot_be_read_is_found(simulator: Simulator, cls: str) -> None:
    """Where neither language settles it, class, object and key are told, and what to do."""
    uuid = give_key(simulator, AMBIGUOUS[0], cls)
    with as_old_as_xenserver_6(simulator) as url, connect(url, ROOT, Trust()) as session:
        with pytest.raises(UnreadableKey, match=re.escape(f"the key '{AMBIGUOUS[0]}' in one of its maps")) as raised:
            read_pool(session)
        assert f"{cls} " in raised.value.holder
        assert uuid in raised.value.holder
        assert "Remove the key" in str(raised.value)
        assert session.url == simulator.url


def test_a_change_of_an_odd_object_is_read(simulator: Simulator) -> None:
    """What XAPI tells of a change is read like everything else, with a token that is used once."""
    with connect(simulator.url, ROOT, Trust()) as session:
        token = session.events(("VM",), "")["token"]
        give_key(simulator, "R&D")
        (event,) = session.events(("VM",), str(token))["events"]
        assert event["snapshot"]["other_config"]["R&D"] == "yes"


def test_a_plain_answer_is_asked_once() -> None:
    """Nobody is asked again where an answer leaves no doubt; where one does, the host is asked in JSON."""
    plain = success({"R": {"uuid": "u"}})
    odd, again = as_xml({"R&D": "1"}), json.dumps({"result": {"R&D": "2"}, "error": None, "id": 1}).encode()
    with scripted([success("OpaqueRef:S"), plain, odd, again, success("")]) as server:
        with connect(server.url, ROOT, Trust()) as session:
            assert session.all_records("VM") == {"R": {"uuid": "u"}}
            assert session.record("VM", "R") == {"R&D": "2"}
        assert server.methods[1:4] == ["VM.get_all_records", "VM.get_record", "/jsonrpc"]


def test_a_login_is_not_asked_again() -> None:
    """A password is not sent a second time because the answer to the first makes no sense."""
    with scripted([as_xml({"R&D": "1"})[:-20], success("OpaqueRef:S")]) as server:
        with pytest.raises(Unreachable, match="not as XAPI does"):
            connect(server.url, ROOT, Trust())
        assert server.methods == ["session.login_with_password"]


@pytest.mark.parametrize("value", ["text", ["list"], {"R": "no record"}, {"R": ["no record"]}, "", True], ids=str)
def test_values_of_other_kinds_are_no_answers(value: object) -> None:
    """Records that are none, in a whole envelope, are told like any other answer that is not XAPI's."""
    with scripted([success("OpaqueRef:S"), success(value)]) as server:
        session = connect(server.url, ROOT, Trust())
        with pytest.raises(Unreachable, match="not as XAPI does"):
            session.all_records("VM")


@pytest.mark.parametrize("text", BROKEN)
def test_a_move_with_a_malformed_answer_is_unknown(text: str) -> None:
    """Whatever comes back when a migration was sent, it was sent, and nobody but the pool knows of it."""
    with scripted([success("OpaqueRef:S"), success("OpaqueRef:V"), success("OpaqueRef:H"), text.encode()]) as server:
        live = live_pool(server.url, ROOT, Trust())
        with pytest.raises(OutcomeUnknown):
            live.migrate("vm", "host")


def test_a_refused_move_keeps_its_words() -> None:
    """A refusal is no malformed answer: its code is kept."""
    refused = failure("VM_BAD_POWER_STATE", "OpaqueRef:V", "running", "halted")
    script = [success("OpaqueRef:S"), success("OpaqueRef:V"), success("OpaqueRef:H"), refused]
    with scripted(script) as server, pytest.raises(RefusedByXapi, match="VM_BAD_POWER_STATE"):
        live_pool(server.url, ROOT, Trust()).migrate("vm", "host")


@pytest.mark.parametrize("task", ["", {"a": "b"}, ["OpaqueRef:T"], True, "OpaqueRef:NULL"], ids=str)
def test_an_answer_without_a_task_is_unknown(task: object) -> None:
    """A migration that was taken, without a task that it runs as, may run all the same."""
    with scripted([success("OpaqueRef:S"), success("OpaqueRef:V"), success("OpaqueRef:H"), success(task)]) as server:
        live = live_pool(server.url, ROOT, Trust())
        with pytest.raises(OutcomeUnknown, match="names no task"):
            live.migrate("vm", "host")


VM = {"uuid": "u", "power_state": "Running", "resident_on": "OpaqueRef:H", "current_operations": {}}
HOME = success({"uuid": "h"})


@pytest.mark.parametrize(
    "script",
    [
        [success({})],
        [success(VM | {"power_state": "Dancing"}), HOME],
        [success(VM | {"current_operations": "none"}), HOME],
        [success(VM), success({"no": "uuid"})],
    ],
)
def test_records_that_are_none_do_not_end_a_watch(script: list[bytes]) -> None:
    """Where a VM is cannot be told by such a record: the pool counts as silent, so that whoever watches asks again."""
    with scripted([success("OpaqueRef:S"), success("OpaqueRef:V"), *script]) as server:
        live = live_pool(server.url, ROOT, Trust())
        with pytest.raises(Unreachable):
            live.whereabouts("vm")


@pytest.mark.parametrize("task", [{"progress": "much"}, {"error_info": "why"}, {"progress": []}])
def test_tasks_that_are_none_do_not_end_a_watch(task: dict[str, Any]) -> None:
    """The same of a task."""
    with scripted([success("OpaqueRef:S"), success({"uuid": "t", "status": "pending"} | task)]) as server:
        live = live_pool(server.url, ROOT, Trust())
        with pytest.raises(Unreachable, match="not as XAPI does"):
            live.task("OpaqueRef:T")


@pytest.mark.parametrize(
    "batch",
    [{}, {"events": {}, "token": "t"}, {"events": [{}], "token": "t"}, {"events": ["x"], "token": "t"}, {"events": []}],
)
def test_events_that_are_none_are_told(batch: dict[str, Any]) -> None:
    """The same of what changed."""
    with scripted([success("OpaqueRef:S"), success(batch)]) as server:
        session = connect(server.url, ROOT, Trust())
        with pytest.raises(Unreachable, match="not as XAPI does"):
            session.events(("VM",), "")


@pytest.mark.parametrize("params", [(), ("",), ("[::1",), ("x" * 300,), ("a..b",), ("bad host",)])
def test_a_member_that_names_no_coordinator_is_told(params: tuple[str, ...]) -> None:
    """HOST_IS_SLAVE without an address, or with one that leads nowhere, is one sentence and no accident."""
    session = ReadSession(parse_url("https://127.0.0.1"), ROOT, Trust().context(), 5.0)
    with scripted([failure("HOST_IS_SLAVE", *params)]) as server:
        session.address = Address(scheme="http", host="127.0.0.1", port=server.port)
        session._move_to(session.address)
        with pytest.raises((Unreachable, ConnectionSettingsError)):
            session.log_in()
