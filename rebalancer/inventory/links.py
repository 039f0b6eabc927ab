"""Interfaces that carry guests' networks at a speed that nobody knows."""

from __future__ import annotations

from collections.abc import Mapping

from rebalancer.inventory.pool import Pool
from rebalancer.inventory.references import Uuid


def links_of_unknown_speed(pool: Pool) -> Mapping[Uuid, tuple[str, ...]]:
    """By host, the devices of interfaces or bonds that carry a network of some running guest, without a speed."""
    used = {vif.network for vm in pool.resident_guests() for vif in vm.vifs if vif.currently_attached}
    carriers = ((host.uuid, host.carrier(network)) for host in pool.hosts.values() for network in sorted(used))
    slow = {(host, each.device) for host, each in carriers if each is not None and not each.speed_mbits}
    return {uuid: tuple(sorted(device for host, device in slow if host == uuid)) for uuid, _ in sorted(slow)}
