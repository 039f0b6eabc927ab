"""The plan that takes another one back, from wherever that one has come to: reviewed and applied like any other."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime

from rebalancer.demand import LoadProfile
from rebalancer.describe.course import step_of
from rebalancer.describe.figures import profile_of
from rebalancer.describe.left_out import INCOMPLETE, missing_moves
from rebalancer.describe.reasons import Reasons
from rebalancer.describe.summary import short
from rebalancer.errors import ModelBug, StalePlan, StillMoving
from rebalancer.inventory import VM, Pool, Uuid
from rebalancer.placement import Migration, Placement
from rebalancer.plan.document import sealed
from rebalancer.plan.duration import NO_EXPERIENCE, Pace
from rebalancer.plan.plan import Plan
from rebalancer.planner.compose import compose
from rebalancer.planner.way_back import latest_first, way_to
from rebalancer.policy import Policy
from rebalancer.problem import make_problem
from rebalancer.rules import Rulebook
from rebalancer.solve import Solution
from rebalancer.undo.moves_back import MovesBack, moves_back
from rebalancer.undo.other_pool import networks_home
from rebalancer.verify.verify import refusals

OUTCOME = "rollback"
MIGRATIONS = frozenset({"pool_migrate", "migrate_send"})
"""What xapi says is being done to a VM on its way."""


def undo(plan: Plan, pool: Pool, *, made_at: datetime, done: Collection[str] = (), pace: Pace = NO_EXPERIENCE) -> Plan:
    """The plan that brings the VMs of *plan* from where they are in *pool* to where *plan* found them.

    Every state is legal, VMs are parked where they have to be. Those that may not go back are `missing`, each with its
    rule; those that *plan* did not bring where they are stay, with a warning. The policy is that of *plan*, without its
    bounds on moves and GiB, and with no say in where VMs end: that is where they were.

    Args:
        plan: what is taken back, however far it came, by whatever order of its steps.
        pool: the pool as it is.
        made_at: the time, with a zone.
        done: steps that count as done, with all that they wait for, although *pool* does not show it.
        pace: how long steps take.

    Raises:
        InputError: *plan* has no such step.
        StalePlan: *pool* is another one, or for now a VM is on its way.
        ModelBug: the checker refuses what was planned.
    """
    _assert_at_rest(plan, pool)
    at = moves_back(plan, pool, closure(plan, done))
    return _Undoing(plan, at, made_at, pace).plan()


def closure(plan: Plan, names: Collection[str]) -> frozenset[str]:
    """The steps *names* of *plan*, with all that they wait for.

    Raises:
        InputError: there is no such step.
    """
    found: set[str] = set()
    waiting = [step_of(plan, name) for name in names]
    while waiting:
        step = waiting.pop()
        found.add(step.id)
        waiting += [step_of(plan, name) for name in step.after if name not in found]
    return frozenset(found)


def _assert_at_rest(plan: Plan, pool: Pool) -> None:
    """Pass if *pool* is that of *plan*, and none of its VMs is on its way.

    Raises:
        StalePlan: it is another pool.
        StillMoving: one is.
    """
    if not plan.made_from.is_of(pool):
        raise StalePlan([f"the plan is for pool {plan.made_from.called}, and this is {pool.name}"])
    moving = {step.vm: step.vm_name for step in plan.steps if step.vm in pool.vms and _is_moving(pool.vms[step.vm])}
    if moving:
        raise StillMoving([f"VM {name} is on its way" for name in moving.values()])


def _is_moving(vm: VM) -> bool:
    return vm.scheduled_to_be_resident_on is not None or not MIGRATIONS.isdisjoint(vm.current_operations)


class _Undoing:
    """One way back from *at*."""

    def __init__(self, plan: Plan, at: MovesBack, made_at: datetime, pace: Pace) -> None:
        self._undone, self._at, self._made_at, self._pace = plan, at, made_at, pace
        self._demand = _demand(plan, at.pool)
        self._problem = make_problem(at.pool, self._demand, _policy(plan, at))
        self._all = Rulebook.of(self._problem)
        self._book = self._all.way_back()

    def plan(self) -> Plan:
        """The plan, once the checker agrees; a VM that it stops stays.

        Raises:
            ModelBug: the plan contradicts itself.
        """
        home = dict(self._at.moves)
        while refused := self._refused(made := self._made(home), home):
            del home[refused]
        return made

    def _made(self, home: Mapping[Uuid, Migration]) -> Plan:
        initial, seed = self._problem.initial, self._problem.policy.limits.seed
        goal = initial.after(*home.values())
        back, _ = way_to(goal, self._book, first=latest_first(self._undone.steps), seed=seed, pace=self._pace)
        migrations = [step.migration for step in back]
        end = initial.after(*migrations)
        whys, solution = [step.why for step in back], self._solution(end)
        made = compose(self._book, solution, migrations, self._made_at, pace=self._pace, why=whys)
        # The metrics are those behind the figures of the plan that it undoes.
        metrics = self._undone.made_from.metrics if self._demand else None
        return sealed(replace(made, made_from=replace(made.made_from, metrics=metrics), left_alone=()))

    def _solution(self, end: Placement) -> Solution:
        away_still = [move for vm, move in self._at.moves.items() if end[vm] != move.target]
        missing = missing_moves(away_still, end, self._book)
        away, back = len(self._at.moves), len(self._at.moves) - len(missing)
        reason = f"{back} of {away} VMs go back to where plan {short(self._undone.digest)} found them"
        wishes = self._all.without(*(rule.id for rule in self._book.rules))
        given_up = Reasons(wishes, end).new_violations()
        return Solution(
            placement=end,
            outcome=INCOMPLETE if missing else OUTCOME,
            reason=reason if away else self._nobody_returns(),
            warnings=(*self._at.strays, *given_up),
            missing=missing,
            undoes=self._undone.digest,
        )

    def _nobody_returns(self) -> str:
        """Why there is nothing to do: all are at home, or whoever is not stays for a reason that the warnings tell."""
        name = short(self._undone.digest)
        if self._at.strays:
            return f"no VM goes back to where plan {name} found it, for the reasons that its warnings give"
        return f"every VM is where plan {name} found it"

    def _refused(self, made: Plan, home: Mapping[Uuid, Migration]) -> Uuid | None:
        """The VM of *home* to do without where the checker refuses a step of *made* because of earlier ones.

        Raises:
            ModelBug: the checker refuses the end, the way back, or what the plan says.
        """
        findings = refusals(made, self._at.pool, now=self._made_at)
        ids, wrong = [step.id for step in made.steps], {finding.step for finding in findings}
        first = next((turn for turn, name in enumerate(ids) if name in wrong), len(ids))
        refused = next((step.vm for step in made.steps[first:] if step.vm in home), None)
        if findings and refused is None:
            raise ModelBug("; ".join(map(str, findings)))
        return refused


def _policy(plan: Plan, at: MovesBack) -> Policy:
    """That of *plan*, without its bounds on how much moves: they were for the way there.

    From another pool networks lead back, and disks to whatever SR they came from.
    """
    limits = plan.policy.limits.model_copy(update={"maximum_moves": None, "maximum_gib": None})
    wanted = plan.policy.model_copy(update={"limits": limits})
    returning = [step for step in plan.steps if step.crossing and step.vm in at.moves]
    if not returning:
        return wanted
    led = {here: there for here, there in networks_home(returning).items() if {here, there} <= at.pool.networks.keys()}
    others = plan.policy.other_pools.model_copy(update={"networks": led, "srs": {}})
    return wanted.model_copy(update={"other_pools": others})


def _demand(plan: Plan, pool: Pool) -> LoadProfile | None:
    """The load profile that *plan* carries; None where it does not know everybody who is in *pool* now."""
    known = profile_of(plan)
    if known is None or not pool.hosts.keys() <= set(known.hosts):
        return None
    return known if {vm.uuid for vm in pool.resident_guests()} <= set(known.vms) else None
