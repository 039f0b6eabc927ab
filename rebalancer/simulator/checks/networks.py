"""Whether a host can give a VM its networks (xapi_network_attach_helpers.ml, xapi_network_sriov_helpers.ml)."""

from __future__ import annotations

from collections import Counter

from rebalancer.simulator.checks.facts import members_of
from rebalancer.simulator.state.database import Database, Record
from rebalancer.simulator.state.failure import ApiFailure
from rebalancer.simulator.state.schema import NULL


def assert_reachable(database: Database, vm: str, host: str) -> None:
    """Raise VM_REQUIRES_NETWORK [vm, network] or HOST_CANNOT_ATTACH_NETWORK [host, network] for any VIF."""
    networks = dict.fromkeys(vif["network"] for vif in members_of(database, "VIF", database.get("VM", vm)["VIFs"]))
    missing = [ref for ref in networks if not _is_there(database, ref, host)]
    if missing:
        raise ApiFailure("VM_REQUIRES_NETWORK", vm, missing[0])
    for ref in networks:
        if any(p["bond_slave_of"] != NULL for p in ports(database, ref, host)):
            raise ApiFailure("HOST_CANNOT_ATTACH_NETWORK", host, ref)


def ports(database: Database, network: str, host: str) -> list[Record]:
    """The host's PIFs on a network, attached or not."""
    record = database.get("network", network)
    return [pif for pif in members_of(database, "PIF", record["PIFs"]) if pif["host"] == host]


def _is_there(database: Database, network: str, host: str) -> bool:
    record = database.get("network", network)
    if record["PIFs"]:
        return bool(ports(database, network, host))
    if record["other_config"].get("assume_network_is_shared") == "true" or not record["managed"]:
        return True
    # A running VM holds an internal network where it is; one that nobody holds may come up anywhere.
    vms = members_of(database, "VM", [vif["VM"] for vif in members_of(database, "VIF", record["VIFs"])])
    held = {vm["resident_on"] for vm in vms if vm["power_state"] == "Running"}
    return not held or host in held


def assert_virtual_functions(database: Database, vm: str, host: str) -> None:
    """Raise NETWORK_SRIOV_INSUFFICIENT_CAPACITY [network] unless every SR-IOV network of the VM has functions left."""
    wanted = Counter(vif["network"] for vif in members_of(database, "VIF", database.get("VM", vm)["VIFs"]))
    for network, count in wanted.items():
        logical = [pif for pif in ports(database, network, host) if pif["sriov_logical_PIF_of"]]
        if logical and functions_left(database, logical[0]) < count:
            raise ApiFailure("NETWORK_SRIOV_INSUFFICIENT_CAPACITY", network)


def functions_left(database: Database, logical: Record) -> int:
    """How many virtual functions of the card below a logical PIF nobody holds.

    The records do not tell whose function a PCI device is; those on the card's own bus are taken for its own.
    """
    cards = {pif["PCI"] for _, pif in database.items("PIF")}
    card = database.get("PCI", logical["PCI"])
    place = card["host"], card["pci_id"].rpartition(":")[0]
    pcis = database.items("PCI")
    functions = {ref for ref, pci in pcis if (pci["host"], pci["pci_id"].rpartition(":")[0]) == place}
    held = {ref for _, vm in database.items("VM") for ref in vm["attached_PCIs"]}
    return len(functions - cards - held)


def assert_can_carry(database: Database, host: str, network: str) -> None:
    """Raise what a host lacks to receive a VM over a network of the caller's choice."""
    found = next(((ref, p) for ref, p in database.items("PIF") if (p["host"], p["network"]) == (host, network)), None)
    if found is None:
        raise ApiFailure("PIF_NOT_PRESENT", host, network)
    ref, pif = found
    if not pif["currently_attached"]:
        raise ApiFailure("REQUIRED_PIF_IS_UNPLUGGED", ref)
    if not pif["IP"] and not pif["IPv6"]:
        raise ApiFailure("INTERFACE_HAS_NO_IP", ref)


def transfer_address(database: Database, host: str, network: str) -> str:
    """A host's address on a network that VMs are to be copied over.

    Raises:
        ApiFailure: there is none.
    """
    here = [ref for ref in database.get("network", network)["PIFs"] if database.get("PIF", ref)["host"] == host]
    if not here:
        raise ApiFailure("HOST_CANNOT_ATTACH_NETWORK", host, network)
    port = database.get("PIF", here[0])
    is_ipv6 = port["primary_address_type"] == "IPv6"
    address = next(iter(port["IPv6"]), "") if is_ipv6 else port["IP"]
    if not address:
        mode = port["ipv6_configuration_mode" if is_ipv6 else "ip_configuration_mode"]
        raise ApiFailure("PIF_HAS_NO_NETWORK_CONFIGURATION" if mode == "None" else "INTERFACE_HAS_NO_IP", here[0])
    return str(address)
