"""A pool under a policy, as everything that asks and plans takes it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from rebalancer.errors import InputError
from rebalancer.essence import line_of, table_of
from rebalancer.face.given import assert_kind
from rebalancer.inventory import VM, Host, Uuid
from rebalancer.inventory.names import SHORT
from rebalancer.policy import Policy
from rebalancer.policy.selectors import close_matches
from rebalancer.problem import make_problem, pool_at, tagged_to_hold
from rebalancer.rules import Rulebook
from rebalancer.snapshot import Snapshot
from rebalancer.units import first_few

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from rebalancer.face.read import PoolState
    from rebalancer.plan import Plan
    from rebalancer.whatif.scenarios.edit import Edit, Stranded

SHOWN = 3
"""Uuids that an error lists."""

Named = TypeVar("Named", VM, Host)


def tell_nobody(_words: str) -> None:
    """Words that nobody asked for; a function with a name, so that a model can be sent to another process."""


class Model:
    """A pool under a policy: names resolved, rules bound.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"), rb.Policy(mode="repair", demand={"form": "percentile"}))
        >>> model.host("ash").name, model.policy.mode.value
        ('ash', 'repair')
        >>> model.demand().columns.tolist()
        ['vm_uuid', 'vm', 'host_uuid', 'host', 'quality', 'time', 'timezone', 'hours', 'pcpu']
        >>> model.load().loc["ash"].idxmax(), model.filling().busiest["01:00"]
        ('01:00', 'ash')
        >>> model.plot().get_xlabel(), model.plot_host("ash").get_ylabel(), model.plot_duration().get_xlabel()
        ('time (UTC)', 'load (pCPUs)', 'share of the hours (%)')
        >>> after = model.after(rb.rebalance(model))
        >>> rb.rebalance(after).steps
        ()

    Args:
        state: the pool as it was read.
        policy: what is wanted; the default policy where there is none.
        state_dir: the folder with journals of earlier runs, from which plans learn durations and cool-down; by default
            that of the command line.
        told: hears, in words, that the database of earlier runs cannot be used; the journals are read then.

    Raises:
        TypeError: *state* or *policy* is something else.
        PolicyError: the policy names a VM, host or rule that is not there, or contradicts itself.
    """

    def __init__(
        self,
        state: PoolState,
        policy: Policy | None = None,
        *,
        state_dir: Path | str | None = None,
        told: Callable[[str], None] = tell_nobody,
    ) -> None:
        assert_state(state)
        if policy is not None:
            assert_kind(policy, Policy, "rb.Policy.load(path) reads one")
        self.state, self.policy = state, policy or Policy()
        self.state_dir, self.told = path_of(state_dir), told
        self.problem = make_problem(
            state.pool, state.demand, self.policy, on_hold=tagged_to_hold(state.pool, self.policy)
        )
        self.rulebook = Rulebook.of(self.problem)
        self.first: tuple[str, ...] = ()
        self.stranded: tuple[Stranded, ...] = ()

    def __repr__(self) -> str:
        return line_of("Model", f"of {self.problem!r}")

    def _repr_html_(self) -> str:
        return table_of(f"Model of pool {self.state.pool.name}", self.problem.facts)

    def demand(self) -> pd.DataFrame:
        """One row a VM and hour: `vm_uuid`, `vm`, `host_uuid`, `host`, `quality`, `time`, `timezone`, `hours`, `pcpu`.

        Raises:
            MetricsRefused: there are none.
        """
        from rebalancer.frames import demand_frame  # noqa: PLC0415 - pandas, only where somebody asks for it

        return demand_frame(self.problem)

    def host_demand(self) -> pd.DataFrame:
        """One row a host and hour: `pcpu` in all, `own_pcpu` for itself, `of_pcpus`, `share`; errors as `demand`."""
        from rebalancer.frames import host_demand_frame  # noqa: PLC0415 - likewise

        return host_demand_frame(self.problem)

    def load(self) -> pd.DataFrame:
        """Hosts x times of day: load as a share of CPU capacity; errors as `demand`."""
        from rebalancer.frames import load_frame  # noqa: PLC0415 - likewise

        return load_frame(self.problem)

    def filling(self) -> pd.DataFrame:
        """One row a time of day: pCPUs used and counted on, and the busiest host; errors as `demand`."""
        from rebalancer.frames import filling_frame  # noqa: PLC0415 - likewise

        return filling_frame(self.problem)

    def plot(self, plan: Plan | None = None, ax: Axes | None = None) -> Axes:
        """Hosts x hours as a heat map; with a *plan* as they are after it. Errors as `demand`."""
        from rebalancer.frames import load_frame  # noqa: PLC0415 - likewise
        from rebalancer.plots import plot_load  # noqa: PLC0415 - matplotlib, only where somebody asks for it

        loads = load_frame(self.problem, plan.predicted if plan else None)
        return plot_load(loads, threshold=self.policy.objective.threshold, ax=ax)

    def plot_host(self, name: str, plan: Plan | None = None, ax: Axes | None = None) -> Axes:
        """The load of a host by the hour with its VMs stacked, now or after a *plan*; errors as `host` and `demand`."""
        from rebalancer.frames import demand_frame, host_demand_frame  # noqa: PLC0415 - likewise
        from rebalancer.plots import plot_host  # noqa: PLC0415 - likewise

        where, host = (plan.predicted if plan else None), self.problem.names.hosts[self.host(name).uuid]
        hosts, vms = host_demand_frame(self.problem, where), demand_frame(self.problem, where)
        return plot_host(host, hosts, vms, threshold=self.policy.objective.threshold, ax=ax)

    def plot_duration(self, plan: Plan | None = None, ax: Axes | None = None) -> Axes:
        """For each host, in which share of the hours it is at least so busy, now or after a *plan*."""
        from rebalancer.frames import load_frame  # noqa: PLC0415 - likewise
        from rebalancer.plots import plot_duration  # noqa: PLC0415 - likewise

        loads = load_frame(self.problem, plan.predicted if plan else None)
        return plot_duration(loads, threshold=self.policy.objective.threshold, ax=ax)

    def after(self, plan: Plan) -> Model:
        """The pool as it will be once *plan* is carried out: what would be planned, sleep, or be lost then."""
        pool = pool_at(self.state.pool, plan.predicted)
        return Model(replace(self.state, pool=pool), self.policy, state_dir=self.state_dir, told=self.told)

    def what_if(self, *edits: Edit) -> Model:
        """The model once *edits* are made, in order, on paper: plan, place, fit and ask on as if it were so.

        Example:
            >>> import rebalancer as rb
            >>> model = rb.Model(rb.read("pool.json.gz"))
            >>> later = model.what_if(rb.scenarios.retire("beech"), rb.scenarios.grow("*", cpu=1.2))
            >>> later.policy.empty == (model.host("beech").uuid,), later.first
            (True, ("eject the CD from drive xvdd (VM 'app-041' on 'beech')",))

        `first` of it says what has to be done first, such as whatever holds VMs on a host that is to be emptied: what
        can be mended in the VM itself is done in it already. `stranded` says which VMs run nowhere, and why.

        Raises:
            InputError: an edit names what is not there, or nothing that can be.
        """
        from rebalancer.whatif.scenarios.edit import Edit, Situation, situated  # noqa: PLC0415 - the solver, only where asked
        from rebalancer.whatif.scenarios.outcome import released  # noqa: PLC0415 - likewise

        for each in edits:
            assert_kind(each, Edit, "rb.scenarios makes them, each an argument of its own")
        now = Situation(pool=self.state.pool, demand=self.state.demand, policy=self.policy)
        then, _ = released(situated(now, edits))
        state = replace(self.state, pool=then.pool, demand=then.demand)
        model = Model(state, then.policy, state_dir=self.state_dir, told=self.told)
        model.first = tuple(dict.fromkeys((*self.first, *then.first)))
        model.stranded = (*self.stranded, *then.stranded)
        return model

    def hosts(self, names: str | Iterable[str]) -> list[Host]:
        """The hosts of those names, or the one of that name.

        Raises:
            InputError: there is none of a name, or there are several.
        """
        given: object = names
        if not isinstance(given, Iterable):
            raise InputError("hosts", f"{given!r} is no name", "Write names or uuids as text")
        return [self.host(name) for name in ([names] if isinstance(names, str) else names)]

    def vm(self, name: str) -> VM:
        """The guest of that name, uuid, or start of a uuid.

        Raises:
            InputError: there is none, or there are several.
        """
        return _find("VM", name, list(self.state.pool.guests()), self.problem.names.vms)

    def host(self, name: str) -> Host:
        """The host of that name, uuid, or start of a uuid.

        Raises:
            InputError: there is none, or there are several.
        """
        return _find("host", name, list(self.state.pool.hosts.values()), self.problem.names.hosts)


def path_of(given: Path | str | None) -> Path | None:
    """*given* as a path, where there is one."""
    return None if given is None else Path(given)


def assert_model(given: object) -> None:
    """Pass if *given* is a `Model`.

    Raises:
        TypeError: it is something else.
    """
    assert_kind(given, Model, "rb.Model(state, policy) makes one")


def assert_state(given: object) -> None:
    """Pass if *given* is a pool as it was read.

    Raises:
        TypeError: it is something else.
    """
    if not isinstance(given, Snapshot):
        raise TypeError(f"a PoolState is needed, not {type(given).__name__}: rb.read(source) reads one")


def _find(kind: str, text: str, candidates: Sequence[Named], called: Mapping[Uuid, str]) -> Named:
    """The one of *candidates* whose name, or uuid, or what it is *called*, is *text*, or whose uuid starts with it."""
    if not isinstance(text, str):
        raise InputError(f"{kind} {text!r}", "it is no name", "Write its name or uuid as text")
    found = (
        [each for each in candidates if text in (each.name, each.uuid)]
        or [each for each in candidates if len(text) >= SHORT and each.uuid.startswith(text)]
        or [each for each in candidates if text == called[each.uuid]]
    )
    if len(found) == 1:
        return found[0]
    if found:
        remedy = "Use one of the uuids " + first_few([each.uuid for each in found], SHOWN, more=" and {} others")
        raise InputError(f"{kind} {text!r}", f"{len(found)} {kind}s have this name", remedy)
    close = close_matches(text, (each.name for each in candidates))
    counted = f"The pool has {len(candidates)} {kind}s; name one of them or its uuid"
    hint = f"{close[0].upper()}{close[1:]}" if close else counted
    raise InputError(f"{kind} {text!r}", f"no {kind} of the pool has this name or uuid", hint)
