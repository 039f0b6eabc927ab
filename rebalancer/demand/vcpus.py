"""What vCPU columns say about a VM, and which of them cannot be true."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from rebalancer.inventory import VM

TOLERANCE = 0.05
"""How far over 1 a share may be: rounding, and clocks that disagree over an interval."""

MOST_CPUS = 4096
"""No host that xapi runs on has a CPU of a higher number."""

_CPU = re.compile(r"cpu(\d+)")


def cpu_number(source: str) -> int | None:
    """The number in `cpu<number>`; None for other sources, such as `cpu_avg`, `cpu_usage` and `cpu0-C1`."""
    match = _CPU.fullmatch(source)
    return int(match[1]) if match else None


def vcpu_limit(vm: VM) -> int:
    """The most pCPUs that *vm* can use: its vCPUs, running or configured, whichever are more."""
    return max(vm.vcpus_max, vm.metrics.vcpus_number if vm.metrics else 0)


def vm_pcpu(numbers: Iterable[int], shares: NDArray[np.float64], vcpus_now: int) -> NDArray[np.float64]:
    """pCPUs used in each row: the sum over the vCPUs that the VM had then.

    A vCPU that was plugged in or out within the window has values only while it existed: before its first value it is
    not there, and neither is it after its last one unless the VM has it now. A NaN of a vCPU that is there makes
    the row missing, because xapi writes NaN for a vCPU that was too busy to be true (CA-322008).

    Args:
        numbers: the number of each vCPU column.
        shares: 0 to 1 or NaN, shape (rows, vCPUs).
        vcpus_now: how many vCPUs the VM has now.

    Returns:
        Shape (rows,), NaN where it is not known.
    """
    known = ~np.isnan(shares)
    begun = np.logical_or.accumulate(known, axis=0)
    not_over = np.logical_or.accumulate(known[::-1], axis=0)[::-1]
    has_now = np.array([number < vcpus_now for number in numbers], dtype=bool)
    there = begun & (not_over | has_now)
    total = np.where(known, shares, 0.0).sum(axis=1)
    complete = there.any(axis=1) & ~(there & ~known).any(axis=1)
    return np.where(complete, total, np.nan)


def is_share(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which values can be a share of one CPU, or are NaN."""
    return np.isnan(values) | ((values >= 0) & (values <= 1 + TOLERANCE))
