"""What a VM is once a remedy is done: rules are asked about it again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rebalancer.inventory import DomainType, PowerState, VMMetrics
from rebalancer.rules import VMRule
from rebalancer.rules.devices.no_vusb import NoVUSB, USBOnTarget
from rebalancer.rules.disks.disks_present import DisksPresent
from rebalancer.rules.disks.shared_sr_visible import SharedSRVisible
from rebalancer.rules.in_guest.cant_suspend_reason import KEY, CantSuspendReason
from rebalancer.rules.in_guest.guest_tools import GuestTools
from rebalancer.rules.in_guest.guest_tools_installed import GuestToolsInstalled
from rebalancer.rules.in_guest.nested_virt import NestedVirt
from rebalancer.rules.in_guest.no_vcpu_mask import NoVCPUMask
from rebalancer.rules.in_guest.nomigrate import NoMigrate
from rebalancer.rules.vm.no_conflicting_op import NoConflictingOp
from rebalancer.rules.vm.op_not_blocked import OpNotBlocked
from rebalancer.rules.vm.sane_parameters import SaneParameters
from rebalancer.rules.vm.vm_running import VMNotPaused, VMRunning
from tests.pools import make_cd, make_disk, make_host, make_sr, make_vdi, make_vm, problem_of


def test_an_image_that_is_missing_is_ejected() -> None:
    """The drive is empty, and the rule has no objection left; a disk that is missing nobody can eject."""
    web = make_vm("web", vbds=(make_disk("web"), make_cd("web", "image")))
    problem = problem_of(vms=(web,), vdis=(make_vdi("image", missing=True),))
    rule, host = DisksPresent(), problem.pool.hosts["h2"]
    mended = rule.mended(web, host, problem)
    assert rule.objects(web, problem) is not None
    assert mended is not None
    assert [(drive.empty, drive.vdi) for drive in mended.vbds] == [(False, "web-disk0"), (True, None)]
    assert rule.objects(mended, problem) is None
    lost = problem_of(vms=(web,), vdis=(make_vdi("web-disk0", missing=True), make_vdi("image", missing=True)))
    assert rule.mended(web, host, lost) is None


def test_a_guest_reports_no_reason_any_more() -> None:
    """The reason is gone and all else it reported is still there; a VM without a report has nothing to mend."""
    web = make_vm("web")
    assert web.guest_metrics is not None
    reports = replace(web.guest_metrics, other={**web.guest_metrics.other, KEY: "a device", "kept": "1"})
    sick = replace(web, guest_metrics=reports)
    problem = problem_of(vms=(sick,))
    rule, host = CantSuspendReason(), problem.pool.hosts["h2"]
    mended = rule.mended(sick, host, problem)
    assert rule.objects(sick, problem) is not None
    assert mended is not None
    assert mended.guest_metrics is not None
    assert (KEY in mended.guest_metrics.other, mended.guest_metrics.other["kept"]) == (False, "1")
    assert rule.mended(replace(web, guest_metrics=None), host, problem) is None


def test_a_block_is_removed_alone() -> None:
    """The operation that is wanted is allowed, and others are blocked as they were."""
    web = make_vm("web", blocked_operations={"pool_migrate": "no", "destroy": "no"})
    problem = problem_of(vms=(web,))
    rule, host = OpNotBlocked(), problem.pool.hosts["h2"]
    mended = rule.mended(web, host, problem)
    assert rule.objects(web, problem) is not None
    assert mended is not None
    assert mended.blocked_operations == {"destroy": "no"}
    assert rule.objects(mended, problem) is None


def test_usb_devices_are_removed_with_all_that_is_known_of_them() -> None:
    """For the VM that runs, and for the hosts where it could start."""
    web = make_vm("web", vusbs=("usb",), usb_hosts=("h1",))
    problem = problem_of(vms=(web,))
    host = problem.pool.hosts["h2"]
    assert NoVUSB().mended(web, host, problem) == replace(web, vusbs=(), usb_hosts=())
    assert USBOnTarget().mended(web, host, problem) == replace(web, vusbs=(), usb_hosts=())


METRICS = VMMetrics(memory_actual_bytes=1, vcpus_number=1, current_domain_type=DomainType.HVM)
REBUILT: tuple[tuple[VMRule, dict[str, Any], dict[str, Any]], ...] = (
    (
        NestedVirt(),
        {"platform": {"nested-virt": "true", "kept": "1"}, "metrics": replace(METRICS, nested_virt=True)},
        {"platform": {"kept": "1"}, "metrics": replace(METRICS, nested_virt=False)},
    ),
    (
        NoMigrate(),
        {"platform": {"nomigrate": "true", "kept": "1"}, "metrics": replace(METRICS, nomigrate=True)},
        {"platform": {"kept": "1"}, "metrics": replace(METRICS, nomigrate=False)},
    ),
    (NestedVirt(), {"platform": {"nested-virt": "1"}, "metrics": None}, {"platform": {}, "metrics": None}),
    (NoMigrate(), {"platform": {"nomigrate": "1"}, "metrics": None}, {"platform": {}, "metrics": None}),
    (NoVCPUMask(), {"vcpus_params": {"mask": "1,2", "kept": "1"}}, {"vcpus_params": {"kept": "1"}}),
    (
        NoConflictingOp(),
        {"current_operations": ("snapshot",), "ghost_operations": ("snapshot",)},
        {"current_operations": (), "ghost_operations": ()},
    ),
    (SaneParameters(), {"actions_after_crash": "rename_restart"}, {"actions_after_crash": "restart"}),
    (VMRunning(), {"power_state": PowerState.PAUSED}, {"power_state": PowerState.RUNNING}),
    (VMNotPaused(), {"power_state": PowerState.PAUSED}, {"power_state": PowerState.RUNNING}),
)


@pytest.mark.parametrize(("rule", "sick", "well"), REBUILT, ids=lambda each: getattr(each, "id", ""))
def test_what_a_setting_mends(rule: VMRule, sick: dict[str, Any], well: dict[str, Any]) -> None:
    """The rule has no objection left, and everything else is as it was."""
    web = make_vm("web", **sick)
    problem = problem_of(vms=(web,))
    mended = rule.mended(web, problem.pool.hosts["h2"], problem)
    assert rule.objects(web, problem) is not None
    assert mended == replace(web, **well)
    assert rule.objects(mended, problem) is None


def test_what_no_setting_mends() -> None:
    """A VM that is halted is on no host, and too few vCPUs stay too few while it runs."""
    halted = make_vm("web", power_state=PowerState.HALTED)
    few = make_vm("web", vcpus_max=0, actions_after_crash="rename_restart")
    for rule, vm in ((VMRunning(), halted), (SaneParameters(), few)):
        problem = problem_of(vms=(vm,))
        assert rule.objects(vm, problem) is not None
        assert rule.mended(vm, problem.pool.hosts["h2"], problem) is None


@pytest.mark.parametrize("rule", [GuestTools(), GuestToolsInstalled()], ids=lambda each: each.id)
@pytest.mark.parametrize("reports", [None, {"kept": "1"}])
def test_a_guest_reports_its_tools(rule: VMRule, reports: dict[str, str] | None) -> None:
    """Whatever it reported before; drivers of version 9.0.0, build 0, that are detected."""
    web = make_vm("web", metrics=METRICS)
    assert web.guest_metrics is not None
    silent = replace(web.guest_metrics, pv_drivers_version={}, pv_drivers_detected=None, other=reports or {})
    web = replace(web, guest_metrics=silent if reports else None)
    problem = problem_of(vms=(web,))
    mended = rule.mended(web, problem.pool.hosts["h2"], problem)
    assert rule.objects(web, problem) is not None
    assert mended is not None
    assert mended.guest_metrics is not None
    assert mended.guest_metrics.pv_drivers_version == {"major": "9", "minor": "0", "micro": "0", "build": "0"}
    assert (mended.guest_metrics.pv_drivers_detected, mended.guest_metrics.other) == (True, reports or {})
    assert rule.objects(mended, problem) is None


def test_only_cds_that_are_in_the_way_are_ejected() -> None:
    """One of an SR that the target lacks, not the disk, nor the CD that the target sees; none where a disk needs it."""
    drives = (make_disk("web"), replace(make_cd("web", "here"), uuid="web-xvdc"), make_cd("web", "away"))
    web = make_vm("web", vbds=drives)
    srs, vdis = (make_sr("isos"),), (make_vdi("here"), make_vdi("away", "isos"))
    hosts = (make_host("h1", srs=("shared", "isos")), make_host("h2"))
    problem = problem_of(hosts=hosts, vms=(web,), srs=srs, vdis=vdis)
    mended = SharedSRVisible().mended(web, problem.pool.hosts["h2"], problem)
    assert mended is not None
    assert [(drive.empty, drive.vdi) for drive in mended.vbds] == [(False, "web-disk0"), (False, "here"), (True, None)]
    lost = problem_of(hosts=hosts, vms=(web,), srs=srs, vdis=(*vdis, make_vdi("web-disk0", "isos")))
    assert SharedSRVisible().mended(web, lost.pool.hosts["h2"], lost) is None
