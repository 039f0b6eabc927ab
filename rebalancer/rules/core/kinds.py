"""What a rule is.

A rule is one small class, in a file of its own or beside its siblings of one subject. Five kinds, by what they look at:

- `VMRule`: a VM that may not move at all;
- `HostRule`: a host that takes nobody;
- `PairRule`: one VM may not come to one host;
- `DiskRule`: disks of one VM may not go to some SR;
- `PoolRule`: what hosts hold together, at every step or once the plan is done.

All but the last judge moves only: staying is never illegal. A pool rule states its limits as `Row`s and `Affinity`
groups, in exact units; the solver encodes them, the `Ledger` checks them, and neither sees the other. What no sum can
state is `StateLimit` by the ledger alone: a placement that fails it goes back to the solver as forbidden. A limit that
is already broken may stay so while nobody joins; as soon as somebody joins, it has to hold. A limit that is not `hard`
is a wish: it forbids nothing, but counts as broken wherever it is, and is repaired like any other.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import ClassVar, Generic, TypeVar

from rebalancer.inventory import VM, Host, Uuid
from rebalancer.problem import Problem
from rebalancer.rules.core.disruption import Disruption
from rebalancer.rules.core.versions import Version

Needs = TypeVar("Needs", bound=Hashable)


class Origin(StrEnum):
    """Who states the rule: XAPI's code, the manual although XAPI does not check it, or the operator."""

    XAPI = "xapi"
    MANUAL = "manual"
    POLICY = "policy"


class When(Enum):
    """When a pool rule holds: at every moment of the plan, or once it is done."""

    EVERY_STEP = "at every step"
    AT_END = "once the plan is done"


@dataclass(frozen=True, slots=True, kw_only=True)
class Objection:
    """Why one VM may not move to one host.

    `code` is the error that XAPI would answer, None for rules that XAPI does not check; `params` are the numbers behind
    that error, where they are worth comparing. `words` does not name the VM or the host: whoever shows it does.
    `remedy` is the least disruptive fix that the rule knows, in words that call the VM "it", and empty where it knows
    none, so that the VM can only be halted; `disruption` is what the remedy costs.
    """

    rule: str
    code: str | None
    words: str
    remedy: str = ""
    params: tuple[str, ...] = ()
    disruption: Disruption = Disruption.SETTING


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """Where a state or a placement breaks a pool rule; `excess` in the rule's own unit."""

    rule: str
    code: str | None
    words: str
    hosts: tuple[Uuid, ...]
    vms: tuple[Uuid, ...]
    excess: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Weights:
    """What holders weigh in rows: `resident` one that is there, `arrival` one that joins (xapi rounds newcomers up).

    VMs hold hosts, and the drives that their disks are in hold SRs; what is not listed weighs nothing. Rows that share
    their weights share the object, so that they can be grouped by it.
    """

    resident: Mapping[Uuid, int]
    arrival: Mapping[Uuid, int]

    @classmethod
    def same(cls, weights: Mapping[Uuid, int]) -> Weights:
        """Newcomers weigh what residents weigh."""
        return cls(resident=weights, arrival=weights)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Row:
    """The `weights` of whatever holds one of `places` sum to at most `upper`.

    `unit` is one breach, for counting how much is broken; `subject` names the limit. One that is not `hard` is counted
    and never forbids. Where `start` is given, what is held before the plan may be held on, by whomever: who leaves may
    be replaced, and the sum only must not rise.
    """

    subject: str
    places: frozenset[Uuid]
    weights: Weights
    upper: int
    unit: int = 1
    hard: bool = True
    start: int | None = None

    @property
    def most(self) -> int:
        """The most that no move is refused for: `upper`, or `start` where that is more."""
        return self.upper if self.start is None else max(self.upper, self.start)

    @property
    def series(self) -> Hashable:
        """Rows of one series are told of together, by the one that is broken worst; None: by itself.

        There may be many of them. In them residents and newcomers weigh alike, and `start` is given.
        """
        return None

    def words(self, value: int) -> str:
        """How far over the limit *value* is."""
        return f"{self.subject}: {value} (limit {self.upper})"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Affinity:
    """VMs that end on one host; a group that is apart tonight may stay so, but spreads to no further host.

    One that is not `hard` is counted and never forbids.
    """

    subject: str
    vms: frozenset[Uuid]
    hard: bool = True


class StateLimit(ABC):
    """A limit that no sum can state: it is judged on the whole state.

    A state is `where`: the hosts that each VM holds, the one where it runs first. Another state is another object, so
    that what was found out about one can be remembered.
    """

    @property
    def price(self) -> int:
        """What one question costs, in sums over a host."""
        return 25

    @abstractmethod
    def refuses(self, vm: Uuid, host: Uuid, where: Mapping[Uuid, Sequence[Uuid]]) -> str | None:
        """Why *vm* may not join *host* in the state *where*, or None."""

    @abstractmethod
    def broken(self, where: Mapping[Uuid, Sequence[Uuid]]) -> str | None:
        """What is wrong with the state *where*, or None."""

    def worsens(self, before: Mapping[Uuid, Sequence[Uuid]], after: Mapping[Uuid, Sequence[Uuid]]) -> str | None:
        """What is wrong with the state *after* that was not with *before*, or None."""
        words = self.broken(after)
        return words if words and not self.broken(before) else None


Limit = Row | Affinity | StateLimit


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bound:
    """A limit, with the rule that sets it."""

    rule: PoolRule
    limit: Limit

    @property
    def lasts(self) -> bool:
        """Whether it holds at every step, not only once the plan is done."""
        return self.rule.when is When.EVERY_STEP


class Rule(ABC):
    """What every rule says of itself."""

    id: ClassVar[str]
    sentence: ClassVar[str]
    source: ClassVar[str]
    origin: ClassVar[Origin]
    code: ClassVar[str | None] = None
    since: ClassVar[Version | None] = None
    """The first version of xapi that enforces it; None: all that are known."""
    until: ClassVar[Version | None] = None
    """The first version of xapi that does not enforce it any more; None: all still do."""
    when: ClassVar[When | None] = None
    """When its limits hold; None for a rule that sets none."""
    binds_way_back: ClassVar[bool] = True
    """Whether a way back keeps it; wishes about the end of a plan do not bind where VMs were before it."""

    def bounds(self, problem: Problem) -> tuple[Bound, ...]:
        """The limits that it sets in *problem*; none but for pool rules."""
        del problem
        return ()

    def binds(self, version: Version | None) -> bool:
        """Whether xapi of *version* enforces it; an unknown version enforces everything."""
        if version is None:
            return True
        return (self.since is None or version >= self.since) and (self.until is None or version < self.until)

    def objection(
        self,
        words: str,
        *,
        code: str | None = None,
        remedy: str = "",
        disruption: Disruption = Disruption.SETTING,
        params: tuple[str, ...] = (),
    ) -> Objection:
        """An objection in the name of this rule; *code* where it differs from the rule's usual one."""
        code = code or self.code
        return Objection(rule=self.id, code=code, words=words, remedy=remedy, params=params, disruption=disruption)

    def mended(self, vm: VM, host: Host, problem: Problem) -> VM | None:
        """*vm*, to which this rule objects on *host*, as it is once the remedy is carried out.

        None where the remedy is something else than a change of the VM, or there is none.
        """
        del vm, host, problem
        return None


class VMRule(Rule):
    """A VM that may not move at all."""

    @abstractmethod
    def objects(self, vm: VM, problem: Problem) -> Objection | None:
        """Why *vm* may not move, or None."""


class HostRule(Rule):
    """A host that takes nobody; one that `spares_residents` lets those migrate to itself that are there already."""

    spares_residents: ClassVar[bool] = False

    @abstractmethod
    def objects(self, host: Host, problem: Problem) -> Objection | None:
        """Why *host* takes nobody, or None."""


class PairRule(Rule, Generic[Needs]):
    """One VM may not come to one host."""

    @abstractmethod
    def needs(self, vm: VM, problem: Problem) -> Needs | None:
        """All that this rule reads of *vm*: two VMs with equal needs get equal answers. None: nothing is needed."""

    @abstractmethod
    def objects(self, needs: Needs, host: Host, problem: Problem) -> Objection | None:
        """Why a VM with *needs* may not come to *host*, or None."""


DiskTargets = Mapping[Uuid, Uuid]
"""The SR to which each disk goes, its own where it stays: the `vdi_map` of `VM.migrate_send`, in uuids."""


class DiskRule(Rule):
    """Disks of one VM may not go where they are to go."""

    @abstractmethod
    def objects(self, vm: VM, host: Host, disks: DiskTargets, problem: Problem) -> Objection | None:
        """Why *vm* may not take *disks* to their SRs on the way to *host*, or None."""


class PoolRule(Rule):
    """What hosts hold together."""

    when: ClassVar[When]

    def bounds(self, problem: Problem) -> tuple[Bound, ...]:
        """Its limits, each with the rule."""
        return tuple(Bound(rule=self, limit=limit) for limit in self.limits(problem))

    @abstractmethod
    def limits(self, problem: Problem) -> tuple[Limit, ...]:
        """The limits that this rule sets, in exact units."""

    def refusal(self, row: Row, held: int, joining: int) -> Objection:
        """The objection to one more VM of weight *joining* in *row*, which holds *held* already."""
        return self.objection(row.words(held + joining))
