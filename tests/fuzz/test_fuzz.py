"""Whatever is wrong with an input, it is read or refused in one sentence."""

from __future__ import annotations

import json
import tomllib
from collections import Counter

import pytest
from pydantic import BaseModel

from rebalancer.execute.journal.entries import KINDS
from rebalancer.policy import Policy
from tests.fuzz.bases import journals, policies
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


def test_every_policy_key_and_every_entry_is_put_wrong() -> None:
    """Mutations begin with a policy that has a value for each key, and a journal with an entry of each kind."""
    told = tomllib.loads(policies()[1].decode())
    assert told.keys() == Policy.model_fields.keys()
    for name, section in told.items():
        kind = type(getattr(Policy(), name))
        if isinstance(section, dict) and issubclass(kind, BaseModel):
            assert section.keys() == kind.model_fields.keys(), name
    assert {json.loads(line)["event"] for line in journals()[0].splitlines()} == KINDS.keys()


def test_a_case_is_known_by_its_number() -> None:
    """The same seed and number make the same input, and another number another one."""
    assert [case_of(1, number) for number in range(50)] == [case_of(1, number) for number in range(50)]
    assert len({case_of(1, number).content for number in range(50)}) > 45


def test_every_target_is_met() -> None:
    """In proportion to its weight."""
    met = Counter(case_of(3, number).target for number in range(2000))
    assert met.keys() == TARGETS.keys()
    assert met["journal"] > met["table"]
