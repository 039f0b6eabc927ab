"""The target's first card of the right hardware says with what it goes together."""

from __future__ import annotations

from rebalancer.inventory import VM, Host, PowerState
from rebalancer.problem import Problem
from rebalancer.rules.core.kinds import Objection, Origin, PairRule
from rebalancer.rules.facts.gpu import DRIVER, NVIDIA, implementation

Hardware = tuple[str, ...]
"""What a GPU group is made of, sorted."""


class VGPUFirstCard(PairRule[tuple[Hardware, ...]]):
    """Asked of a move with disks; the card that XAPI would take in the end may be another one."""

    id = "vgpu-first-card"
    sentence = "The target's first card for the hardware of a running NVIDIA virtual GPU carries its driver's metadata."
    source = "xapi_pgpu_helpers.ml: assert_destination_has_pgpu_compatible_with_vm, get_first_suitable_pgpu"
    origin = Origin.XAPI
    code = "NVIDIA_TOOLS_ERROR"

    def needs(self, vm: VM, problem: Problem) -> tuple[Hardware, ...] | None:
        """The hardware for each NVIDIA virtual GPU of a VM that is not halted."""
        live = vm.power_state is not PowerState.HALTED
        nvidia = (vgpu for vgpu in vm.vgpus if live and implementation(vgpu.type, problem) in NVIDIA)
        return tuple(vgpu.gpu_types for vgpu in nvidia) or None

    def objects(self, needs: tuple[Hardware, ...], host: Host, problem: Problem) -> Objection | None:
        """No such card, or one whose driver has said nothing."""
        for hardware in needs:
            card = next((card for card in host.pgpus if card.gpu_types == hardware), None)
            if card is None:
                words = f"needs a GPU of the hardware {', '.join(hardware)}, the host has none"
                return self.objection(words, code="VM_REQUIRES_GPU")
            if DRIVER not in card.compatibility_metadata:
                return self.objection("the driver of the host's first such GPU does not say what it goes with")
        return None
