"""XenAPI records become a `Pool`.

Records come from `get_all_records` over the wire, from a database dump or from a recording, always in the same shape:
`{class: {ref: record}}`. Integers may be strings (XML-RPC), fields may be missing (older XAPI), references may lead
nowhere. Defects that make a plan impossible raise `InventoryError`; dangling references are kept as sentences.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rebalancer.errors import InventoryError
from rebalancer.inventory.gpu import VGPUType
from rebalancer.inventory.host import PBD, PGPU, PIF, Host
from rebalancer.inventory.network import Network
from rebalancer.inventory.pool import HighAvailability, Pool, VMGroup
from rebalancer.inventory.references import DANGLING, Uuid
from rebalancer.inventory.storage import SR, VDI, StorageDriver
from rebalancer.inventory.vm import (
    VBD,
    VGPU,
    VIF,
    VM,
    DomainType,
    GuestMetrics,
    MemoryRange,
    PowerState,
    VBDType,
    VMMetrics,
)

Record = Mapping[str, Any]
Records = Mapping[str, Mapping[str, Record]]

NULL_REFS = frozenset({"OpaqueRef:NULL", "NULL", "Ref:NULL", "", "OpaqueRef:null"})

CLASSES = (
    "pool",
    "host",
    "host_metrics",
    "VM",
    "VM_metrics",
    "VM_guest_metrics",
    "VM_group",
    "VBD",
    "VDI",
    "VIF",
    "SR",
    "PBD",
    "SM",
    "network",
    "PIF",
    "PIF_metrics",
    "VGPU",
    "VGPU_type",
    "GPU_group",
    "PGPU",
    "PCI",
    "VUSB",
    "VTPM",
)
"""Classes that the inventory reads; all but `VM_group`, `VUSB` and `VTPM` exist since XenServer 6.2."""


def pool_from_records(records: Records) -> Pool:
    """The pool that *records* describe.

    Raises:
        InventoryError: no pool or several, a record without uuid, two objects with one uuid, or a running VM on
            a host that is not there.
    """
    return _Reading(records).pool()


class _Reading:
    """One pass over the records; collects dangling references on the way."""

    def __init__(self, records: Records) -> None:
        self.records = records
        self.dangling: list[str] = []

    def table(self, name: str) -> Mapping[str, Record]:
        """All records of a class, by ref."""
        return self.records.get(name, {})

    def uuid_of(self, name: str, ref: object, holder: str) -> Uuid | None:
        """The uuid behind *ref*: None for a null ref, `DANGLING` for one that leads nowhere."""
        if ref is None or str(ref) in NULL_REFS:
            return None
        record = self.table(name).get(str(ref))
        if record is None:
            self.dangling.append(f"{holder} names a {name} that is not in the database")
            return DANGLING
        return str(record["uuid"])

    def uuids_of(self, name: str, refs: Sequence[object], holder: str) -> tuple[Uuid, ...]:
        """The uuids behind *refs*, dangling ones left out, sorted."""
        found = (self.uuid_of(name, ref, holder) for ref in refs)
        return tuple(sorted(uuid for uuid in found if uuid not in (None, DANGLING)))  # type: ignore[type-var]

    def pool(self) -> Pool:
        """All tables, cross-checked."""
        if len(self.table("pool")) != 1:
            raise InventoryError([f"{len(self.table('pool'))} pool records instead of one"])
        self.refuse_broken_uuids()
        record = next(iter(self.table("pool").values()))
        owned = _Owned(self)
        pool = Pool(
            uuid=record["uuid"],
            name=record.get("name_label", ""),
            coordinator=self.uuid_of("host", record.get("master"), "the pool") or DANGLING,
            default_sr=self.uuid_of("SR", record.get("default_SR"), "the pool's default SR"),
            ha=_ha(record),
            wlb_enabled=_boolean(record.get("wlb_enabled", False)),
            migration_compression=_boolean(record.get("migration_compression", False)),
            other_config=_texts(record, "other_config"),
            restrictions=_texts(record, "restrictions"),
            cpu_info=_texts(record, "cpu_info"),
            tags=_names(record, "tags"),
            hosts=_by_uuid(owned.host(ref, each) for ref, each in self.table("host").items()),
            vms=_by_uuid(owned.vm(ref, each) for ref, each in self.table("VM").items()),
            vdis=_by_uuid(self.vdi(each) for each in self.table("VDI").values()),
            srs=_by_uuid(_sr(each) for each in self.table("SR").values()),
            networks=_by_uuid(self.network(each) for each in self.table("network").values()),
            storage_drivers={each.type: each for each in map(_driver, self.table("SM").values())},
            vm_groups=_by_uuid(self.vm_group(each) for each in self.table("VM_group").values()),
            vgpu_types=_by_uuid(_vgpu_type(each) for each in self.table("VGPU_type").values()),
            dangling=tuple(sorted(set(self.dangling))),
        )
        _refuse_homeless(pool)
        return pool

    def refuse_broken_uuids(self) -> None:
        """Two objects of a class never share a uuid, and none lacks one."""
        wrong = []
        for name in CLASSES:
            uuids = [str(record.get("uuid", "")) for record in self.table(name).values()]
            if "" in uuids:
                wrong.append(f"a {name} without uuid")
            wrong += [f"two {name} records with uuid {each}" for each in sorted(set(uuids)) if uuids.count(each) > 1 and each] if len(set(uuids)) < len(uuids) else []
        if wrong:
            raise InventoryError(wrong)

    def vdi(self, record: Record) -> VDI:
        """A virtual disk."""
        holder = f"VDI {record['uuid']}"
        return VDI(
            uuid=record["uuid"],
            name=record.get("name_label", ""),
            sr=self.uuid_of("SR", record.get("SR"), holder) or DANGLING,
            virtual_size_bytes=_integer(record.get("virtual_size", 0)),
            physical_utilisation_bytes=_integer(record.get("physical_utilisation", 0)),
            type=record.get("type", ""),
            read_only=_boolean(record.get("read_only", False)),
            sharable=_boolean(record.get("sharable", False)),
            on_boot=record.get("on_boot", "persist"),
            is_a_snapshot=_boolean(record.get("is_a_snapshot", False)),
            snapshot_of=self.uuid_of("VDI", record.get("snapshot_of"), holder),
            cbt_enabled=_optional_boolean(record.get("cbt_enabled")),
            sm_config=_texts(record, "sm_config"),
            current_operations=_operations(record),
        )

    def network(self, record: Record) -> Network:
        """A network."""
        return Network(
            uuid=record["uuid"],
            name=record.get("name_label", ""),
            bridge=record.get("bridge", ""),
            managed=_boolean(record.get("managed", True)),
            pifs=self.uuids_of("PIF", record.get("PIFs", ()), f"network {record['uuid']}"),
            other_config=_texts(record, "other_config"),
        )

    def vm_group(self, record: Record) -> VMGroup:
        """A VM group."""
        return VMGroup(
            uuid=record["uuid"],
            name=record.get("name_label", ""),
            placement=record.get("placement", "normal"),
            vms=self.uuids_of("VM", record.get("VMs", ()), f"VM group {record['uuid']}"),
        )


class _Owned:
    """Hosts and VMs with the objects that belong to them."""

    def __init__(self, reading: _Reading) -> None:
        self.reading = reading
        self.pbds = self._by_owner("PBD", "host")
        self.pifs = self._by_owner("PIF", "host")
        self.pgpus = self._by_owner("PGPU", "host")
        self.vbds = self._by_owner("VBD", "VM")
        self.vifs = self._by_owner("VIF", "VM")
        self.vgpus = self._by_owner("VGPU", "VM")

    def _by_owner(self, name: str, field: str) -> Mapping[str, list[Record]]:
        """Records of a class, sorted by uuid, under the ref of their owner."""
        found: dict[str, list[Record]] = {}
        for record in sorted(self.reading.table(name).values(), key=lambda each: str(each["uuid"])):
            found.setdefault(str(record.get(field)), []).append(record)
        return found

    def host(self, ref: str, record: Record) -> Host:
        """A host with its PBDs, PIFs and PGPUs."""
        metrics = self.reading.table("host_metrics").get(str(record.get("metrics")))
        versions = record.get("virtual_hardware_platform_versions")
        return Host(
            uuid=record["uuid"],
            name=record.get("name_label", ""),
            hostname=record.get("hostname", ""),
            address=record.get("address", ""),
            enabled=_boolean(record.get("enabled", False)),
            live=_boolean(metrics.get("live", False)) if metrics else None,
            memory_total_bytes=_integer(metrics["memory_total"]) if metrics else None,
            memory_overhead_bytes=_integer(record.get("memory_overhead", 0)),
            cpu_info=_texts(record, "cpu_info"),
            software_version=_texts(record, "software_version"),
            capabilities=tuple(record.get("capabilities", ())),
            chipset_info=_texts(record, "chipset_info"),
            license_params=_texts(record, "license_params"),
            virtual_hardware_platform_versions=None if versions is None else tuple(_integer(each) for each in versions),
            current_operations=_operations(record),
            other_config=_texts(record, "other_config"),
            tags=_names(record, "tags"),
            pbds=tuple(self.pbd(each) for each in self.pbds.get(ref, ())),
            pifs=tuple(self.pif(each) for each in self.pifs.get(ref, ())),
            pgpus=tuple(self.pgpu(each) for each in self.pgpus.get(ref, ())),
        )

    def pbd(self, record: Record) -> PBD:
        """A host's connection to an SR."""
        return PBD(
            uuid=record["uuid"],
            sr=self.reading.uuid_of("SR", record.get("SR"), f"PBD {record['uuid']}") or DANGLING,
            currently_attached=_boolean(record.get("currently_attached", False)),
        )

    def pif(self, record: Record) -> PIF:
        """A host's network interface."""
        holder = f"PIF {record['uuid']}"
        metrics = self.reading.table("PIF_metrics").get(str(record.get("metrics")), {})
        return PIF(
            uuid=record["uuid"],
            network=self.reading.uuid_of("network", record.get("network"), holder) or DANGLING,
            device=record.get("device", ""),
            vlan=_integer(record.get("VLAN", -1)),
            management=_boolean(record.get("management", False)),
            currently_attached=_boolean(record.get("currently_attached", False)),
            bond_slave_of=None if str(record.get("bond_slave_of")) in NULL_REFS else str(record.get("device", "")),
            ip=record.get("IP", ""),
            speed_mbits=_integer(metrics["speed"]) or None if "speed" in metrics else None,
            sriov_logical_of=tuple(sorted(map(str, record.get("sriov_logical_PIF_of", ())))),
            tunnel_access_of=tuple(sorted(map(str, record.get("tunnel_access_PIF_of", ())))),
        )

    def pgpu(self, record: Record) -> PGPU:
        """A physical GPU."""
        holder = f"PGPU {record['uuid']}"
        uuid_of, uuids_of = self.reading.uuid_of, self.reading.uuids_of
        capacities = record.get("supported_VGPU_max_capacities", {})
        return PGPU(
            uuid=record["uuid"],
            gpu_group=uuid_of("GPU_group", record.get("GPU_group"), holder),
            pci=uuid_of("PCI", record.get("PCI"), holder),
            enabled_types=uuids_of("VGPU_type", record.get("enabled_VGPU_types", ()), holder),
            max_capacities={uuid_of("VGPU_type", ref, holder) or DANGLING: _integer(capacities[ref]) for ref in sorted(capacities)},
            resident_vgpus=uuids_of("VGPU", record.get("resident_VGPUs", ()), holder),
            compatibility_metadata=_texts(record, "compatibility_metadata"),
        )

    def vm(self, ref: str, record: Record) -> VM:
        """A VM with its drives, interfaces and GPUs."""
        holder = f"VM {record.get('name_label') or record['uuid']}"
        uuid_of, uuids_of = self.reading.uuid_of, self.reading.uuids_of
        return VM(
            uuid=record["uuid"],
            name=record.get("name_label", ""),
            power_state=PowerState(record["power_state"]),
            is_a_template=_boolean(record.get("is_a_template", False)),
            is_default_template=_boolean(record.get("is_default_template", False)) or "default_template" in _texts(record, "other_config"),
            is_a_snapshot=_boolean(record.get("is_a_snapshot", False)),
            is_control_domain=_boolean(record.get("is_control_domain", False)),
            resident_on=uuid_of("host", record.get("resident_on"), holder),
            scheduled_to_be_resident_on=uuid_of("host", record.get("scheduled_to_be_resident_on"), holder),
            affinity=uuid_of("host", record.get("affinity"), holder),
            memory=MemoryRange(
                static_min_bytes=_integer(record.get("memory_static_min", 0)),
                dynamic_min_bytes=_integer(record.get("memory_dynamic_min", 0)),
                dynamic_max_bytes=_integer(record.get("memory_dynamic_max", 0)),
                static_max_bytes=_integer(record.get("memory_static_max", 0)),
            ),
            memory_overhead_bytes=_integer(record.get("memory_overhead", 0)),
            vcpus_max=_integer(record.get("VCPUs_max", 0)),
            vcpus_at_startup=_integer(record.get("VCPUs_at_startup", 0)),
            vcpus_params=_texts(record, "VCPUs_params"),
            hvm_shadow_multiplier=float(record.get("HVM_shadow_multiplier", 1.0)),
            hvm_boot_policy=record.get("HVM_boot_policy", ""),
            domain_type=DomainType(record["domain_type"]) if record.get("domain_type") else None,
            platform=_texts(record, "platform"),
            other_config=_texts(record, "other_config"),
            tags=_names(record, "tags"),
            blocked_operations=_texts(record, "blocked_operations"),
            current_operations=_operations(record),
            hardware_platform_version=_integer(record["hardware_platform_version"]) if "hardware_platform_version" in record else None,
            last_boot_cpu_flags=_texts(record, "last_boot_CPU_flags"),
            ha_always_run=_boolean(record.get("ha_always_run", False)),
            ha_restart_priority=record.get("ha_restart_priority", ""),
            actions_after_crash=record.get("actions_after_crash", ""),
            groups=uuids_of("VM_group", record.get("groups", ()), holder),
            vbds=tuple(self.vbd(each, holder) for each in self.vbds.get(ref, ())),
            vifs=tuple(self.vif(each, holder) for each in self.vifs.get(ref, ())),
            vgpus=tuple(self.vgpu(each, holder) for each in self.vgpus.get(ref, ())),
            vusbs=uuids_of("VUSB", record.get("VUSBs", ()), holder),
            vtpms=uuids_of("VTPM", record.get("VTPMs", ()), holder),
            attached_pcis=uuids_of("PCI", record.get("attached_PCIs", ()), holder),
            snapshots=uuids_of("VM", record.get("snapshots", ()), holder),
            suspend_vdi=uuid_of("VDI", record.get("suspend_VDI"), holder),
            metrics=self.metrics(record),
            guest_metrics=self.guest_metrics(record),
        )

    def metrics(self, record: Record) -> VMMetrics | None:
        """What xapi knows of the running domain; None without a metrics object."""
        metrics = self.reading.table("VM_metrics").get(str(record.get("metrics")))
        if metrics is None:
            return None
        return VMMetrics(
            memory_actual_bytes=_integer(metrics.get("memory_actual", 0)),
            vcpus_number=_integer(metrics.get("VCPUs_number", 0)),
            nomigrate=_optional_boolean(metrics.get("nomigrate")),
            nested_virt=_optional_boolean(metrics.get("nested_virt")),
            current_domain_type=DomainType(metrics["current_domain_type"]) if metrics.get("current_domain_type") else None,
            start_time=str(metrics["start_time"]) if "start_time" in metrics else None,
        )

    def guest_metrics(self, record: Record) -> GuestMetrics | None:
        """What the guest agent reported; None when it never did."""
        metrics = self.reading.table("VM_guest_metrics").get(str(record.get("guest_metrics")))
        if metrics is None:
            return None
        return GuestMetrics(
            pv_drivers_version=_texts(metrics, "PV_drivers_version"),
            pv_drivers_detected=_optional_boolean(metrics.get("PV_drivers_detected")),
            other=_texts(metrics, "other"),
            os_version=_texts(metrics, "os_version"),
            networks=_texts(metrics, "networks"),
        )

    def vbd(self, record: Record, holder: str) -> VBD:
        """A drive."""
        return VBD(
            uuid=record["uuid"],
            type=VBDType(record.get("type", "Disk")),
            device=record.get("device") or record.get("userdevice", ""),
            empty=_boolean(record.get("empty", False)),
            currently_attached=_boolean(record.get("currently_attached", False)),
            vdi=self.reading.uuid_of("VDI", record.get("VDI"), f"a drive of {holder}"),
        )

    def vif(self, record: Record, holder: str) -> VIF:
        """A network interface."""
        uuid_of = self.reading.uuid_of
        return VIF(
            uuid=record["uuid"],
            device=record.get("device", ""),
            mac=record.get("MAC", ""),
            network=uuid_of("network", record.get("network"), f"an interface of {holder}") or DANGLING,
            currently_attached=_boolean(record.get("currently_attached", False)),
            reserved_pci=uuid_of("PCI", record.get("reserved_pci"), f"an interface of {holder}"),
        )

    def vgpu(self, record: Record, holder: str) -> VGPU:
        """A virtual GPU."""
        uuid_of = self.reading.uuid_of
        return VGPU(
            uuid=record["uuid"],
            type=uuid_of("VGPU_type", record.get("type"), f"a GPU of {holder}"),
            gpu_group=uuid_of("GPU_group", record.get("GPU_group"), f"a GPU of {holder}") or DANGLING,
            resident_on=uuid_of("PGPU", record.get("resident_on"), f"a GPU of {holder}"),
            scheduled_to_be_resident_on=uuid_of("PGPU", record.get("scheduled_to_be_resident_on"), f"a GPU of {holder}"),
            pci=uuid_of("PCI", record.get("PCI"), f"a GPU of {holder}"),
        )


def _by_uuid(objects: Any) -> dict[Uuid, Any]:  # noqa: ANN401 - one table a class
    """A table sorted by uuid."""
    return {each.uuid: each for each in sorted(objects, key=lambda each: str(each.uuid))}


def _integer(value: object) -> int:
    """An integer from either wire format."""
    return int(str(value))


def _boolean(value: object) -> bool:
    """A boolean from the wire or from a dump."""
    return value is True or str(value).lower() == "true"


def _optional_boolean(value: object) -> bool | None:
    """A boolean, or None for a field that this version of XAPI does not have."""
    return None if value is None else _boolean(value)


def _texts(record: Record, field: str) -> dict[str, str]:
    """A map field, sorted by key."""
    return {str(key): str(value) for key, value in sorted(record.get(field, {}).items())}


def _names(record: Record, field: str) -> tuple[str, ...]:
    """A set field, sorted."""
    return tuple(sorted(map(str, record.get(field, ()))))


def _operations(record: Record) -> tuple[str, ...]:
    """Names of the operations under way on an object."""
    return tuple(sorted(map(str, record.get("current_operations", {}).values())))


def _ha(record: Record) -> HighAvailability:
    """The pool's HA settings."""
    return HighAvailability(
        enabled=_boolean(record.get("ha_enabled", False)),
        host_failures_to_tolerate=_integer(record.get("ha_host_failures_to_tolerate", 0)),
        plan_exists_for=_integer(record.get("ha_plan_exists_for", 0)),
        allow_overcommit=_boolean(record.get("ha_allow_overcommit", False)),
    )


def _sr(record: Record) -> SR:
    """A storage repository."""
    return SR(
        uuid=record["uuid"],
        name=record.get("name_label", ""),
        type=record.get("type", ""),
        content_type=record.get("content_type", ""),
        shared=_boolean(record.get("shared", False)),
        physical_size_bytes=_integer(record.get("physical_size", 0)),
        physical_utilisation_bytes=_integer(record.get("physical_utilisation", 0)),
        other_config=_texts(record, "other_config"),
        tags=_names(record, "tags"),
    )


def _driver(record: Record) -> StorageDriver:
    """What an SR type can do: `features` since XenServer 6.5, `capabilities` before."""
    return StorageDriver(
        uuid=record["uuid"],
        type=record.get("type", ""),
        features=tuple(sorted(record.get("features") or record.get("capabilities", ()))),
        supported_image_formats=tuple(sorted(record.get("supported_image_formats", ()))),
    )


def _vgpu_type(record: Record) -> VGPUType:
    """A kind of virtual GPU."""
    return VGPUType(
        uuid=record["uuid"],
        model_name=record.get("model_name", ""),
        implementation=record.get("implementation", ""),
    )


def _refuse_homeless(pool: Pool) -> None:
    """Every running VM is on a host of the pool, and the coordinator is one of them."""
    wrong = [
        f"VM {vm.name} ({vm.uuid}) is {vm.power_state} on no host of the pool"
        for vm in pool.vms.values()
        if vm.power_state in (PowerState.RUNNING, PowerState.PAUSED) and vm.resident_on not in pool.hosts and not vm.is_control_domain
    ]
    if pool.coordinator not in pool.hosts:
        wrong.append("the coordinator is not one of the hosts")
    if wrong:
        raise InventoryError(wrong)
