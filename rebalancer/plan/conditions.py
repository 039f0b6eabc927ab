"""The conditions under which bounds hold: no bound is told without them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rebalancer.plan.plan import Plan
from rebalancer.policy import Mode, Policy
from rebalancer.tier import BALANCE, LEVEL, LOWER_PEAK, PEAK, SPREAD, HeldTo, TierResult
from rebalancer.units import counted


def held_of(tiers: Sequence[TierResult], number: int) -> tuple[HeldTo, ...]:
    """What was held while one of *tiers* was improved; where that is not said, whatever stands before it."""
    tier = tiers[number]
    earlier = (HeldTo(objective=each.objective, unit=each.unit, most=each.after) for each in tiers[:number])
    return tier.held or tuple(earlier)


def condition_of(tiers: Sequence[TierResult], number: int, policy: Policy) -> str:
    """What a placement has to keep for the bound of one of *tiers* to hold for it; "" where that is the rules alone."""
    held = [f"{each.objective} at most {each.most:.4g} {each.unit}" for each in held_of(tiers, number)]
    parts = [*held, *limits_of(policy), *_left_out(tiers[number])]
    return ", ".join(parts)


def condition_lines(tiers: Sequence[TierResult], policy: Policy) -> list[str]:
    """A sentence for each of *tiers* whose bound, or proof, holds under a condition."""
    found = ((number, condition_of(tiers, number, policy)) for number in range(len(tiers)))
    told = ((tiers[number].objective, _who(tiers, number), words) for number, words in found if words)
    spent = [f"What {name} spends counts in balance, above its bound." for name in _spending(tiers)]
    return [*(f"The bound of {objective} is of {who} {words}." for objective, who, words in told), *spent]


def _spending(tiers: Sequence[TierResult]) -> Iterator[str]:
    """Objectives that copied more than balancing did."""
    main = next((tier for tier in tiers if tier.objective == BALANCE), None)
    if main and main.after > main.bound and not main.proved:
        yield from (tier.objective for tier in tiers if tier.objective in {LEVEL, LOWER_PEAK})


def in_short(tiers: Sequence[TierResult], number: int) -> str:
    """What was held, for a sentence that tells all *tiers* in order: the name alone where it is held at its end."""
    ends = {each.objective: each.after for each in tiers[:number]}
    held = held_of(tiers, number)
    told = [
        each.objective if ends.get(each.objective) == each.most else f"{each.objective} at most {each.most:.4g}"
        for each in held
    ]
    return f" with {', '.join(told)} held" if told else ""


def _who(tiers: Sequence[TierResult], number: int) -> str:
    """The placements that are compared; what only cleans up may not copy more than was paid for before."""
    cleans_up = tiers[number].objective in {PEAK, SPREAD}
    return "placements that copy no more, with" if cleans_up else "placements with"


def limits_of(policy: Policy) -> list[str]:
    """The limits of *policy* on what a plan does, in words; every bound is one of placements that keep them."""
    limits, emptied = policy.limits, policy.mode is Mode.EVACUATE and policy.empty
    moves = [] if limits.maximum_moves is None else [f"at most {counted(limits.maximum_moves, 'move')}"]
    size = [] if limits.maximum_gib is None else [f"at most {limits.maximum_gib:g} GiB copied"]
    return [*moves, *size, *([f"no VM on {', '.join(policy.empty)}"] if emptied else []), *_resting(policy)]


def _resting(policy: Policy) -> Iterator[str]:
    """VMs that a plan does not move because it is not long since they moved, or failed to."""
    staying = [each for each in policy.cooling if each.stays]
    failed = {each.vm for each in staying if each.failed_at}
    moved = {each.vm for each in staying} - failed
    for vms, what in ((moved, "that moved a short while ago"), (failed, "whose move failed")):
        if vms:
            yield f"{counted(len(vms), 'VM')} {what} left alone"


def _left_out(tier: TierResult) -> Iterator[str]:
    if tier.excluded:
        yield f"none of {counted(tier.excluded, 'set')} of moves for which no legal order was found"


def gap_is_told(tier: TierResult, plan: Plan) -> bool:
    """Whether *tier* of *plan* has a gap to tell; a part was not made to come near the bound of the whole plan."""
    return tier.proved or not plan.made_from.part_of


def gap_in_words(tier: TierResult, plan: Plan) -> str:
    """How far *tier* of *plan* is from its bound; `-` where that is not told."""
    return f"{tier.gap:.1%}" if gap_is_told(tier, plan) else "-"
