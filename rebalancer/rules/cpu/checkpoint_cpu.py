"""The target's CPUs suit the snapshots with memory, too."""

from __future__ import annotations

from rebalancer.inventory import VM, DomainType, Host, PowerState
from rebalancer.problem import Problem
from rebalancer.rules.core.disruption import Disruption
from rebalancer.rules.core.kinds import Objection, Origin, PairRule
from rebalancer.rules.cpu.cpu_features import CPUFeatures, CPUNeed
from rebalancer.rules.cpu.cpu_vendor import CPUVendor

Booted = tuple[str | None, CPUNeed | None]
"""What one snapshot was booted on: vendor and features."""


class CheckpointCPU(PairRule[tuple[Booted, ...]]):
    """The import asks them like running VMs; those without memory are not asked."""

    id = "checkpoint-cpu"
    sentence = "The target's CPUs have what every snapshot with memory was booted with."
    source = "import.ml: VM.precheck, needs_cpu_check"
    origin = Origin.XAPI
    code = "VM_INCOMPATIBLE_WITH_THIS_HOST"
    _vendor, _features = CPUVendor(), CPUFeatures(unreadable="IMPORT_ERROR")

    def needs(self, vm: VM, problem: Problem) -> tuple[Booted, ...] | None:
        """Vendor and features of each."""
        asked = (each for each in problem.pool.snapshots_of(vm) if _has_memory(each))
        return tuple((self._vendor.needs(each, problem), self._features.needs(each, problem)) for each in asked) or None

    def objects(self, needs: tuple[Booted, ...], host: Host, problem: Problem) -> Objection | None:
        """A CPU that lacks what one of them needs."""
        for vendor, features in needs:
            found = None if vendor is None else self._vendor.objects(vendor, host, problem)
            if found is None and features is not None:
                found = self._features.objects(features, host, problem)
            if found is not None:
                words = f"of a snapshot with memory: {found.words}"
                return self.objection(
                    words, code=found.code, remedy="delete the snapshot", disruption=Disruption.POLICY
                )
        return None


def _has_memory(snapshot: VM) -> bool:
    kind = snapshot.metrics.current_domain_type if snapshot.metrics else None
    return snapshot.power_state is not PowerState.HALTED and kind is not DomainType.UNSPECIFIED
