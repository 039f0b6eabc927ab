"""How long VMs waited for a pCPU, as the run states of their domains tell.

Xen sorts the time of a domain by what its vCPUs do (xen/include/public/domctl.h: runstates of domains, by way of xapi's
rrdp_cpu.ml). Three of these states hold vCPUs that could run and did not. xapi records them only for VMs for which
somebody asked with `VM.record_data_source`.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

ALL_WAIT: Final = "runstate_full_contention"
"""Share of time in which all vCPUs wait."""
SOME_RUN: Final = "runstate_concurrency_hazard"
"""Share of time in which some run and some wait."""
SOME_SLEEP: Final = "runstate_partial_contention"
"""Share of time in which some wait and the others have nothing to do."""
WAITING: Final = (ALL_WAIT, SOME_RUN, SOME_SLEEP)


def waiting_pcpu(shares: NDArray[np.float64], vcpus: int) -> NDArray[np.float64]:
    """pCPUs that a VM of *vcpus* wanted and did not get in each row.

    The states tell how long some vCPU waited, not how many did. With one or two vCPUs that is all there is to know;
    with more, vCPUs are taken to wait independently of each other, but never for less or more than the states
    allow. Loads that come and go on all vCPUs at once waited for longer than that.

    Args:
        shares: of time, in the order of `WAITING`, shape (rows, 3), NaN where it is not known.
        vcpus: how many the VM has.

    Returns:
        Shape (rows,), NaN where one of the states is not known.
    """
    all_wait, any_waits = shares[:, 0], np.minimum(shares.sum(axis=1), 1.0)
    some_wait = np.maximum(any_waits - all_wait, 0.0)
    alone = vcpus * (1.0 - (1.0 - any_waits) ** (1.0 / max(vcpus, 1)))
    least, most = vcpus * all_wait + some_wait, vcpus * all_wait + max(vcpus - 1, 0) * some_wait
    return np.asarray(np.clip(alone, np.minimum(least, most), most), dtype=np.float64)
