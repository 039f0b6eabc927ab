"""VMs that a migration squeezes: with a dynamic range, they are cut to their dynamic minimum while it runs.

xenopsd asks the guest to give memory back before it copies, whatever the guest needs it for (`VM_migrate` in
xenops_server.ml), and applications may die of it. What a guest uses, only its agent tells.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

from rebalancer.demand import LoadProfile
from rebalancer.inventory import VM, Pool, Uuid
from rebalancer.policy import SqueezePolicy, Squeezing
from rebalancer.units import demand_mib, size_in_words


@dataclass(frozen=True, slots=True, kw_only=True)
class Squeeze:
    """A VM's memory on the way, in bytes: what it has, what it is left, what it uses, None where nobody knows."""

    from_bytes: int
    to_bytes: int
    used_bytes: int | None

    @property
    def words(self) -> str:
        """What happens to it, and what it uses."""
        used = "nobody knows what it uses" if self.used_bytes is None else f"it uses {size_in_words(self.used_bytes)}"
        return f"a migration squeezes it from {size_in_words(self.from_bytes)} to {self.left}, and {used}"

    @property
    def left(self) -> str:
        """What it is left, in words."""
        return size_in_words(self.to_bytes)


def squeeze_of(vm: VM, demand: LoadProfile | None) -> Squeeze | None:
    """How a migration squeezes *vm*; None where it does not: without a dynamic range, or at its minimum already."""
    low, has = vm.memory.dynamic_min_bytes, vm.migration_memory_bytes
    if low >= vm.memory.dynamic_max_bytes or low >= has:
        return None
    used = demand.memory_used.get(vm.uuid) if demand else None
    return Squeeze(from_bytes=has, to_bytes=low, used_bytes=used)


def key_for(squeeze: Squeeze, policy: SqueezePolicy) -> str:
    """The key of the section `squeeze` that decides about it."""
    if squeeze.used_bytes is None:
        return "unknown_use"
    return "below_use" if squeeze.to_bytes < policy.keep_share * squeeze.used_bytes else "above_use"


def choice_for(squeeze: Squeeze, policy: SqueezePolicy) -> Squeezing:
    """What the policy says to it."""
    return Squeezing(getattr(policy, key_for(squeeze, policy)))


def enough_mib(squeeze: Squeeze, policy: SqueezePolicy) -> int:
    """A dynamic minimum, in MiB, with which the policy has nothing against it: no more than the VM has."""
    used = squeeze.from_bytes if squeeze.used_bytes is None else policy.keep_share * squeeze.used_bytes
    return demand_mib(ceil(min(squeeze.from_bytes, used)))


def squeezed_last(pool: Pool, demand: LoadProfile | None, policy: SqueezePolicy) -> Mapping[Uuid, str]:
    """The guests that *policy* wants moved as a last resort, because a migration squeezes them; with the words."""
    found = ((vm.uuid, squeeze_of(vm, demand)) for vm in pool.resident_guests())
    return {
        vm: squeeze.words for vm, squeeze in found if squeeze and choice_for(squeeze, policy) is Squeezing.LAST_RESORT
    }
