"""What a pool has room for: what becomes of its VMs should a host die, and how many more VMs of a kind fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from rebalancer.inventory import VM, Host, Uuid
from rebalancer.objectives import cpu_capacities, host_load
from rebalancer.placement import Placement
from rebalancer.policy import Covered, SparePolicy
from rebalancer.policy.sections import StorageMotionPolicy
from rebalancer.problem import Problem, make_problem
from rebalancer.rules import Rulebook
from rebalancer.rules.availability.restarts import Restarts
from rebalancer.rules.facts.memory_rows import MemoryRow
from rebalancer.units import gib


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """What follows if *host* dies.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> worst = max(rb.whatif.losses(model.problem), key=lambda loss: len(loss.stuck))
        >>> worst.host, worst.guests, worst.stuck
        ('ash', 11, ('build-026', 'mon-019'))

    Args:
        host: its name.
        host_uuid: its uuid.
        guests: how many VMs run there.
        memory_gib: what those take that some other host can start.
        stuck: names of those that no other host can start, whatever room there is.
        stuck_uuids: their uuids.
        restart: whether all others restart on the hosts that are left.
        hottest: the host that is busiest then, None without metrics or where not all restart.
        hottest_uuid: its uuid.
        cpu_peak: its highest load as a share of the CPU that plans count on.
    """

    host: str
    host_uuid: Uuid
    guests: int
    memory_gib: float
    stuck: tuple[str, ...]
    stuck_uuids: tuple[Uuid, ...]
    restart: bool
    hottest: str | None
    hottest_uuid: Uuid | None
    cpu_peak: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """How many more VMs like a given one a host takes.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> rooms = rb.whatif.room_for(model.problem, model.vm("web-010"))
        >>> {room.host: (room.by_memory, room.by_cpu) for room in rooms if room.fits}
        {'beech': (13, 2), 'birch': (13, 2)}

    Args:
        host: its name.
        host_uuid: its uuid.
        may_start: whether such a VM may start there at all.
        by_memory: how many fit its free memory, by every memory rule that binds.
        by_cpu: how many more leave it at or below the policy's threshold; None without metrics, or where such a VM
            takes no CPU.
    """

    host: str
    host_uuid: Uuid
    may_start: bool
    by_memory: int
    by_cpu: int | None

    @property
    def fits(self) -> int:
        """How many more it takes."""
        if not self.may_start:
            return 0
        return self.by_memory if self.by_cpu is None else min(self.by_memory, self.by_cpu)


def losses(problem: Problem) -> tuple[Loss, ...]:
    """What follows from the death of each live host, one at a time; every VM that runs there is to restart.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> [(each.host, each.guests, len(each.stuck)) for each in rb.whatif.losses(model.problem)]
        [('alder', 8, 0), ('beech', 10, 1), ('birch', 8, 1), ('aspen', 8, 0), ('ash', 11, 2)]
    """
    spare = SparePolicy(hosts=1, vms=Covered.ALL)
    policy = problem.policy.model_copy(update={"spare": spare, "storage_motion": StorageMotionPolicy()})
    failing = make_problem(problem.pool, problem.demand, policy)
    judged = Rulebook.of(failing).restarts
    return tuple(
        _loss(failing, host, judged[0] if judged else None) for host in problem.pool.hosts.values() if host.live
    )


def _loss(problem: Problem, host: Host, restarts: Restarts | None) -> Loss:
    gone = [problem.pool.vms[vm] for vm, where in problem.initial.host_of.items() if where == host.uuid]
    stuck = [vm for vm in gone if restarts and vm.uuid in restarts.bound]
    where = {vm: (home,) for vm, home in problem.initial.host_of.items()}
    found = restarts.restarts(frozenset({host.uuid}), where) if restarts else {}
    hottest, peak = _hottest(problem, host, found) if found is not None else (None, None)
    sizes = [restarts.items.size.get(vm.uuid, 0) for vm in gone] if restarts else []
    return Loss(
        host=problem.names.hosts[host.uuid],
        host_uuid=host.uuid,
        guests=len(gone),
        memory_gib=gib(sum(sizes)),
        stuck=tuple(problem.names.vms[vm.uuid] for vm in stuck),
        stuck_uuids=tuple(vm.uuid for vm in stuck),
        restart=found is not None,
        hottest=problem.names.hosts[hottest] if hottest else None,
        hottest_uuid=hottest,
        cpu_peak=peak,
    )


def _hottest(problem: Problem, gone: Host, restarted: Mapping[Uuid, Uuid]) -> tuple[Uuid | None, float | None]:
    left = [row for row, host in enumerate(problem.pool.hosts.values()) if host.live and host is not gone]
    capacities = cpu_capacities(problem)
    if problem.demand is None or not left or not capacities[left].all():
        return None, None
    after = Placement({**problem.initial.host_of, **restarted})
    peaks = (host_load(after, problem) / np.maximum(capacities, 1e-9)[:, None]).max(axis=1)
    hottest = max(left, key=lambda row: peaks[row])
    return list(problem.pool.hosts)[hottest], float(peaks[hottest])


def room_for(problem: Problem, like: VM) -> tuple[Room, ...]:
    """How many more VMs like the running guest *like* each host takes as things are, nobody else being moved.

    They count with its memory, vCPUs, networks, SRs and measured load. Space on SRs is not looked at, and neither are
    hosts to spare. `sum(each.fits for each in ...)` is what the pool takes.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> [(each.host, each.fits) for each in rb.whatif.room_for(model.problem, model.vm("web-010"))]
        [('alder', 0), ('beech', 2), ('birch', 2), ('aspen', 0), ('ash', 0)]

    Raises:
        ValueError: *like* is no guest that runs in the pool: nobody has measured what it takes.
    """
    if like.uuid not in problem.initial:
        raise ValueError(f"VM {like.name!r} does not run in pool {problem.pool.name!r}: name one that does")
    book = Rulebook.of(problem)
    open_to = book.boots_on([like])[like.uuid]
    by_cpu = _by_cpu(problem, like)
    rows = [bound.limit for bound in book.limits if isinstance(bound.limit, MemoryRow)]
    return tuple(
        Room(
            host=problem.names.hosts[uuid],
            host_uuid=uuid,
            may_start=uuid in open_to,
            by_memory=min((_left(row, like.uuid, problem) for row in rows if uuid in row.places), default=0),
            by_cpu=by_cpu.get(uuid),
        )
        for uuid, host in problem.pool.hosts.items()
    )


def _left(row: MemoryRow, like: Uuid, problem: Problem) -> int:
    """How many more like *like* a row takes: the last one joins, the others are there by then."""
    resident, arriving = row.weights.resident, row.weights.arrival
    held = sum(resident.get(vm, 0) for vm, host in problem.initial.host_of.items() if host in row.places)
    free, joins, stays = row.upper - held, arriving.get(like, 0), max(1, resident.get(like, 0))
    return 0 if free < joins else 1 + (free - joins) // stays


def _by_cpu(problem: Problem, like: VM) -> dict[Uuid, int]:
    """How many more like *like* leave each host at or below the threshold in every slot."""
    if problem.demand is None:
        return {}
    takes = problem.demand.vm_pcpu[list(problem.demand.vms).index(like.uuid)]
    busy = takes > 0
    if not busy.any():
        return {}
    limits = cpu_capacities(problem) * problem.policy.objective.threshold
    free = np.maximum(0.0, limits[:, None] - host_load(problem.initial, problem))
    counts = np.floor((free[:, busy] / takes[busy]).min(axis=1) + 1e-9)
    return {host: int(count) for host, count in zip(problem.pool.hosts, counts, strict=True)}
