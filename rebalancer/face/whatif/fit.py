"""How many more VMs fit."""

from __future__ import annotations

from collections.abc import Sequence

from rebalancer.errors import InputError
from rebalancer.face.given import assert_whole, assert_work
from rebalancer.face.model import Model, assert_model
from rebalancer.face.whatif.place import Wanted, kind_of
from rebalancer.units import counted
from rebalancer.whatif.fit.answer import Fit
from rebalancer.whatif.fit.fit import fit as fit_of


def fit(
    model: Model,
    like: Wanted | Sequence[Wanted],
    *,
    ratio: Sequence[int] = (),
    spare: int = 0,
    rearrange: bool = True,
    seconds: float | None = None,
) -> Fit:
    """The largest number of more VMs that fit, a bound that none is above, and what ends it on each host.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> found = rb.fit(model, rb.Shape(vcpus=4, memory_gib=8, load=1.0), rearrange=False, seconds=1)
        >>> found.count == sum(host.starts[0] for host in found.hosts), found.count <= found.bound
        (True, True)

    Args:
        model: the pool and the policy; load counts up to its threshold.
        like: a VM of which copies are meant, by name or uuid, a `Shape`, or several of them.
        ratio: how many of each make one, where there are several; by default one.
        spare: so many hosts may fail together, and all VMs restart as far as they do now, the new ones included.
        rearrange: whether others may move, on paper.
        seconds: of work for moving them, and for the bound; by default 10.

    Raises:
        InputError: the pool has no such VM, SR or network, or a number is none that can be.
    """
    assert_model(model)
    wanted = [like] if isinstance(like, str) or not isinstance(like, Sequence) else list(like)
    for each in ratio:
        assert_whole("ratio", each, "Give one number, 1 or more, for each kind")
    hosts = len(model.state.pool.hosts)
    if not wanted or (ratio and (len(ratio) != len(wanted) or min(ratio) < 1)):
        raise InputError("ratio", f"{list(ratio)} of {len(wanted)} kinds", "Give one number, 1 or more, for each kind")
    remedy = f"Give 0 to {hosts - 1}" if hosts > 1 else "Give 0"
    assert_whole("spare", spare, remedy)
    if not 0 <= spare < hosts:
        raise InputError("spare", f"{spare} of {counted(hosts, 'host')} cannot be", remedy)
    if seconds is not None:
        assert_work(seconds)
    kinds = [kind_of(model, each) for each in wanted]
    given = {} if seconds is None else {"seconds": seconds}
    return fit_of(model.problem, kinds, ratio, spare=spare, rearrange=rearrange, **given)
