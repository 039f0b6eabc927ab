"""Whether a VM could be restarted on any host (agility.ml): what HA asks of the VMs it protects."""

from __future__ import annotations

from rebalancer.simulator.checks.facts import discs_of, members_of
from rebalancer.simulator.checks.networks import ports
from rebalancer.simulator.state.database import Database
from rebalancer.simulator.state.failure import ApiFailure
from rebalancer.simulator.state.schema import NULL


def assert_agile(database: Database, vm: str) -> None:
    """Raise the first thing that ties a VM to some hosts: vGPU, VUSB, storage, network, or a virtual function."""
    record = database.get("VM", vm)
    if record["VGPUs"]:
        raise ApiFailure("VM_HAS_VGPU", vm)
    if record["VUSBs"]:
        raise ApiFailure("VM_HAS_VUSBS", vm)
    hosts = [ref for ref, host in database.items("host") if host["enabled"]]
    for storage in dict.fromkeys(vdi["SR"] for _, vdi in discs_of(database, record)):
        if not _is_everywhere(database, storage, hosts):
            raise ApiFailure("HA_CONSTRAINT_VIOLATION_SR_NOT_SHARED", storage)
    for network in dict.fromkeys(vif["network"] for vif in members_of(database, "VIF", record["VIFs"])):
        _assert_network_everywhere(database, vm, network, hosts)


def _is_everywhere(database: Database, storage: str, hosts: list[str]) -> bool:
    record = database.find("SR", storage)
    if record is None or not record["shared"]:
        return False
    pbds = members_of(database, "PBD", record["PBDs"])
    return set(hosts) <= {pbd["host"] for pbd in pbds if pbd["currently_attached"]}


def _assert_network_everywhere(database: Database, vm: str, network: str, hosts: list[str]) -> None:
    found = {host: ports(database, network, host) for host in hosts}
    if any(pif["sriov_logical_PIF_of"] for pifs in found.values() for pif in pifs):
        raise ApiFailure("VM_HAS_SRIOV_VIF", vm)
    if not all(any(pif["bond_slave_of"] == NULL for pif in pifs) for pifs in found.values()):
        raise ApiFailure("HA_CONSTRAINT_VIOLATION_NETWORK_NOT_SHARED", network)
