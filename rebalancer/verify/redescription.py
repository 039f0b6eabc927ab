"""What a plan should say of itself: described anew from its steps, its end, its policy and its demand.

The words and figures are those of `rebalancer.describe`, which whoever made the plan used, too. Where rounding leaves
some room, or several answers are as good, the plan's own is kept, and so is what nothing here can compute: the word of
whoever made it (docs/plan.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from rebalancer.describe.disks import ejected, ejections, sr_rows, step_disks
from rebalancer.describe.figures import load_of, metrics_of, profile_of, told_of
from rebalancer.describe.ha_margin import ha_margins
from rebalancer.describe.left_out import LEFT_OUT, left_out, missing_moves
from rebalancer.describe.memory import memory_by_step, squeeze_told
from rebalancer.describe.reasons import BACK, HOME, Reasons
from rebalancer.describe.refused import refused_hosts
from rebalancer.describe.step_figures import without_choice
from rebalancer.describe.summary import general_warnings, load_told, summary_of
from rebalancer.held import TAGGED
from rebalancer.inventory import Names, Pool, Uuid
from rebalancer.legality.held import held_as_they_are
from rebalancer.placement import Migration
from rebalancer.plan.finding import Finding, FindingKind
from rebalancer.plan.plan import Missing, OldViolation, Plan
from rebalancer.plan.step import HostMemory, RefusedHosts, Step, StepDisk
from rebalancer.problem import Problem
from rebalancer.rules import Rulebook
from rebalancer.units import interval_in_words, interval_to_the_nearest
from rebalancer.verify.figures import host_rows_of, same_load, tiers_of
from rebalancer.verify.older_words import in_words_of_today, load_told_formerly
from rebalancer.verify.tolerance import as_told, marked


def named_anew(plan: Plan, pool: Pool) -> Plan:
    """*plan* with everything called as it was when the plan was made, and the summary that its steps and figures give.

    What the plan kept no name of is called as in *pool*. Nobody approves one VM while another one moves.
    """
    source, called = plan.made_from, Names(pool)
    names = {member.uuid: member.name for member in pool.members} | {**called.hosts, **called.srs, **called.vms}
    names |= {uuid: name for uuid, name in (source.names or {}).items() if uuid not in names}
    beside = (replace(each, pool_name=names.get(each.pool, each.pool_name)) for each in source.beside)
    return replace(
        plan,
        made_from=replace(source, pool_name=names.get(source.pool, source.pool_name), beside=tuple(beside)),
        summary=_summary(plan),
        steps=tuple(_named_step(step, names) for step in plan.steps),
        hosts=tuple(replace(row, name=_own(names, row.uuid, row.name)) for row in plan.hosts),
        srs=tuple(replace(row, name=_own(names, row.uuid, row.name)) for row in plan.srs),
        left_alone=tuple(replace(each, name=_own(names, each.uuid, each.name)) for each in plan.left_alone),
        rollback=tuple(_named_step(step, names) for step in plan.rollback),
        no_way_back=tuple(replace(each, name=_own(names, each.uuid, each.name)) for each in plan.no_way_back),
        held=tuple(replace(each, name=_own(names, each.uuid, each.name)) for each in plan.held),
    )


def _summary(plan: Plan) -> str:
    """The summary of *plan*; with its load told and its duration rounded as earlier versions did, if it has that."""
    schedule, right = plan.schedule, summary_of(plan)
    ends = (schedule.seconds_low, schedule.seconds, schedule.seconds_high)
    older = right.replace(load_told(plan), load_told_formerly(plan))
    oldest = older.replace(interval_in_words(*ends), interval_to_the_nearest(*ends))
    return plan.summary if plan.summary in {older, oldest} else right


def _own(names: Mapping[Uuid, str], uuid: Uuid, claimed: str) -> str:
    """What *uuid* is called; as *claimed*, if that only marks its own uuid, because another one had the name."""
    right = names.get(uuid, claimed)
    return claimed if marked(claimed, right, uuid) else right


def strangers(plan: Plan, pool: Pool) -> Iterator[Finding]:
    """Hosts and VMs of *plan* that *pool*, which it says it was made from, does not have."""
    steps = (*plan.steps, *plan.rollback)
    hosts = {end for step in steps for end in (step.source, step.target)} | {row.uuid for row in plan.hosts}
    vms = {step.vm for step in steps} | {vm for row in plan.hosts for vm in (*row.before.vms, *row.after.vms)}
    for kind, unknown in (("host", hosts - pool.hosts.keys()), ("VM", vms - pool.vms.keys())):
        for uuid in sorted(unknown):
            yield _finding(FindingKind.MISPLACED, "placement", f"the pool that it was made from has no {kind} {uuid}")


def incomparable(plan: Plan, problem: Problem) -> Iterator[Finding]:
    """Why *plan* cannot be described anew for *problem*, the pool that it was made from."""
    profile, claim = profile_of(plan), FindingKind.CLAIM
    if problem.initial.host_of != plan.before.host_of:
        yield _finding(claim, "placement", "the hosts' VMs before the plan are not where the inventory has them")
    elif plan.predicted.host_of.keys() != problem.initial.host_of.keys():
        yield _finding(claim, "placement", "the hosts' VMs after the plan are not the same VMs")
    elif (profile is None) != (plan.load is None) or (profile and set(profile.hosts) != set(problem.pool.hosts)):
        yield _finding(claim, "figures", "the demand that the plan carries does not fit its hosts and slots")
    elif plan.load and {curve.uuid for curve in plan.load.vms} != set(
        told_of(problem, {step.vm for step in plan.steps})
    ):
        yield _finding(claim, "figures", "the demand that the plan carries is not that of the VMs that it moves")
    elif _without_peaks(plan, problem):
        words = "its policy asks for peaks, and the demand that was measured holds none: measure anew"
        yield _finding(claim, "figures", words)


def _without_peaks(plan: Plan, problem: Problem) -> bool:
    """Whether the demand of *problem*, of the same window as that of *plan*, lacks peaks that the policy asks for."""
    measured, claimed = metrics_of(problem.demand), plan.made_from.metrics
    if problem.demand is None or measured is None or claimed is None or measured.window_end != claimed.window_end:
        return False
    peaks = problem.demand.vm_deviation_pcpu is not None
    return bool(plan.policy.demand.peaking) and not peaks and problem.demand != profile_of(plan)


def described_anew(plan: Plan, book: Rulebook) -> Plan:
    """*plan* as it should be, if *book* is of what it was made from.

    Args:
        plan: the plan, all of whose VMs and hosts the pool has, called as there.
        book: the rules, in the pool that it was made from; with the demand that was measured, or that the plan carries.
    """
    problem = book.problem
    carried = book.under(replace(problem, demand=profile_of(plan), pool=_copied(problem.pool, plan)))
    reasons = Reasons(carried, plan.predicted)
    back = tuple(BACK[step.kind] for step in plan.rollback)
    end, on_hold = book.at(plan.predicted), _on_hold(plan)
    start = book.under(replace(problem, on_hold=on_hold)) if on_hold else book
    return replace(
        _measured_anew(plan, problem),
        tiers=tuple(tiers_of(plan, carried)),
        steps=tuple(_steps(plan.steps, _whys(plan, reasons), problem, start)),
        missing=_missing(plan, book),
        hosts=tuple(host_rows_of(plan, carried)),
        srs=sr_rows(problem, plan.predicted),
        old_violations=tuple(_old_violations(plan, reasons)),
        warnings=(*plan.warnings, *_unsaid(plan, carried, reasons)),
        rollback=tuple(_steps(plan.rollback, back, problem, end)),
        held=held_as_they_are(replace(carried.problem, on_hold=on_hold)),
        ha=None if plan.ha is None else ha_margins(plan.steps, problem),
    )


def _on_hold(plan: Plan) -> frozenset[Uuid]:
    """What a tag held when *plan* was made; an inventory is the same with other tags."""
    return frozenset(each.uuid for each in plan.held if TAGGED.words in each.words)


def _named_step(step: Step, names: Mapping[Uuid, str]) -> Step:
    return replace(
        step,
        vm_name=_own(names, step.vm, step.vm_name),
        source_name=_own(names, step.source, step.source_name),
        target_name=_own(names, step.target, step.target_name),
        disks=tuple(
            replace(
                disk,
                source_name=_own(names, disk.source, disk.source_name),
                target_name=_own(names, disk.target, disk.target_name),
            )
            for disk in step.disks
        ),
    )


def _copied(pool: Pool, plan: Plan) -> Pool:
    """*pool* as it was when the plan was made in what changes all the time: the memory of its VMs, what dangles."""
    sizes = {step.vm: step.memory_bytes for step in plan.steps}
    vms = {
        uuid: replace(vm, metrics=replace(vm.metrics, memory_actual_bytes=sizes[uuid]))
        if uuid in sizes and vm.metrics
        else vm
        for uuid, vm in pool.vms.items()
    }
    return replace(pool, vms=vms, dangling=())


def _measured_anew(plan: Plan, problem: Problem) -> Plan:
    """*plan* with the demand of *problem*, if both were measured in the same window."""
    measured, claimed = metrics_of(problem.demand), plan.made_from.metrics
    if measured is None or claimed is None or measured.window_end != claimed.window_end:
        return plan
    if problem.demand == profile_of(plan):
        return plan
    load = load_of(problem, {step.vm for step in plan.steps} & set(problem.initial))
    made_from = replace(plan.made_from, metrics=replace(measured, source=claimed.source, clocks=claimed.clocks))
    return replace(plan, made_from=made_from, load=plan.load if same_load(load, plan.load) else load)


def _steps(steps: Sequence[Step], whys: Sequence[str], problem: Problem, start: Rulebook) -> Iterator[Step]:
    told = any(step.refused is not None for step in steps)
    ejects = any(step.ejects is not None for step in steps)
    for step, held, why in zip(steps, _held(steps, start), whys, strict=True):
        memory = _memory(step, problem.pool)
        disks = _disks(step, problem) if step.disks else ()
        squeeze = squeeze_told(problem.pool.vms[step.vm], memory)
        refused = _refused(step, start) if told else None
        yield replace(
            step,
            memory_bytes=memory,
            disks=disks,
            hosts=held,
            why=as_told(step.why, why),
            squeeze=squeeze,
            refused=refused,
            ejects=ejected(step, problem) if ejects else None,
        )


def _refused(step: Step, start: Rulebook) -> tuple[RefusedHosts, ...]:
    """The hosts that may not take the VM of *step*, in its own words where they say the same."""
    said = {each.rule: each.words for each in step.refused or ()}
    found = refused_hosts(step.vm, start)
    return tuple(replace(each, words=as_told(said.get(each.rule, ""), each.words)) for each in found)


def _held(steps: Sequence[Step], start: Rulebook) -> Iterable[tuple[HostMemory, HostMemory]]:
    """What source and target of each step hold; of VMs and hosts that are not there the steps themselves tell."""
    vms, hosts = start.problem.initial.host_of, start.problem.pool.hosts
    if all(step.vm in vms and step.source in hosts and step.target in hosts for step in steps):
        return memory_by_step(steps, start)
    return [step.hosts for step in steps]


def _memory(step: Step, pool: Pool) -> int:
    """What *step* copies: anything that its VM may have by then."""
    vm = pool.vms[step.vm]
    sizes = (vm.migration_memory_bytes, vm.memory.dynamic_min_bytes, vm.memory.dynamic_max_bytes)
    return step.memory_bytes if min(sizes) <= step.memory_bytes <= max(sizes) else vm.migration_memory_bytes


def _disks(step: Step, problem: Problem) -> tuple[StepDisk, ...]:
    srs, drives = problem.pool.srs, problem.initial.srs_of.get(step.vm, {})
    known = all(disk.drive in drives and {disk.source, disk.target} <= srs.keys() for disk in step.disks)
    return step_disks(step.migration, problem) if known else ()


def _whys(plan: Plan, reasons: Reasons) -> tuple[str, ...]:
    if plan.made_from.undoes or plan.outcome == HOME:
        return tuple(BACK[step.kind] for step in plan.steps)
    migrations = [step.migration for step in plan.steps]
    found = zip(plan.steps, reasons.of(migrations), reasons.without_figures(migrations), strict=True)
    return tuple(_why(step.why, full, plain) for step, full, plain in found)


def _why(claimed: str, full: str, plain: str) -> str:
    """*claimed* if it is *full* but for why this target, or *plain* as in plans of earlier versions; else *full*."""
    own, right = without_choice(claimed), without_choice(full)
    said = as_told(own, right) == own or as_told(claimed, plain) == claimed
    return claimed if said else full


def _old_violations(plan: Plan, reasons: Reasons) -> Iterator[OldViolation]:
    """What was broken before; why it stays so is the maker's word."""
    claimed = plan.old_violations
    for number, old in enumerate(reasons.old_violations()):
        mine = claimed[number] if number < len(claimed) else old
        yield replace(old, words=as_told(mine.words, old.words), why_not=mine.why_not)


def _unsaid(plan: Plan, carried: Rulebook, reasons: Reasons) -> Iterator[str]:
    """Warnings that *plan* lacks; on a way back, wishes do not bind and are told all the same."""
    if plan.made_from.undoes:
        reasons = Reasons(Rulebook.of(carried.problem), plan.predicted)
    problem = carried.problem
    general = general_warnings(problem, plan.no_way_back)
    said = {in_words_of_today(str(each)) for each in plan.warnings}
    for words in (*reasons.new_violations(), *ejections(plan.steps, problem), *general):
        if words not in plan.warnings and words not in said:
            yield words


def _missing(plan: Plan, book: Rulebook) -> tuple[Missing, ...]:
    """The moves of which *plan* says that they are missing, each with the reason that the rules give.

    Why somebody left a move out they said in words of their own.
    """
    problem, end, hosts = book.problem, plan.predicted, book.problem.pool.hosts
    if not plan.missing:
        return ()
    known = {each.vm: each for each in plan.missing if each.vm in end.host_of and each.target in hosts}
    moves = {vm: Migration(vm=vm, source=end[vm], target=each.target) for vm, each in known.items()}
    away = {vm: move for vm, move in moves.items() if move.source != move.target}
    by_choice = {vm for vm in away if known[vm].rule == LEFT_OUT}
    found = [*missing_moves([move for vm, move in away.items() if vm not in by_choice], end, book)]
    for vm in by_choice:
        found += left_out([away[vm]], problem, known[vm].words)
    return tuple(sorted(found, key=lambda each: (each.vm_name, each.vm)))


def _finding(kind: FindingKind, rule: str, words: str) -> Finding:
    return Finding(kind=kind, step="", state="at the start", rule=rule, words=words)
