"""A pool under a policy, as everything that asks and plans takes it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rebalancer.face.names import find_host, find_vm
from rebalancer.policy import Policy
from rebalancer.problem import make_problem, pool_at
from rebalancer.rules import Rulebook

if TYPE_CHECKING:
    from rebalancer.face.read import PoolState
    from rebalancer.inventory import VM, Host
    from rebalancer.plan import Plan


class Model:
    """A pool under a policy: names resolved, rules bound.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"), rb.Policy(mode="repair"))
        >>> model.host("ash").name, model.policy.mode.value
        ('ash', 'repair')
        >>> after = model.after(rb.rebalance(model))
        >>> rb.rebalance(after).steps
        ()

    Args:
        state: the pool as it was read.
        policy: what is wanted; the default policy where there is none.
        state_dir: the folder with journals of earlier runs, from which plans learn durations and cool-down; by default
            that of the command line.

    Raises:
        PolicyError: the policy names a VM, host or rule that is not there, or contradicts itself.
    """

    def __init__(self, state: PoolState, policy: Policy | None = None, *, state_dir: Path | str | None = None) -> None:
        self.state, self.policy = state, policy or Policy()
        self.state_dir = None if state_dir is None else Path(state_dir)
        self.problem = make_problem(state.pool, state.demand, self.policy)
        self.rulebook = Rulebook.of(self.problem)

    def after(self, plan: Plan) -> Model:
        """The same pool as it will be once *plan* is carried out: what would be planned, sleep, or be lost then."""
        pool = pool_at(self.state.pool, plan.predicted)
        return Model(replace(self.state, pool=pool), self.policy, state_dir=self.state_dir)

    def vm(self, name: str) -> VM:
        """The guest of that name, uuid, or start of a uuid.

        Raises:
            InputError: there is none, or there are several.
        """
        return find_vm(self.state.pool, name)

    def host(self, name: str) -> Host:
        """The host of that name, uuid, or start of a uuid.

        Raises:
            InputError: there is none, or there are several.
        """
        return find_host(self.state.pool, name)
