"""Emptying hosts: who cannot leave, the plan that moves everybody else, and the plan that brings them home."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from rebalancer.errors import Fix, Infeasible, NoLegalOrder, NothingFound
from rebalancer.inventory import Host, Uuid
from rebalancer.plan import Pace, Plan, plan_document
from rebalancer.plan.duration import NO_EXPERIENCE
from rebalancer.planner.rebalance import rebalance
from rebalancer.policy import Mode
from rebalancer.problem import Problem, make_problem
from rebalancer.rules import Blocked, Rulebook
from rebalancer.solve import SolveReporter, cheapest_fixes
from rebalancer.whatif.home import plan_home
from rebalancer.whatif.maintenance import maintained
from rebalancer.whatif.worst_hour import WorstHour, worst_hour


@dataclass(frozen=True, slots=True, kw_only=True)
class Evacuation:
    """What came of emptying hosts.

    `hosts` are the names of all that are emptied; `blocked` who cannot leave them. There is a plan, with the one that
    leads home, or else `refused` says why there is none.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> found = rb.evacuate(model, "ash", seconds=0.1)
        >>> found.plan is None, [each.vm_name for each in found.blocked]
        (True, ['build-026', 'db-002', 'mon-019', 'web-000'])
    """

    hosts: tuple[str, ...]
    guests: int
    blocked: tuple[Blocked, ...]
    plan: Plan | None = None
    home: Plan | None = None
    refused: Infeasible | NoLegalOrder | None = None

    @property
    def fixes(self) -> tuple[Fix, ...]:
        """What to give up where nothing is possible, the cheapest first."""
        return self.refused.fixes if isinstance(self.refused, Infeasible) else ()

    @property
    def worst_hour(self) -> WorstHour | None:
        """That of the pool while the hosts are empty; None where there is no plan, or no metrics."""
        if self.plan is None:
            return None
        return worst_hour(self.plan, {row.uuid for row in self.plan.hosts if row.name in self.hosts})

    def as_json(self) -> dict[str, object]:
        """Plain values for programs."""
        return {
            "hosts": list(self.hosts),
            "guests": self.guests,
            "worst_hour": asdict(self.worst_hour) if self.worst_hour else None,
            "blocked": [each.as_json() for each in self.blocked],
            "refused": str(self.refused) if self.refused else None,
            "ways_out": [asdict(each) for each in self.fixes],
            "plan": plan_document(self.plan) if self.plan else None,
            "home": plan_document(self.home) if self.home else None,
        }


def evacuate(
    problem: Problem,
    hosts: Collection[Uuid],
    *,
    made_at: datetime,
    pace: Pace = NO_EXPERIENCE,
    reporter: SolveReporter | None = None,
) -> Evacuation:
    """Empty *hosts*, and whatever hosts the policy of *problem* empties.

    By default with the least memory copied: load is kept low among the placements that copy no more. The policy's
    `objective.priority` may put load first, or both in one sum. Needs no metrics, and looks at no load without them.

    Example:
        >>> from datetime import UTC, datetime
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"), rb.Policy(limits={"solve_seconds": 0.2}))
        >>> found = rb.whatif.evacuate(model.problem, [model.host("alder").uuid], made_at=datetime.now(UTC))
        >>> len(found.plan.steps), found.blocked
        (8, ())

    Args:
        problem: the pool and the policy that binds besides.
        hosts: uuids.
        made_at: the time, with a zone.
        pace: how long steps take.
        reporter: hears how solving goes on.

    Raises:
        PolicyError: the policy contradicts the evacuation.
    """
    problem = maintained(problem)
    found = emptied(problem, hosts, made_at=made_at, pace=pace, reporter=reporter)
    if found.plan is None:
        return found
    opened = emptying(problem, hosts).intent.empty
    return replace(found, home=plan_home(found.plan, problem, open_again=opened, pace=pace))


def emptied(
    problem: Problem,
    hosts: Collection[Uuid],
    *,
    made_at: datetime,
    pace: Pace,
    reporter: SolveReporter | None = None,
    staying: frozenset[Uuid] = frozenset(),
) -> Evacuation:
    """Empty *hosts* as `evacuate` does, without the way home; VMs that are *staying* do not leave.

    Hosts that are held because they have no metrics take VMs only where it does not go without them: load is not
    looked at then. Not where the policy limits it.
    """
    asked = _Asked(hosts=hosts, made_at=made_at, pace=pace, reporter=reporter, staying=staying)
    found = _emptied(problem, asked)
    if found.plan or problem.demand is None or not problem.demand.refused or problem.policy.limits.host_load:
        return found
    return _emptied(replace(problem, demand=None), asked)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    hosts: Collection[Uuid]
    made_at: datetime
    pace: Pace
    reporter: SolveReporter | None
    staying: frozenset[Uuid]


def _emptied(problem: Problem, asked: _Asked) -> Evacuation:
    wanted = emptying(problem, asked.hosts)
    told = _look(wanted)
    told = replace(told, blocked=tuple(each for each in told.blocked if each.vm not in asked.staying))
    if told.blocked:
        seconds = problem.policy.limits.solve_seconds
        ways = cheapest_fixes(Rulebook.of(wanted), seconds=seconds)
        return replace(told, refused=Infeasible(cannot_leave(told.blocked).blame, ways))
    try:
        policed = make_problem(problem.pool, problem.demand, wanted.policy, on_hold=problem.on_hold)
        policed = replace(policed, staying=asked.staying)
        plan = rebalance(Rulebook.of(policed), made_at=asked.made_at, reporter=asked.reporter, pace=asked.pace)
    except (Infeasible, NoLegalOrder) as error:
        return replace(told, refused=error)
    if plan.missing:
        rules = sorted({each.rule for each in plan.missing})
        return replace(told, refused=NoLegalOrder([each.vm_name for each in plan.missing], rules))
    ends = (host for vm, host in plan.predicted.host_of.items() if vm not in asked.staying)
    if not wanted.intent.empty.keys().isdisjoint(ends):
        return replace(told, refused=NothingFound([plan.reason]))
    return replace(told, plan=plan)


def emptying(problem: Problem, hosts: Collection[Uuid]) -> Problem:
    """*problem* with *hosts* to be emptied, whether or not a VM there may ever move."""
    chosen = [_selector(problem.pool.hosts[host], problem) for host in hosts]
    names = tuple(dict.fromkeys((*problem.policy.empty, *chosen)))
    policy = problem.policy.model_copy(update={"mode": Mode.EVACUATE, "empty": names})
    empty = {**problem.intent.empty, **dict.fromkeys(hosts, "evacuation")}
    return replace(problem, policy=policy, intent=replace(problem.intent, empty=empty))


def _look(problem: Problem) -> Evacuation:
    empty = problem.intent.empty
    return Evacuation(
        hosts=tuple(sorted(problem.names.hosts[host] for host in empty)),
        guests=sum(host in empty for host in problem.initial.host_of.values()),
        blocked=Rulebook.of(problem).stuck(set(empty)),
    )


def who_is_blocked(problem: Problem, hosts: Collection[Uuid]) -> tuple[Blocked, ...]:
    """The VMs that cannot leave *hosts*, if these alone are to be emptied, even where load is not looked at.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> [(each.vm_name, each.rule) for each in rb.whatif.who_is_blocked(model.problem, [model.host("beech").uuid])]
        [('app-041', 'shared-sr-visible')]
    """
    silent = problem.demand is not None and bool(problem.demand.refused)
    return _look(emptying(replace(problem, demand=None) if silent else problem, hosts)).blocked


def _selector(host: Host, problem: Problem) -> str:
    """How the policy of the plan names *host*: by its name where that means this host only, else by its uuid."""
    alike = [each for each in problem.pool.hosts.values() if each.name == host.name]
    plain = bool(host.name) and not host.name.startswith("tag:") and host.name not in problem.pool.hosts
    return host.name if plain and len(alike) == 1 else host.uuid


def cannot_leave(blocked: Sequence[Blocked]) -> Infeasible:
    """The error that names them."""
    return Infeasible([each.sentence for each in blocked])
