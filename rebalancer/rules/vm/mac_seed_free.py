"""No other VM of the target's pool makes its MAC addresses from the same seed."""

from __future__ import annotations

from rebalancer.inventory import VM, Host, Uuid
from rebalancer.inventory.index import MAC_SEED
from rebalancer.problem import Problem
from rebalancer.rules.core.kinds import Objection, Origin, PairRule

Seeds = tuple[tuple[str, Uuid | None], ...]
"""Seeds of a VM and its snapshots, each with the uuid of the VM that it is about."""


class MACSeedFree(PairRule[Seeds]):
    """A VM imported twice, or restored from one backup in both pools, has the seed of the other."""

    id = "mac-seed-free"
    sentence = "No VM, template or snapshot of another VM in the target's pool has the same mac_seed."
    source = "import.ml: assert_can_restore_backup"
    origin = Origin.XAPI
    code = "DUPLICATE_MAC_SEED"

    def needs(self, vm: VM, problem: Problem) -> Seeds | None:
        """The seeds in `other_config`."""
        owners = problem.index.owner_of
        family = (vm, *problem.pool.snapshots_of(vm))
        seeds = ((each.other_config.get(MAC_SEED), owners(each)) for each in family)
        return tuple(dict.fromkeys((seed, owner) for seed, owner in seeds if seed is not None)) or None

    def objects(self, needs: Seeds, host: Host, problem: Problem) -> Objection | None:
        """Another VM with such a seed."""
        there = problem.pool.of_host(host.uuid)
        known = problem.index.vms_of_mac_seed.get(there.uuid, {})
        for seed, owner in needs:
            for other in known.get(seed, ()):
                if owner is None or problem.index.owner_of(other) != owner:
                    return self.objection(
                        f"has the MAC seed of VM '{other.name}' of pool {there.called}",
                        remedy="give either of them a mac_seed of its own in its other_config",
                    )
        return None
