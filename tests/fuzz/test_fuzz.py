"""Whatever is wrong with an input, it is read or refused in one sentence."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.fuzz.cases import Case, case_of, end_of, run
from tests.fuzz.targets import TARGETS


def refuse(case: Case, end: str) -> None:
    """Fail with the input and how it ended."""
    pytest.fail(f"{case.target} {case.content[:2000]!r} ended so: {end}")


def test_no_input_ends_in_anything_but_a_sentence() -> None:
    """Of a few hundred inputs some can still be read, and most are refused."""
    ends = run(1, range(600), refuse)
    assert ends["found"] == 0
    assert ends["read"] > 60
    assert ends["refused"] > 200


@pytest.mark.parametrize("name", TARGETS)
def test_what_is_put_wrong_was_right(name: str) -> None:
    """Each base is read, and so is what its tree is written as: mutations start from what commands take."""
    for base, tree in TARGETS[name].ready():
        assert end_of(Case(number=0, target=name, content=base)) == "read"
        assert end_of(Case(number=0, target=name, content=TARGETS[name].write(tree))) == "read"


def test_a_case_is_known_by_its_number() -> None:
    """The same seed and number make the same input, and another number another one."""
    assert [case_of(1, number) for number in range(50)] == [case_of(1, number) for number in range(50)]
    assert len({case_of(1, number).content for number in range(50)}) > 45


def test_every_target_is_met() -> None:
    """In proportion to its weight."""
    met = Counter(case_of(3, number).target for number in range(2000))
    assert met.keys() == TARGETS.keys()
    assert met["journal"] > met["table"]
