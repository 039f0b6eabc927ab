"""What kind of domain a VM is, and was built with: what runs now and what its next boot makes of it may differ."""

from __future__ import annotations

from collections.abc import Mapping

from rebalancer.inventory import VM, DomainType, PowerState


def configured_domain_type(vm: VM) -> DomainType:
    """The kind that *vm* becomes when it boots: before XenServer 7.5 a boot policy meant HVM."""
    if vm.domain_type is not None and vm.domain_type is not DomainType.UNSPECIFIED:
        return vm.domain_type
    return DomainType.HVM if vm.hvm_boot_policy else DomainType.PV


def present_domain_type(vm: VM) -> DomainType:
    """The kind that *vm* is now; where xapi does not say, the kind that it would become."""
    current = vm.metrics.current_domain_type if vm.metrics else None
    if vm.power_state is PowerState.HALTED or current is None or current is DomainType.UNSPECIFIED:
        return configured_domain_type(vm)
    return current


def needs_hvm(vm: VM) -> bool:
    """Whether *vm* runs with hardware virtualisation, as all but PV guests do."""
    return present_domain_type(vm) is not DomainType.PV


def says_true(config: Mapping[str, str], key: str) -> bool:
    """Whether XAPI reads the value of *key* as true."""
    return config.get(key, "").lower() in ("true", "1")
