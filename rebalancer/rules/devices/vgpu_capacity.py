"""The target has room on its GPUs."""

from __future__ import annotations

from rebalancer.inventory import DANGLING, VM, Host
from rebalancer.problem import Problem
from rebalancer.rules.core.kinds import Objection, Origin, PairRule
from rebalancer.rules.facts.gpu import Wanted, cards_for, implementation


class VGPUCapacity(PairRule[tuple[Wanted, ...]]):
    """Of the right group, with the kind enabled, no other kind on the card, and a slice free; one after the other."""

    id = "vgpu-capacity"
    sentence = "For every virtual GPU the target has a card of its group with this kind enabled and room for one more."
    source = "xapi_vm_helpers.ml: assert_gpus_available; vgpuops.ml: allocate_vgpu_to_gpu; xapi_pgpu_helpers.ml"
    origin = Origin.XAPI
    code = "VM_REQUIRES_VGPU"

    def needs(self, vm: VM, problem: Problem) -> tuple[Wanted, ...] | None:
        """All virtual GPUs, unless every one of them is allocated already."""
        if all(vgpu.scheduled_to_be_resident_on not in (None, DANGLING) for vgpu in vm.vgpus):
            return None
        return tuple(Wanted(vgpu.gpu_group, vgpu.type or DANGLING) for vgpu in vm.vgpus)

    def objects(self, needs: tuple[Wanted, ...], host: Host, problem: Problem) -> Objection | None:
        """A virtual GPU for which no card is left."""
        found = cards_for(needs, host, problem)
        if len(found) == len(needs):
            return None
        want = needs[len(found)]
        type_ = problem.pool.vgpu_types.get(want.type)
        whole = implementation(want.type, problem) == "passthrough"
        return self.objection(
            f"needs a GPU that can carry '{type_.model_name if type_ else 'an unknown kind'}', none has room",
            code="VM_REQUIRES_GPU" if whole else None,
        )
