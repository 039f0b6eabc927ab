"""Calls are read within limits, and answers are what XAPI takes."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebalancer.simulator.balancing import reading
from rebalancer.simulator.state.failure import ApiFailure
from rebalancer.wlb.protocol import answers
from rebalancer.wlb.protocol.calls import FIELDS, Call, call_in
from rebalancer.wlb.protocol.elements import MOST_BYTES, MOST_DEPTH, MOST_ELEMENTS, Element, MalformedCall, text_of

ENVELOPE = '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>{}</s:Body></s:Envelope>'
CALL = ENVELOPE.format("<RemoveXenServer><request><PoolUuid>{}</PoolUuid></request></RemoveXenServer>")


def recorded(folder: Path) -> list[str]:
    """The bodies of all requests that XAPI's own code was recorded to send."""
    found = []
    for path in sorted(folder.glob("*.json.gz")):
        document = json.loads(gzip.decompress(path.read_bytes()))
        found += [sent["body"] for each in document["exchanges"] for sent in each.get("sent", [])]
    return found


def test_every_recorded_call_is_read(shared_data: Callable[[str], Path]) -> None:
    """All nine calls, with everything that they need, as XAPI writes them."""
    calls = [call_in(body.encode()) for body in recorded(shared_data("wlb-wire"))]
    assert {call.method for call in calls} == FIELDS.keys()
    assert all(call.texts.keys() == set(FIELDS[call.method]) for call in calls)
    (login,) = {call.texts["Password"] for call in calls if call.method == "AddXenServer"}
    assert login == "xs&pass<1>"
    assert {"AutoBalanceEnabled": "true", "x<&>": "a & b"} in [call.pairs for call in calls]
    assert {"LocaleCode": "en", "Start": "-7", "End": "0"}.items() <= next(
        call.pairs.items() for call in calls if call.method == "ExecuteReport"
    )


HOSTILE = {
    "nothing": "",
    "no XML": "hello",
    "ends early": CALL[:-20],
    "no envelope": "<a/>",
    "no body": "<Envelope/>",
    "two calls": ENVELOPE.format("<GetDiagnostics/><GetDiagnostics/>"),
    "another call": ENVELOPE.format("<Format><request/></Format>"),
    "no request": ENVELOPE.format("<RemoveXenServer/>"),
    "no pool": ENVELOPE.format("<RemoveXenServer><request/></RemoveXenServer>"),
    "two pools": ENVELOPE.format(
        "<RemoveXenServer><request><PoolUuid>a</PoolUuid><PoolUuid>b</PoolUuid></request></RemoveXenServer>"
    ),
    "an entity": '<!DOCTYPE a [<!ENTITY x "y">]>' + CALL.format("&x;"),
    "a bomb": "<!DOCTYPE a [" + '<!ENTITY a "ha">' + '<!ENTITY b "&a;&a;&a;">' + "]>" + CALL.format("&b;"),
    "a file": '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + CALL.format("&x;"),
    "a remote type": '<!DOCTYPE a SYSTEM "http://127.0.0.1/x.dtd">' + CALL.format("p"),
    "depth": "<a>" * (MOST_DEPTH + 1) + "</a>" * (MOST_DEPTH + 1),
    "breadth": "<a>" + "<b/>" * MOST_ELEMENTS + "</a>",
    "length": CALL.format("x" * MOST_BYTES),
    "an unknown encoding": '<?xml version="1.0" encoding="klingon"?>' + CALL.format("p"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_call_is_refused(name: str) -> None:
    """Malformed, incomplete, doubled, too long, too deep, with entities: one error, which quotes nothing of it."""
    with pytest.raises(MalformedCall) as refused:
        call_in(HOSTILE[name].encode())
    assert "passwd" not in str(refused.value)


@given(st.binary(max_size=400))
def test_noise_is_refused(noise: bytes) -> None:
    """Whatever bytes come, nothing but `MalformedCall` is raised."""
    with pytest.raises(MalformedCall):
        call_in(noise)


def test_passwords_do_not_show() -> None:
    """A call in a log or a traceback keeps its texts to itself."""
    call = Call(method="AddXenServer", texts={"Password": "hunter2"}, pairs={"key": "secret"})
    assert "hunter2" not in repr(call)
    assert "secret" not in repr(call)


@given(st.dictionaries(st.text(max_size=8), st.text(max_size=20), max_size=5))
def test_configurations_survive_the_wire(pairs: dict[str, str]) -> None:
    """What XML can hold comes out as it went in, whatever is in it."""
    legal = {key: value for key, value in pairs.items() if _is_plain(key) and _is_plain(value)}
    method = "GetXenPoolConfiguration"
    assert reading.pairs(method, reading.result_in(method, answers.configuration(legal))) == legal


def _is_plain(text: str) -> bool:
    return text == "".join(each for each in text if each.isprintable()).strip()


def test_characters_that_xml_cannot_hold_are_replaced() -> None:
    """A name with control characters does not spoil an answer."""
    assert text_of(Element(name="a", text="x\x00\ufffe\ud800y<")) == "<a>x???y&lt;</a>"


def test_a_fault_is_passed_on() -> None:
    """XAPI shows the words of a fault."""
    with pytest.raises(ApiFailure) as refused:
        reading.result_in("AddXenServer", answers.fault("no such pool & no VM"))
    assert refused.value.description == ["WLB_INTERNAL_ERROR", "Exception:", "no such pool & no VM"]


def test_answers_are_taken() -> None:
    """Each kind of answer, read by the rules of XAPI."""
    ratings = [answers.Rating(host="h1", stars=4.5), answers.Rating(host="h2", stars=0.0, reason="full")]
    method = "VMGetRecommendations"
    found = reading.placements(method, reading.result_in(method, answers.placements(ratings, 7)), 2)
    assert [(each.host, each.stars, each.number, each.reason) for each in found] == [
        ("h1", 4.5, "7", "None"),
        ("h2", 0.0, "7", "full"),
    ]
    move, method = (
        answers.Move(number=1, vm="v", source="a", target="b", reason="Cpu"),
        "GetOptimizationRecommendations",
    )
    number, moves = reading.optimisation(method, reading.result_in(method, answers.optimisation([move], 3)))
    assert (number, [(each.vm, each.source, each.target, each.reason) for each in moves]) == (
        "3",
        [("v", "a", "b", "Cpu")],
    )
    assert reading.optimisation(method, reading.result_in(method, answers.optimisation([], 3))) == ("", [])
    method = "HostGetRecommendations"
    assert list(reading.evacuation(method, reading.result_in(method, answers.evacuation([move])))) == [("v", "b")]
    reading.identity("AddXenServer", reading.result_in("AddXenServer", answers.added(1)))
    for method in ("RemoveXenServer", "SetXenPoolConfiguration"):
        reading.blank(method, reading.result_in(method, answers.answer(method)))
    assert reading.result_in("ExecuteReport", answers.report("<a/>")).inside[0].text == "<a/>"
