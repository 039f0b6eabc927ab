"""What is left as it is because it is sick, or does not say what plans rest on."""

from __future__ import annotations

from collections import Counter

from rebalancer.held import Reason
from rebalancer.inventory import Uuid
from rebalancer.plan.plan import HeldAsItIs
from rebalancer.problem import Problem


def held_as_they_are(problem: Problem) -> tuple[HeldAsItIs, ...]:
    """The hosts that are held, then the VMs, each by name."""
    names, guests = problem.names, Counter(problem.initial.host_of.values())
    hosts = [_row("host", uuid, names.hosts[uuid], why, guests[uuid]) for uuid, why in problem.held.hosts.items()]
    vms = [_row("vm", uuid, names.vms[uuid], why) for uuid, why in problem.held.vms.items()]
    return tuple(sorted((*hosts, *vms), key=lambda each: (each.kind, each.name, each.uuid)))


def _row(kind: str, uuid: Uuid, name: str, reason: Reason, guests: int = 0) -> HeldAsItIs:
    return HeldAsItIs(kind=kind, uuid=uuid, name=name, guests=guests, words=reason.words, fix=reason.fix)
