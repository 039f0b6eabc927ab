"""The right fix: a table of refusals, power states and operations, and for every rule what settles it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from rebalancer.held import DECLARE_DEAD, READ_AGAIN, RESTART_TOOLSTACK, START_AGAIN
from rebalancer.inventory import PowerState
from rebalancer.problem import Problem
from rebalancer.rules import LIVE, TO_ANOTHER_POOL, WITH_STORAGE, Objection, Rule, Rulebook
from rebalancer.rules.core.disruption import Disruption
from rebalancer.rules.core.kinds import DiskRule, HostRule, PairRule, VMRule
from rebalancer.rules.disks.disks_present import FIND_DISK
from rebalancer.rules.fixes import SHUT_DOWN, ClosedWay, Remedy, fix_of
from tests.pools import make_cd, make_disk, make_host, make_pbd, make_sr, make_vdi, make_vm, policy_of, problem_of
from tests.rules.by_hand import ROWS
from tests.rules.crossing_rows import ROWS as CROSSING_ROWS
from tests.rules.disks.motion_rows import ROWS as MOTION
from tests.rules.disks.motion_rows import SNAPPED, checkpoint
from tests.rules.disks.motion_rows import Row as StorageRow
from tests.rules.disks.storage_rows import STORAGE_ROWS
from tests.rules.row import guest, metrics, vgpu, vgpu_types
from tests.rules.twin_rows import TWIN_ROWS

FAR_MEMORY = StorageRow(rule="checkpoint-stays", legal=False, vm=SNAPPED, pool=checkpoint("raw"))
CROSSING = (*CROSSING_ROWS, *TWIN_ROWS)
STORAGE = (*MOTION, *STORAGE_ROWS, FAR_MEMORY)
WAIT, SETTING, POLICY, POOL, GUEST, REBOOT = (
    getattr(Disruption, name) for name in ("WAIT", "SETTING", "POLICY", "POOL", "GUEST", "REBOOT")
)
HALT = ("", SETTING)
"""No remedy: the VM can only be halted."""
TOOLS = ("install the guest tools", GUEST)
LICENCE = ("apply a licence that does", POOL)
NO_USB = ("remove the virtual USB device", GUEST)
FEWER = ("delete all but one of its snapshots", POLICY)
LEFTOVER = ("remove that VM if it is a leftover", POLICY)
DELETE = ("delete the snapshot", POLICY)
UPDATE = ("bring the host to that version", POOL)
UPGRADE = ("upgrade the host, too", POOL)
REMEDIES: Mapping[str, set[tuple[str, Disruption]]] = {
    "same-pool": {HALT},
    "domain-type-known": {("shut it down and start it again: XAPI then writes down what it is", REBOOT)},
    "cpu-vendor": {HALT},
    "cpu-features": {
        HALT,
        ("shut the VM down and start it again: it then gets the level of the whole pool", REBOOT),
    },
    "op-not-blocked": {
        ("remove pool_migrate from the VM's blocked_operations", SETTING),
        ("remove migrate_send from the VM's blocked_operations", SETTING),
        ("wait until the backup ends", WAIT),
    },
    "vm-running": {("unpause it", SETTING), ("resume it", SETTING)},
    "vm-not-paused": {("unpause it", SETTING)},
    "no-conflicting-op": {("wait until it ends", WAIT)},
    "not-template": {HALT},
    "not-default-template": {HALT},
    "not-snapshot": {HALT},
    "nomigrate": {("remove nomigrate from VM.platform and reboot the VM", REBOOT)},
    "nested-virt": {("remove nested-virt from VM.platform and reboot the VM", REBOOT)},
    "not-control-domain": {HALT},
    "control-domain-home": {HALT},
    "cant-suspend-reason": {("install the guest tools and reboot the VM", REBOOT)},
    "guest-tools": {TOOLS},
    "guest-tools-installed": {TOOLS},
    "intellicache": {HALT},
    "no-pci-passthrough": {HALT},
    "vgpu-migratable": {HALT},
    "no-vusb": {NO_USB},
    "usb-on-target": {NO_USB},
    "version-order-upgrade": {UPGRADE},
    "sane-parameters": {
        ("set its actions_after_crash to destroy, restart or preserve", SETTING),
        ("shut it down, correct its vCPUs and start it again", REBOOT),
        ("shut it down, correct its memory limits and start it again", REBOOT),
        ("shut it down, correct its HVM_shadow_multiplier and start it again", REBOOT),
    },
    "target-live": {("bring the host back", POOL), (RESTART_TOOLSTACK, POOL)},
    "target-enabled": {("enable the host", POOL)},
    "hardware-platform": {HALT},
    "shared-sr-visible": {HALT, ("eject the CD from drive xvdd", SETTING), ("attach SR 'shared' to the host", POOL)},
    "network-on-target": {HALT},
    "no-bond-slave": {HALT},
    "iommu": {HALT},
    "vgpu-capacity": {HALT},
    "sriov-capacity": {HALT},
    "hvm-capable": {("enable VT-x or AMD-V in its BIOS", POOL)},
    "enough-pcpus": {HALT},
    "target-not-evacuating": {("wait until it ends", WAIT)},
    "vgpu-supported": {HALT, LICENCE},
    "source-live": {(DECLARE_DEAD, POOL), (RESTART_TOOLSTACK, POOL)},
    "licence": {LICENCE},
    "vgpu-metadata": {HALT},
    "vgpu-driver": {HALT},
    "version-order": {UPDATE},
    "coordinator-version": {UPGRADE},
    "ipv6-linux-kernel": {("give it a kernel above 3.0 and reboot it", REBOOT)},
    "no-vcpu-mask": {("remove mask from VM.VCPUs_params", SETTING)},
    "never-move": {("change the policy or the tag", POLICY)},
    "left-alone": {
        ("mend the cause, and wait until it is tried again, or change limits.leave_alone_nights", WAIT),
        ("wait until it has cooled down, or change limits.cool_down_hours", WAIT),
    },
    "not-squeezed": {("raise its dynamic minimum to 1025 MiB, or set squeeze.unknown_use in the policy", POLICY)},
    "must-run-on": {("change the policy's run_on", POLICY)},
    "host-to-be-emptied": {("take the host out of the policy's empty", POLICY)},
    "host-held": {(RESTART_TOOLSTACK, POOL), (READ_AGAIN, POOL)},
    "vm-held": {(READ_AGAIN, POOL), (START_AGAIN, POOL)},
    "disk-of-one-vm": {HALT},
    "disks-mapped": {HALT},
    "few-snapshots": {FEWER},
    "one-snapshot": {FEWER},
    "snapshot-without-memory": {("delete that snapshot", POLICY)},
    "snapshots-follow": {HALT, DELETE},
    "no-checkpoint": {DELETE},
    "checkpoint-stays": {DELETE},
    "no-cbt": {("turn changed block tracking off", SETTING), DELETE},
    "not-encrypted": {HALT, DELETE},
    "on-boot-persist": {HALT},
    "six-disks": {HALT},
    "no-storagelink": {HALT},
    "not-xendesktop": {HALT},
    "space-on-target": {HALT},
    "sr-capabilities": {HALT},
    "target-sr-attached": {("attach the SR to the host", POOL)},
    "sr-allowed": {("name the SR in storage_motion.srs", POLICY)},
    "srs-mapped": {("change the policy's other_pools.srs", POLICY)},
    "storage-licence": {LICENCE},
    "licence-there": {LICENCE},
    "version-order-storage": {UPDATE},
    "version-order-pools": {UPDATE},
    "vgpu-first-card": {HALT},
    "disk-not-busy": {("wait until it ends", WAIT)},
    "disks-present": {("eject the CD from drive xvdd", SETTING), (FIND_DISK, POOL)},
    "snapshots-present": {DELETE},
    "image-fits": {HALT, ("add qcow2 to the preferred-image-formats of SR 'local'", POOL)},
    "not-raw": {HALT},
    "short-chain": {("delete snapshots, and wait until the chain is coalesced", POLICY)},
    "source-sr-attached": {("attach the SR to its host", POOL)},
    "space-on-source": {HALT},
    "ha-off": {("disable HA while disks move", POLICY)},
    "ha-unprotected": {("empty its ha_restart_priority while it goes from pool to pool", POLICY)},
    "no-vgpu": {HALT},
    "no-vtpm": {HALT},
    "networks-mapped": {("name it in the policy's other_pools.networks", POLICY)},
    "networks-there": {HALT, ("lead it elsewhere by the policy's other_pools.networks", POLICY)},
    "checkpoint-cpu": {DELETE},
    "suspend-images": {HALT, DELETE},
    "vgpu-there": {HALT},
    "no-upgrade-at-home": {("finish the upgrade first", POOL)},
    "mac-seed-free": {("give either of them a mac_seed of its own in its other_config", SETTING)},
    "uuid-free": {HALT, LEFTOVER},
    "replaces-nothing": {LEFTOVER},
    "in-one-pool": {("remove whichever of the two is not needed", POLICY)},
    "sr-of-one-pool": {("detach that SR from one of the pools", POOL)},
    "stays-on-held-host": {(RESTART_TOOLSTACK, POOL), (DECLARE_DEAD, POOL)},
}
"""What each rule about single moves says settles it, over all rows of the tables that were written by hand."""


def said(row: Any, problem: Problem) -> Iterator[Objection]:  # noqa: ANN401 - a row of one of three tables
    """What the rule of *row* objects to in it."""
    book = Rulebook.of(problem)
    if row in CROSSING:
        yield from (each for each in book.objections(row.move) if each.rule == row.rule)
        return
    web, host = problem.pool.vms["web"], problem.pool.hosts["h2"]
    catalogue = WITH_STORAGE if row in STORAGE else LIVE
    for rule in (each for each in catalogue if each.id == row.rule):
        found: Objection | None = None
        if isinstance(rule, VMRule):
            found = rule.objects(web, problem)
        elif isinstance(rule, HostRule):
            found = rule.objects(host, problem)
        elif isinstance(rule, DiskRule):
            found = rule.objects(web, host, row.disks, problem)
        elif isinstance(rule, PairRule) and (needs := rule.needs(web, problem)) is not None:
            found = rule.objects(needs, host, problem)
        yield from (found,) if found else ()


def is_illegal(row: Any) -> bool:  # noqa: ANN401 - a row of one of three tables
    """Whether the rule of *row* objects."""
    return not row.legal


SINGLE = (VMRule, HostRule, PairRule, DiskRule)
TOLD_APART = {rule.id for rule in (*LIVE, *WITH_STORAGE, *TO_ANOTHER_POOL) if isinstance(rule, SINGLE)}
ELSEWHERE = {"crossed-stays", "demand-known"}
"""Rules without rows: they need a plan under way, or metrics."""


@pytest.fixture(scope="module")
def remedies() -> Mapping[str, set[tuple[str, Disruption]]]:
    """What the rows have each rule say."""
    found: defaultdict[str, set[tuple[str, Disruption]]] = defaultdict(set)
    rows: tuple[Any, ...] = (*ROWS, *STORAGE, *CROSSING)
    for row in rows:
        if not row.legal:
            for each in said(row, row.problem()):
                found[each.rule].add((each.remedy, each.disruption))
    return found


@pytest.mark.parametrize("rule", sorted(TOLD_APART - ELSEWHERE))
def test_every_rule_about_single_moves_has_its_fix(
    rule: str, remedies: Mapping[str, set[tuple[str, Disruption]]]
) -> None:
    """In the table above, and it says nothing else; a new rule has to be given a row there."""
    assert remedies[rule] == REMEDIES[rule]


@pytest.mark.parametrize("row", [*filter(is_illegal, ROWS), *filter(is_illegal, STORAGE)], ids=lambda row: row.rule)
def test_the_remedy_settles_the_objection(row: Any) -> None:  # noqa: ANN401 - a row of one of two tables
    """Where it changes the VM alone, the rule has nothing to say of the VM as it is then."""
    problem = row.problem()
    web, host = problem.pool.vms["web"], problem.pool.hosts["h2"]
    catalogue: tuple[Rule, ...] = WITH_STORAGE if row in STORAGE else LIVE
    for rule in (each for each in catalogue if each.id == row.rule):
        mended = rule.mended(web, host, problem)
        if mended is not None and any(each.remedy for each in said(row, problem)):
            pool = problem.pool
            after = problem_of(
                type(pool)(**{**fields_of(pool), "vms": {**pool.vms, "web": mended}}), policy=problem.policy
            )
            assert list(said(row, after)) == []


def fields_of(pool: Any) -> dict[str, Any]:  # noqa: ANN401 - any frozen value
    """The fields of a value by name."""
    return {name: getattr(pool, name) for name in pool.__dataclass_fields__}


RESTART = "no task of it exists: restart the toolstack on host 'h1'"
LOCAL: dict[str, Any] = {"srs": (make_sr("isos"),), "vdis": (make_vdi("image", "isos"),)}
IN_DRIVE: dict[str, Any] = {"vbds": (make_disk("web"), make_cd("web", "image"))}
PCI: dict[str, Any] = {"attached_pcis": ("nic",)}
GHOST: dict[str, Any] = {"current_operations": ("pool_migrate",), "ghost_operations": ("pool_migrate",)}
PAUSED: dict[str, Any] = {"power_state": PowerState.PAUSED}
SNAPSHOT: dict[str, Any] = {"current_operations": ("snapshot",)}
SITUATIONS: tuple[tuple[dict[str, Any], str], ...] = (
    (PAUSED, "unpause it"),
    (SNAPSHOT, "wait until it ends"),
    ({"current_operations": ("pool_migrate",)}, "wait until it ends"),
    ({"current_operations": ("clean_shutdown",)}, "wait until it ends"),
    (GHOST, RESTART),
    (
        {"current_operations": ("pool_migrate", "snapshot"), "ghost_operations": ("pool_migrate",)},
        "wait until snapshot ends; no task of pool_migrate exists: then restart the toolstack on host 'h1'",
    ),
    ({**PAUSED, **GHOST}, f"{RESTART} and unpause it"),
    ({**PAUSED, **SNAPSHOT}, "wait until it ends and unpause it"),
    (IN_DRIVE, "eject the CD from drive xvdd"),
    ({**IN_DRIVE, **PAUSED}, "unpause it and eject the CD from drive xvdd"),
    ({**IN_DRIVE, **GHOST}, f"{RESTART} and eject the CD from drive xvdd"),
    ({"guest_metrics": None}, "install the guest tools"),
    ({"guest_metrics": None, **PAUSED}, "unpause it and install the guest tools"),
    (guest(other={"data-cant-suspend-reason": "nvme"}), "install the guest tools and reboot the VM"),
    (metrics(nomigrate=True), "remove nomigrate from VM.platform and reboot the VM"),
    ({"blocked_operations": {"pool_migrate": "no"}}, "remove pool_migrate from the VM's blocked_operations"),
    ({"blocked_operations": {"pool_migrate": "Backup in progress"}}, "wait until the backup ends"),
    ({"vusbs": ("usb",)}, "remove the virtual USB device"),
    (PCI, SHUT_DOWN),
    ({**PCI, **PAUSED}, f"unpause it and {SHUT_DOWN}"),
    ({**PCI, **SNAPSHOT}, f"wait until it ends and {SHUT_DOWN}"),
    ({**PCI, **GHOST}, f"{RESTART} and {SHUT_DOWN}"),
    ({**PCI, **IN_DRIVE}, SHUT_DOWN),
    (
        {**PCI, "blocked_operations": {"clean_shutdown": "protected"}},
        f"remove clean_shutdown from its blocked_operations and {SHUT_DOWN}",
    ),
    (
        {**PCI, "blocked_operations": {"clean_shutdown": "Backup in progress"}},
        f"wait until the backup ends and {SHUT_DOWN}",
    ),
    ({"vgpus": (vgpu(),)}, SHUT_DOWN),
)
"""What is wrong with a VM on h1, and what to do about it; the pool has another host that lacks nothing but the ISOs."""


@pytest.mark.parametrize(("changes", "fix"), SITUATIONS, ids=lambda each: each if isinstance(each, str) else "")
def test_what_disturbs_least_is_the_fix(changes: dict[str, Any], fix: str) -> None:
    """Waiting and settings come before the guest, a reboot after it, and shutting down where nothing else helps."""
    hosts = (make_host("h1", srs=("shared", "isos")), make_host("h2"))
    problem = problem_of(hosts=hosts, vms=[make_vm("web", on="h1", **changes)], **LOCAL, **vgpu_types("gvt_g"))
    (held,) = Rulebook.of(problem).stuck(["h1"])
    assert held.fix == fix


def test_nothing_but_its_host_matters_of_a_vm_on_a_dead_host() -> None:
    """It can neither be shut down nor unpaused."""
    for live, fix in ((False, DECLARE_DEAD), (None, RESTART_TOOLSTACK)):
        vm = make_vm("web", on="h1", **PCI, **PAUSED)
        problem = problem_of(hosts=(make_host("h1", live=live), make_host("h2")), vms=[vm])
        (held,) = Rulebook.of(problem).stuck(["h1"])
        assert held.fix == fix


def test_a_host_that_is_not_there_has_to_come_back() -> None:
    """Of two hosts, the dead one is where VMs could go: declared dead, or held for its VMs, it takes none."""
    hosts, vms = (make_host("h1"), make_host("h2", live=False)), [make_vm("web", on="h1"), make_vm("lost", on="h2")]
    fixes = {each.vm: each.fix for each in Rulebook.of(problem_of(hosts=hosts, vms=vms)).stuck(["h1", "h2"])}
    assert fixes == {"web": "bring the host back", "lost": DECLARE_DEAD}
    unknown = (make_host("h1"), make_host("h2", live=None))
    (held,) = Rulebook.of(problem_of(hosts=unknown, vms=vms[:1])).stuck(["h1"])
    assert held.fix == RESTART_TOOLSTACK


def test_a_vm_whose_disk_is_lost_is_never_shut_down() -> None:
    """It runs as long as it is not halted: nothing else that holds it makes that right."""
    lost = (make_vdi("web-disk0", missing=True),)
    vm = make_vm("web", on="h1", vbds=(make_disk("web"),), **PCI)
    problem = problem_of(hosts=(make_host("h1"), make_host("h2")), vms=[vm], vdis=lost)
    assert Rulebook.of(problem).stuck(["h1"])[0].fix == FIND_DISK


def test_of_several_hosts_the_one_is_opened_that_disturbs_least() -> None:
    """A CD is ejected rather than a host enabled; an SR that is unplugged is attached."""
    hosts = (make_host("h1", srs=("shared", "isos")), make_host("h2"), make_host("h3", enabled=False))
    problem = problem_of(hosts=hosts, vms=[make_vm("web", on="h1", **IN_DRIVE)], **LOCAL)
    assert Rulebook.of(problem).stuck(["h1"])[0].fix == "eject the CD from drive xvdd"
    pbds = (make_pbd("h2", "shared"), make_pbd("h2", "local", attached=False))
    two = (make_host("h1", srs=("shared", "local")), make_host("h2", pbds=pbds))
    vm, disks = make_vm("web", on="h1"), (make_vdi("web-disk0", "local"),)
    problem = problem_of(hosts=two, vms=[vm], srs=(make_sr("local"),), vdis=disks, policy=policy_of())
    assert Rulebook.of(problem).stuck(["h1"])[0].fix == "attach SR 'local' to the host"


def test_a_way_is_open_once_all_of_it_is_settled() -> None:
    """The rank of a fix is that of the worst it asks for; of two as bad, the one that asks for less."""
    vm = make_vm("web", on="h1")
    ask = [Objection(rule=each.name, code=None, words="", remedy=str(each), disruption=each) for each in Disruption]
    wait, setting, *_, reboot, halt = ask

    def fix(*ways: tuple[Objection, ...]) -> Remedy:
        return fix_of(vm, [ClosedWay(objections=each) for each in ways])

    assert fix((wait, reboot), (wait, setting)).words == "wait and setting"
    assert fix((wait, setting), (setting,)).words == "setting"
    assert fix((halt,), (reboot,)).disruption is Disruption.REBOOT
    assert fix().words == SHUT_DOWN
