"""All that a policy asks for in vain in one pool: by itself, by what the rules let single VMs do, and to spare.

Each wish is looked at by itself, and memory is left out: who fits beside whom is for the solver. What the policy alone
cannot keep, such as four VMs apart on three hosts, is for `rebalancer.policy.lint`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rebalancer.inventory import Pool, Uuid
from rebalancer.policy import Covered, Policy, PolicyFinding, check_policy
from rebalancer.problem import Problem, make_problem
from rebalancer.rules import Rulebook
from rebalancer.rules.availability.restarts import Restarts
from rebalancer.units import counted, first_few, size_in_words

IMPOSSIBLE = "cannot be kept"
SHOWN = 3
"""VMs that one finding about a group names; more are counted."""
MOST_BOUND = 5
"""VMs that cannot be kept restartable and are named one by one; more are counted."""
Reach = Mapping[Uuid, frozenset[Uuid]]
"""The hosts that each VM may be on: its own, and those that it may move to."""


def policy_findings(policy: Policy, pool: Pool) -> tuple[PolicyFinding, ...]:
    """What *policy* cannot get in *pool*; a wish that contradicts others is not judged once more by the rules.

    Raises:
        PolicyError: it names what the pool does not have, or cannot be followed at all.
    """
    found = check_policy(policy, pool)
    book = Rulebook.of(make_problem(pool, None, policy))
    said = {each.where for each in found if each.words.endswith(IMPOSSIBLE)}
    more = (each for each in check_groups(book) if each.where not in said)
    return (*found, *more, *check_spare(book))


def check_groups(book: Rulebook) -> tuple[PolicyFinding, ...]:
    """The wishes that cannot be kept under *book*, hard or soft, with the VMs that are in the way."""
    return _Wishes(book).findings()


class _Wishes:
    """The wishes of one problem."""

    def __init__(self, book: Rulebook) -> None:
        self._book, self._problem, self._intent = book, book.problem, book.problem.intent
        self._reach: dict[Uuid, frozenset[Uuid]] = {}

    def findings(self) -> tuple[PolicyFinding, ...]:
        found = (*self._together(), *self._apart(), *self._spread(), *self._run_on())
        return tuple(PolicyFinding(where=where, words=f"{words}: {IMPOSSIBLE}") for where, words in found)

    def _reach_of(self, vms: frozenset[Uuid]) -> Reach:
        for vm in vms - self._reach.keys():
            targets = self._book.targets(self._problem.pool.vms[vm])
            self._reach[vm] = frozenset({self._problem.initial[vm], *targets})
        return {vm: self._reach[vm] for vm in sorted(vms)}

    def _together(self) -> Iterator[tuple[str, str]]:
        """Groups without a host that takes all of them."""
        for group in self._intent.together:
            reach = self._reach_of(group.vms)
            if not frozenset.intersection(*reach.values()):
                least = sorted(reach, key=lambda vm: (len(reach[vm]), vm))
                yield f"together {group.name!r}", f"no host takes all its VMs; {self._said(least, reach)}"

    def _apart(self) -> Iterator[tuple[str, str]]:
        """Groups too many of whose VMs are confined to the same hosts."""
        for group in self._intent.apart:
            reach = self._reach_of(group.vms)
            if left := unplaced(reach, group.at_most):
                yield f"apart {group.name!r}", f"too many of its VMs have the same few hosts; {self._said(left, reach)}"

    def _spread(self) -> Iterator[tuple[str, str]]:
        """Groups too many of whose VMs are confined to the same failure domains."""
        for group in self._intent.spread:
            domain_of = {host: name for name, hosts in group.hosts_of.items() for host in hosts}
            reach = self._reach_of(group.vms)
            domains = {vm: frozenset(domain_of[host] for host in hosts) for vm, hosts in reach.items()}
            if left := unplaced(domains, group.at_most):
                words = f"too many of its VMs have the same {group.domain}; {self._said(left, reach)}"
                yield f"spread {group.name!r}", words

    def _run_on(self) -> Iterator[tuple[str, str]]:
        """VMs that may go to none of the hosts that they are tied to."""
        for wish in self._intent.run_on:
            reach = self._reach_of(wish.vms)
            if left := [repr(self._problem.names.vms[vm]) for vm, hosts in reach.items() if not hosts & wish.hosts]:
                yield f"run_on {wish.name!r}", f"none of its hosts takes {first_few(left, SHOWN)}"

    def _said(self, vms: Sequence[Uuid], reach: Reach) -> str:
        names = ((self._problem.names.vms[vm], counted(len(reach[vm]), "host")) for vm in vms[:SHOWN])
        return ", ".join(f"{name!r} has {hosts}" for name, hosts in names)


def unplaced(reach: Mapping[Uuid, frozenset[Uuid]], at_most: int) -> list[Uuid]:
    """VMs that find no place where each place in their *reach* holds *at_most*: as few as can be (augmenting paths)."""
    held: dict[Uuid, list[Uuid]] = {}
    return [
        vm for vm in sorted(reach, key=lambda vm: (len(reach[vm]), vm)) if not _placed(vm, reach, at_most, held, set())
    ]


def _placed(
    vm: Uuid, reach: Mapping[Uuid, frozenset[Uuid]], at_most: int, held: dict[Uuid, list[Uuid]], seen: set[Uuid]
) -> bool:
    """Whether *vm* finds a place, if need be by sending others of a place elsewhere."""
    for place in sorted(reach[vm] - seen):
        seen.add(place)
        there = held.setdefault(place, [])
        if len(there) < at_most:
            there.append(vm)
            return True
        for other in list(there):
            if _placed(other, reach, at_most, held, seen):
                there.remove(other)
                there.append(vm)
                return True
    return False


def check_spare(book: Rulebook) -> tuple[PolicyFinding, ...]:
    """What the policy's hosts to spare cannot give in this pool; empty where nothing is asked for, or all can be."""
    if not book.problem.policy.spare.hosts:
        return ()
    limits = book.restarts
    sentences = [words for limit in limits for words in _about(limit)] if limits else _of_nobody(book.problem)
    return tuple(PolicyFinding(where="spare", words=words) for words in sentences)


def _of_nobody(problem: Problem) -> Iterator[str]:
    if problem.policy.spare.vms is Covered.PROTECTED:
        yield 'no VM that runs has ha_restart_priority "restart": it asks for nothing; vms = "all" means every VM'
    else:
        yield "no VM runs: it asks for nothing"


def _about(limit: Restarts) -> Iterator[str]:
    bound = [*limit.bound.values()]
    yield from bound[:MOST_BOUND]
    if len(bound) > MOST_BOUND:
        yield f"and {counted(len(bound) - MOST_BOUND, 'VM')} more that cannot be kept restartable"
    yield from _too_large(limit)
    yield from _too_much(limit)


def _too_large(limit: Restarts) -> Iterator[str]:
    """VMs for which too few hosts are large enough."""
    for vm, size in sorted(limit.items.size.items()):
        large = sum(limit.room[host] >= size for host in limit.items.targets[vm])
        if large < limit.failing:
            needs = f"needs {size_in_words(size)} to restart, and of its hosts {large or 'none'}"
            yield f"VM '{limit.names[vm]}' {needs} {'has' if large == 1 else 'have'} as much: cannot be kept"


def _too_much(limit: Restarts) -> Iterator[str]:
    """All VMs together are more than the hosts hold that are left where the largest fail."""
    left = sum(sorted(limit.room.values())[: len(limit.room) - limit.failing])
    needed = sum(min(size, limit.held[vm]) for vm, size in limit.items.size.items())
    if needed > left:
        sizes = f"all that restart need {size_in_words(needed)}, and without the largest"
        hosts = counted(limit.failing, "host")
        yield f"{sizes} {hosts} the pool has {size_in_words(left)} for VMs: cannot be kept, wherever they run"
