"""Throughput beside CPU: what VMs send, receive, read and write, and what hosts send and receive themselves."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from rebalancer.demand.updates import Column
from rebalancer.inventory import VM, Host, Pool, Uuid

Floats = NDArray[np.float64]
DECIMALS: Final = 3
"""Digits of a Gbit/s or MB/s that are kept: with whole parts nothing has to be rounded."""
GBIT, MEGABYTE = 8 / 1e9, 1 / 1e6
"""Gbit/s and MB/s in a byte per second."""
_CARD = re.compile(r"(vif|pif)_(.+)_(rx|tx)")
_DISK = re.compile(r"vbd_[^_]+_(read|write)")


class FlowKind(StrEnum):
    """What flows: over a network in Gbit/s, by direction, or to and from disks in MB/s."""

    SENT = "sent"
    RECEIVED = "received"
    DISK = "disk"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class FlowKey:
    """Whose flow it is, and where: a VM on a network, a host over one of its interfaces, or a VM and its disks."""

    owner: Uuid
    kind: FlowKind
    place: Uuid = ""

    @property
    def name(self) -> str:
        """The same in one word, for tables of samples."""
        return f"{self.kind}|{self.owner}|{self.place}"

    @classmethod
    def named(cls, name: str) -> FlowKey:
        """The key of a name."""
        kind, owner, place = name.split("|", maxsplit=2)
        return cls(owner=owner, kind=FlowKind(kind), place=place)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """A flow by slot.

    Args:
        key: whose flow it is.
        rates: Gbit/s or MB/s in each slot.
        hours: the hourly means that these were made of, NaN where nothing is known; none where they are not known.
    """

    key: FlowKey
    rates: tuple[float, ...]
    hours: tuple[float | None, ...] = ()


def key_of(column: Column, host: Uuid, pool: Pool, kinds: Collection[str]) -> FlowKey | None:
    """The flow that a data source belongs to; None for others.

    Args:
        column: the data source, such as `vif_0_tx` of a VM.
        host: who reported it.
        pool: the pool; of VMs that are elsewhere, and of control domains, nothing is read.
        kinds: `network`, `disk`.
    """
    uuid, source = column.uuid, column.source
    vm = pool.vms.get(uuid) if column.owner == "vm" else None
    if vm is not None and (vm.is_control_domain or vm.resident_on != host):
        return None
    if vm is not None and "disk" in kinds and _DISK.fullmatch(source):
        return FlowKey(owner=uuid, kind=FlowKind.DISK)
    card = _CARD.fullmatch(source)
    if card is None or "network" not in kinds:
        return None
    kind = FlowKind.SENT if card[3] == "tx" else FlowKind.RECEIVED
    place = _network(vm, card) if vm is not None else _interface(pool.hosts.get(uuid), card)
    return FlowKey(owner=uuid, kind=kind, place=place) if place else None


def unit_of(kind: FlowKind) -> float:
    """What a byte per second is, in the unit of *kind*."""
    return MEGABYTE if kind is FlowKind.DISK else GBIT


def _network(vm: VM, card: re.Match[str]) -> Uuid:
    """The network of an interface of a VM, by the number that it has there."""
    return next((vif.network for vif in vm.vifs if card[1] == "vif" and vif.device == card[2]), "")


def _interface(host: Host | None, card: re.Match[str]) -> Uuid:
    """The interface of a host itself, no VLAN on it, by the name that its dom0 has for it."""
    cards = () if host is None or card[1] != "pif" else host.pifs
    return next((pif.uuid for pif in cards if pif.device == card[2] and pif.vlan < 0), "")


def own_flows(hours: Mapping[FlowKey, Floats], pool: Pool) -> dict[FlowKey, Floats]:
    """*hours* where those of hosts are their own: of an interface, less what their VMs sent over it, never below 0."""
    found = dict(hours)
    for key, means in hours.items():
        over = _interface_of(key, pool)
        if over in found:
            found[over] = found[over] - np.nan_to_num(means)
    return {key: np.maximum(means, 0.0) if key.owner in pool.hosts else means for key, means in found.items()}


def _interface_of(key: FlowKey, pool: Pool) -> FlowKey | None:
    """The flow of the host over whose interface a VM's goes; None for what is no VM's on a network."""
    host = pool.hosts.get(pool.vms[key.owner].resident_on or "") if key.owner in pool.vms else None
    carrier = host.carrier(key.place) if host else None
    return FlowKey(owner=host.uuid, kind=key.kind, place=carrier.uuid) if host and carrier else None


def formed_flows(hours: Mapping[FlowKey, Floats], slots: Callable[[Floats], Floats]) -> tuple[Flow, ...]:
    """Flows whose hours become *slots*; one without any hour counts 0, and is left out."""
    known = {key: np.round(means, DECIMALS) for key, means in sorted(hours.items()) if np.nansum(means) > 0}
    if not known:
        return ()
    rates = np.round(slots(np.array([*known.values()])), DECIMALS)
    rows = zip(known.items(), rates.tolist(), strict=True)
    return tuple(Flow(key=key, rates=tuple(row), hours=tuple(_written(means))) for (key, means), row in rows)


def hours_of_flows(flows: Sequence[Flow], count: int) -> dict[FlowKey, Floats]:
    """The last *count* hours of each of *flows*."""
    return {flow.key: np.array([np.nan if each is None else each for each in flow.hours[-count:]]) for flow in flows}


def renamed(flows: Sequence[Flow], names: Mapping[Uuid, Uuid]) -> tuple[Flow, ...]:
    """*flows* of owners by the *names* that they have beside other pools."""
    keys = (replace(flow.key, owner=names.get(flow.key.owner, flow.key.owner)) for flow in flows)
    return tuple(replace(flow, key=key) for flow, key in zip(flows, keys, strict=True))


def _written(means: Floats) -> Iterator[float | None]:
    return (None if np.isnan(each) else float(each) for each in means)
