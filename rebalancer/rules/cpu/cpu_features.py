"""The target's CPUs have every feature that the VM saw when it booted."""

from __future__ import annotations

from dataclasses import dataclass

from rebalancer.inventory import VM, Host, PowerState, Uuid
from rebalancer.inventory.feature_words import feature_words
from rebalancer.problem import Problem
from rebalancer.rules.core.disruption import Disruption
from rebalancer.rules.core.kinds import Objection, Origin, PairRule
from rebalancer.rules.core.versions import LEVELS_PER_DOMAIN_TYPE, xapi_version
from rebalancer.rules.facts.domain import needs_hvm
from rebalancer.units import counted


@dataclass(frozen=True, slots=True)
class CPUNeed:
    """The features that a VM booted with, as xapi writes them, None where none were recorded."""

    key: str
    features: str | None


class CPUFeatures(PairRule[CPUNeed]):
    """Bit by bit: XAPI before 23.17, and the best guess after, when Xen itself compares.

    Words of the VM beyond the host's last are ignored. XAPI before 1.9.90 knew one level for all kinds of domain.
    """

    id = "cpu-features"
    sentence = "The target's CPUs have every feature that the VM booted with, for its kind of domain."
    source = "cpuid_helpers.ml: assert_vm_is_compatible; cpuid.ml; xenops_server_xen.ml: is_compatible"
    origin = Origin.XAPI
    code = "VM_INCOMPATIBLE_WITH_THIS_HOST"

    def __init__(self, unreadable: str = "INTERNAL_ERROR") -> None:
        self._unreadable = unreadable

    def needs(self, vm: VM, problem: Problem) -> CPUNeed | None:
        """What the VM recorded and the level it is held against; a halted VM may boot anywhere."""
        if vm.power_state is PowerState.HALTED:
            return None
        return CPUNeed("features_hvm" if needs_hvm(vm) else "features_pv", vm.last_boot_cpu_flags.get("features"))

    def objects(self, needs: CPUNeed, host: Host, problem: Problem) -> Objection | None:
        """A host that lacks a feature, or does not say what it has."""
        offered = host.cpu_info.get(_key(needs.key, problem.pool.of_host(host.uuid).coordinator, problem))
        if offered is None:
            return self.objection(f"does not say which CPU features it has ({needs.key})")
        if needs.features is None:
            return None
        wanted, present = feature_words(needs.features), feature_words(offered)
        if wanted is None or present is None:
            return self.objection("CPU features are recorded in a form that nobody can read", code=self._unreadable)
        lacking = sum((want & ~have).bit_count() for want, have in zip(wanted, present, strict=False))
        if not lacking:
            return None
        return self.objection(
            f"was booted with {counted(lacking, 'CPU feature')} that the host's CPUs do not have",
            remedy="shut the VM down and start it again: it then gets the level of the whole pool",
            disruption=Disruption.REBOOT,
        )


def _key(key: str, coordinator: Uuid, problem: Problem) -> str:
    """The key of `cpu_info` that holds the level in the pool of *coordinator*: one for all before xapi 1.9.90."""
    version = xapi_version(problem.pool.hosts[coordinator])
    old = version is not None and version < LEVELS_PER_DOMAIN_TYPE
    return "features" if old and coordinator not in problem.index.levelled_by_domain_type else key
