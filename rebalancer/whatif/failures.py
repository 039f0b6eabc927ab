"""What if hosts die: which VMs stay down, and why, for every host and for any so many of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations

import numpy as np

from rebalancer.inventory import VM, Uuid
from rebalancer.objectives import cpu_capacities, host_load
from rebalancer.placement import Placement
from rebalancer.policy import Covered, SparePolicy
from rebalancer.policy.sections import StorageMotionPolicy
from rebalancer.problem import Problem, make_problem
from rebalancer.rules import Rulebook
from rebalancer.rules.availability.ha_plan import RESTART
from rebalancer.rules.availability.restart_packing import Items, pack
from rebalancer.rules.availability.spare import BOOT, boots_on
from rebalancer.rules.facts.memory_model import counts_xen_vcpu_pages, start_bytes
from rebalancer.units import gib, size_in_words

SPARE = "spare"
"""The rule that asks for room to restart in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Down:
    """A VM that stays down.

    Args:
        vm: its name.
        vm_uuid: its uuid.
        host: the host that it ran on.
        host_uuid: the uuid of that host.
        memory_gib: what its start asks for.
        rule: the rule that keeps it from the hosts that are left, `spare` where it is room that is missing.
        why: the same in words.
    """

    vm: str
    vm_uuid: Uuid
    host: str
    host_uuid: Uuid
    memory_gib: float
    rule: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What follows where *hosts* die together.

    Args:
        hosts: their names.
        host_uuids: their uuids.
        guests: how many VMs run there.
        memory_gib: what their starts ask for.
        down: those that stay down: none of them could be restarted beside all the others. VMs that HA protects go
            first, then small ones.
        certain: whether it is proved that not all of them restart, where some stay down.
        hottest: the host that is busiest once the others have restarted; None without metrics.
        hottest_uuid: its uuid.
        cpu_peak: its highest load, as a share of the CPU that plans count on.
    """

    hosts: tuple[str, ...]
    host_uuids: tuple[Uuid, ...]
    guests: int
    memory_gib: float
    down: tuple[Down, ...]
    certain: bool
    hottest: str | None
    hottest_uuid: Uuid | None
    cpu_peak: float | None

    def as_json(self) -> dict[str, object]:
        """Plain values for programs."""
        return asdict(self)


def failures(problem: Problem, count: int = 1) -> tuple[Failure, ...]:
    """What follows from the death of any *count* live hosts together; those without VMs included.

    Starts count static maxima, as HA's plan does, and may use what the policy keeps in reserve.

    Raises:
        PolicyError: there are too many ways in which so many hosts can die.
    """
    live = sorted(uuid for uuid, host in problem.pool.hosts.items() if host.live)
    ways = _Ways(problem, count)
    return tuple(ways.failure(hosts) for hosts in combinations(live, count))


def failure_of(problem: Problem, hosts: Sequence[Uuid]) -> tuple[Failure, Mapping[Uuid, Uuid]]:
    """What follows where *hosts* die together, and the host on which each VM restarts that does."""
    ways = _Ways(problem, 1)
    return ways.failure(tuple(hosts)), ways.restarted(tuple(hosts))


class _Ways:
    def __init__(self, problem: Problem, count: int) -> None:
        spare = SparePolicy(hosts=count, vms=Covered.ALL)
        wanted = problem.policy.model_copy(update={"spare": spare, "storage_motion": StorageMotionPolicy()})
        self._problem = make_problem(problem.pool, problem.demand, wanted)
        judged = Rulebook.of(self._problem).restarts
        self._room = judged[0].room if judged else {}
        self._held = judged[0].held if judged else {}
        guests = {vm: self._problem.pool.vms[vm] for vm in self._problem.initial}
        pages = counts_xen_vcpu_pages(problem.pool)
        self._items = Items.of(
            {vm: start_bytes(each, xen_vcpu_pages=pages) for vm, each in guests.items()},
            boots_on(self._problem, guests.values()),
        )
        self._at = self._problem.initial.vms_by_host()
        self._known: dict[tuple[Uuid, ...], tuple[dict[Uuid, Uuid], bool]] = {}

    def failure(self, hosts: tuple[Uuid, ...]) -> Failure:
        gone = self._gone(hosts)
        found, certain = self._restarts(hosts)
        hottest, peak = self._hottest(hosts, found)
        names = self._problem.names
        free = self._free(hosts)
        for vm, host in found.items():
            free[host] -= self._items.size[vm]
        return Failure(
            hosts=tuple(names.hosts[host] for host in hosts),
            host_uuids=hosts,
            guests=len(gone),
            memory_gib=gib(sum(self._items.size[vm] for vm in gone)),
            down=tuple(self._down(vm, hosts, free) for vm in gone if vm not in found),
            certain=certain,
            hottest=names.hosts[hottest] if hottest else None,
            hottest_uuid=hottest,
            cpu_peak=peak,
        )

    def restarted(self, hosts: tuple[Uuid, ...]) -> Mapping[Uuid, Uuid]:
        return self._restarts(hosts)[0]

    def _gone(self, hosts: Sequence[Uuid]) -> list[Uuid]:
        return [vm for host in hosts for vm in self._at.get(host, ())]

    def _free(self, hosts: Sequence[Uuid]) -> dict[Uuid, int]:
        held = {host: sum(self._held[vm] for vm in self._at.get(host, ())) for host in self._room}
        return {host: max(0, room - held[host]) for host, room in self._room.items() if host not in hosts}

    def _restarts(self, hosts: tuple[Uuid, ...]) -> tuple[dict[Uuid, Uuid], bool]:
        """Where VMs restart, and whether it is proved that not all restart where some do not."""
        if hosts not in self._known:
            self._known[hosts] = self._packed(hosts)
        return self._known[hosts]

    def _packed(self, hosts: tuple[Uuid, ...]) -> tuple[dict[Uuid, Uuid], bool]:
        free = self._free(hosts)
        able = [vm for vm in self._gone(hosts) if self._items.targets[vm] & free.keys()]
        whole = pack(able, self._items, free, known={})
        if whole.host_of is not None:
            return dict(whole.host_of), True
        kept: list[Uuid] = []
        found: dict[Uuid, Uuid] = {}
        for vm in sorted(able, key=self._urgency):
            more = pack([*kept, vm], self._items, free, known=found)
            if more.host_of is not None:
                kept.append(vm)
                found = dict(more.host_of)
        return found, whole.proved

    def _urgency(self, vm: Uuid) -> tuple[bool, int, Uuid]:
        protected = self._problem.pool.vms[vm].ha_restart_priority == RESTART
        return not protected, self._items.size[vm], vm

    def _down(self, vm: Uuid, hosts: Sequence[Uuid], free: Mapping[Uuid, int]) -> Down:
        guest, names = self._problem.pool.vms[vm], self._problem.names
        left = self._items.targets[vm] & free.keys()
        rule, why = self._no_room(vm, {host: free[host] for host in left}) if left else self._nowhere(guest, hosts)
        home = self._problem.initial[vm]
        return Down(
            vm=names.vms[vm],
            vm_uuid=vm,
            host=names.hosts[home],
            host_uuid=home,
            memory_gib=gib(self._items.size[vm]),
            rule=rule,
            why=why,
        )

    def _no_room(self, vm: Uuid, free: Mapping[Uuid, int]) -> tuple[str, str]:
        most = max(free, key=lambda host: (free[host], host))
        needs = f"needs {size_in_words(self._items.size[vm])}"
        left = size_in_words(max(0, free[most]))
        return SPARE, f"{needs}; most free beside what restarts is {left} on '{self._problem.names.hosts[most]}'"

    def _nowhere(self, vm: VM, hosts: Sequence[Uuid]) -> tuple[str, str]:
        """What the hosts that are left have against a start of *vm*."""
        if vm.vgpus or vm.vusbs or vm.attached_pcis:
            return SPARE, "it has devices of its host"
        found = list(self._against(vm, hosts))
        return found[0] if found else (SPARE, "no host is left that takes VMs")

    def _against(self, vm: VM, hosts: Sequence[Uuid]) -> Iterator[tuple[str, str]]:
        for host in sorted(self._room.keys() - set(hosts)):
            for rule in BOOT:
                needs = rule.needs(vm, self._problem)
                words = needs is not None and rule.objects(needs, self._problem.pool.hosts[host], self._problem)
                if words:
                    yield rule.id, words.words

    def _hottest(self, gone: Sequence[Uuid], found: Mapping[Uuid, Uuid]) -> tuple[Uuid | None, float | None]:
        problem = self._problem
        capacities = cpu_capacities(problem)
        hosts = list(problem.pool.hosts)
        left = [row for row, host in enumerate(hosts) if host not in gone and capacities[row] > 0]
        if problem.demand is None or not left:
            return None, None
        off = set(self._gone(gone)) - found.keys()
        after = Placement({vm: found.get(vm, host) for vm, host in problem.initial.host_of.items() if vm not in off})
        peaks = (host_load(after, problem)[left] / capacities[left][:, None]).max(axis=1)
        best = int(np.argmax(peaks))
        return hosts[left[best]], float(peaks[best])
