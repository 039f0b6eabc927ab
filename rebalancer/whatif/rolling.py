"""Working on all hosts in turn: plans that empty each, bring its VMs back, and copy as little as can be."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from rebalancer.describe.left_out import Hindrances
from rebalancer.errors import Fix, InputError, RebalancerError
from rebalancer.inventory import Uuid
from rebalancer.plan import Pace
from rebalancer.plan.duration import NO_EXPERIENCE
from rebalancer.problem import Problem, make_problem
from rebalancer.rules import Blocked, Rulebook
from rebalancer.solve import SolveReporter, cheapest_fixes
from rebalancer.units import first_few
from rebalancer.whatif.evacuate import Evacuation, cannot_leave, emptying, who_is_blocked
from rebalancer.whatif.itinerary import Deviation, Habit, Itinerary, Stage, Walked
from rebalancer.whatif.maintenance import closed, older_than
from rebalancer.whatif.pinned import may_be_shut_down
from rebalancer.whatif.rolling_bound import bound_of, disks_astray
from rebalancer.whatif.stage_loads import stage_loads

SECONDS_SHARE = 3
"""A stage may take this part of an even share of `limits.solve_seconds`: ordering and proving take the rest."""
LEAST_SECONDS = 2.0
NEAR = 1.02
"""A walk that copies at most this many times its bound is taken without trying another."""
SHOWN = 5
"""VMs that are named before the rest is counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostFixes:
    """What could be given up so that all VMs can leave a host, the cheapest first."""

    host_name: str
    ways: tuple[Fix, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """A host that cannot be emptied, and why."""

    host_name: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rolling:
    """What came of planning to work on all hosts.

    `copied_bytes` is what all stages copy together, `bound_bytes` what no sequence that empties the same hosts and
    brings the same VMs home can undercut, for the reason in `bound_by`. `hosts` are those that are planned. Those that
    cannot be emptied are `set_aside`: `blocked` are VMs that hold them, whatever else moves, and `fixes` what to give
    up, host by host. Where none is planned, `refused` says why. `left_out` are hosts of the pool that are not live,
    where all of it was meant.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> found = rb.rolling(model, "alder", seconds=0.1)
        >>> len(found.stages), found.copied_bytes == found.bound_bytes
        (2, True)
    """

    hosts: tuple[str, ...]
    version: str | None
    set_aside: tuple[SetAside, ...] = ()
    left_out: tuple[str, ...] = ()
    stages: tuple[Stage, ...] = ()
    habit: Habit | None = None
    deviations: tuple[Deviation, ...] = ()
    copied_bytes: int = 0
    bound_bytes: int = 0
    bound_by: str = ""
    blocked: tuple[Blocked, ...] = ()
    refused: RebalancerError | None = None
    fixes: tuple[HostFixes, ...] = ()

    def as_json(self) -> dict[str, object]:
        """Plain values for programs; plans by their digest, as they stand in folders of their own."""
        return {
            "hosts": list(self.hosts),
            "set_aside": [asdict(each) for each in self.set_aside],
            "left_out": list(self.left_out),
            "update": self.version,
            "returns": self.habit.value if self.habit else None,
            "copied_bytes": self.copied_bytes,
            "bound_bytes": self.bound_bytes,
            "bound_by": self.bound_by,
            "stages": [
                {
                    "purpose": stage.purpose.value,
                    "host": stage.host_name,
                    "host_uuid": stage.host,
                    "steps": len(stage.plan.steps),
                    "copied_bytes": stage.copied_bytes,
                    "plan": stage.plan.digest,
                    "shut_down": [asdict(each) for each in stage.shut_down],
                    **load.as_json(),
                }
                for stage, load in zip(self.stages, stage_loads(self.stages), strict=True)
            ],
            "deviations": [asdict(each) for each in self.deviations],
            "blocked": [each.as_json() for each in self.blocked],
            "refused": str(self.refused) if self.refused else None,
            "ways_out": [asdict(each) for each in self.fixes],
        }


def rolling(
    problem: Problem,
    hosts: Collection[Uuid],
    *,
    version: str | None,
    come_home: bool,
    made_at: datetime,
    shut_down: Sequence[str] = (),
    switch_off: Collection[Uuid] = (),
    pace: Pace = NO_EXPERIENCE,
    reporter: SolveReporter | None = None,
) -> Rolling:
    """Plans to empty each of *hosts*, coordinator first, so that it can be rebooted or updated.

    Example:
        >>> from datetime import UTC, datetime
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"), rb.Policy(limits={"solve_seconds": 0.2}))
        >>> alder = model.host("alder").uuid
        >>> found = rb.whatif.rolling(model.problem, [alder], version=None, come_home=True, made_at=datetime.now(UTC))
        >>> [(stage.host_name, stage.purpose.value, len(stage.plan.steps)) for stage in found.stages]
        [('alder', 'empty', 8), ('alder', 'return', 8)]

    Args:
        problem: the pool and the policy that binds at every stage.
        hosts: uuids; all of the pool that are live where there are none.
        version: the platform version that hosts come back with; None where they only reboot.
        come_home: whether VMs return to where they are now.
        made_at: the time, with a zone.
        shut_down: selectors of VMs that are shut down meanwhile where they cannot leave their host.
        switch_off: those of them that are switched off where their guest does not react.
        pace: how long steps take.
        reporter: hears how solving goes on.

    Raises:
        PolicyError: *shut_down* names a VM that the pool does not have.
        InputError: the version cannot be meant, or nothing is left to do.
    """
    order = _order(problem, hosts, version)
    way = Itinerary(
        start=_staged(problem, stages=2 * len(order), upgrade=version is not None),
        order=order,
        version=version,
        habit=Habit.AT_ONCE if come_home else Habit.NEVER,
        made_at=made_at,
        pace=pace,
        reporter=reporter or SolveReporter(),
        most_seconds=problem.policy.limits.solve_seconds,
        hard=frozenset(switch_off),
    )
    names = problem.names.hosts
    dead = () if hosts else tuple(names[uuid] for uuid, host in problem.pool.hosts.items() if not host.live)
    told = Rolling(hosts=(), version=version, left_out=dead)
    stuck = tuple(each for host in order for each in who_is_blocked(way.start, [host]))
    pinned = may_be_shut_down(shut_down, problem.pool) & {each.vm for each in stuck}
    blocked = tuple(each for each in stuck if each.vm not in pinned)
    held = {each.host for each in blocked}
    if blocked:
        told = replace(told, blocked=blocked, fixes=_fixes(way, blocked), set_aside=tuple(_held(way, blocked)))
    if held.issuperset(order) or (version and not held.isdisjoint(problem.pool.coordinators)):
        return replace(told, hosts=_names(way, order), refused=cannot_leave(blocked))
    way = replace(way, order=tuple(host for host in order if host not in held), pinned=pinned)
    return _told(told, way, min(_walks(way), key=lambda walk: (len(walk.failed), walk.copied_bytes)))


def _names(way: Itinerary, hosts: Sequence[Uuid]) -> tuple[str, ...]:
    return tuple(way.start.names.hosts[host] for host in hosts)


def _held(way: Itinerary, blocked: Sequence[Blocked]) -> Iterator[SetAside]:
    """The hosts that VMs hold whatever else moves, with these VMs."""
    for host in way.order:
        vms = [each.vm_name for each in blocked if each.host == host]
        if vms:
            words = f"{first_few(vms, SHOWN)} cannot leave"
            yield SetAside(host_name=way.start.names.hosts[host], words=words)


def _fixes(way: Itinerary, blocked: Sequence[Blocked]) -> tuple[HostFixes, ...]:
    """What would let all VMs leave, for each host by itself that holds some back; in the order of the hosts."""
    held = {each.host for each in blocked}
    found = []
    for host in (host for host in way.order if host in held):
        wanted = emptying(closed(way.start, host), [host])
        ways = cheapest_fixes(Rulebook.of(wanted), seconds=way.most_seconds / len(held))
        found.append(HostFixes(host_name=way.start.names.hosts[host], ways=ways))
    return tuple(each for each in found if each.ways)


def _walks(way: Itinerary) -> Iterator[Walked]:
    """Walks of one habit after another, until one is nearly as short as can be."""
    for habit in (Habit.NEVER,) if way.habit.leaves_vms_away else (Habit.AT_ONCE, Habit.SWING, Habit.LAST):
        walk = replace(way, habit=habit).walk()
        yield walk
        if not walk.failed and walk.copied_bytes <= NEAR * bound_of(way, walk)[0]:
            return


def _told(told: Rolling, way: Itinerary, walk: Walked) -> Rolling:
    failed = [each.found for each in walk.failed]
    told = replace(
        told,
        blocked=(*told.blocked, *(each for found in failed for each in found.blocked)),
        fixes=(
            *told.fixes,
            *(HostFixes(host_name=_host_of(found), ways=found.fixes) for found in failed if found.fixes),
        ),
        set_aside=(
            *told.set_aside,
            *(SetAside(host_name=_host_of(found), words=str(found.refused)) for found in failed),
        ),
    )
    if not walk.done:
        return replace(told, refused=cannot_leave(told.blocked) if told.blocked else failed[0].refused)
    bound, bound_by = bound_of(way, walk)
    return replace(
        told,
        hosts=_names(way, walk.done),
        stages=walk.stages,
        habit=walk.habit,
        deviations=tuple(_deviations(way.start, walk.end)) if not walk.habit.leaves_vms_away else (),
        copied_bytes=walk.copied_bytes,
        bound_bytes=bound,
        bound_by=bound_by,
    )


def _host_of(found: Evacuation) -> str:
    return ", ".join(found.hosts)


def _deviations(start: Problem, end: Problem) -> Iterator[Deviation]:
    """VMs that end away from home, and those whose disks do."""

    def deviation(vm: Uuid, words: str) -> Deviation:
        home, ends_on = (end.names.hosts[problem.initial[vm]] for problem in (start, end))
        return Deviation(vm=vm, vm_name=end.names.vms[vm], home_name=home, ends_on_name=ends_on, words=words)

    hindrances = Hindrances(end.initial, Rulebook.of(end))
    for move in end.initial.moves_to(start.initial):
        rule, words = hindrances.against(move) or ("order", "no legal order brings it back together with others")
        yield deviation(move.vm, f"{words} [{rule}]")
    for vm, home in start.initial.host_of.items():
        astray = disks_astray(vm, start.initial, end.initial) if end.initial[vm] == home else ()
        if astray:
            names = {srs: tuple(end.names.srs[sr] for sr in srs) for srs in astray}
            words = ", ".join(f"on SR {now}, not on {was}" for was, now in names.values())
            yield deviation(vm, f"at home with a disk {words}: disks move only with their VM")


def _order(problem: Problem, hosts: Collection[Uuid], version: str | None) -> tuple[Uuid, ...]:
    """The coordinator, then the fullest first: whoever is emptied last has the most room to choose from."""
    pool = problem.pool
    chosen = [pool.hosts[host] for host in hosts] or [host for host in pool.hosts.values() if host.live]
    if version:
        chosen = list(older_than(version, chosen))
    if not hosts and not any(host.live for host in pool.hosts.values()):
        raise InputError("rolling", "no host of the pool is live, so none can be emptied", "Bring one back first")
    if not chosen:
        raise InputError("rolling", f"all hosts run platform version {version} already", "There is nothing left to do")
    used = dict.fromkeys(pool.hosts, 0)
    for vm, at in problem.initial.host_of.items():
        used[at] += pool.vms[vm].migration_memory_bytes
    ranked = sorted(chosen, key=lambda host: (host.uuid != pool.coordinator, -used[host.uuid], host.name, host.uuid))
    return tuple(host.uuid for host in ranked)


def _staged(problem: Problem, *, stages: int, upgrade: bool) -> Problem:
    limits, plan = problem.policy.limits, problem.policy.plan
    seconds = max(LEAST_SECONDS, limits.solve_seconds / stages / SECONDS_SHARE)
    policy = problem.policy.model_copy(
        update={
            "limits": limits.model_copy(update={"solve_seconds": min(limits.solve_seconds, seconds)}),
            "plan": plan.model_copy(update={"during_upgrade": plan.during_upgrade or upgrade, "maintenance": True}),
        }
    )
    return make_problem(problem.pool, problem.demand, policy, on_hold=problem.on_hold)
