"""The target's NVIDIA card says with what it goes together."""

from __future__ import annotations

from rebalancer.inventory import DANGLING, VM, Host, PowerState
from rebalancer.problem import Problem
from rebalancer.rules.core.kinds import Objection, Origin, PairRule
from rebalancer.rules.facts.gpu import DRIVER, NVIDIA, Wanted, cards_for, implementation


class VGPUMetadata(PairRule[tuple[Wanted, ...]]):
    """Asked on the source host of the card that was chosen, before its driver is."""

    id = "vgpu-metadata"
    sentence = "The target's card for a running NVIDIA virtual GPU carries the compatibility metadata of its driver."
    source = "xapi_pgpu_helpers.ml: assert_destination_pgpu_is_compatible_with_vm"
    origin = Origin.XAPI
    code = "NVIDIA_TOOLS_ERROR"

    def needs(self, vm: VM, problem: Problem) -> tuple[Wanted, ...] | None:
        """The virtual GPUs of a VM that runs."""
        wanted = tuple(Wanted(vgpu.gpu_group, vgpu.type or DANGLING) for vgpu in vm.vgpus)
        return wanted or None if vm.power_state is not PowerState.HALTED else None

    def objects(self, needs: tuple[Wanted, ...], host: Host, problem: Problem) -> Objection | None:
        """A card whose driver has said nothing."""
        chosen = zip(needs, cards_for(needs, host, problem), strict=False)
        asked = [card for want, card in chosen if implementation(want.type, problem) in NVIDIA]
        if all(DRIVER in card.compatibility_metadata for card in asked):
            return None
        return self.objection("the driver of the target's GPU does not say with what it goes together")
