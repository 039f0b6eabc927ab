"""What two plans do differently, or a plan and a pool, in words. When a plan was made is no difference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from itertools import groupby
from operator import attrgetter
from typing import Any

from rebalancer.diff.diff_end import end_differences
from rebalancer.diff.drift import differences
from rebalancer.inventory import Pool, Uuid
from rebalancer.plan.document import plan_document
from rebalancer.plan.plan import Plan
from rebalancer.plan.step import Step, StepNetwork
from rebalancer.tier import TierResult
from rebalancer.units import first_few

SHOWN = 3
"""How many keys a sentence lists."""
TOLD = {"steps", "tiers", "made_from"}
"""Parts of a plan whose differences are told one by one."""
OF_THE_CLOCK = {"made_at", "expires_at", "digest", "begins_at", "closes_at"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One difference: `kind` is its subject (part, pool, policy, start, step, order, objective, end, drift, other)."""

    kind: str
    words: str

    def as_json(self) -> dict[str, str]:
        """For programs."""
        return {"kind": self.kind, "words": self.words}


def plan_differences(first: Plan, second: Plan) -> tuple[Difference, ...]:
    """What *second* does differently from *first*; none where both say the same but for the time they were made."""
    found = [
        *_of_sources(first, second),
        *_of_starts(first, second),
        *_of_steps(first, second),
        *_of_disks(first, second),
        *_of_networks(first, second),
        *_of_order(first, second),
        *_of_tiers(first, second),
    ]
    return (*found, *_of_the_rest(first, second))


def pool_differences(plan: Plan, pool: Pool) -> tuple[Difference, ...]:
    """What is not in *pool* as *plan* knew it, see `differences`; of another pool only that."""
    if not plan.made_from.is_of(pool):
        other = pool.name if pool.name != plan.made_from.called else f"another one of that name ({pool.uuid})"
        words = f"made for pool {plan.made_from.called}, not for {other}"
        return (Difference(kind="pool", words=words),)
    return tuple(Difference(kind="drift", words=words) for words in differences(plan, pool))


def _of_sources(first: Plan, second: Plan) -> Iterator[Difference]:
    one, other = plan_document(first)["made_from"], plan_document(second)["made_from"]
    was, now = first.made_from, second.made_from
    if was.pool_names.keys() != now.pool_names.keys():
        yield Difference(kind="pool", words=f"made for pool {now.called} instead of {was.called}")
    elif was.inventories != now.inventories:
        yield Difference(kind="pool", words="made from another state of the pool")
    wanted, wants = (_leaves(plan.policy.model_dump(mode="json")) for plan in (first, second))
    for key in sorted(wanted.keys() | wants.keys()):
        here, there = wanted.get(key, "nothing"), wants.get(key, "nothing")
        if here != there:
            yield Difference(kind="policy", words=f"policy: {key} is {_value(there)} instead of {_value(here)}")
    yield from _of_wholes(first, second)
    yield from _of_takings_back(first, second)
    for key in ("pool_name", "metrics", "pace", "versions", "seed"):
        if one[key] != other[key] and not (key == "pool_name" and one["pool"] != other["pool"]):
            yield Difference(
                kind="other", words=f"made from other {key.replace('_', ' ')}: {_changed(one, other, key)}"
            )


def _of_wholes(first: Plan, second: Plan) -> Iterator[Difference]:
    was, now = first.made_from.part_of, second.made_from.part_of
    if now == first.digest:
        yield Difference(kind="part", words="the second is an approved part of the first")
    elif was == second.digest:
        yield Difference(kind="part", words="the first is an approved part of the second")
    elif was != now:
        yield Difference(kind="part", words=f"part of {now or 'no other plan'} instead of {was or 'no other plan'}")


def _of_takings_back(first: Plan, second: Plan) -> Iterator[Difference]:
    was, now = first.made_from.undoes, second.made_from.undoes
    if now == first.digest:
        yield Difference(kind="part", words="the second takes the first back")
    elif was == second.digest:
        yield Difference(kind="part", words="the first takes the second back")
    elif was != now:
        yield Difference(kind="part", words=f"takes back {now or 'no other plan'} instead of {was or 'no other plan'}")


def _leaves(value: object, key: str = "") -> dict[str, object]:
    if not isinstance(value, Mapping):
        return {key: value}
    below = (_leaves(each, f"{key}.{name}" if key else name) for name, each in value.items())
    return {name: leaf for leaves in below for name, leaf in leaves.items()}


def _value(value: object) -> str:
    return "nothing" if value in (None, [], "nothing") else str(value)


def _changed(one: Mapping[str, object], other: Mapping[str, object], key: str) -> str:
    was, now = _leaves(one[key], key), _leaves(other[key], key)
    names = [name for name in sorted({*was, *now}) if was.get(name) != now.get(name)]
    said = [f"{name} {_value(now.get(name))} instead of {_value(was.get(name))}" for name in names]
    return first_few(said, SHOWN, between="; ")


def _of_starts(first: Plan, second: Plan) -> Iterator[Difference]:
    one, other = first.before.host_of, second.before.host_of
    vms = {step.vm: step.vm_name for plan in (first, second) for step in plan.steps}
    hosts = {row.uuid: row.name for plan in (first, second) for row in plan.hosts}
    for vm in sorted({*one, *other}, key=lambda vm: (vms.get(vm, vm), vm)):
        was, now = one.get(vm), other.get(vm)
        if was != now:
            words = f"{vms.get(vm, vm)} starts {_place(hosts, now)} instead of {_place(hosts, was)}"
            yield Difference(kind="start", words=words)


def _place(hosts: Mapping[Uuid, str], host: Uuid | None) -> str:
    return "nowhere" if host is None else f"on {hosts.get(host, host)}"


def _of_steps(first: Plan, second: Plan) -> Iterator[Difference]:
    one, other = _ways(first), _ways(second)
    for vm in dict.fromkeys((*one, *other)):
        was, now = one.get(vm), other.get(vm)
        if was is None and now:
            yield Difference(kind="step", words=f"only the second moves {now[0].vm_name} {_way(now)}")
        elif now is None and was:
            yield Difference(kind="step", words=f"only the first moves {was[0].vm_name} {_way(was)}")
        elif was and now and _hosts(was) != _hosts(now):
            yield Difference(kind="step", words=f"{now[0].vm_name} goes {_way(now)} instead of {_way(was)}")


def _ways(plan: Plan) -> dict[Uuid, tuple[Step, ...]]:
    order = {vm: number for number, vm in enumerate(dict.fromkeys(step.vm for step in plan.steps))}
    steps = sorted(plan.steps, key=lambda step: order[step.vm])
    return {vm: tuple(each) for vm, each in groupby(steps, key=attrgetter("vm"))}


def _hosts(steps: Sequence[Step]) -> list[Uuid]:
    return [steps[0].source, *(step.target for step in steps)]


def _way(steps: Sequence[Step]) -> str:
    return " -> ".join([steps[0].source_name, *(step.target_name for step in steps)])


Leg = tuple[Uuid, Uuid, Uuid]
"""VM, source, target: what a step is, whatever it is called."""


def _of_order(first: Plan, second: Plan) -> Iterator[Difference]:
    one, other = _legs(first), _legs(second)
    both = [leg for leg in one if leg in other]
    turns = [leg for leg in other if leg in one]
    blocks = SequenceMatcher(a=both, b=turns, autojunk=False).get_matching_blocks()
    kept = {leg for block in blocks for leg in both[block.a : block.a + block.size]}
    for leg in turns:
        step, was = other[leg], one[leg]
        words = f"{step.vm_name} to {step.target_name}"
        if leg not in kept:
            yield Difference(kind="order", words=f"{words} {_turn(was, step)}")
        if _waits(first, was) != _waits(second, step):
            said = f"waits for {_named(second, step)} instead of {_named(first, was)}"
            yield Difference(kind="order", words=f"{words} {said}")


def _turn(was: Step, now: Step) -> str:
    """The turn of a step that other steps have overtaken; its id may still be the same."""
    if was.id == now.id:
        return f"is step {now.id} as before, but after other steps"
    return f"is step {now.id} instead of {was.id}"


def _of_disks(first: Plan, second: Plan) -> Iterator[Difference]:
    one, other = _legs(first), _legs(second)
    for leg in [leg for leg in other if leg in one]:
        was = {disk.drive: disk for disk in one[leg].disks}
        now = {disk.drive: disk for disk in other[leg].disks}
        for drive in sorted({*was, *now}):
            if (drive in was, drive in now) == (True, True) and was[drive].target == now[drive].target:
                continue
            ends = [each[drive].target_name if drive in each else "nowhere" for each in (now, was)]
            name = (now.get(drive) or was[drive]).name
            words = f"VM {other[leg].vm_name} takes disk {name} to SR {ends[0]} instead of {ends[1]}"
            yield Difference(kind="step", words=words)


def _of_networks(first: Plan, second: Plan) -> Iterator[Difference]:
    one, other = _legs(first), _legs(second)
    for leg in [leg for leg in other if leg in one]:
        was, now = ({each.vif: each for each in _networks(legs[leg])} for legs in (one, other))
        for vif in [vif for vif in now if vif in was and now[vif].target != was[vif].target]:
            ends = f"to network {now[vif].target_name} instead of {was[vif].target_name}"
            yield Difference(kind="step", words=f"interface {now[vif].device} of VM {other[leg].vm_name} comes {ends}")


def _networks(step: Step) -> tuple[StepNetwork, ...]:
    return step.crossing.networks if step.crossing else ()


def _legs(plan: Plan) -> dict[Leg, Step]:
    return {(step.vm, step.source, step.target): step for step in plan.steps}


def _waits(plan: Plan, step: Step) -> frozenset[Leg | str]:
    """What the steps do that *step* waits for; the id of one that is no step."""
    legs: dict[str, Leg | str] = {each.id: (each.vm, each.source, each.target) for each in plan.steps}
    return frozenset(legs.get(each, each) for each in step.after)


def _named(plan: Plan, step: Step) -> str:
    names = {each.id: f"{each.vm_name} to {each.target_name}" for each in plan.steps}
    return " and ".join(names.get(each, each) for each in step.after) or "nothing"


def _of_tiers(first: Plan, second: Plan) -> Iterator[Difference]:
    one, other = ({tier.objective: tier for tier in plan.tiers} for plan in (first, second))
    for name in dict.fromkeys((*one, *other)):
        if name not in one or name not in other:
            words = f"only the {'first' if name in one else 'second'} improves {name}"
            yield Difference(kind="objective", words=words)
        elif one[name] != other[name]:
            words = f"{name}: {_figures(other[name])} instead of {_figures(one[name])}"
            yield Difference(kind="objective", words=words)
    if list(one) != list(other) and sorted(one) == sorted(other):
        yield Difference(kind="objective", words="the objectives count in another order")


def _figures(tier: TierResult) -> str:
    proof = "proved best" if tier.proved else f"none below {tier.bound:.4g}"
    return f"{tier.before:.4g} -> {tier.after:.4g} {tier.unit} ({proof})"


def _of_the_rest(first: Plan, second: Plan) -> Iterator[Difference]:
    one, other = _timeless(first), _timeless(second)
    changed = [key for key in one if key not in TOLD and one[key] != other[key]]
    told = end_differences(first, second)
    for key in changed:
        yield from (Difference(kind="end", words=words) for words in told.get(key, ()))
    silent = [key.replace("_", " ") for key in changed if not told.get(key)]
    if silent:
        yield Difference(kind="other", words=f"further parts of the plan differ: {', '.join(silent)}")
    was, now = _legs(first), _legs(second)
    if was.keys() == now.keys() and any(_plain(step) != _plain(now[leg]) for leg, step in was.items()):
        yield Difference(kind="other", words="sizes, times, reasons or names of steps differ")
    if list(was) == list(now) and any(step.hosts != now[leg].hosts for leg, step in was.items()):
        yield Difference(kind="other", words="the memory that hosts hold on the way differs")


def _timeless(plan: Plan) -> dict[str, Any]:
    """The parts of a plan without what only the clock decides."""
    document = plan_document(plan)
    schedule = {key: each for key, each in document["schedule"].items() if key not in OF_THE_CLOCK}
    return {key: each for key, each in document.items() if key not in OF_THE_CLOCK} | {"schedule": schedule}


def _plain(step: Step) -> Step:
    return replace(step, id="", after=())
