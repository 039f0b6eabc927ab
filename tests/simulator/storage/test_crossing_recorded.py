"""What the simulator answers about another pool, against what two XAPIs answered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from rebalancer.simulator.checks.storage_motion import MigrateSend
from tests.rules.crossings import FILES, LEAST, NONE_FOUND, Crossing, Said, is_of_the_recording, read_all
from tests.simulator.asked import code, verdict
from tests.simulator.storage.asked_crossings import Asked, call_of

pytestmark = pytest.mark.skipif(not FILES, reason=NONE_FOUND)

Answer = tuple[str, Said, Said]
"""Words, what XAPI said, what the simulator says."""


@pytest.fixture(scope="module")
def crossings() -> list[Crossing]:
    """All recorded pairs of pools."""
    return read_all()


def whole_answers(crossings: list[Crossing]) -> Iterator[Answer]:
    """What stops each VM on its way to each host."""
    for crossing in crossings:
        asked = Asked(crossing)
        for question in crossing.questions():
            if not is_of_the_recording(question.answer, asked.here.get("VM", question.vm)):
                ours = verdict(lambda: asked.whole(call_of(question)))  # noqa: B023 - called at once
                yield f"{crossing.name}: {crossing.vm(question).name}", question.answer, ours


def single_answers(crossings: list[Crossing]) -> Iterator[Answer]:
    """Both calls by themselves, also with other maps and options."""
    for crossing in crossings:
        asked = Asked(crossing)
        for words, call, dry, sent in _calls(crossing):
            vm, where = asked.here.get("VM", call.vm), f"{crossing.name}: {words}"
            questions: list[tuple[str, Said | None, Callable[[MigrateSend], None]]] = [
                ("assert_can_migrate", dry, asked.dry),
                ("migrate_send", sent, asked.sent),
            ]
            for name, said, ask in questions:
                if said is None or code(said) == "(no answer)" or is_of_the_recording(said, vm):
                    continue
                yield f"{where}, {name}", said, verdict(lambda: ask(call))  # noqa: B023 - called at once


def _calls(crossing: Crossing) -> Iterator[tuple[str, MigrateSend, Said | None, Said | None]]:
    for question in crossing.questions():
        words = crossing.vm(question).name
        yield words, call_of(question), question.assert_can_migrate, question.migrate_send
    for extra in crossing.content.get("extra", ()):
        given: dict[str, Any] = {name: extra[name] for name in ("vm", "host", "vdi_map", "vif_map", "options")}
        call = MigrateSend(**given, vgpu_map=extra["vgpu_map"])
        yield extra["about"], call, extra["assert_can_migrate"], extra["migrate_send"]


def agreement(title: str, answers: list[Answer]) -> str:
    """A table of agreed/total by code, with the first disagreements."""
    total = Counter(code(said) for _, said, _ in answers)
    agreed = Counter(code(said) for _, said, ours in answers if code(said) == code(ours))
    wrong = [f"{words}: {ours} instead of {said}" for words, said, ours in answers if code(said) != code(ours)]
    lines = [f"{agreed[name]:5} of {count:5}  {name}" for name, count in total.most_common()]
    return "\n".join([f"{title}: {agreed.total()} of {total.total()}", *lines, *wrong[:20]])


@pytest.mark.parametrize("answers", [whole_answers, single_answers], ids=["the whole way", "each call"])
def test_crossing_is_answered_as_xapi_does(
    crossings: list[Crossing], answers: Callable[[list[Crossing]], Iterator[Answer]]
) -> None:
    """No refusal of XAPI passes, and at least 98 % of them, and of what passes, have XAPI's answer."""
    found = list(answers(crossings))
    table = agreement(f"simulator, crossing, {answers.__name__}", found)
    print(table)  # noqa: T201 - the figures are what the test is for
    assert [words for words, said, ours in found if code(said) != "ok" and code(ours) == "ok"] == [], table
    for refused in (True, False):
        kind = [(code(said), code(ours)) for _, said, ours in found if (code(said) != "ok") is refused]
        assert sum(said == ours for said, ours in kind) >= LEAST * len(kind), table
