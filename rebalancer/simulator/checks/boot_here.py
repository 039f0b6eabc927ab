"""Whether a VM could run on a host (xapi_vm_helpers.ml: assert_can_boot_here), in xapi's order."""

from __future__ import annotations

from rebalancer.simulator.checks import cpu, gpus, memory, networks, parameters, versions
from rebalancer.simulator.checks.facts import HARDWARE_VIRTUAL, discs_of, domain_type, is_live, is_true, is_upgrading
from rebalancer.simulator.state.database import Database
from rebalancer.simulator.state.failure import ApiFailure
from rebalancer.simulator.state.schema import NULL


def assert_can_boot_here(database: Database, vm: str, host: str) -> None:
    """Raise what VM.assert_can_boot_here raises: the checks of a move, with CPU and upgrade rules of its own."""
    database.get("VM", vm)
    database.get("host", host)
    if is_upgrading(database):
        versions.assert_as_coordinator(database, vm, host)
    _assert_ready(database, vm, host)
    cpu.assert_compatible(database, vm, host)
    _assert_devices(database, vm, host)


def assert_has_room(database: Database, vm: str, host: str) -> None:
    """Raise the first thing a host lacks for a VM; the CPU is not looked at."""
    _assert_ready(database, vm, host)
    _assert_devices(database, vm, host)


def assert_can_come_with_disks(database: Database, vm: str, host: str, *, forced: bool) -> None:
    """Raise the first thing a host lacks for a VM whose disks may move: its SRs are not looked at.

    Args:
        database: the records.
        vm: ref of the VM.
        host: ref of the host.
        forced: True leaves out the CPU.
    """
    _assert_ready(database, vm, host)
    if not forced:
        cpu.assert_compatible(database, vm, host)
    _assert_platform(database, vm, host)
    _assert_outfit(database, vm, host)
    memory.assert_enough(database, vm, host)
    _assert_cpus(database, vm, host)


def assert_could_take(database: Database, vm: str, host: str) -> None:
    """Raise what a pool that sends a VM finds missing on a host of the pool that receives it."""
    _assert_platform(database, vm, host)
    if not database.get("host", host)["enabled"]:
        raise ApiFailure("HOST_DISABLED", host)
    _assert_cpus(database, vm, host)


def assert_can_be_imported(database: Database, vm: str, host: str, *, forced: bool) -> None:
    """Raise what the pool that receives a running VM has against it (import.ml: assert_can_live_import)."""
    if not forced:
        cpu.assert_compatible(database, vm, host)
    memory.assert_enough(database, vm, host)


def assert_can_evacuate_to(database: Database, vm: str, host: str) -> None:
    """Raise the first thing but memory that a host lacks for a VM: evacuation packs memory by itself."""
    _assert_ready(database, vm, host)
    cpu.assert_compatible(database, vm, host)
    _assert_platform(database, vm, host)
    _assert_storage(database, vm, host)
    _assert_outfit(database, vm, host)
    _assert_cpus(database, vm, host)


def _assert_devices(database: Database, vm: str, host: str) -> None:
    _assert_platform(database, vm, host)
    _assert_storage(database, vm, host)
    _assert_outfit(database, vm, host)
    memory.assert_enough(database, vm, host)
    _assert_cpus(database, vm, host)


def _assert_outfit(database: Database, vm: str, host: str) -> None:
    networks.assert_reachable(database, vm, host)
    gpus.assert_iommu(database, vm, host)
    gpus.assert_room(database, vm, host)
    _assert_usb(database, vm, host)
    networks.assert_virtual_functions(database, vm, host)
    _assert_hvm(database, vm, host)


def has_room(database: Database, vm: str, host: str) -> bool:
    """Whether `assert_has_room` raises nothing."""
    try:
        assert_has_room(database, vm, host)
    except ApiFailure:
        return False
    return True


def visible_storage(database: Database, host: str) -> set[str]:
    """The SRs with an attached PBD on a host."""
    return {pbd["SR"] for _, pbd in database.items("PBD") if pbd["host"] == host and pbd["currently_attached"]}


def _assert_ready(database: Database, vm: str, host: str) -> None:
    guest, target = database.get("VM", vm), database.get("host", host)
    parameters.assert_sane(database, guest)
    if not is_live(database, target):
        raise ApiFailure("HOST_NOT_LIVE")
    if guest["is_control_domain"] and guest["affinity"] not in {NULL, host}:
        text = "Cannot boot a control domain on a host different from its affinity"
        raise ApiFailure("OPERATION_NOT_ALLOWED", text)
    runs_here = guest["power_state"] == "Running" and guest["resident_on"] == host
    if not target["enabled"] and not runs_here and not guest["is_control_domain"]:
        raise ApiFailure("HOST_DISABLED", host)


def _assert_platform(database: Database, vm: str, host: str) -> None:
    wanted = database.get("VM", vm)["hardware_platform_version"]
    known = database.get("host", host)["virtual_hardware_platform_versions"]
    if wanted not in known:
        text = f"[{'; '.join(known)}]"
        raise ApiFailure("VM_HOST_INCOMPATIBLE_VIRTUAL_HARDWARE_PLATFORM_VERSION", host, text, vm, wanted)


def _assert_storage(database: Database, vm: str, host: str) -> None:
    """Every disc counts, in whatever drive and whether plugged or not; the image of a suspended VM too."""
    guest = database.get("VM", vm)
    wanted = [vdi["SR"] for _, _, vdi in discs_of(database, guest)]
    if guest["power_state"] == "Suspended" and guest["suspend_VDI"] != NULL:
        wanted.append(database.get("VDI", guest["suspend_VDI"])["SR"])
    visible = visible_storage(database, host)
    for storage in wanted:
        if storage not in visible:
            raise ApiFailure("VM_REQUIRES_SR", vm, storage)


def _assert_usb(database: Database, vm: str, host: str) -> None:
    for ref in database.get("VM", vm)["VUSBs"]:
        group = database.get("VUSB", ref)["USB_group"]
        ports = [port for _, port in database.items("PUSB") if port["USB_group"] == group]
        if host not in {port["host"] for port in ports}:
            raise ApiFailure("OPERATION_NOT_ALLOWED", f"VUSB {ref} is not available on Host {host}")


def _assert_hvm(database: Database, vm: str, host: str) -> None:
    hardware = domain_type(database, database.get("VM", vm)) in HARDWARE_VIRTUAL
    if hardware and not any("hvm" in capability for capability in database.get("host", host)["capabilities"]):
        raise ApiFailure("VM_HVM_REQUIRED", vm)


def _assert_cpus(database: Database, vm: str, host: str) -> None:
    guest = database.get("VM", vm)
    count = database.get("host", host)["cpu_info"].get("cpu_count")
    if count is None:
        raise ApiFailure("INTERNAL_ERROR", "Not_found")
    wanted, there = int(guest["VCPUs_max"]), int(count)
    if wanted > there and not is_true(guest["platform"].get("vcpu-unrestricted")):
        raise ApiFailure("HOST_NOT_ENOUGH_PCPUS", str(wanted), str(there))
