"""Limits of every host that a pool cannot keep: by VMs that never move, or by all of its VMs together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rebalancer.inventory import Names, Pool, Uuid
from rebalancer.policy.intent import Intent
from rebalancer.policy.limits import LimitsPolicy
from rebalancer.policy.lint.impossible import Sayings


def too_many(intent: Intent, limits: LimitsPolicy, pool: Pool) -> Sayings:
    """What `limits.vms_per_host` and `limits.vcpus_per_pcpu` ask for in vain; of load nothing is known here."""
    guests = [vm for vm in pool.resident_guests() if vm.resident_on in pool.hosts]
    if limits.vms_per_host is not None:
        most: dict[Uuid, float] = dict.fromkeys(pool.hosts, limits.vms_per_host.at_most)
        weights = dict.fromkeys((vm.uuid for vm in guests), 1)
        yield from (("limits.vms_per_host", words) for words in _beyond(intent, pool, weights, most, "VMs"))
    if limits.vcpus_per_pcpu is not None and all(host.pcpus is not None for host in pool.hosts.values()):
        ratio = limits.vcpus_per_pcpu.at_most
        most = {uuid: ratio * (host.pcpus or 0) for uuid, host in pool.hosts.items()}
        weights = {vm.uuid: vm.vcpus_max for vm in guests}
        yield from (("limits.vcpus_per_pcpu", words) for words in _beyond(intent, pool, weights, most, "vCPUs"))


def _beyond(
    intent: Intent, pool: Pool, weights: Mapping[Uuid, int], most: Mapping[Uuid, float], unit: str
) -> Iterator[str]:
    names = Names(pool).hosts
    for host, at_most in most.items():
        fixed = sum(weights.get(vm, 0) for vm in intent.never_move if pool.vms[vm].resident_on == host)
        if fixed > at_most:
            yield f"VMs that never move have {fixed} {unit} on {names[host]!r}, at most {at_most:g}: cannot be kept"
    room = sum(at_most for host, at_most in most.items() if host not in intent.empty)
    everything = sum(weights.values())
    if everything > room:
        yield f"all VMs together have {everything} {unit}, the hosts left to them {room:g} at most: cannot be kept"
