"""What two plans do differently, or a plan and a pool, in words. When a plan was made is no difference."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import Any

from rebalancer.diff.diff_end import end_differences
from rebalancer.diff.drift import changes, new_names
from rebalancer.diff.vm_moves import VMMoves, vm_moves, way_of
from rebalancer.inventory import Pool, Uuid
from rebalancer.inventory.digest import of_one_form
from rebalancer.plan.conditions import condition_of
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
    """One difference.

    `kind` is its subject (part, pool, policy, start, step, order, objective, end, drift, name, other). `sign` is `+`
    for what only the second has, `-` for what only the first has, `~` for what both have otherwise; `host` the name of
    the host that the VM of a step begins on, "" where it is about no step.
    """

    kind: str
    words: str
    sign: str = "~"
    host: str = ""

    def as_json(self) -> dict[str, str]:
        """Plain values for programs."""
        return {"kind": self.kind, "sign": self.sign, "host": self.host, "words": self.words}


def plan_differences(first: Plan, second: Plan) -> tuple[Difference, ...]:
    """What *second* does differently from *first*; none where both say the same but for the time they were made."""
    before = (_of_sources, _of_starts)
    after = (_of_disks, _of_networks, _of_order, _of_tiers, _of_the_rest)
    return (*_told(before, first, second), *_of_steps(first, second), *_told(after, first, second))


def pool_differences(plan: Plan, pool: Pool) -> tuple[Difference, ...]:
    """What is not in *pool* as *plan* knew it, see `differences`; of another pool only that."""
    if not plan.made_from.is_of(pool):
        other = pool.name if pool.name != plan.made_from.called else f"another one of that name ({pool.uuid})"
        words = f"made for pool {plan.made_from.called}, not for {other}"
        return (Difference(kind="pool", words=words),)
    drift = (Difference(kind="drift", words=words) for words in changes(plan, pool))
    return (*drift, *(Difference(kind="name", words=words) for words in new_names(plan, pool)))


Told = Iterator[tuple[str, str]]
"""Kind and words of differences."""


def _told(parts: Iterable[Callable[[Plan, Plan], Told]], first: Plan, second: Plan) -> Iterator[Difference]:
    return (Difference(kind=kind, words=words) for part in parts for kind, words in part(first, second))


def _of_sources(first: Plan, second: Plan) -> Told:
    one, other = plan_document(first)["made_from"], plan_document(second)["made_from"]
    was, now = first.made_from, second.made_from
    if was.pool_names.keys() != now.pool_names.keys():
        yield "pool", f"made for pool {now.called} instead of {was.called}"
    elif not all(of_one_form(digest, now.inventories[uuid]) for uuid, digest in was.inventories.items()):
        yield "pool", "what of the pool they were made from cannot be compared: versions that look at other parts of it"
    elif was.inventories != now.inventories:
        yield "pool", "made from another state of the pool"
    wanted, wants = (_leaves(plan.policy.model_dump(mode="json")) for plan in (first, second))
    for key in sorted(wanted.keys() | wants.keys()):
        here, there = wanted.get(key, "nothing"), wants.get(key, "nothing")
        if here != there:
            yield "policy", f"policy: {key} is {_value(there)} instead of {_value(here)}"
    if wanted == wants and "" not in {was.intent_digest, now.intent_digest} and was.intent_digest != now.intent_digest:
        yield "policy", "the policy is the same, and means other VMs, hosts or groups of the pool"
    digests = first.digest, second.digest
    part = "the {} is an approved part of the {}"
    yield from _of_kin(digests, (was.part_of, now.part_of), related=part, other="part of")
    back = "the {} takes the {} back"
    yield from _of_kin(digests, (was.undoes, now.undoes), related=back, other="takes back")
    for key in ("pool_name", "metrics", "pace", "versions", "seed"):
        if one[key] != other[key] and not (key == "pool_name" and one["pool"] != other["pool"]):
            yield "other", f"made from other {key.replace('_', ' ')}: {_changed(one, other, key)}"


def _of_kin(digests: tuple[str, str], of: tuple[str | None, str | None], *, related: str, other: str) -> Told:
    """Whether a plan is made *of* the other one, in the words *related*, or of another plan."""
    was, now = of
    if now == digests[0]:
        yield "part", related.format("second", "first")
    elif was == digests[1]:
        yield "part", related.format("first", "second")
    elif was != now:
        yield "part", f"{other} {now or 'no other plan'} instead of {was or 'no other plan'}"


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


def _of_starts(first: Plan, second: Plan) -> Told:
    one, other = first.before.host_of, second.before.host_of
    vms = {step.vm: step.vm_name for plan in (first, second) for step in plan.steps}
    hosts = {row.uuid: row.name for plan in (first, second) for row in plan.hosts}
    for vm in sorted({*one, *other}, key=lambda vm: (vms.get(vm, vm), vm)):
        was, now = (None if each is None else f"on {hosts.get(each, each)}" for each in (one.get(vm), other.get(vm)))
        if one.get(vm) != other.get(vm):
            yield "start", f"{vms.get(vm, vm)} starts {now or 'nowhere'} instead of {was or 'nowhere'}"


def _of_steps(first: Plan, second: Plan) -> Iterator[Difference]:
    for moves in vm_moves(first, second):
        if moves.sign != "=":
            yield Difference(kind="step", words=_step(moves), sign=moves.sign, host=moves.told.source_name)


def _step(moves: VMMoves) -> str:
    vm = moves.told.vm_name
    if moves.sign == "+":
        return f"only the second moves {vm} {way_of(moves.second)}"
    if moves.sign == "-":
        return f"only the first moves {vm} {way_of(moves.first)}"
    return f"{vm} goes {way_of(moves.second)} instead of {way_of(moves.first)}"


Leg = tuple[Uuid, Uuid, Uuid]
"""VM, source, target: what a step is, whatever it is called."""


def _legs(plan: Plan) -> dict[Leg, Step]:
    return {(step.vm, step.source, step.target): step for step in plan.steps}


def _in_both(first: Plan, second: Plan) -> list[tuple[Leg, Step, Step]]:
    """What both do, in the order of *second*, with the step of each."""
    one, other = _legs(first), _legs(second)
    return [(leg, one[leg], step) for leg, step in other.items() if leg in one]


def _of_order(first: Plan, second: Plan) -> Told:
    """Steps of both that come at another turn, or wait for other steps."""
    shared = _in_both(first, second)
    turns = [leg for leg, _, _ in shared]
    both = [leg for leg in _legs(first) if leg in set(turns)]
    blocks = SequenceMatcher(a=both, b=turns, autojunk=False).get_matching_blocks()
    kept = {leg for block in blocks for leg in both[block.a : block.a + block.size]}
    for leg, was, step in shared:
        words = f"{step.vm_name} to {step.target_name}"
        if leg not in kept:
            yield "order", f"{words} {_turn(was, step)}"
        if _waits(first, was) != _waits(second, step):
            yield "order", f"{words} waits for {_named(second, step)} instead of {_named(first, was)}"


def _turn(was: Step, now: Step) -> str:
    """The turn of a step that other steps have overtaken; its id may still be the same."""
    if was.id == now.id:
        return f"is step {now.id} as before, but after other steps"
    return f"is step {now.id} instead of {was.id}"


def _of_disks(first: Plan, second: Plan) -> Told:
    """Disks that go to another SR, or do not go along, in a step that both have."""
    for _, before, after in _in_both(first, second):
        was, now = ({disk.drive: disk for disk in step.disks} for step in (before, after))
        for drive in sorted({*was, *now}):
            if drive in was and drive in now and was[drive].target == now[drive].target:
                continue
            ends = [each[drive].target_name if drive in each else "nowhere" for each in (now, was)]
            name = (now.get(drive) or was[drive]).name
            yield "step", f"VM {after.vm_name} takes disk {name} to SR {ends[0]} instead of {ends[1]}"


def _of_networks(first: Plan, second: Plan) -> Told:
    """Interfaces that come to another network of another pool, in a step that both have."""
    for _, before, after in _in_both(first, second):
        was, now = ({each.vif: each for each in _networks(step)} for step in (before, after))
        for vif in [vif for vif in now if vif in was and now[vif].target != was[vif].target]:
            ends = f"to network {now[vif].target_name} instead of {was[vif].target_name}"
            yield "step", f"interface {now[vif].device} of VM {after.vm_name} comes {ends}"


def _networks(step: Step) -> tuple[StepNetwork, ...]:
    return step.crossing.networks if step.crossing else ()


def _waits(plan: Plan, step: Step) -> frozenset[Leg | str]:
    """What the steps do that *step* waits for; the id of one that is no step."""
    legs: dict[str, Leg | str] = {each.id: (each.vm, each.source, each.target) for each in plan.steps}
    return frozenset(legs.get(each, each) for each in step.after)


def _named(plan: Plan, step: Step) -> str:
    names = {each.id: f"{each.vm_name} to {each.target_name}" for each in plan.steps}
    return " and ".join(names.get(each, each) for each in step.after) or "nothing"


def _of_tiers(first: Plan, second: Plan) -> Told:
    one, other = ({tier.objective: tier for tier in plan.tiers} for plan in (first, second))
    for name in dict.fromkeys((*one, *other)):
        if name not in one or name not in other:
            yield "objective", f"only the {'first' if name in one else 'second'} improves {name}"
        elif one[name] != other[name]:
            yield "objective", f"{name}: {_figures(second, other[name])} instead of {_figures(first, one[name])}"
    if list(one) != list(other) and sorted(one) == sorted(other):
        yield "objective", "the objectives count in another order"


def _figures(plan: Plan, tier: TierResult) -> str:
    proof = "proved best" if tier.proved else f"none below {tier.bound:.4g}"
    condition = condition_of(plan.tiers, plan.tiers.index(tier), plan.policy)
    of = f" of placements with {condition}" if condition else ""
    return f"{tier.before:.4g} -> {tier.after:.4g} {tier.unit} ({proof}{of})"


def _of_the_rest(first: Plan, second: Plan) -> Told:
    """What differs besides, by the names that the parts have in plan.json."""
    one, other = _timeless(first), _timeless(second)
    changed = [key for key in dict.fromkeys((*one, *other)) if key not in TOLD and one.get(key) != other.get(key)]
    told = end_differences(first, second)
    yield from (("end", words) for key in changed for words in told.get(key, ()))
    silent = [key.replace("_", " ") for key in changed if not told.get(key)]
    if silent:
        yield "other", f"further parts of the plan differ: {', '.join(silent)}"
    was, now = _legs(first), _legs(second)
    if was.keys() == now.keys() and any(_plain(step) != _plain(now[leg]) for leg, step in was.items()):
        yield "other", "sizes, times, reasons or names of steps differ"
    if list(was) == list(now) and any(step.hosts != now[leg].hosts for leg, step in was.items()):
        yield "other", "the memory that hosts hold on the way differs"


def _timeless(plan: Plan) -> dict[str, Any]:
    """The parts of a plan without what only the clock decides."""
    document = plan_document(plan)
    schedule = {key: each for key, each in document["schedule"].items() if key not in OF_THE_CLOCK}
    return {key: each for key, each in document.items() if key not in OF_THE_CLOCK} | {"schedule": schedule}


def _plain(step: Step) -> Step:
    return replace(step, id="", after=())
