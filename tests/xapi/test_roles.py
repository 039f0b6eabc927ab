"""The table of what each feature takes, beside the permissions of XAPI and beside the docs."""

from __future__ import annotations

import re

import pytest

from rebalancer.simulator.state.roles import holders
from rebalancer.xapi import FEATURES, Feature, Permissions
from tests.conftest import ROOT

ORDER = ("read-only", "vm-operator", "vm-admin", "vm-power-admin", "pool-operator", "pool-admin")
PAGE = (ROOT / "docs" / "setup.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("feature", FEATURES, ids=lambda each: each.name)
def test_the_least_role_is_that_of_xapis_data_model(feature: Feature) -> None:
    """It has each call of the feature, and the role below it lacks one."""
    permissions = [holders()[call.lower()] for call in feature.calls]
    assert all(feature.role in roles for roles in permissions)
    lower = ORDER[: ORDER.index(feature.role)]
    assert all(any(role not in roles for roles in permissions) for role in lower)


def test_the_page_has_the_same_table() -> None:
    """docs/setup.md names each feature with its calls and its role, in this order."""
    rows = re.findall(r"^\| ([^|]+?) \| ([^|]*?) \| ([^|]+?) \|$", PAGE, re.MULTILINE)
    table = [row for row in rows if row[2] in ORDER]
    calls = [", ".join(f"`{call}`" for call in each.calls) or "reads, metrics over HTTP" for each in FEATURES]
    assert table == [(each.name, call, each.role) for each, call in zip(FEATURES, calls, strict=True)]


def test_the_local_root_lacks_nothing() -> None:
    """Whatever the list of permissions says; somebody else lacks what is not in it."""
    root, other = (Permissions(unlimited=each, held=frozenset({"vm.pool_migrate"})) for each in (True, False))
    assert not any(map(root.missing, FEATURES))
    assert [each.name for each in FEATURES if other.missing(each)] == [
        each.name for each in FEATURES if each.calls and each.calls != ("VM.pool_migrate",)
    ]
