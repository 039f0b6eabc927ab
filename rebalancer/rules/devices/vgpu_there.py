"""The other pool has a card for each virtual GPU."""

from __future__ import annotations

from dataclasses import dataclass

from rebalancer.inventory import PGPU, VM, Host, Uuid
from rebalancer.problem import Problem
from rebalancer.rules.core.kinds import Objection, Origin, PairRule
from rebalancer.rules.facts.gpu import room_on


@dataclass(frozen=True, slots=True)
class CardKind:
    """A virtual GPU as another pool finds it: by its hardware, and by what it is called."""

    hardware: tuple[str, ...]
    implementation: str
    model: str


class VGPUThere(PairRule[tuple[CardKind, ...]]):
    """The import asks of each by itself, in the one group of the other pool that it finds by the hardware."""

    id = "vgpu-there"
    sentence = "For each virtual GPU the target has a card of the same hardware with this kind enabled and room."
    source = "import.ml: GPUGroup.precheck, VGPU.precheck, assert_can_live_import_vgpu"
    origin = Origin.XAPI
    code = "VM_REQUIRES_GPU"

    def needs(self, vm: VM, problem: Problem) -> tuple[CardKind, ...] | None:
        """The kinds of the VM and of its snapshots."""
        family, types = (vm, *problem.pool.snapshots_of(vm)), problem.pool.vgpu_types
        known = ((vgpu, types.get(vgpu.type or "")) for each in family for vgpu in each.vgpus)
        kinds = (
            CardKind(vgpu.gpu_types, type_.implementation if type_ else "", type_.model_name if type_ else "")
            for vgpu, type_ in known
        )
        return tuple(dict.fromkeys(kinds)) or None

    def objects(self, needs: tuple[CardKind, ...], host: Host, problem: Problem) -> Objection | None:
        """A kind for which no card is left, or whose hardware the pool does not have."""
        there = problem.pool.of_host(host.uuid)
        hardware = {card.gpu_types for each in there.hosts.values() for card in each.pgpus}
        types = {(type_.implementation, type_.model_name): uuid for uuid, type_ in there.vgpu_types.items()}
        for kind in needs:
            if kind.hardware not in hardware:
                words = f"needs a GPU of the hardware {', '.join(kind.hardware)}, pool {there.called} has none"
                return self.objection(words, code="IMPORT_ERROR")
            type_ = types.get((kind.implementation, kind.model))
            if not any(_takes(card, kind, type_, problem) for card in host.pgpus):
                return self.objection(f"needs a GPU that can carry '{kind.model}', the host has none with room")
        return None


def _takes(card: PGPU, kind: CardKind, type_: Uuid | None, problem: Problem) -> bool:
    if type_ is None or not card.found or card.gpu_types != kind.hardware:
        return False
    return room_on(card, type_, problem.index.vgpu_types_on_card.get(card.uuid, ())) > 0
