"""The manual's page about rules, and the catalogue behind it."""

from __future__ import annotations

from pathlib import Path

import pytest

from rebalancer.errors import PolicyError
from rebalancer.legality.table import page
from rebalancer.rules import LIVE, Legality, Origin, relaxed, rules_for
from rebalancer.rules.wishes.never_move import NeverMove
from tests.conftest import ROOT
from tests.pools import SOFTWARE, make_host, make_vm, policy_of, problem_of


def test_page_is_current() -> None:
    """docs/rules.md is what `python -m rebalancer.legality.table` writes."""
    assert (ROOT / "docs" / "rules.md").read_text() == page()


def test_ids_are_unique_and_name_their_files() -> None:
    """Each rule has an id of its own, and its file is called after it."""
    ids = [rule.id for rule in LIVE]
    assert len(set(ids)) == len(ids)
    files = {rule.id: Path(type(rule).__module__.replace(".", "/")).name for rule in LIVE}
    assert files == {each: each.replace("-", "_") for each in ids}


def test_every_rule_says_what_it_is() -> None:
    """Each rule has a sentence and a source, and those that XAPI enforces have its error."""
    assert all(rule.sentence.endswith(".") and rule.source for rule in LIVE)
    assert all(rule.code for rule in LIVE if rule.origin is Origin.XAPI)


def test_enforced_set_leaves_out_what_only_the_manual_asks() -> None:
    """`enforced` holds no rule of the manual, `documented` holds all."""
    enforced = rules_for(problem_of(policy=policy_of(rules={"set": "enforced"})))
    assert {rule.origin for rule in enforced} == {Origin.XAPI, Origin.POLICY}
    assert rules_for(problem_of()) == LIVE


def test_relaxed_rule_does_not_bind_and_is_listed() -> None:
    """A documented rule that the policy relaxes is gone, and the plan can say which."""
    problem = problem_of(policy=policy_of(rules={"relax": ["no-vcpu-mask", "guest-tools-installed"]}))
    assert {rule.id for rule in LIVE} - {rule.id for rule in rules_for(problem)} == set(relaxed(problem.policy))
    assert relaxed(problem.policy) == ("guest-tools-installed", "no-vcpu-mask")


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("guest-tool-installed", "Perhaps 'guest-tools-installed' is meant"),
        ("zzz", "docs/rules.md"),
        ("vm-running", "enforced by XAPI"),
        ("keep-apart", "the policy's own"),
    ],
)
def test_only_documented_rules_can_be_relaxed(rule: str, words: str) -> None:
    """Unknown ids, XAPI's rules and the policy's own are refused, with the fix."""
    with pytest.raises(PolicyError, match=words):
        rules_for(problem_of(policy=policy_of(rules={"relax": [rule]})))


def test_rules_follow_the_version_of_the_coordinator() -> None:
    """What an old xapi does not check does not bind as its rule; an unknown version has them all."""
    old = {"platform_version": "1.6.10", "product_version": "6.1.0", "xapi": "1.3"}
    for software, there in ((old, False), (SOFTWARE, True), ({}, True)):
        problem = problem_of(hosts=[make_host("h1", software_version=software)])
        assert ("enough-pcpus" in {rule.id for rule in rules_for(problem)}) is there


class From7To8(NeverMove):
    """A rule of versions 7 to 8."""

    since = (7,)
    until = (8,)


@pytest.mark.parametrize(("version", "binds"), [((6, 9), False), ((7,), True), ((7, 9), True), ((8,), False)])
def test_rule_binds_from_one_version_to_the_next(version: tuple[int, ...], binds: bool) -> None:
    """The first version that enforces it does, the first that does not any more does not."""
    assert From7To8().binds(version) is binds


def test_pool_of_an_old_version_still_moves() -> None:
    """XenServer 6.1 knows neither domain types nor feature levels, and a VM may move there all the same."""
    software = {"platform_version": "1.6.10", "product_version": "6.1.0", "xapi": "1.3"}
    cpu = {"cpu_count": "8", "vendor": "GenuineIntel", "features": "0098e3fd-bfebfbff"}
    hosts = [make_host(name, software_version=software, cpu_info=cpu) for name in ("h1", "h2")]
    flags = {"vendor": "GenuineIntel", "features": "0098e3fd-bfebfbff"}
    problem = problem_of(hosts=hosts, vms=[make_vm("web", domain_type=None, last_boot_cpu_flags=flags)])
    legality = Legality(problem, rules_for(problem))
    assert legality.objections(problem.pool.vms["web"], problem.pool.hosts["h2"]) == ()
