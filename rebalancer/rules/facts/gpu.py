"""What is known of virtual GPUs and of the cards that carry them.

The database does not say how large a card or a virtual GPU is, only how many of one kind fit an empty card
(`PGPU.supported_VGPU_max_capacities`): a virtual GPU takes the inverse of that share.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from rebalancer.inventory import PGPU, VGPU, Host, Uuid
from rebalancer.problem import Problem

NVIDIA = frozenset({"nvidia", "nvidia_sriov"})
OTHERS = frozenset({"passthrough", "gvt_g", "mxgpu"})
DRIVER = "nvidia"
"""The key of a card's `compatibility_metadata` under which the driver says with what it goes together."""
PASSED_THROUGH = frozenset({"passthrough", "mxgpu", "nvidia_sriov"})


@dataclass(frozen=True, slots=True, order=True)
class Wanted:
    """A virtual GPU that needs a card: of which group, and of which kind."""

    group: Uuid
    type: Uuid


def implementation(type_: Uuid | None, problem: Problem) -> str:
    """How a kind of virtual GPU is made; empty where the database does not say."""
    found = problem.pool.vgpu_types.get(type_ or "")
    return found.implementation if found else ""


def implementations(vgpus: Sequence[VGPU], problem: Problem) -> frozenset[str]:
    """How the virtual GPUs of a VM are made."""
    return frozenset(implementation(vgpu.type, problem) for vgpu in vgpus)


def cards_for(wanted: Sequence[Wanted], host: Host, problem: Problem) -> list[PGPU]:
    """The cards of *host* that take *wanted*, one after the other, until one finds none."""
    load = {card.uuid: list(problem.index.vgpu_types_on_card.get(card.uuid, ())) for card in host.pgpus}
    found: list[PGPU] = []
    for want in wanted:
        room = {
            card.uuid: room_on(card, want.type, load[card.uuid]) for card in host.pgpus if card.gpu_group == want.group
        }
        open_cards = [card for card in host.pgpus if room.get(card.uuid, 0) > 0]
        if not open_cards:
            break
        found.append(min(open_cards, key=lambda card: room[card.uuid]))
        load[found[-1].uuid].append(want.type)
    return found


def room_on(card: PGPU, type_: Uuid, load: Sequence[Uuid | None]) -> int:
    """How many more virtual GPUs of a kind *card* takes; kinds are not mixed on one card."""
    most = card.max_capacities.get(type_, 0)
    if type_ not in card.enabled_types or most <= 0 or any(other != type_ for other in load):
        return 0
    return int((1 - len(load) * Fraction(1, most)) * most)
