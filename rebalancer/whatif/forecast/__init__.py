"""When the pool runs out of what, by its past; and which VMs are remarkable."""

from rebalancer.whatif.forecast.ahead import COVERAGE, Ahead, ahead
from rebalancer.whatif.forecast.courses import Night, cpu_course, memory_course
from rebalancer.whatif.forecast.runway import ResourceDays, Runway, runway
from rebalancer.whatif.forecast.vms import VMFinding, VMKind, vm_findings

__all__ = [
    "COVERAGE",
    "Ahead",
    "Night",
    "ResourceDays",
    "Runway",
    "VMFinding",
    "VMKind",
    "ahead",
    "cpu_course",
    "memory_course",
    "runway",
    "vm_findings",
]
