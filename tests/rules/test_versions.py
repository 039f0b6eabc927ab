"""Versions as xapi compares them."""

from __future__ import annotations

import pytest

from rebalancer.rules.versions import COMPARES_XEN_AND_BUILD, Version, migration_versions, numbers, xapi_version
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
