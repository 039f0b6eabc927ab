"""Virtual functions of network cards that no VM has yet.

The fields that would say it (`PCI.virtual_functions`, `PCI.attached_VMs`) are internal to xapi. What the records do
say: which devices sit on the bus of the card's physical function, and which devices VMs and interfaces hold.
"""

from __future__ import annotations

from rebalancer.inventory.reading.fields import Fields
from rebalancer.inventory.reading.tables import Tables


def free_virtual_functions(tables: Tables, pif: Fields) -> int | None:
    """How many virtual functions are free behind *pif*; None where it is no SR-IOV interface.

    Devices of the card's vendor on the bus of the physical function count, unless an interface owns them; where two
    physical functions share a bus nobody can tell whose they are, and none counts.
    """
    sriov = _network_sriov(tables, pif)
    if sriov is None:
        return None
    card = tables.behind("PIF", sriov.raw("physical_PIF"))
    function = tables.behind("PCI", card.raw("PCI")) if card else None
    if function is None:
        return 0
    neighbours = {ref: each for ref, each in tables.each("PCI") if _place(each) == _place(function)}
    owned = neighbours.keys() & {str(each.raw("PCI")) for _, each in tables.each("PIF")}
    return len(neighbours.keys() - owned - _held(tables)) if len(owned) == 1 else 0


def _network_sriov(tables: Tables, pif: Fields) -> Fields | None:
    """The SR-IOV network that *pif*, or the interface below this VLAN, is the logical end of."""
    vlan = tables.behind("VLAN", pif.raw("VLAN_master_of"))
    below = tables.behind("PIF", vlan.raw("tagged_PIF")) if vlan else None
    found = [
        sriov
        for each in (pif, below)
        if each is not None
        for ref in each.members("sriov_logical_PIF_of")
        if (sriov := tables.behind("network_sriov", ref))
    ]
    return found[0] if found else None


def _place(function: Fields) -> tuple[str, str, str]:
    return function.text("host"), function.text("pci_id").rpartition(":")[0], function.text("vendor_name")


def _held(tables: Tables) -> set[str]:
    attached = {str(ref) for _, each in tables.each("VM") for ref in each.members("attached_PCIs")}
    return attached | {str(each.raw("reserved_pci")) for _, each in tables.each("VIF")}
