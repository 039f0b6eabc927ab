"""The rules of the way to another pool against two XAPIs; `pytest -s -k crossing` shows agreed/total for each code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from rebalancer.rules import Objection
from tests.rules.crossings import FILES, LEAST, NONE_FOUND, Crossing, is_of_the_recording, read_all
from tests.rules.recordings import Case, share_that_agrees
from tests.rules.storage_verdicts import StorageVerdicts

pytestmark = pytest.mark.skipif(not FILES, reason=NONE_FOUND)


@pytest.fixture(scope="module")
def crossings() -> list[Crossing]:
    """All recorded pairs of pools: none is refused for a uuid that both have."""
    return read_all()


def judged(crossing: Crossing) -> Iterator[tuple[Case, tuple[Objection, ...]]]:
    """Every VM and host: XAPI's answer beside the rules' first, and all else that the rules have against it."""
    verdicts = StorageVerdicts(crossing.problem)
    for question in crossing.questions():
        if is_of_the_recording(question.answer, crossing.content["home"]["VM"][question.vm]):
            continue
        vm, host, disks = crossing.vm(question), crossing.host(question), crossing.disks(question)
        recorded = [question.answer] if isinstance(question.answer, str) else question.answer
        case = Case(
            where=f"{crossing.name}: {vm.name} to {host.name}",
            recorded=recorded,
            objection=verdicts.crossing(vm, host, disks),
            said={},
        )
        yield case, verdicts.crossing_late(vm, host, disks)


def test_crossing_is_refused_with_xapis_code(crossings: list[Crossing]) -> None:
    """At least 98 % of what XAPI refuses has its code, and nothing that it lets pass has one."""
    cases = [case for crossing in crossings for case, _ in judged(crossing)]
    _, table = share_that_agrees(cases)
    share, _ = share_that_agrees(case for case in cases if case.expected != "ok")
    print(f"rules, crossing\n{table}")  # noqa: T201 - the figures are what the test is for
    assert share >= LEAST, table
    passed, _ = share_that_agrees(case for case in cases if case.expected == "ok")
    assert passed >= LEAST, table


def test_crossing_is_never_freer_than_xapi(crossings: list[Crossing]) -> None:
    """What XAPI refuses, some rule refuses; what it lets pass and they do not is named by the rule."""
    lax, strict = list[str](), Counter[str]()
    for crossing in crossings:
        for case, late in judged(crossing):
            if case.expected != "ok" and not case.objection and not late:
                lax.append(case.where)
            if case.expected == "ok":
                strict.update({each.rule for each in late})
    print(f"on purpose, although XAPI lets it pass: {dict(strict.most_common())}")  # noqa: T201 - the figures
    assert lax == []
