"""What if hosts die."""

from __future__ import annotations

from rebalancer.errors import InputError
from rebalancer.face.given import assert_whole
from rebalancer.face.model import Model, assert_model
from rebalancer.units import counted
from rebalancer.whatif.failures import Failure
from rebalancer.whatif.failures import failures as failures_of


def failures(model: Model, hosts: int = 1) -> tuple[Failure, ...]:
    """What follows from the death of any so many *hosts* together: which VMs stay down, and why.

    Example:
        >>> import rebalancer as rb
        >>> found = rb.failures(rb.Model(rb.read("pool.json.gz")))
        >>> [(each.hosts, len(each.down)) for each in found if each.hosts == ("beech",)]
        [(('beech',), 1)]
        >>> rb.frames.failures_frame(found).columns[:3].tolist()
        ['hosts', 'host_uuids', 'guests']

    Raises:
        InputError: the pool has fewer hosts.
        PolicyError: there are too many ways in which so many can die.
    """
    assert_model(model)
    live = sum(bool(host.live) for host in model.state.pool.hosts.values())
    if not live:
        raise InputError("hosts", "no host of the pool is live, so none can die", "Bring one back first")
    remedy = f"Give 1 to {live}" if live > 1 else "Give 1"
    assert_whole("hosts", hosts, remedy)
    if not 1 <= hosts <= live:
        raise InputError("hosts", f"{hosts} of {counted(live, 'live host')} cannot die", remedy)
    return failures_of(model.problem, hosts)
