"""Proof that a plan is legal in a pool, from the plan and the pool alone.

Nothing of what made the plan is used here but its values and the rules' own checkers: each step is carried out on
paper, every state is judged, and the plan's claims about itself are computed again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from rebalancer.demand import LoadProfile
from rebalancer.describe.concurrency import clashes
from rebalancer.describe.crossing import crossing_of
from rebalancer.describe.figures import profile_of
from rebalancer.describe.left_out import wrong_missing
from rebalancer.describe.limits import over_limits
from rebalancer.errors import PolicyError
from rebalancer.inventory import Pool, Uuid
from rebalancer.inventory.digest import inventory_digests
from rebalancer.placement import Placement
from rebalancer.plan.document import digest_of
from rebalancer.plan.expiry import untimely
from rebalancer.plan.finding import Finding
from rebalancer.plan.plan import FORMAT, Plan
from rebalancer.plan.step import Step, StepKind
from rebalancer.policy.load import policy_digest
from rebalancer.problem import Problem, make_problem, problem_at
from rebalancer.rules import PoolRule, Rule, end_violations, rules_for, step_ledger
from rebalancer.rules.routes import Routes
from rebalancer.rules.way_back import bind_on_the_way_back
from rebalancer.verify.disks import astray, misplaced_disks
from rebalancer.verify.figures import strangers, wrong_claims, wrong_demand
from rebalancer.verify.form import wrong_form
from rebalancer.verify.names import wrong_words
from rebalancer.verify.schedule import wrong_durations, wrong_schedule

AT_THE_START = "at the start"
AT_THE_END = "at the end"


def verify_plan(
    plan: Plan, pool: Pool, demand: LoadProfile | None = None, *, now: datetime, done: Collection[str] = ()
) -> tuple[Finding, ...]:
    """Everything that speaks against carrying out *plan* in *pool*; nothing, and it is accepted.

    The pool may have changed since the plan was made, see `differences`: what counts is that every state is legal.

    Args:
        plan: the plan.
        pool: the pool as it is now.
        demand: a load profile; None to judge by the demand that the plan carries.
        now: the time by which expiry is judged, with a zone.
        done: ids of the steps that have been carried out already.
    """
    sealed = (*_of_seal(plan, pool, now), *wrong_form(plan), *wrong_schedule(plan))
    if not plan.made_from.is_of(pool):
        return sealed
    try:
        problem = make_problem(pool, demand or profile_of(plan), plan.policy)
        rules = bind_on_the_way_back(rules_for(problem)) if plan.made_from.undoes else rules_for(problem)
    except PolicyError as error:
        return (*sealed, Finding(step="", state=AT_THE_START, rule="policy", words=str(error)))
    return (*sealed, *_of_steps(plan, problem, rules, done))


def _of_seal(plan: Plan, pool: Pool, now: datetime) -> Iterator[Finding]:
    """What the plan says of itself: digest, pool, expiry, policy."""
    for rule, wrong, words in (
        ("format", plan.format != FORMAT, f"the format is {plan.format}, not {FORMAT}"),
        ("digest", digest_of(plan) != plan.digest, "the plan was edited: its digest is not that of its content"),
        (
            "pool",
            not plan.made_from.is_of(pool),
            f"made for pool {plan.made_from.called}, not {_other(plan, pool)}{_beside(plan)}",
        ),
        ("expiry", bool(untimely(plan, now)), untimely(plan, now)),
        ("expiry", plan.expires_at != expiry(plan), "the time of expiry is not the one that the policy gives"),
        ("limits", bool(_over_limits(plan)), _over_limits(plan)),
        ("policy", policy_digest(plan.policy) != plan.made_from.policy_digest, "the policy is not the one it names"),
    ):
        if wrong:
            yield Finding(step="", state=AT_THE_START, rule=rule, words=words)


def _other(plan: Plan, pool: Pool) -> str:
    """The name of another pool; one of the same name is told apart by its uuid."""
    return pool.name if pool.name != plan.made_from.called else f"another one of that name ({pool.uuid})"


def _beside(plan: Plan) -> str:
    """How to name several pools."""
    return "; name the others with --beside" if plan.made_from.beside else ""


def _over_limits(plan: Plan) -> str:
    """How the plan exceeds its policy's limits, in words."""
    before, after = plan.before.host_of, plan.predicted.host_of
    moves = sum(before.get(vm) != host for vm, host in after.items())
    return over_limits(plan.policy.limits, moves=moves, sizes_bytes=[step.copied_bytes for step in plan.steps])


def expiry(plan: Plan) -> datetime:
    """When *plan* expires by its own policy."""
    return plan.made_at + timedelta(hours=plan.policy.plan.expires_hours)


def _of_steps(plan: Plan, problem: Problem, rules: tuple[Rule, ...], done: Collection[str]) -> Iterator[Finding]:
    """Steps, end, claims and the way back; what was carried out already counts where something may get no worse."""
    left = [step for step in plan.steps if step.id not in done]
    problem = replace(problem, before=_undone([step for step in plan.steps if step.id in done], problem))
    yield from _of_order(plan.steps)
    run = _Run(problem, rules, plan.predicted)
    findings = [*run.all(left), *run.clashes(left), *_of_end(plan, run.placement, problem, rules, done)]
    yield from findings
    yield from wrong_words(plan, problem.pool)
    if inventory_digests(problem.pool) == plan.made_from.inventories:
        strange = tuple(strangers(plan, problem.pool))
        yield from strange or _of_claims(plan, problem, rules)
    if not findings and not done:
        yield from _of_way_back(plan, problem_at(problem, run.placement), rules)


def _of_claims(plan: Plan, problem: Problem, rules: tuple[Rule, ...]) -> Iterator[Finding]:
    """What the plan says of the pool that it was made from, which is *problem*'s."""
    yield from wrong_claims(plan, problem, rules)
    yield from wrong_demand(plan, problem)
    yield from wrong_missing(plan, problem, rules)
    yield from wrong_durations(plan, problem.pool)


def _undone(steps: Sequence[Step], problem: Problem) -> Placement:
    """Where the VMs were before *steps*, as far as they and the hosts are there."""
    before = dict(problem.initial.host_of)
    for step in reversed(steps):
        if step.vm in before and step.source in problem.pool.hosts:
            before[step.vm] = step.source
    return Placement(before)


def _of_order(steps: Sequence[Step]) -> Iterator[Finding]:
    """Ids that count up, and relations that point backwards."""
    seen: set[str] = set()
    for position, step in enumerate(steps):
        if position and step.id <= steps[position - 1].id:
            yield Finding(step=step.id, state=AT_THE_START, rule="order", words="steps do not stand in their order")
        for missing in [each for each in step.after if each not in seen]:
            words = f"it waits for {missing}, which is no earlier step"
            yield Finding(step=step.id, state=AT_THE_START, rule="after", words=words)
        seen.add(step.id)


class _Run:
    """The steps, carried out on paper from where the VMs of *problem* are."""

    def __init__(self, problem: Problem, rules: Sequence[Rule], predicted: Placement) -> None:
        self._problem, self._rules, self._predicted = problem, tuple(rules), predicted
        self._ledger = step_ledger([rule for rule in rules if isinstance(rule, PoolRule)], problem, problem.initial)
        self._now = problem
        self._moved: set[Uuid] = set()
        self._last = ""

    @property
    def placement(self) -> Placement:
        """Where the VMs are by now."""
        return self._now.initial

    def all(self, steps: Sequence[Step]) -> Iterator[Finding]:
        """One after another."""
        for step in steps:
            wrong = tuple(self._misplaced(step))
            yield from wrong
            if not wrong:
                yield from self._misnamed(step)
                yield from self._misled(step)
                yield from self._refused(step)
                self._carry_out(step)
            self._last = step.id

    def clashes(self, steps: Sequence[Step]) -> Iterator[Finding]:
        """In every other order that the relations allow."""
        known = [step for step in steps if step.vm in self._problem.initial.host_of]
        for clash in clashes(known, self._problem, self._rules):
            yield Finding(
                step=clash.step, state="in some order that its relations allow", rule=clash.rule, words=clash.words
            )

    def _state(self) -> str:
        """Which moment this is."""
        return f"after {self._last}" if self._last else AT_THE_START

    def _misplaced(self, step: Step) -> Iterator[Finding]:
        """The step does not start where its VM is, or does not lead to a host."""
        pool, here = self._problem.pool, self.placement.host_of.get(step.vm)
        for wrong, words in (
            (here is None, f"VM {step.vm_name} does not run in this pool"),
            (here not in {None, step.source}, f"VM {step.vm_name} is on {self._name(here)}, not on {step.source_name}"),
            (step.target not in pool.hosts, f"the pool has no host {step.target_name} ({step.target})"),
            (step.target == step.source, f"it leads from {step.source_name} to where it starts"),
        ):
            if wrong:
                yield Finding(step=step.id, state=self._state(), rule="placement", words=words)
        for words in misplaced_disks(step, self.placement, self._moved, pool):
            yield Finding(step=step.id, state=self._state(), rule="placement", words=words)

    def _misnamed(self, step: Step) -> Iterator[Finding]:
        """A move ends where its VM is to be once the plan is done, a hop does not."""
        if (step.kind is StepKind.MOVE) != (step.target == self._predicted.host_of.get(step.vm)):
            words = f"it is called a {step.kind.value}, but VM {step.vm_name} is to end elsewhere"
            if step.kind is StepKind.HOP:
                words = f"it is called a hop, but VM {step.vm_name} is to end there"
            yield Finding(step=step.id, state=self._state(), rule="placement", words=words)

    def _misled(self, step: Step) -> Iterator[Finding]:
        """The other pool, or the networks there, are not those to which policy and names lead."""
        if step.crossing != crossing_of(step.move, self._now):
            words = f"{step.vm_name} to {self._name(step.target)}: the pool or the networks that it leads to are others"
            yield Finding(step=step.id, state=self._state(), rule="networks-mapped", words=words)

    def _refused(self, step: Step) -> Iterator[Finding]:
        """What rules say, with the VM on both hosts."""
        move = f"{step.vm_name} to {self._name(step.target)}"
        for objection in Routes(self._now, self._rules).objections(step.move):
            yield Finding(step=step.id, state=self._state(), rule=objection.rule, words=f"{move}: {objection.words}")
        for violation in self._ledger.objections(step.vm, step.target, step.move.disks):
            words = f"{move}, held on both {'hosts and SRs' if step.disks else 'hosts'}: {violation.words}"
            yield Finding(step=step.id, state=self._state(), rule=violation.rule, words=words)

    def _carry_out(self, step: Step) -> None:
        """The VM holds both hosts and its disks both SRs, then only the targets."""
        self._ledger.join(step.vm, step.target, step.move.disks)
        self._ledger.settle(step.vm, step.source, step.move.disks)
        self._now = problem_at(self._now, self.placement.after(step.move))
        self._moved |= {disk.drive for disk in step.disks}

    def _name(self, host: Uuid | None) -> str:
        """The name of a host."""
        known = self._problem.pool.hosts.get(host or "")
        return known.name if known else str(host)


def _of_end(
    plan: Plan, end: Placement, problem: Problem, rules: Sequence[Rule], done: Collection[str]
) -> Iterator[Finding]:
    """The steps lead where the plan says, and what has to hold once it is done does."""
    names = {vm.uuid: vm.name for vm in problem.pool.vms.values()} | {step.vm: step.vm_name for step in plan.steps}
    hosts: dict[Uuid | None, str] = {None: "no host"} | {row.uuid: row.name for row in plan.hosts}
    before, after = plan.before.host_of, plan.predicted.host_of
    changed = {vm for vm in {*before, *after} if before.get(vm) != after.get(vm)} | {step.vm for step in plan.steps}
    for vm in sorted(changed):
        predicted, there = after.get(vm), end.host_of.get(vm)
        if predicted != there:
            words = f"VM {names.get(vm, vm)} is on {hosts.get(there, there)}, not on {hosts.get(predicted, predicted)}"
            yield Finding(step="", state=AT_THE_END, rule="placement", words=words)
    for words in astray(plan, end, done):
        yield Finding(step="", state=AT_THE_END, rule="placement", words=words)
    pool_rules = [rule for rule in rules if isinstance(rule, PoolRule)]
    for violation in end_violations(pool_rules, problem, end):
        yield Finding(step="", state=AT_THE_END, rule=violation.rule, words=violation.words)


def _of_way_back(plan: Plan, problem: Problem, rules: Sequence[Rule]) -> Iterator[Finding]:
    """The rollback steps are legal from the end, and lead back to where everything was."""
    yield from _of_order(plan.rollback)
    run = _Run(problem, bind_on_the_way_back(rules), plan.before)
    yield from run.all(plan.rollback)
    yield from run.clashes(plan.rollback)
    stranded, before = {each.uuid for each in plan.no_way_back}, plan.before.host_of
    for vm in sorted({step.vm for step in (*plan.steps, *plan.rollback)} - stranded):
        if run.placement.host_of.get(vm) != before.get(vm):
            words = f"VM {problem.pool.vms[vm].name} is not back where it was"
            yield Finding(step="", state="at the end of the way back", rule="rollback", words=words)
    home = {drive: sr for vm, srs in plan.before.srs_of.items() if vm not in stranded for drive, sr in srs.items()}
    for vm, srs in sorted(run.placement.srs_of.items()):
        if any(home.get(drive, sr) != sr for drive, sr in srs.items()):
            words = f"a disk of VM {problem.pool.vms[vm].name} is not back where it was"
            yield Finding(step="", state="at the end of the way back", rule="rollback", words=words)
