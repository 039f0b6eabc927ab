"""Answers that were recorded from XAPI's own code, with a look-up from refs to uuids.

The folder is `XAPI_VERDICTS`, by default xapi-verdicts and xapi-verdicts-more in the shared data.
"""

from __future__ import annotations

import gzip
import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rebalancer.inventory import VM, Host, Pool, pool_from_records
from rebalancer.problem import Problem, make_problem
from rebalancer.rules import Objection
from tests.conftest import shared_folder
from tests.pools import policy_of

SETS = ("xapi-verdicts", "xapi-verdicts-more")
FOLDERS = (
    [Path(os.environ["XAPI_VERDICTS"])] if "XAPI_VERDICTS" in os.environ else [shared_folder() / name for name in SETS]
)
LEAST = 0.999

ASKED_LATER = {"no-conflicting-op": "waits", "vgpu-driver": "(unknown)"}
"""Where pool_migrate neither starts nor refuses: it queues, or asks a driver that no database knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One question: what xapi said, and what the rules say."""

    where: str
    recorded: list[str]
    objection: Objection | None
    said: Mapping[str, str]

    @property
    def expected(self) -> str:
        """xapi's code, or its `ok`, `waits`, `(unknown)`."""
        return self.recorded[0]

    @property
    def answered(self) -> str:
        """The same in the rules' words."""
        if self.objection is None:
            return "ok"
        return self.said.get(self.objection.rule, self.objection.code or "no code")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One recorded pool."""

    name: str
    content: dict[str, Any]
    pool: Pool

    @property
    def vms(self) -> dict[str, Any]:
        """What xapi said of each VM, by ref."""
        return self.content["verdicts"]["vms"]  # type: ignore[no-any-return]

    @property
    def hosts(self) -> dict[str, Any]:
        """What xapi said of each host, by ref."""
        return self.content["verdicts"]["hosts"]  # type: ignore[no-any-return]

    def uuid(self, kind: str, ref: str) -> str:
        """The uuid behind a ref."""
        return str(self.content["records"][kind][ref]["uuid"])

    def vm(self, ref: str) -> VM:
        """The VM behind a ref."""
        return self.pool.vms[self.uuid("VM", ref)]

    def host(self, ref: str) -> Host:
        """The host behind a ref."""
        return self.pool.hosts[self.uuid("host", ref)]

    def enforced(self) -> Problem:
        """The pool under the rules that XAPI enforces."""
        return make_problem(self.pool, None, policy_of(rules={"set": "enforced"}))

    def case(
        self, words: str, said: str | list[str], objection: Objection | None, names: Mapping[str, str] = ASKED_LATER
    ) -> Case:
        """A question with both answers."""
        recorded = [said] if isinstance(said, str) else said
        return Case(where=f"{self.name}: {words}", recorded=recorded, objection=objection, said=names)


def recorded_files(folder: Path) -> list[Path]:
    """The recorded pools in a folder, packed or not."""
    return sorted([*folder.glob("*.json.gz"), *folder.glob("*.json")])


FILES = [path for folder in FOLDERS for path in recorded_files(folder)]
NONE_FOUND = f"no recorded verdicts in {' or '.join(map(str, FOLDERS))}; set XAPI_VERDICTS"


def content_of(path: Path) -> dict[str, Any]:
    """What a recording holds."""
    body = path.read_bytes()
    content: dict[str, Any] = json.loads(gzip.decompress(body) if path.suffix == ".gz" else body)
    return content


def read_all() -> list[Recording]:
    """All recorded pools."""
    return [read(path) for path in FILES]


def share_that_agrees(cases: Iterable[Case]) -> tuple[float, str]:
    """The share of agreement, of nothing all, and a table of agreed/total by code with the first disagreements."""
    found = list(cases)
    total = Counter(case.expected for case in found)
    agreed = Counter(case.expected for case in found if case.answered == case.expected)
    lines = [f"{agreed[code]:5} of {count:5}  {code}" for code, count in total.most_common()]
    wrong = [
        f"{case.where}: {case.answered} instead of {case.expected}" for case in found if case.answered != case.expected
    ]
    table = "\n".join([*lines, f"{agreed.total():5} of {total.total():5}  agree", *wrong[:20]])
    return agreed.total() / total.total() if total else 1.0, table


def read(path: Path) -> Recording:
    """The recorded pool in *path*."""
    content, name = content_of(path), path.name.removesuffix(".gz").removesuffix(".json")
    return Recording(name=name, content=content, pool=pool_from_records(content["records"]))


DUMPS = (
    "Cowley-db.xml.gz",
    "TampaTwoHostPoolSelectioniSCSI.xml.gz",
    "boston-db.xml.gz",
    "cowley1.xml.gz",
    "tampa-db_inc_snapshots.xml.gz",
    "xapidb_app.xml.gz",
)
"""Real databases in xapi-db."""
