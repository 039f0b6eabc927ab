"""Whether a VM could run on a host (xapi_vm_helpers.ml: assert_can_boot_here), in xapi's order."""

from __future__ import annotations

from collections.abc import Callable, Collection

from rebalancer.simulator.checks import cpu, gpus, memory, networks, versions
from rebalancer.simulator.checks.facts import HARDWARE_VIRTUAL, discs_of, domain_type, is_live, is_true, is_upgrading
from rebalancer.simulator.state.database import Database, Record
from rebalancer.simulator.state.failure import ApiFailure, refusal
from rebalancer.simulator.state.schema import NULL

Check = Callable[[Database, str, str], None]


def assert_can_boot_here(database: Database, vm: str, host: str) -> None:
    """Raise what VM.assert_can_boot_here raises: the checks of a move, with CPU and upgrade rules of its own."""
    database.get("VM", vm)
    database.get("host", host)
    if is_upgrading(database):
        versions.assert_as_coordinator(database, vm, host)
    _assert_all(database, vm, host)


def assert_has_room(database: Database, vm: str, host: str) -> None:
    """Raise the first thing a host lacks for a VM; the CPU is not looked at."""
    _assert_all(database, vm, host, but=[cpu.assert_compatible])


def assert_can_come_with_disks(database: Database, vm: str, host: str, *, forced: bool) -> None:
    """Raise the first thing but SRs that a host lacks for a VM whose disks may move; `forced` leaves out the CPU."""
    _assert_all(database, vm, host, but=[_assert_storage, *([cpu.assert_compatible] if forced else [])])


def assert_can_evacuate_to(database: Database, vm: str, host: str) -> None:
    """Raise the first thing but memory that a host lacks for a VM: evacuation packs memory by itself."""
    _assert_all(database, vm, host, but=[memory.assert_enough])


def assert_could_take(here: Database, vm: str, there: Database, host: str) -> None:
    """Raise what a pool that sends a VM finds missing on a host of the pool that receives it."""
    guest, target = here.get("VM", vm), there.get("host", host)
    _assert_platform_of(guest, vm, target, host)
    if not target["enabled"]:
        raise ApiFailure("HOST_DISABLED", host)
    _assert_cpus_of(guest, target)


def has_room(database: Database, vm: str, host: str) -> bool:
    """Whether `assert_has_room` raises nothing."""
    return not refusal(assert_has_room, database, vm, host)


def visible_storage(database: Database, host: str) -> set[str]:
    """The SRs with an attached PBD on a host."""
    return {pbd["SR"] for _, pbd in database.items("PBD") if pbd["host"] == host and pbd["currently_attached"]}


def _assert_all(database: Database, vm: str, host: str, but: Collection[Check] = ()) -> None:
    for check in ORDER:
        if check not in but:
            check(database, vm, host)


def _assert_ready(database: Database, vm: str, host: str) -> None:
    guest, target = database.get("VM", vm), database.get("host", host)
    _assert_sane(database, guest)
    if not is_live(database, target):
        raise ApiFailure("HOST_NOT_LIVE")
    if guest["is_control_domain"] and guest["affinity"] not in {NULL, host}:
        text = "Cannot boot a control domain on a host different from its affinity"
        raise ApiFailure("OPERATION_NOT_ALLOWED", text)
    runs_here = guest["power_state"] == "Running" and guest["resident_on"] == host
    if not target["enabled"] and not runs_here and not guest["is_control_domain"]:
        raise ApiFailure("HOST_DISABLED", host)


def _assert_sane(database: Database, vm: Record) -> None:
    """Settings with which no VM can start (validate_basic_parameters); what XAPI bends into shape is left out."""
    at_startup, most = int(vm["VCPUs_at_startup"]), int(vm["VCPUs_max"])
    if most <= 0:
        raise ApiFailure("INVALID_VALUE", "VCPUs_max", str(most))
    if at_startup <= 0:
        raise ApiFailure("INVALID_VALUE", "VCPUs-at-startup", str(at_startup))
    if at_startup > most:
        raise ApiFailure("VALUE_NOT_SUPPORTED", "VCPUs-at-startup", str(at_startup), "value greater than VCPUs-max")
    if any(int(vm[f"memory_{kind}_min"]) > int(vm[f"memory_{kind}_max"]) for kind in ("static", "dynamic")):
        raise ApiFailure("MEMORY_CONSTRAINT_VIOLATION")
    if float(vm["HVM_shadow_multiplier"]) < 1.0:
        raise ApiFailure("INVALID_VALUE", "HVM_shadow_multiplier", f"{vm['HVM_shadow_multiplier']:g}")
    action, text = vm["actions_after_crash"], ""
    if action == "rename_restart":
        text = "option would leak a domain; VMs and not domains are managed by this API"
    elif action.startswith("coredump") and domain_type(database, vm) in HARDWARE_VIRTUAL:
        text = "cannot invoke a coredump of an HVM, PVH or PV-in-PVH domain"
    if text:
        raise ApiFailure("VALUE_NOT_SUPPORTED", "VM.actions_after_crash", action, text)


def _assert_platform(database: Database, vm: str, host: str) -> None:
    _assert_platform_of(database.get("VM", vm), vm, database.get("host", host), host)


def _assert_platform_of(guest: Record, vm: str, target: Record, host: str) -> None:
    wanted = guest["hardware_platform_version"]
    known = target["virtual_hardware_platform_versions"]
    if wanted not in known:
        text = f"[{'; '.join(known)}]"
        raise ApiFailure("VM_HOST_INCOMPATIBLE_VIRTUAL_HARDWARE_PLATFORM_VERSION", host, text, vm, wanted)


def _assert_storage(database: Database, vm: str, host: str) -> None:
    """Every disc counts, in whatever drive and whether plugged or not; the image of a suspended VM too."""
    guest = database.get("VM", vm)
    wanted = [vdi["SR"] for _, vdi in discs_of(database, guest)]
    if guest["power_state"] == "Suspended" and guest["suspend_VDI"] != NULL:
        wanted.append(database.get("VDI", guest["suspend_VDI"])["SR"])
    visible = visible_storage(database, host)
    for storage in wanted:
        if storage not in visible:
            raise ApiFailure("VM_REQUIRES_SR", vm, storage)


def _assert_usb(database: Database, vm: str, host: str) -> None:
    for ref in database.get("VM", vm)["VUSBs"]:
        group = database.get("VUSB", ref)["USB_group"]
        if host not in {port["host"] for _, port in database.items("PUSB") if port["USB_group"] == group}:
            raise ApiFailure("OPERATION_NOT_ALLOWED", f"VUSB {ref} is not available on Host {host}")


def _assert_hvm(database: Database, vm: str, host: str) -> None:
    hardware = domain_type(database, database.get("VM", vm)) in HARDWARE_VIRTUAL
    if hardware and not any("hvm" in capability for capability in database.get("host", host)["capabilities"]):
        raise ApiFailure("VM_HVM_REQUIRED", vm)


def _assert_cpus(database: Database, vm: str, host: str) -> None:
    _assert_cpus_of(database.get("VM", vm), database.get("host", host))


def _assert_cpus_of(guest: Record, target: Record) -> None:
    count = target["cpu_info"].get("cpu_count")
    if count is None:
        raise ApiFailure("INTERNAL_ERROR", "Not_found")
    if int(guest["VCPUs_max"]) > int(count) and not is_true(guest["platform"].get("vcpu-unrestricted")):
        raise ApiFailure("HOST_NOT_ENOUGH_PCPUS", str(int(guest["VCPUs_max"])), str(int(count)))


# Every call that asks whether a VM could run on a host goes through these, some without one or two.
ORDER: tuple[Check, ...] = (
    _assert_ready,
    cpu.assert_compatible,
    _assert_platform,
    _assert_storage,
    networks.assert_reachable,
    gpus.assert_iommu,
    gpus.assert_room,
    _assert_usb,
    networks.assert_virtual_functions,
    _assert_hvm,
    memory.assert_enough,
    _assert_cpus,
)
