"""Proof that a plan is legal in a pool, from the plan and the pool alone.

Nothing that chooses, orders, schedules or composes is used here. What is, is of two sorts:

- Second opinions, written apart from what made the plan: each step is carried out on paper, and every state judged by
  the rules' own checkers (`simulate`); every other order that the relations allow is judged at its fullest, as a
  minimum cut (`rebalancer.describe.concurrency`); times are swept through and launched anew (`schedule`).
  These find faults of the makers.
- One description anew (`redescription`): names, figures, reasons and words, by the same functions of
  `rebalancer.describe` that described the plan, compared field by field (`compare`). It finds what was edited, or does
  not belong to this pool; a fault of those functions it shares.

`form` holds what stands once and in its order in every plan.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from rebalancer.demand import LoadProfile
from rebalancer.describe.figures import profile_of
from rebalancer.describe.worth import over_limits
from rebalancer.errors import ModelBug, PolicyError
from rebalancer.inventory import Pool, Uuid
from rebalancer.inventory.digest import inventory_digests
from rebalancer.inventory.renaming import called
from rebalancer.placement import Placement
from rebalancer.plan.document import digest_of
from rebalancer.plan.finding import Finding, FindingKind
from rebalancer.plan.names import names_of
from rebalancer.plan.plan import FORMAT, Plan
from rebalancer.plan.step import Step
from rebalancer.plan.timely import untimely
from rebalancer.policy import Squeezing, intent_digest, intent_of, policy_digest
from rebalancer.problem import Problem, make_problem
from rebalancer.rules import Rulebook
from rebalancer.squeeze import choice_for, squeeze_of
from rebalancer.verify.ceilings import HOST_LOAD, too_hot
from rebalancer.verify.compare import wrong_claims
from rebalancer.verify.form import wrong_form
from rebalancer.verify.redescription import described_anew, incomparable, named_anew, strangers
from rebalancer.verify.schedule import wrong_durations, wrong_schedule
from rebalancer.verify.simulate import Simulation

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
    known = called(pool, names_of(plan))
    try:
        book = Rulebook.of(make_problem(known, demand or profile_of(plan), plan.policy))
    except PolicyError as error:
        return (*sealed, _finding(FindingKind.SEAL, AT_THE_START, "policy", str(error)))
    book = book.way_back() if plan.made_from.undoes else book
    unsaid = () if done else _squeezed_unsaid(plan, known)
    found = (*sealed, *unsaid, *_of_steps(plan, book, done))
    return (*found, *_by_new_names(plan, book, pool, done, {each.words for each in found}))


def _squeezed_unsaid(plan: Plan, pool: Pool) -> Iterator[Finding]:
    """VMs that would be squeezed, or further, although no step says it: their range has changed since.

    Judged by what the plan knows they use, so that whoever reads no metrics comes to the same.
    """
    used, firsts = profile_of(plan), {step.vm: step for step in reversed(plan.steps)}
    for step in sorted(firsts.values(), key=lambda step: step.id):
        squeeze = squeeze_of(pool.vms[step.vm], used) if step.vm in pool.vms else None
        if squeeze is None or (step.squeeze and step.squeeze.to_bytes <= squeeze.to_bytes):
            continue
        if choice_for(squeeze, plan.policy.squeeze) is Squeezing.LAST_RESORT:
            words = f"{step.vm_name}: a migration squeezes it to {squeeze.left} by now, and the plan does not say so"
            yield replace(_finding(FindingKind.ILLEGAL, AT_THE_START, "not-squeezed", words), step=step.id)


def _by_new_names(
    plan: Plan, book: Rulebook, pool: Pool, done: Collection[str], known: Collection[str]
) -> Iterator[Finding]:
    """What rules refuse where the policy's names are taken as *pool* has them now; those that are gone mean nobody.

    Somebody who gives a VM the name of a group or pin wants it to count; somebody who renames one loses no pin.
    """
    try:
        intent = intent_of(plan.policy, pool)
    except PolicyError:
        return
    if intent_digest(intent) == intent_digest(book.problem.intent):
        return
    other = Rulebook.of(replace(book.problem, intent=intent))
    for finding in _of_steps(plan, other.way_back() if plan.made_from.undoes else other, done):
        if finding.kind is FindingKind.ILLEGAL and finding.words not in known:
            yield replace(finding, words=f"{finding.words}, by the names that things have now")


def refusals(plan: Plan, pool: Pool, demand: LoadProfile | None = None, *, now: datetime) -> tuple[Finding, ...]:
    """What rules refuse of *plan*, which was made for *pool* just now: another plan may do better.

    Args:
        plan: a plan of our own.
        pool: the pool as it was made for.
        demand: as for `verify_plan`.
        now: when it was made.

    Raises:
        ModelBug: the plan contradicts the pool or itself, which no other plan would mend.
    """
    findings = verify_plan(plan, pool, demand, now=now)
    bugs = [finding for finding in findings if finding.kind is not FindingKind.ILLEGAL]
    if bugs:
        raise ModelBug("; ".join(map(str, bugs)))
    return findings


def _of_seal(plan: Plan, pool: Pool, now: datetime) -> Iterator[Finding]:
    source, before, sizes = plan.made_from, plan.before.host_of, [step.copied_bytes for step in plan.steps]
    moves = sum(before.get(vm) != host for vm, host in plan.predicted.host_of.items())
    other = pool.name if pool.name != source.called else f"another one of that name ({pool.uuid})"
    beside = "; name the others with --beside" if source.beside else ""
    if much := over_limits(plan.policy.limits, moves=moves, sizes_bytes=sizes):
        yield _finding(FindingKind.ILLEGAL, AT_THE_START, "limits", much)
    late = untimely(plan, now)
    for rule, wrong, words in (
        ("format", plan.format != FORMAT, f"the format is {plan.format}, not {FORMAT}"),
        ("digest", digest_of(plan) != plan.digest, "the plan was edited: its digest is not that of its content"),
        ("pool", not source.is_of(pool), f"made for pool {source.called}, not {other}{beside}"),
        ("expiry", late, late),
        ("expiry", plan.expires_at != expiry(plan), "the time of expiry is not the one that the policy gives"),
        ("policy", policy_digest(plan.policy) != source.policy_digest, "the policy is not the one it names"),
    ):
        if wrong:
            yield _finding(FindingKind.SEAL, AT_THE_START, rule, words)


def expiry(plan: Plan) -> datetime:
    """When *plan* expires by its own policy."""
    return plan.made_at + timedelta(hours=plan.policy.plan.expires_hours)


def _of_steps(plan: Plan, book: Rulebook, done: Collection[str]) -> Iterator[Finding]:
    """Steps, end, claims and the way back; what was carried out already counts where something may get no worse."""
    left = [step for step in plan.steps if step.id not in done]
    if done:
        before = _undone([step for step in plan.steps if step.id in done], book.problem)
        book = book.under(replace(book.problem, before=before))
    run = Simulation(book, plan.predicted)
    findings = [*run.carry_out(left), *run.interleavings(left), *_of_end(plan, run.placement, book, done)]
    if not any(finding.rule == HOST_LOAD for finding in findings):
        findings += too_hot(left, book)
    yield from findings
    yield from _of_claims(plan, book)
    if not findings and not done:
        yield from _of_way_back(plan, book.way_back().at(run.placement))


def _of_claims(plan: Plan, book: Rulebook) -> Iterator[Finding]:
    """What the plan says; of a pool that has changed since, only what things were called."""
    problem = book.problem
    right = named_anew(plan, problem.pool)
    same_wishes = plan.made_from.intent_digest in {"", intent_digest(problem.intent)}
    if same_wishes and inventory_digests(problem.pool) == plan.made_from.inventories:
        obstacles = tuple(strangers(plan, problem.pool))
        if not obstacles:
            yield from wrong_durations(plan, problem.pool)
            obstacles = tuple(incomparable(plan, problem))
        yield from obstacles
        if not obstacles:
            right = described_anew(right, book)
    yield from wrong_claims(plan, right)


def _undone(steps: Sequence[Step], problem: Problem) -> Placement:
    """Where the VMs were before *steps*, as far as they and the hosts are there."""
    before = dict(problem.initial.host_of)
    for step in reversed(steps):
        if step.vm in before and step.source in problem.pool.hosts:
            before[step.vm] = step.source
    return Placement(before)


def _of_end(plan: Plan, end: Placement, book: Rulebook, done: Collection[str]) -> Iterator[Finding]:
    problem = book.problem
    names = dict(problem.names.vms) | {step.vm: step.vm_name for step in plan.steps}
    hosts: dict[Uuid | None, str] = {None: "no host"} | {row.uuid: row.name for row in plan.hosts}
    before, after = plan.before.host_of, plan.predicted.host_of
    changed = {vm for vm in {*before, *after} if before.get(vm) != after.get(vm)} | {step.vm for step in plan.steps}
    for vm in sorted(changed):
        predicted, there = after.get(vm), end.host_of.get(vm)
        if predicted != there:
            words = f"VM {names.get(vm, vm)} is on {hosts.get(there, there)}, not on {hosts.get(predicted, predicted)}"
            yield _finding(FindingKind.MISPLACED, AT_THE_END, "placement", words)
    for words in _astray(plan, end, done):
        yield _finding(FindingKind.MISPLACED, AT_THE_END, "placement", words)
    for violation in book.violations(end, since=problem.initial):
        yield _finding(FindingKind.ILLEGAL, AT_THE_END, violation.rule, violation.words)


def _astray(plan: Plan, end: Placement, done: Collection[str]) -> Iterator[str]:
    """Disks that do not end where *plan* says; in another pool they have other drives once their step is *done*."""
    renamed = {disk.drive for step in plan.steps if step.crossing and step.id in done for disk in step.disks}
    names = {disk.drive: disk.name for step in plan.steps for disk in step.disks}
    srs: dict[Uuid | None, str] = {row.uuid: row.name for row in plan.srs}
    said = {drive: row.uuid for row in plan.srs for drive in row.gains}
    there = dict(pair for srs_of in end.srs_of.values() for pair in srs_of.items())
    for drive in sorted({*names, *said} - renamed):
        if said.get(drive) != there.get(drive):
            ends, wanted = there.get(drive), said.get(drive)
            yield f"disk {names.get(drive, drive)} is on SR {srs.get(ends, ends)}, not on {srs.get(wanted, wanted)}"


def _of_way_back(plan: Plan, book: Rulebook) -> Iterator[Finding]:
    problem, stranded, before = book.problem, {each.uuid for each in plan.no_way_back}, plan.before.host_of
    # Who is stranded may be parked meanwhile, and then ends where the plan brought it.
    stays = {vm: host for vm, host in problem.initial.host_of.items() if vm in stranded}
    run = Simulation(book, replace(plan.before, host_of={**before, **stays}))
    yield from run.carry_out(plan.rollback)
    yield from run.interleavings(plan.rollback)
    for vm in sorted({step.vm for step in (*plan.steps, *plan.rollback)} - stranded):
        if run.placement.host_of.get(vm) != before.get(vm):
            yield _not_back(f"VM {problem.names.vms[vm]}")
    home = {drive: sr for vm, srs in plan.before.srs_of.items() if vm not in stranded for drive, sr in srs.items()}
    for vm, srs in sorted(run.placement.srs_of.items()):
        if any(home.get(drive, sr) != sr for drive, sr in srs.items()):
            yield _not_back(f"a disk of VM {problem.names.vms[vm]}")


def _not_back(what: str) -> Finding:
    words = f"{what} is not back where it was"
    return _finding(FindingKind.MISPLACED, "at the end of the way back", "rollback", words)


def _finding(kind: FindingKind, state: str, rule: str, words: str) -> Finding:
    return Finding(kind=kind, step="", state=state, rule=rule, words=words)
