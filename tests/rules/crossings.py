"""Answers of two XAPIs that talked to each other: a VM of the one is to go to a host of the other.

The folder is `XAPI_CROSSINGS`, by default xapi-verdicts-crossing in the shared data.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rebalancer.inventory import VM, Host, Pool, join_pools, pool_from_records, uuid_apart
from rebalancer.problem import Problem, make_problem
from tests.conftest import shared_folder
from tests.rules.recordings import content_of, recorded_files
from tests.two_pools import crossing_policy

FOLDER = Path(os.environ.get("XAPI_CROSSINGS", shared_folder() / "xapi-verdicts-crossing"))
FILES = recorded_files(FOLDER)
NONE_FOUND = f"no recorded crossings in {FOLDER}; set XAPI_CROSSINGS"
LEAST = 0.98
"""The share of XAPI's refusals that get XAPI's code."""
Said = str | list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """May this VM go to that host, with these disks and interfaces? All in refs."""

    vm: str
    host: str
    vdi_map: Mapping[str, str]
    vif_map: Mapping[str, str]
    operation: Said
    receive: Said
    assert_can_migrate: Said | None
    migrate_send: Said | None

    @property
    def answer(self) -> Said:
        """What stops the move first: the operation, `host.migrate_receive`, or the call itself, which asks again."""
        last = self.migrate_send if self.migrate_send is not None else self.assert_can_migrate
        return next((said for said in (self.operation, self.receive, last) if said and said != "ok"), "ok")


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """Two recorded pools."""

    name: str
    content: dict[str, Any]
    problem: Problem

    @property
    def home(self) -> Pool:
        """The pool that VMs leave."""
        return self.problem.pool.members[0]

    @property
    def there(self) -> Pool:
        """The pool that they are to come to."""
        return self.problem.pool.members[1]

    def uuid(self, side: str, kind: str, ref: str) -> str:
        """The uuid behind a ref of one side, as the joined pool calls it; the ref itself where nothing is behind it."""
        record = self.content[side].get(kind, {}).get(ref)
        if record is None:
            return ref
        pool = self.home if side == "home" else self.there
        apart = uuid_apart(record["uuid"], pool.uuid)
        known = {"SR": pool.srs, "host": pool.hosts, "VM": pool.vms, "VDI": pool.vdis, "network": pool.networks}
        return apart if apart in known[kind] else str(record["uuid"])

    def vm(self, question: Question) -> VM:
        """The VM that is to go."""
        return self.problem.pool.vms[self.uuid("home", "VM", question.vm)]

    def host(self, question: Question) -> Host:
        """The host that it is to come to."""
        return self.problem.pool.hosts[self.uuid("there", "host", question.host)]

    def disks(self, question: Question) -> dict[str, str]:
        """The map of disks in uuids."""
        return {self.uuid("home", "VDI", vdi): self.uuid("there", "SR", sr) for vdi, sr in question.vdi_map.items()}

    def questions(self) -> Iterator[Question]:
        """Every VM and every host of the other pool."""
        received = self.content["verdicts"]["receive"]
        for vm, said in self.content["verdicts"]["vms"].items():
            for host, asked in said["hosts"].items():
                yield Question(
                    vm=vm,
                    host=host,
                    vdi_map=asked.get("vdi_map", {}),
                    vif_map=asked.get("vif_map", {}),
                    operation=said["assert_operation_valid"],
                    receive=received[host],
                    assert_can_migrate=asked.get("assert_can_migrate"),
                    migrate_send=asked.get("migrate_send"),
                )


def read(path: Path) -> Crossing:
    """The recorded pools in *path*."""
    return joined(path.name.removesuffix(".gz").removesuffix(".json"), content_of(path))


def joined(name: str, content: dict[str, Any]) -> Crossing:
    """Two pools under the rules that XAPI enforces, interfaces led as they were recorded."""
    both = join_pools(pool_from_records(content["home"]), pool_from_records(content["there"]))
    policy = crossing_policy(networks=_networks(content), rules={"set": "enforced"})
    return Crossing(name=name, content=content, problem=make_problem(both, None, policy))


def read_all() -> list[Crossing]:
    """All recorded pairs of pools."""
    return [read(path) for path in FILES]


def _networks(content: dict[str, Any]) -> dict[str, str]:
    """Where the networks of the first pool were led, by uuid."""
    home, there = content["home"], content["there"]
    maps = (asked.get("vif_map", {}) for vm in content["verdicts"]["vms"].values() for asked in vm["hosts"].values())
    led = {home["VIF"][vif]["network"]: network for each in maps for vif, network in each.items()}
    return {
        home["network"][network]["uuid"]: there["network"][target]["uuid"]
        for network, target in sorted(led.items())
        if target in there["network"]
    }


def is_of_the_recording(said: Said, vm: Mapping[str, Any]) -> bool:
    """Whether an answer is about how it was recorded: a TPM without contents, a driver that was absent."""
    text = said[-1] if isinstance(said, list) else ""
    absent = "Unix.ENOENT" in text or "exited with unexpected code 127" in text
    return absent or ("/export_metadata" in text and bool(vm["VTPMs"]))
