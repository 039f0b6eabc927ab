"""The simulated XAPI takes and refuses the answers that XAPI's own code was recorded to take and refuse."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rebalancer.simulator.balancing import reading
from rebalancer.simulator.balancing.asking import content_of
from rebalancer.simulator.state.failure import ApiFailure

FILES = (
    "initialise",
    "deconfigure",
    "configuration",
    "recommendations-vm",
    "recommendations-pool",
    "recommendations-host",
    "reports",
)
HOSTS = {"VM: a host is not live: two answers": 2, "VM: a host is not live: three answers": 2}
LATER = {
    "VM: one host twice": "asks the records",
    "VM: an unknown host": "asks the records",
    "VM: no recommendation": "asks the records",
    "pool: unknown VM": "asks the records",
    "host: to itself": "asks the records",
    "host: unknown target": "asks the records",
    "configuration: CDATA and entities": "breaks on XML-RPC, which does not escape names of members",
    "deconfigure: error comes back": "no answer is looked at",
}
"""Answers that the reader passes on to what comes after it, and why."""


def exchanges(folder: Path) -> list[dict[str, Any]]:
    """All recorded exchanges in which something was said back."""
    found = []
    for name in FILES:
        document = json.loads(gzip.decompress((folder / f"{name}.json.gz").read_bytes()))
        found += [each for each in document["exchanges"] if (each.get("replied") or [""])[0] not in {"", "(silence)"}]
    return found


def read(exchange: dict[str, Any]) -> Any:  # noqa: ANN401 - whatever the method answers
    """What the simulated XAPI makes of a recorded answer."""
    head = exchange["sent"][0]["head"]
    method = head.partition("IWorkloadBalance/")[2].partition('"')[0]
    raw = exchange["replied"][0].encode()
    result = reading.result_in(method, content_of(raw))
    readers: dict[str, Callable[[], Any]] = {
        "AddXenServer": lambda: reading.identity(method, result),
        "SetXenPoolConfiguration": lambda: reading.blank(method, result),
        "RemoveXenServer": lambda: reading.blank(method, result),
        "GetXenPoolConfiguration": lambda: reading.pairs(method, result),
        "VMGetRecommendations": lambda: reading.placements(method, result, HOSTS.get(exchange["about"], 3)),
        "GetOptimizationRecommendations": lambda: reading.optimisation(method, result),
        "HostGetRecommendations": lambda: list(reading.evacuation(method, result)),
    }
    return readers[method]()


def outcome(exchange: dict[str, Any]) -> list[str] | Any:  # noqa: ANN401 - as `read`
    """The value, or the first words of the refusal."""
    try:
        return read(exchange)
    except ApiFailure as failure:
        return failure.description[:3]


def wanted(exchange: dict[str, Any]) -> list[str] | None:
    """The first words of the recorded refusal; None where the answer was taken."""
    answer = exchange["answer"]
    return answer["error"][:3] if isinstance(answer, dict) and "error" in answer else None


def test_every_recorded_answer_is_judged_alike(shared_data: Callable[[str], Path]) -> None:
    """The same answers are refused, with the same code, method and words."""
    wrong = []
    for exchange in exchanges(shared_data("wlb-wire")):
        if exchange["about"] in LATER or "get" in exchange:
            continue
        found, theirs = outcome(exchange), wanted(exchange)
        refused = found if isinstance(found, list) and found and isinstance(found[0], str) else None
        if refused != theirs:
            wrong.append(f"{exchange['about']}: {found} instead of {theirs}")
    assert wrong == []


def test_values_are_read_as_recorded(shared_data: Callable[[str], Path]) -> None:
    """Configurations, stars, ids and reasons come out as XenAPI showed them."""
    checked = 0
    for exchange in exchanges(shared_data("wlb-wire")):
        if wanted(exchange) or "get" in exchange or exchange["about"] in LATER:
            continue
        found, answer = read(exchange), exchange["answer"]
        if exchange["call"] == "pool.retrieve_wlb_configuration":
            assert found == answer
        elif exchange["call"] == "VM.retrieve_wlb_recommendations":
            ours = [[repr(each.stars), each.number, *([] if each.stars else [each.reason])] for each in found]
            theirs = [row[1:] for row in answer.values() if "OpaqueRef" not in row[-1]]
            assert all(row in ours for row in theirs), exchange["about"]
        elif exchange["call"] == "pool.retrieve_wlb_recommendations":
            number, moves = found
            theirs = [[number, each.number, each.reason] for each in moves]
            assert all(row[2:] in theirs for row in answer.values()), exchange["about"]
        else:
            continue
        checked += 1
    assert checked > 30


@pytest.mark.parametrize("text", ["4,5", " 4.5 ", "", "x", "1.2.3", "--1"])
def test_what_ocaml_does_not_read_is_refused(text: str) -> None:
    """A decimal comma, blanks and nothing are no numbers."""
    with pytest.raises(ApiFailure, match="WLB_MALFORMED_RESPONSE"):
        reading.number_in(text)
