"""Where VMs that are not there yet should start."""

from __future__ import annotations

from collections.abc import Sequence

from rebalancer.errors import InputError
from rebalancer.face.given import assert_whole
from rebalancer.face.model import Model, assert_model
from rebalancer.units import counted
from rebalancer.whatif.newcomers.newcomer import Kind, Newcomer, newcomers
from rebalancer.whatif.newcomers.shape import Shape
from rebalancer.whatif.place import Place, places

Wanted = str | Shape
"""A VM by name or uuid, or a size."""


def kind_of(model: Model, wanted: Wanted) -> Kind:
    """What *wanted* means in the pool: the VM of that name, or the size.

    Raises:
        InputError: there is no such VM, or there are several.
    """
    return wanted if isinstance(wanted, Shape) else model.vm(wanted)


def place(model: Model, wanted: Wanted | Sequence[Wanted], count: int = 1) -> tuple[Place, ...]:
    """Where VMs should start: for each all hosts, best first, with reasons and refusals, and the one that it gets.

    A halted VM is placed itself; of a VM that runs, a copy. Nobody else is moved. Each VM counts for those after it,
    and the ones with most memory come first where several are *wanted*.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> (found,) = rb.place(model, rb.Shape(vcpus=2, memory_gib=4, load=0.5))
        >>> found.host == found.spots[0].host, len(found.spots), found.spots[0].refusals
        (True, 5, ())

    Args:
        model: the pool and the policy, whose rules bind starts as far as they are about starts.
        wanted: a VM by name or uuid, a `Shape`, or several of them.
        count: how many of each.

    Raises:
        InputError: the pool has no such VM, or no SR or network of a shape; or nothing is wanted.
    """
    assert_model(model)
    kinds = list(wanted) if isinstance(wanted, Sequence) and not isinstance(wanted, str) else [wanted]
    assert_whole("count", count, "Give 1 or more")
    if count < 1 or not kinds:
        raise InputError("place", f"{count} of {counted(len(kinds), 'kind')}", "Give 1 or more of 1 kind or more")
    coming: list[Newcomer] = []
    for each in kinds:
        kind = kind_of(model, each)
        taken = sum(1 for other in coming if other.like is kind or other.like == kind)
        coming += newcomers(kind, count, model.problem.pool, first=1 + taken)
    coming.sort(key=lambda each: -each.vm.memory.static_max_bytes)
    return places(model.problem, coming)
