"""The rules against answers that were recorded from XAPI's own code.

The folder is `XAPI_VERDICTS`, by default xapi-verdicts in the shared data. `pytest -s` shows agreed/total for each
code.
"""

from __future__ import annotations

import gzip
import json
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from rebalancer.inventory import Pool, pool_from_records
from rebalancer.problem import make_problem
from rebalancer.rules import Objection, Verdicts, rules_for
from rebalancer.rules.memory_model import free_bytes
from tests.conftest import shared_folder
from tests.pools import policy_of

FOLDER = Path(os.environ.get("XAPI_VERDICTS", shared_folder() / "xapi-verdicts"))
FILES = sorted(FOLDER.glob("*.json.gz"))
LEAST = 0.999

ASKED_LATER = {"no-conflicting-op": "waits", "vgpu-driver": "(unknown)"}
"""Where xapi neither starts nor refuses: it queues, or asks a driver that no database knows."""

pytestmark = pytest.mark.skipif(not FILES, reason=f"no recorded verdicts in {FOLDER}; set XAPI_VERDICTS")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One VM and one host: what xapi said, and what the rules say."""

    where: str
    recorded: list[str]
    objection: Objection | None

    @property
    def expected(self) -> str:
        """xapi's code, or its `ok`, `waits`, `(unknown)`."""
        return self.recorded[0]

    @property
    def answered(self) -> str:
        """The same in the rules' words."""
        if self.objection is None:
            return "ok"
        return ASKED_LATER.get(self.objection.rule, self.objection.code or "no code")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One recorded pool, with a look-up from refs to uuids."""

    name: str
    records: dict[str, Any]
    verdicts: dict[str, Any]
    pool: Pool

    def uuid(self, kind: str, ref: str) -> str:
        """The uuid behind a ref."""
        return str(self.records[kind][ref]["uuid"])

    def cases(self) -> Iterator[Case]:
        """All VMs and hosts, the rule set being what XAPI enforces."""
        problem = make_problem(self.pool, None, policy_of(rules={"set": "enforced"}))
        verdicts = Verdicts(problem, rules_for(problem))
        for vm_ref, answers in self.verdicts["vms"].items():
            vm = self.pool.vms[self.uuid("VM", vm_ref)]
            for host_ref, answer in answers["hosts"].items():
                host = self.pool.hosts[self.uuid("host", host_ref)]
                said = answer["pool_migrate"]
                yield Case(
                    where=f"{self.name}: {vm.name} to {host.name}",
                    recorded=[said] if isinstance(said, str) else said,
                    objection=verdicts.first(vm, host),
                )


def read(path: Path) -> Recording:
    """The recorded pool in *path*."""
    content = json.loads(gzip.decompress(path.read_bytes()))
    return Recording(
        name=path.name.removesuffix(".json.gz"),
        records=content["records"],
        verdicts=content["verdicts"],
        pool=pool_from_records(content["records"]),
    )


@pytest.fixture(scope="module")
def recordings() -> list[Recording]:
    """All recorded pools."""
    return [read(path) for path in FILES]


@pytest.fixture(scope="module")
def cases(recordings: list[Recording]) -> list[Case]:
    """All pairs of all recorded pools."""
    return [case for recording in recordings for case in recording.cases()]


def test_verdicts_agree_with_xapi(cases: list[Case]) -> None:
    """For at least 99.9 % of all pairs the first objection has the code that xapi answered."""
    total = Counter(case.expected for case in cases)
    agreed = Counter(case.expected for case in cases if case.answered == case.expected)
    for code, count in total.most_common():
        print(f"{agreed[code]:5} of {count:5}  {code}")  # noqa: T201 - the figures are what the test is for
    print(f"{agreed.total():5} of {total.total():5}  pairs agree")  # noqa: T201
    wrong = [
        f"{case.where}: {case.answered} instead of {case.expected}" for case in cases if case.answered != case.expected
    ]
    assert agreed.total() >= LEAST * total.total(), "\n".join(wrong[:20])


@pytest.mark.parametrize("code", ["HOST_NOT_ENOUGH_FREE_MEMORY", "HOST_NOT_ENOUGH_PCPUS"])
def test_numbers_in_verdicts_agree_to_the_byte(cases: list[Case], code: str) -> None:
    """What is needed and what is there are exactly the numbers that xapi names."""
    found = [case for case in cases if case.expected == code and case.answered == code]
    if not found:
        pytest.skip(f"{code} is in none of the recorded pools")
    assert [case.where for case in found if case.objection and list(case.objection.params) != case.recorded[1:]] == []


def test_free_memory_of_every_host_agrees_to_the_byte(recordings: list[Recording]) -> None:
    """`free_bytes` is what host.compute_free_memory answered, for every host of every pool."""
    wrong = [
        (recording.name, host, answer["compute_free_memory"])
        for recording in recordings
        for free in [free_bytes(recording.pool)]
        for host, answer in recording.verdicts["hosts"].items()
        if free[recording.uuid("host", host)] != answer["compute_free_memory"]
    ]
    assert wrong == []


def test_ha_verdicts_agree(cases: list[Case]) -> None:
    """Where HA is asked, and xapi refuses for its failover plan or lets the move pass, so do the rules."""
    code = "HA_OPERATION_WOULD_BREAK_FAILOVER_PLAN"
    asked = [case for case in cases if code in (case.expected, case.answered)]
    if not asked:
        pytest.skip("in none of the recorded pools a move would break the failover plan")
    wrong = [case.where for case in asked if case.expected != case.answered]
    assert len(wrong) <= (1 - LEAST) * len(asked), wrong
