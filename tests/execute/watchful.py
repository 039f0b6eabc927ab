"""A scripted pool that counts what is on the way at once, and a plan whose moves may run side by side."""

from __future__ import annotations

from rebalancer.inventory import Pool
from rebalancer.plan import Plan
from rebalancer.xapi import Whereabouts
from tests.execute.scripted import Script, ScriptedPool, plan_of
from tests.pools import make_host, make_pool, make_vm, policy_of

WIDE = {"concurrent": 3, "in_per_host": 2, "out_per_host": 2}
MOVES = (("a", "h4"), ("b", "h5"), ("c", "h6"), ("d", "h4"))


class WatchfulPool(ScriptedPool):
    """Counts what is on the way, and lets migrations that nobody watches go on when their VM is looked at."""

    def __init__(self, pool: Pool, **scripts: Script | list[Script]) -> None:
        super().__init__(pool, **scripts)
        self.crowds: list[tuple[int, int, int]] = []
        self.unwatched = False

    def migrate(self, vm_uuid: str, host_uuid: str, network_uuid: str | None = None) -> str:
        """Begin, and note how many are on the way: in the pool, out of this VM's host, into this target."""
        source = self.pool.vms[vm_uuid].resident_on
        ref = super().migrate(vm_uuid, host_uuid, network_uuid)
        flying = [vm for vm in self.pool.vms.values() if vm.scheduled_to_be_resident_on]
        out = sum(vm.resident_on == source for vm in flying)
        into = sum(vm.scheduled_to_be_resident_on == host_uuid for vm in flying)
        self.crowds.append((len(flying), out, into))
        return ref

    def whereabouts(self, vm_uuid: str) -> Whereabouts:
        """As it is."""
        if self.unwatched:
            for ref, task in self._tasks.items():
                if task.vm == vm_uuid:
                    self.task(ref)
        return super().whereabouts(vm_uuid)


def wide_pool() -> Pool:
    """Six hosts; a and d on the first, b on the second, c on the third."""
    hosts = [make_host(f"h{number}") for number in range(1, 7)]
    homes = {"a": "h1", "b": "h2", "c": "h3", "d": "h1"}
    return make_pool(hosts=hosts, vms=[make_vm(name, on=host) for name, host in homes.items()])


def wide_plan(pool: Pool, **limits: int) -> Plan:
    """It makes MOVES, three at once unless *limits* say otherwise."""
    return plan_of(pool, *MOVES, policy=policy_of(limits=WIDE | limits, execution={"stop_after_failures": 1}))
