"""The outcome of a solve, in a word and in a sentence."""

from __future__ import annotations

from collections.abc import Sequence

from rebalancer.objectives import NEGLIGIBLE, Balance, HostsInUse, gaining
from rebalancer.placement import Placement
from rebalancer.plan.conditions import in_short, limits_of
from rebalancer.policy import Mode
from rebalancer.problem import Problem
from rebalancer.solve.result.solution import Outcome, Solution
from rebalancer.solve.search.tiers import Ladder
from rebalancer.tier import TierResult


def gains_too_little(problem: Problem, moves: int, ladder: Ladder) -> bool:
    """Whether balancing moves VMs for less than the policy's minimum gain; a host less in use is gain enough.

    Whoever has to leave a host leaves it, whatever that gains, and levelling asks for a gain of its own.
    """
    if problem.policy.mode is Mode.EVACUATE or ladder.levelled:
        return False
    main, hosts = ladder.of(gaining(problem.policy).id), ladder.of(HostsInUse.id)
    if hosts and hosts.after < hosts.before:
        return False
    return main is not None and moves > 0 and not enough(problem, main.before - main.after)


def enough(problem: Problem, gain: float) -> bool:
    """Whether *gain*, in pCPU-hours, is what the policy asks for at least."""
    return gain >= problem.policy.limits.minimum_gain_pcpu_hours - NEGLIGIBLE


def solved(problem: Problem, placement: Placement, ladder: Ladder) -> Solution:
    """The solution that *ladder* led to."""
    moves = len(problem.initial.moves_to(placement))
    outcome = _outcome(problem, moves, ladder)
    return Solution(
        placement=placement,
        tiers=ladder.tiers,
        outcome=outcome,
        reason=_sentence(problem, outcome, moves, ladder),
        reproducible=ladder.reproducible,
        bound_by=ladder.bound_by,
        unfinished=tuple(each for each in ladder.unfinished if not _proved(ladder, each)),
        cut_in=ladder.cut_in,
    )


def _proved(ladder: Ladder, objective: str) -> bool:
    tier = ladder.of(objective)
    return tier is not None and tier.proved


def nothing_found(problem: Problem) -> Solution:
    """No move, because the limit came before an answer."""
    seconds = problem.policy.limits.solve_seconds
    return Solution(
        placement=problem.initial,
        outcome=Outcome.NOTHING_FOUND,
        reason=f"no placement that satisfies all rules was found in {seconds:g} s of work; there may be one: "
        "allow more time",
    )


def _outcome(problem: Problem, moves: int, ladder: Ladder) -> Outcome:
    if ladder.rejected_gain is not None:
        return Outcome.NOT_WORTH_IT
    if not moves:
        return Outcome.NOTHING_BETTER if all(tier.proved for tier in ladder.tiers) else Outcome.NOTHING_FOUND
    if problem.policy.mode is Mode.EVACUATE:
        return Outcome.EVACUATED
    hosts = ladder.of(HostsInUse.id)
    if hosts and hosts.after < hosts.before:
        return Outcome.CONSOLIDATED
    return Outcome.IMPROVED if ladder.of(Balance.id) else Outcome.REPAIRED


def _sentence(problem: Problem, outcome: Outcome, moves: int, ladder: Ladder) -> str:
    numbers = "; ".join(_change(ladder.tiers, number, ladder.unfinished) for number in range(len(ladder.tiers)))
    limits = limits_of(problem.policy)
    within = f" with {' and '.join(limits)}" if limits else ""
    match outcome:
        case Outcome.NOT_WORTH_IT:
            least = problem.policy.limits.minimum_gain_pcpu_hours
            return f"the best moves found gain {ladder.rejected_gain:.3g} pCPU-hours; the policy asks for {least:g}"
        case Outcome.NOTHING_BETTER:
            return f"proved: no placement that the rules allow{within} is better than the current one ({numbers})"
        case Outcome.NOTHING_FOUND:
            return f"nothing better was found, but it is not proved that there is nothing{within} ({numbers})"
        case _:
            return f"{moves} {'VM moves' if moves == 1 else 'VMs move'}{within}: {numbers}"


def _change(tiers: Sequence[TierResult], number: int, unfinished: Sequence[str]) -> str:
    tier, held = tiers[number], in_short(tiers, number)
    ran_out = f"not proved: time ran out in {tier.objective}, " if tier.objective in unfinished else ""
    quality = "proved best" if tier.proved else f"{ran_out}at most {tier.gap:.1%} from the best"
    quality += held
    return f"{tier.objective} {tier.before:.4g} -> {tier.after:.4g} {tier.unit} ({quality})"
