"""What is wrong with a pool at an instant, told from its bare records by XAPI's own arithmetic (XAPI.md 1 and 2.1).

Nothing of the product has a part in this: no rule, no inventory, no verifier.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rebalancer.plan import Plan
from rebalancer.simulator.state.database import Database

NULL = "OpaqueRef:NULL"
ON_A_HOST = {"Running", "Paused"}
MIGRATIONS = {"pool_migrate", "migrate_send"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """What is wrong, of which kind, about which VM or host (uuids)."""

    kind: str
    about: str
    words: str = ""

    def __str__(self) -> str:
        return f"{self.kind}: {self.about[:8]} {self.words}".rstrip()


Table = Mapping[str, Any]


class Places:
    """What the pools of *databases* have to show at every instant, given what they showed in the beginning."""

    def __init__(self, databases: Sequence[Database], plan: Plan) -> None:
        self._databases = databases
        self._plan = plan
        self._guests = {vm["uuid"] for each in databases for _, vm in each.items("VM") if _is_guest(vm)}
        self._crowded_at_first = self._crowded(self._found())
        self._running = {vm["uuid"] for each in databases for _, vm in each.items("VM") if _runs(vm)}

    def complaints(self) -> Iterator[Complaint]:
        """Everything that is wrong now."""
        found = self._found()
        for vm in sorted(self._guests - found.keys()):
            yield Complaint(kind="lost", about=vm)
        for vm in sorted(self._running):
            running = sum(_runs(record) for _, record in found.get(vm, ()))
            if running == 0:
                yield Complaint(kind="halted", about=vm)
            elif running > 1:
                yield Complaint(kind="in two places", about=vm)
        for database in self._databases:
            yield from _residence(database)
            yield from _memory(database)
            yield from _devices(database)
        yield from self._strays(found)

    def crowds(self, ours: set[str]) -> Iterator[Complaint]:
        """More migrations of *ours*, which are tasks, than the plan's policy wants at once."""
        leaving, coming, total = Counter[str](), Counter[str](), 0
        for database in self._databases:
            for _, vm in database.items("VM"):
                under_way = [ref for ref, what in vm["current_operations"].items() if what in MIGRATIONS]
                if vm["resident_on"] != NULL and any(ref in ours for ref in under_way):
                    total += 1
                    leaving.update(_uuids(database, vm["resident_on"]))
                    coming.update(_uuids(database, vm["scheduled_to_be_resident_on"]))
        limits = self._plan.policy.limits
        if total > limits.concurrent:
            yield Complaint(kind="too many at once", about="pool", words=str(total))
        for host, count in leaving.items():
            if count > limits.out_per_host:
                yield Complaint(kind="too many leave", about=host, words=str(count))
        for host, count in coming.items():
            if count > limits.in_per_host:
                yield Complaint(kind="too many come", about=host, words=str(count))

    def where(self, vm: str) -> list[str]:
        """The uuids of the hosts on which a VM runs, of all pools."""
        return [
            each.get("host", record["resident_on"])["uuid"]
            for each in self._databases
            for _, record in each.items("VM")
            if record["uuid"] == vm and _runs(record) and each.find("host", record["resident_on"])
        ]

    def is_moving(self, vm: str) -> bool:
        """Whether a migration of a VM is under way."""
        return any(
            record["uuid"] == vm and MIGRATIONS & set(record["current_operations"].values())
            for each in self._databases
            for _, record in each.items("VM")
        )

    def _found(self) -> dict[str, list[tuple[Database, Table]]]:
        found: dict[str, list[tuple[Database, Table]]] = defaultdict(list)
        for database in self._databases:
            for _, record in database.items("VM"):
                if _is_guest(record):
                    found[record["uuid"]].append((database, record))
        return found

    def broken_wishes(self) -> Iterator[Complaint]:
        """What the policy wants once the plan is done, and does not have: VMs apart, no fewer than in the beginning."""
        crowded = self._crowded(self._found())
        for name, count in crowded.items():
            if count > self._crowded_at_first[name]:
                yield Complaint(kind="not apart", about=name, words=f"{count}, {self._crowded_at_first[name]} at first")

    def _crowded(self, found: Mapping[str, list[tuple[Database, Table]]]) -> dict[str, int]:
        """For each group how many VMs are too many for their hosts."""
        at, groups = _hosts_of(found), [group for group in self._plan.policy.apart if group.hard]
        crowds = {group.name: Counter(at[vm] for vm in group.vms if vm in at).values() for group in groups}
        return {group.name: sum(max(0, each - group.at_most) for each in crowds[group.name]) for group in groups}

    def _strays(self, found: Mapping[str, list[tuple[Database, Table]]]) -> Iterator[Complaint]:
        """VMs on hosts that the policy does not have for them."""
        at = _hosts_of(found)
        for bound in self._plan.policy.run_on:
            for vm in bound.vms if bound.hard else ():
                if vm in at and at[vm] not in bound.hosts:
                    yield Complaint(kind="on a wrong host", about=vm, words=at[vm])


def _uuids(database: Database, host: str) -> list[str]:
    """The uuid of a host, if it is still there: one that left the pool may be named by its last migrations."""
    record = database.find("host", host)
    return [record["uuid"]] if record else []


def _hosts_of(found: Mapping[str, list[tuple[Database, Table]]]) -> dict[str, str]:
    """The uuid of the host of each VM that runs."""
    return {
        vm: database.get("host", record["resident_on"])["uuid"]
        for vm, rows in found.items()
        for database, record in rows
        if _runs(record) and database.find("host", record["resident_on"])
    }


def _is_guest(vm: Table) -> bool:
    return not (vm["is_control_domain"] or vm["is_a_template"] or vm["is_a_snapshot"])


def _runs(vm: Table) -> bool:
    return _is_guest(vm) and vm["power_state"] in ON_A_HOST


def _residence(database: Database) -> Iterator[Complaint]:
    """A VM that runs is on one host, which says so, too."""
    hosts = dict(database.items("host"))
    listed = Counter(vm for host in hosts.values() for vm in host["resident_VMs"])
    for ref, vm in database.items("VM"):
        there = hosts.get(vm["resident_on"])
        if _runs(vm) and there is None:
            yield Complaint(kind="on no host", about=vm["uuid"])
        elif _runs(vm) and (listed[ref] != 1 or there is None or ref not in there["resident_VMs"]):
            yield Complaint(kind="on a host that does not know it", about=vm["uuid"])
        elif not _runs(vm) and _is_guest(vm) and listed[ref]:
            yield Complaint(kind="off, and on a host", about=vm["uuid"])


def _memory(database: Database) -> Iterator[Complaint]:
    """Sum over resident and arriving VMs of dynamic_min + overhead <= total - the host's overhead."""
    used = Counter[str]()
    for _, vm in database.items("VM"):
        size = int(vm["memory_dynamic_min"]) + int(vm["memory_overhead"])
        used[vm["resident_on"]] += size
        if vm["scheduled_to_be_resident_on"] != vm["resident_on"]:
            used[vm["scheduled_to_be_resident_on"]] += size
    for ref, host in database.items("host"):
        metrics = database.find("host_metrics", host["metrics"])
        if metrics and used[ref] > int(metrics["memory_total"]) - int(host["memory_overhead"]):
            yield Complaint(kind="more memory than there is", about=host["uuid"])


def _devices(database: Database) -> Iterator[Complaint]:
    """A running VM has every SR of its disks, and every network that has ports at all, on its host."""
    plugged = {(pbd["SR"], pbd["host"]) for _, pbd in database.items("PBD") if pbd["currently_attached"]}
    ports = {(pif["network"], pif["host"]) for _, pif in database.items("PIF")}
    ported = {network for network, _ in ports}
    for _, vm in database.items("VM"):
        if not _runs(vm):
            continue
        discs = [database.find("VBD", ref) for ref in vm["VBDs"]]
        vdis = [database.find("VDI", vbd["VDI"]) for vbd in discs if vbd and not vbd["empty"]]
        if any(vdi and (vdi["SR"], vm["resident_on"]) not in plugged for vdi in vdis):
            yield Complaint(kind="without its disks", about=vm["uuid"])
        nets = [vif["network"] for ref in vm["VIFs"] if (vif := database.find("VIF", ref))]
        if any(net in ported and (net, vm["resident_on"]) not in ports for net in nets):
            yield Complaint(kind="without its network", about=vm["uuid"])
