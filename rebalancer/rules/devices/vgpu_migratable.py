"""The VM's virtual GPUs can migrate."""

from __future__ import annotations

from collections.abc import Mapping

from rebalancer.inventory import VGPU, VM, PowerState, Uuid
from rebalancer.problem import Problem
from rebalancer.rules.core.kinds import Objection, Origin, VMRule
from rebalancer.rules.facts.gpu import DRIVER, NVIDIA, implementation


class VGPUMigratable(VMRule):
    """Only NVIDIA's can, and only from a card whose driver says with what it is compatible."""

    id = "vgpu-migratable"
    sentence = "Every virtual GPU is of NVIDIA's kind and on a card with compatibility metadata."
    source = "xapi_vm_lifecycle.ml: check_vgpu"
    origin = Origin.XAPI
    code = "VM_HAS_VGPU"

    def objects(self, vm: VM, problem: Problem) -> Objection | None:
        """A virtual GPU of another kind, or on a card that says nothing; a halted VM has none on any card."""
        if vm.power_state is PowerState.HALTED:
            return None
        stuck = [vgpu for vgpu in vm.vgpus if not _can_migrate(vgpu, problem)]
        if not stuck:
            return None
        kind = implementation(stuck[0].type, problem) or "unknown"
        return self.objection(f"has a virtual GPU that cannot migrate ({kind})")


def _can_migrate(vgpu: VGPU, problem: Problem) -> bool:
    known = DRIVER in _metadata(vgpu.resident_on, problem)
    return implementation(vgpu.type, problem) in NVIDIA and known


def _metadata(card: Uuid | None, problem: Problem) -> Mapping[str, str]:
    cards = (each for host in problem.pool.hosts.values() for each in host.pgpus if each.uuid == card)
    return next((each.compatibility_metadata for each in cards), {})
