"""Work on all hosts that is given up half-way: what it turned down in the pool is put back."""

from __future__ import annotations

from rebalancer.execute import assert_unclaimed
from rebalancer.face.rolling.guest_switch import lowered_in
from rebalancer.face.rolling.guests import put_back
from rebalancer.face.rolling.site import Site
from rebalancer.face.rolling.trace import Event, Trace
from rebalancer.inventory import PowerState
from rebalancer.units import first_few

SHOWN = 5


def give_up(trace: Trace, site: Site) -> tuple[str, ...]:
    """Put back what *trace* tells that was turned down; what people should know of it, a sentence each.

    VMs that were shut down stay off: the host that they cannot leave is disabled.

    Raises:
        InputError: the policy does not permit it.
        PoolLocked: another run writes to the pool, on whatever machine.
        XapiError: the pool cannot be reached.
    """
    over = {each.stage for each in trace.entries if each.event is Event.ON}
    noted = [each for each in trace.entries if each.stage not in over]
    stood = [each.words for each in noted if each.event is Event.AUTO]
    if not stood:
        return ()
    lowered = lowered_in(each.words for each in noted if each.event is Event.STOPPING)
    with site.door as live:
        assert_unclaimed(live, site.pool, site.state_dir)
        facts = tuple(put_back(lowered, stood[-1], site.pool, live.guest_power(site.allowed)))
        vms = live.read().vms
    off = [vms[vm].name for vm in lowered if vm in vms and vms[vm].power_state is PowerState.HALTED]
    if not off:
        return facts
    return (*facts, f"shut down, and still off: {first_few(off, SHOWN)}; start them once their host is enabled")
