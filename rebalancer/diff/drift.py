"""What has changed in a pool since a plan was made from it, in words. Whether it matters is for `verify` to say."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from rebalancer.errors import PolicyError
from rebalancer.inventory import Names, Pool, Uuid
from rebalancer.inventory.digest import inventory_digests, of_one_form
from rebalancer.inventory.renaming import called, renamings
from rebalancer.placement import current_placement, disks_of
from rebalancer.plan.names import names_of, names_of_rows
from rebalancer.plan.plan import Plan
from rebalancer.policy import intent_digest, intent_of
from rebalancer.rules.facts.memory_model import guest_bytes, memory_is_known
from rebalancer.units import counted, first_few, size_in_words

SHOWN = 3
"""How many new names of VMs are told that the plan has nothing to do with."""


def differences(plan: Plan, pool: Pool, crossed: Collection[Uuid] = ()) -> tuple[str, ...]:
    """One sentence for each thing that is not as *plan* knew it; none where every rule would answer as before.

    VMs in *crossed* went to another pool by this very plan. Their disks and interfaces are others than they were, so
    that the digests of both pools say nothing then.
    """
    return (*changes(plan, pool, crossed), *new_names(plan, pool))


def changes(plan: Plan, pool: Pool, crossed: Collection[Uuid] = ()) -> tuple[str, ...]:
    """The differences but for names: with none, the plan's figures and reasons are those of *pool*, too."""
    named, same = called(pool, names_of(plan)), inventory_digests(pool) == plan.made_from.inventories
    found = () if same else (*_hosts(plan, named), *_guests(plan, named, crossed), *_disks(plan, named))
    if not same and not found and not crossed:
        found = (_unlike(plan, pool),)
    return found if crossed else (*found, *_wishes(plan, named))


def new_names(plan: Plan, pool: Pool) -> tuple[str, ...]:
    """What is called otherwise than when *plan* was made; of what the plan does not show, the first few."""
    shown = names_of_rows(plan)
    told: list[str] = []
    others: list[str] = []
    for uuid, words in renamings(pool, names_of(plan)):
        (told if uuid in shown else others).append(words)
    if len(others) > SHOWN:
        others = [f"{counted(len(others), 'other name')} changed: {first_few(others, SHOWN, between='; ')}"]
    return (*told, *others)


def _unlike(plan: Plan, pool: Pool) -> str:
    """What is said where hosts and VMs are the same, and the inventory is not."""
    now, then = inventory_digests(pool), plan.made_from.inventories
    if all(of_one_form(now[uuid], digest) for uuid, digest in then.items() if uuid in now):
        return "a setting that the rules read has changed; hosts and the VMs on them are the same"
    writer = plan.made_from.versions.get("rebalancer", "of another version")
    return f"rebalancer {writer} kept another record of the pool in the plan: what changed but hosts and VMs is unknown"


def _wishes(plan: Plan, named: Pool) -> Iterator[str]:
    """Whether the policy of *plan* means something else in *named*, the pool with the names of then, than it meant."""
    try:
        same = plan.made_from.intent_digest in {"", intent_digest(intent_of(plan.policy, named))}
    except PolicyError as error:
        yield f"the policy of the plan cannot be kept any more: {error}"
    else:
        if not same:
            yield "the policy means something else than it did: tags, VM groups or the VMs that run have changed"


def _hosts(plan: Plan, pool: Pool) -> Iterator[str]:
    known = {row.uuid: row for row in plan.hosts}
    yield from (f"host {row.name} is gone" for uuid, row in known.items() if uuid not in pool.hosts)
    called = Names(pool).hosts
    for uuid, host in sorted(pool.hosts.items(), key=lambda item: (item[1].name, item[0])):
        if uuid not in known:
            yield f"host {called[uuid]} is new"
        elif not host.enabled:
            yield f"host {called[uuid]} is disabled"
        elif memory_is_known(host) and guest_bytes(host) < (known[uuid].memory_total_bytes or 0):
            yield f"host {called[uuid]} has only {size_in_words(guest_bytes(host))} of memory for VMs"


def _guests(plan: Plan, pool: Pool, crossed: Collection[Uuid]) -> Iterator[str]:
    then, now = plan.before.host_of, current_placement(pool).host_of
    hosts = {row.uuid: row.name for row in plan.hosts} | dict(Names(pool).hosts)
    names = {step.vm: step.vm_name for step in plan.steps} | dict(Names(pool).vms)
    for vm in sorted({*then, *now}.difference(crossed), key=lambda vm: (names.get(vm, vm), vm)):
        words = _guest(hosts, then.get(vm), now.get(vm))
        if words:
            yield f"VM {names.get(vm, vm)} {words}"


def _disks(plan: Plan, pool: Pool) -> Iterator[str]:
    said = {disk.drive: (step, disk) for step in plan.steps for disk in step.disks}
    for vm in sorted({step.vm for step, _ in said.values()} & pool.vms.keys()):
        for drive, disk in disks_of(pool.vms[vm], pool):
            step, then = said.get(drive.uuid, (None, None))
            if step and then and disk.sr != then.source:
                name = Names(pool).srs.get(disk.sr, disk.sr)
                yield f"disk {then.name} of VM {step.vm_name} is on SR {name}, not on {then.source_name}"


def _guest(hosts: dict[Uuid, str], then: Uuid | None, now: Uuid | None) -> str:
    match then, now:
        case None, str():
            return f"runs on {hosts.get(now, now)} and did not run before"
        case str(), None:
            return f"does not run any more; it was on {hosts.get(then, then)}"
        case str(), str() if then != now:
            return f"is on {hosts.get(now, now)}, not on {hosts.get(then, then)}"
    return ""
