"""Versions as xapi compares them."""

from __future__ import annotations

import pytest

from rebalancer.legality.table import page
from rebalancer.rules import LIVE, WITH_STORAGE
from rebalancer.rules.core.versions import COMPARES_XEN_AND_BUILD, Version, migration_versions, numbers, xapi_version
from tests.pools import make_host


@pytest.mark.parametrize(
    ("version", "parts"), [("4.17.5-13", (4, 17, 5, 13)), ("4.17.5-13-9", (4, 17, 5, 13)), ("1.x.2", (1, 2)), ("", ())]
)
def test_integers_before_the_second_hyphen_count(version: str, parts: Version) -> None:
    """What is no integer is left out."""
    assert numbers(version) == parts


@pytest.mark.parametrize(
    ("software", "version"),
    [
        ({"xapi_build": "26.1.4", "platform_version": "3.2.0"}, (26, 1, 4)),
        ({"platform_version": "3.4"}, (24, 19)),
        ({"platform_version": "3.3.9"}, (1, 249)),
        ({"platform_version": "2.1"}, (1, 9, 90)),
        ({"platform_version": "2.0"}, (1, 3)),
        ({"product_version": "5.6"}, (1, 3)),
        ({}, None),
    ],
)
def test_platform_tells_the_version_where_the_build_is_not_said(
    software: dict[str, str], version: Version | None
) -> None:
    """The build counts; else the first platform that is not newer; a host that says nothing is unknown."""
    assert xapi_version(make_host("h1", software_version=software)) == version


@pytest.mark.parametrize(
    ("coordinator", "keys"),
    [(None, 3), (COMPARES_XEN_AND_BUILD, 3), ((26,), 3), ((25, 30), 1)],
)
def test_new_and_unknown_coordinators_compare_xen_and_build(coordinator: Version | None, keys: int) -> None:
    """Before 25.31 only the platform's version may not decrease."""
    assert len(migration_versions({}, coordinator)) == keys


PRODUCTS = {
    "6.2": {"platform_version": "1.8.0", "product_version": "6.2.0", "xapi": "1.3"},
    "7.0": {"platform_version": "2.1.0", "product_version": "7.0.0", "xapi": "1.3", "xapi_build": "1.9.91"},
    "7.2": {"platform_version": "2.3.0", "product_version": "7.2.0", "xapi": "1.3", "xapi_build": "1.14.6"},
    "7.6": {"platform_version": "2.7.0", "product_version": "7.6.0", "xapi": "1.3", "xapi_build": "1.110.1"},
    "8.2": {"platform_version": "3.2.0", "product_version": "8.2.0", "xapi": "1.20", "xapi_build": "1.249.41"},
    "8.3": {"platform_version": "3.4.0", "product_version": "8.3.0", "xapi": "24.19", "xapi_build": "24.19.2"},
    "26.1": {"platform_version": "3.4.0", "product_version": "8.3.0", "xapi": "26.1", "xapi_build": "26.1.4"},
}
"""What hosts of products say of themselves."""

BY_VERSION = {
    "guest-tools": "7.0 7.2 7.6 8.2 8.3 26.1",
    "nested-virt": "7.0 7.2 7.6 8.2 8.3 26.1",
    "nomigrate": "7.0 7.2 7.6 8.2 8.3 26.1",
    "no-vusb": "7.6 8.2 8.3 26.1",
    "usb-on-target": "7.6 8.2 8.3 26.1",
    "enough-pcpus": "7.6 8.2 8.3 26.1",
    "few-snapshots": "6.2",
    "snapshot-without-memory": "6.2",
}
"""The rules that some xapi does not have, and the products that have them; every other rule binds everywhere."""


@pytest.mark.parametrize("product", PRODUCTS)
def test_rules_of_every_product_are_those_of_the_table(product: str) -> None:
    """By hand from the history of xapi: what 6.2, 7.x, 8.2, 8.3 and 26.x ask, of XenMotion and of Storage XenMotion."""
    version = xapi_version(make_host("h1", software_version=PRODUCTS[product]))
    everything = (*LIVE, *WITH_STORAGE)
    for rule in everything:
        there = product in BY_VERSION.get(rule.id, " ".join(PRODUCTS)).split()
        assert rule.binds(version) is there, rule.id


def test_table_of_versions_names_every_rule_with_a_version() -> None:
    """A rule that gets a version needs its row here."""
    everything = (*LIVE, *WITH_STORAGE)
    assert {rule.id for rule in everything if rule.since or rule.until} == set(BY_VERSION)


def test_page_names_the_versions() -> None:
    """The first that asks, and the first that does not any more."""
    assert "| since 1.57 |" in page()
    assert "| before 1.9.70 |" in page()
