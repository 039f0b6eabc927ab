"""What kind of domain a VM is now, and what it becomes when it boots."""

from __future__ import annotations

import pytest

from rebalancer.inventory import DomainType, PowerState
from rebalancer.rules.facts.domain import configured_domain_type, present_domain_type
from tests.pools import make_metrics, make_vm


@pytest.mark.parametrize(
    ("domain_type", "boot_policy", "kind"),
    [
        (DomainType.PVH, "", DomainType.PVH),
        (DomainType.PV, "BIOS order", DomainType.PV),
        (DomainType.UNSPECIFIED, "BIOS order", DomainType.HVM),
        (DomainType.UNSPECIFIED, "", DomainType.PV),
        (None, "BIOS order", DomainType.HVM),
        (None, "", DomainType.PV),
    ],
)
def test_boot_policy_decides_where_no_kind_is_configured(
    domain_type: DomainType | None, boot_policy: str, kind: DomainType
) -> None:
    """A VM that says what it is becomes that; of an older one a boot policy says that it is HVM."""
    assert configured_domain_type(make_vm("web", domain_type=domain_type, hvm_boot_policy=boot_policy)) is kind


@pytest.mark.parametrize(
    ("power_state", "current", "kind"),
    [
        (PowerState.RUNNING, DomainType.PV, DomainType.PV),
        (PowerState.RUNNING, DomainType.UNSPECIFIED, DomainType.PVH),
        (PowerState.RUNNING, None, DomainType.PVH),
        (PowerState.HALTED, DomainType.PV, DomainType.PVH),
    ],
)
def test_running_domain_says_what_it_is(power_state: PowerState, current: DomainType | None, kind: DomainType) -> None:
    """What runs counts; a halted VM, or one of which xapi does not say it, is what it would become."""
    metrics = make_metrics(current_domain_type=current)
    vm = make_vm("web", power_state=power_state, domain_type=DomainType.PVH, metrics=metrics)
    assert present_domain_type(vm) is kind


def test_vm_without_metrics_is_what_it_would_become() -> None:
    """No metrics say nothing."""
    assert present_domain_type(make_vm("web", domain_type=DomainType.PV, metrics=None)) is DomainType.PV
