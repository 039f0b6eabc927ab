"""What a VM is once a remedy is done: rules are asked about it again."""

from __future__ import annotations

from dataclasses import replace

from rebalancer.rules.devices.no_vusb import NoVUSB, USBOnTarget
from rebalancer.rules.disks.disks_present import DisksPresent
from rebalancer.rules.in_guest.cant_suspend_reason import KEY, CantSuspendReason
from rebalancer.rules.vm.op_not_blocked import OpNotBlocked
from tests.pools import make_cd, make_disk, make_vdi, make_vm, problem_of


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
