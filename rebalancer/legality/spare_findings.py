"""What a policy asks for in vain of one pool when it keeps hosts to spare, wherever the VMs are."""

from __future__ import annotations

from collections.abc import Iterator

from rebalancer.policy import Covered, PolicyFinding
from rebalancer.problem import Problem
from rebalancer.rules import Rulebook
from rebalancer.rules.availability.restarts import Restarts
from rebalancer.units import counted, size_in_words

WHERE = "spare"
SHOWN = 5
"""VMs that are named one by one; more are counted."""


def check_spare(book: Rulebook) -> tuple[PolicyFinding, ...]:
    """What the policy's hosts to spare cannot give in this pool; empty where nothing is asked for, or all can be."""
    if not book.problem.policy.spare.hosts:
        return ()
    limits = book.restarts
    sentences = [words for limit in limits for words in _about(limit)] if limits else _of_nobody(book.problem)
    return tuple(PolicyFinding(where=WHERE, words=words) for words in sentences)


def _of_nobody(problem: Problem) -> Iterator[str]:
    if problem.policy.spare.vms is Covered.PROTECTED:
        yield 'no VM that runs has ha_restart_priority "restart": it asks for nothing; vms = "all" means every VM'
    else:
        yield "no VM runs: it asks for nothing"


def _about(limit: Restarts) -> Iterator[str]:
    bound = list(limit.bound.values())
    yield from bound[:SHOWN]
    if len(bound) > SHOWN:
        yield f"and {counted(len(bound) - SHOWN, 'VM')} more that cannot be kept restartable"
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
        yield f"{sizes} {hosts} the pool has {size_in_words(left)} for guests: cannot be kept, wherever VMs run"
