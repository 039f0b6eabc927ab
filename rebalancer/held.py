"""What is held as it is: hosts and VMs that are sick, or of which something is not said that plans rest on.

A held host takes nobody and gives nobody for the sake of load or order; it may be emptied where it is named for that.
A held VM stays. Both count where they weigh, and are told with the reason and the fix. What a plan would have to guess
of them is never 0 and never as much as it likes: docs/held.md has the table.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from rebalancer.demand import LoadProfile
from rebalancer.inventory import VM, Host, Pool, Uuid

RESTART_TOOLSTACK = "restart its toolstack (xe-toolstack-restart), which writes it anew"
MEND_METRICS = "mend its metrics"
DECLARE_DEAD = (
    "declare the host dead (xe host-declare-dead / vm-reset-powerstate) once it surely is off, or bring it back"
)
"""What ends a dead host with VMs: nobody can shut those down, and while it runs none may start elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why something is held, in words that follow its name, and what ends it."""

    words: str
    fix: str


class Held:
    """What is held of *pool*, whose load *demand* knows; each worked out when first asked."""

    def __init__(self, pool: Pool, demand: LoadProfile | None) -> None:
        self._pool = pool
        self._refused = {} if demand is None else demand.refused

    @cached_property
    def hosts(self) -> Mapping[Uuid, Reason]:
        """The hosts that are held, in the order of the pool."""
        found = ((host.uuid, tuple(self._against_host(host))) for host in self._pool.hosts.values())
        return {uuid: _joined(reasons) for uuid, reasons in found if reasons}

    @cached_property
    def vms(self) -> Mapping[Uuid, Reason]:
        """The guests that are held by themselves, wherever they are, in the order of the pool."""
        found = ((vm.uuid, tuple(self._against_vm(vm))) for vm in self._pool.guests())
        return {uuid: _joined(reasons) for uuid, reasons in found if reasons}

    @cached_property
    def uncounted(self) -> frozenset[Uuid]:
        """Hosts whose load is not counted: dead, without metrics, or of unknown capacity."""
        hosts = self._pool.hosts.values()
        return frozenset(host.uuid for host in hosts if not (host.live and host.pcpus) or host.uuid in self._refused)

    def _against_host(self, host: Host) -> Iterator[Reason]:
        if host.live is None:
            words = "has no metrics object, so that nobody knows whether it lives"
            yield Reason(words=words, fix=RESTART_TOOLSTACK)
        elif not host.live and host.uuid in self._occupied:
            yield Reason(words="is not live, and VMs still count as running on it", fix=DECLARE_DEAD)
        if not host.pcpus:
            yield Reason(words="does not say how many CPUs it has", fix=RESTART_TOOLSTACK)
        if host.uuid in self._refused:
            yield Reason(words=f"has no metrics that can be used: {self._refused[host.uuid]}", fix=MEND_METRICS)

    def _against_vm(self, vm: VM) -> Iterator[Reason]:
        if vm.uuid in self._refused:
            yield Reason(words=f"has no metrics that can be used: {self._refused[vm.uuid]}", fix=MEND_METRICS)

    @cached_property
    def _occupied(self) -> frozenset[Uuid | None]:
        return frozenset(vm.resident_on for vm in self._pool.resident_guests())


def _joined(reasons: tuple[Reason, ...]) -> Reason:
    words, fixes = dict.fromkeys(each.words for each in reasons), dict.fromkeys(each.fix for each in reasons)
    return Reason(words="; ".join(words), fix="; ".join(fixes))
