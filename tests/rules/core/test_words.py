"""Objections are sentences with numbers and names, and tell the cheapest fix."""

from __future__ import annotations

from typing import Any

import pytest

from rebalancer.problem import Problem
from rebalancer.rules import Legality, Objection, Rulebook, rules_for
from rebalancer.rules.network.internal_network_stays import InternalNetworkStays
from rebalancer.units import GIB
from tests.pools import (
    CPU_INFO,
    FEATURES,
    SOFTWARE,
    make_cd,
    make_disk,
    make_host,
    make_network,
    make_sr,
    make_vdi,
    make_vm,
    problem_of,
)
from tests.rules.row import vgpu, vgpu_types
from tests.rules.verdicts import Verdicts


def objection(problem: Problem, rule: str, vm: str = "web", host: str = "h2") -> Objection:
    """What *rule* says of a move."""
    legality = Legality(problem, rules_for(problem))
    found = legality.objections(problem.pool.vms[vm], problem.pool.hosts[host])
    return next(each for each in found if each.rule == rule)


def test_cd_that_nobody_else_sees_is_to_be_ejected() -> None:
    """Where only the image in a CD drive is missing, ejecting it is the fix."""
    iso = make_vdi("image", "isos")
    srs = [make_sr("isos")]
    only_cd = make_vm("web", vbds=(make_disk("web"), make_cd("web", "image")))
    found = objection(problem_of(vms=[only_cd], srs=srs, vdis=[iso]), "shared-sr-visible")
    assert found.words == "needs SR 'isos', which the host does not have attached"
    assert found.remedy == "eject the CD from drive xvdd"
    disk_too = make_vm("web", vbds=(make_disk("web", vdi="other"), make_cd("web", "image")))
    both = objection(problem_of(vms=[disk_too], srs=srs, vdis=[iso, make_vdi("other", "isos")]), "shared-sr-visible")
    assert both.remedy == ""


def test_a_drive_that_leads_nowhere_is_named_first() -> None:
    """Beside a disk that the target only does not see, XAPI trips over the one that is gone."""
    drives = (make_disk("web", 0, vdi="one"), make_disk("web", 1, vdi=None))
    problem = problem_of(vms=[make_vm("web", vbds=drives)], srs=[make_sr("first")], vdis=[make_vdi("one", "first")])
    assert objection(problem, "shared-sr-visible").code == "HANDLE_INVALID"


def test_all_missing_srs_are_named() -> None:
    """XAPI names one SR, the words name all."""
    drives = (make_disk("web", 0, vdi="one"), make_disk("web", 1, vdi="two"))
    srs = [make_sr("first"), make_sr("second")]
    problem = problem_of(
        vms=[make_vm("web", vbds=drives)], srs=srs, vdis=[make_vdi("one", "first"), make_vdi("two", "second")]
    )
    assert "'first', 'second'" in objection(problem, "shared-sr-visible").words


def test_memory_is_refused_with_both_numbers() -> None:
    """In words for people, and to the byte as XAPI has them."""
    full = make_host("h2", memory_total_bytes=5 * 2**30, memory_overhead_bytes=0)
    problem = problem_of(hosts=(make_host("h1"), full), vms=[make_vm("web")])
    found = Verdicts(Rulebook.of(problem)).first(problem.pool.vms["web"], problem.pool.hosts["h2"])
    assert found is not None
    assert found.code == "HOST_NOT_ENOUGH_FREE_MEMORY"
    assert found.params == (str(2 * 2**30 + 21 * 2**20), str(2**30))
    assert found.words == "needs 2.0 GiB of memory, the host has 1.0 GiB free"


def test_internal_network_is_followed_through_the_plan() -> None:
    """A VM may follow another on an internal network only while somebody of it still runs there."""
    inner = ("inner",)
    problem = problem_of(
        vms=[make_vm("web", networks=inner), make_vm("peer", on="h2", networks=inner)],
        networks=[make_network("inner")],
    )
    book = Rulebook.of(problem)
    assert book.live.targets(problem.pool.vms["web"]) == ("h2",)
    ledger = book.ledger()
    assert ledger.objections("web", "h2") == ()
    ledger.join("peer", "h1")
    assert ledger.objections("web", "h2") == ()
    ledger.settle("peer", "h2")
    assert [each.rule for each in ledger.objections("web", "h2")] == ["internal-network-stays"]


def test_verdict_counts_a_vm_that_stays_once_more() -> None:
    """XAPI would migrate a VM to its own host, which needs its memory a second time, and may be disabled."""
    own = make_host("h1", enabled=False)
    tight = make_host("h1", memory_total_bytes=7 * 2**30, memory_overhead_bytes=0)
    for host, code in ((own, None), (tight, "HOST_NOT_ENOUGH_FREE_MEMORY")):
        problem = problem_of(hosts=(host, make_host("h2")), vms=[make_vm("web")])
        found = Verdicts(Rulebook.of(problem)).first(problem.pool.vms["web"], problem.pool.hosts["h1"])
        assert (found.code if found else None) == code


@pytest.mark.parametrize(
    ("features", "words"), [("00000001", "1 CPU feature that"), ("00000003", "2 CPU features that")]
)
def test_lacking_cpu_features_are_counted(features: str, words: str) -> None:
    """The number of features that the target lacks, not their names, which nobody knows."""
    flags = {"vendor": "GenuineIntel", "features": features}
    bare = make_host("h2", cpu_info=CPU_INFO | {"features_hvm": "00000000"})
    problem = problem_of(hosts=(make_host("h1"), bare), vms=[make_vm("web", last_boot_cpu_flags=flags)])
    assert words in objection(problem, "cpu-features").words


@pytest.mark.parametrize(("build", "legal"), [("1.9.89", True), ("1.9.90", False)])
def test_cpu_levels_for_each_kind_of_domain_came_with_1_9_90(build: str, legal: bool) -> None:
    """Before, hosts had one level for all; since then, a host that has no other says nothing."""
    cpu = {"cpu_count": "8", "vendor": "GenuineIntel", "features": FEATURES}
    hosts = [make_host(name, cpu_info=cpu, software_version={"xapi_build": build}) for name in ("h1", "h2")]
    problem = problem_of(hosts=hosts, vms=[make_vm("web")])
    legality = Legality(problem, rules_for(problem))
    found = {each.rule for each in legality.objections(problem.pool.vms["web"], problem.pool.hosts["h2"])}
    assert ("cpu-features" not in found) is legal


def test_the_fix_names_only_cds_where_no_disk_is_missing() -> None:
    """With a disk on one missing SR and a CD on another, ejecting the CD would not help."""
    vm = make_vm("web", vbds=(make_disk("web", vdi="there"), make_cd("web", "image")))
    vdis = [make_vdi("there", "local"), make_vdi("image", "isos")]
    problem = problem_of(vms=[vm], srs=[make_sr("isos"), make_sr("local", shared=False)], vdis=vdis)
    assert objection(problem, "shared-sr-visible").remedy == ""


@pytest.mark.parametrize(
    ("vm", "target", "rule", "words"),
    [
        ({"blocked_operations": {"pool_migrate": "ask Ann"}}, {}, "op-not-blocked", "ask Ann"),
        ({"blocked_operations": {"pool_migrate": ""}}, {}, "op-not-blocked", "no reason given"),
        ({"hardware_platform_version": 3}, {}, "hardware-platform", "0, 1, 2"),
        ({}, {"virtual_hardware_platform_versions": ()}, "hardware-platform", "none"),
        ({}, {"live": False}, "target-live", "is not live"),
        ({}, {"live": None}, "target-live", "has no metrics"),
        ({}, {"software_version": SOFTWARE | {"xen": "4.16"}}, "version-order", "its xen is 4.16"),
        ({}, {"software_version": SOFTWARE | {"xen": ""}}, "version-order", "its xen is unknown"),
    ],
)
def test_words_name_what_is_known(vm: dict[str, Any], target: dict[str, Any], rule: str, words: str) -> None:
    """The operator's own reason, versions, and what is unknown as unknown."""
    problem = problem_of(hosts=(make_host("h1"), make_host("h2", **target)), vms=[make_vm("web", **vm)])
    assert words in objection(problem, rule).words


@pytest.mark.parametrize(("pool", "words"), [(vgpu_types("gvt_g"), "gvt_g"), ({}, "unknown")])
def test_words_name_the_kind_of_gpu_that_stays(pool: dict[str, Any], words: str) -> None:
    """As XAPI calls it, where it does."""
    problem = problem_of(vms=[make_vm("web", vgpus=(vgpu(),))], **pool)
    assert words in objection(problem, "vgpu-migratable").words


def test_memory_comes_before_pcpus() -> None:
    """Where a target lacks memory and pCPUs, XAPI's answer is about memory."""
    small = make_host("h2", memory_total_bytes=5 * GIB, cpu_info=CPU_INFO | {"cpu_count": "1"})
    problem = problem_of(hosts=(make_host("h1"), small), vms=[make_vm("web")])
    found = Verdicts(Rulebook.of(problem)).first(problem.pool.vms["web"], small)
    assert found is not None
    assert found.rule == "enough-memory"


def test_internal_network_on_one_host_is_the_business_of_the_target() -> None:
    """Where nobody of a network runs on a second host, `network-on-target` has said so already."""
    vms = [make_vm("web", networks=("inner",))]
    problem = problem_of(vms=vms, networks=[make_network("inner")])
    assert InternalNetworkStays().limits(problem) == ()
