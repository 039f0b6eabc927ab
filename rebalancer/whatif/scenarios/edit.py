"""What an edit is: a small value that turns one situation into another, on paper."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import MISSING, dataclass, fields, replace
from typing import ClassVar

from rebalancer.demand import LoadProfile
from rebalancer.errors import InputError
from rebalancer.inventory import Pool, Uuid
from rebalancer.policy import Policy
from rebalancer.policy.selectors import Selectors
from rebalancer.problem import Problem, make_problem

EVERYBODY = "*"
"""The selector that means all guests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stranded:
    """A VM that does not run in a scenario: no host takes it.

    Args:
        vm: its name.
        vm_uuid: its uuid.
        rule: the rule that keeps it from the hosts.
        why: the same in words.
    """

    vm: str
    vm_uuid: Uuid
    rule: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """A pool, what it needs and what is wanted; `first` is what has to be done first, `stranded` who does not run."""

    pool: Pool
    demand: LoadProfile | None
    policy: Policy
    first: tuple[str, ...] = ()
    stranded: tuple[Stranded, ...] = ()

    @property
    def problem(self) -> Problem:
        """The problem of it.

        Raises:
            PolicyError: the policy cannot be followed in this pool.
        """
        return make_problem(self.pool, self.demand, self.policy)

    def having(self, *first: str) -> Situation:
        """The same, with more to be done first."""
        return replace(self, first=tuple(dict.fromkeys((*self.first, *first))))


class Edit(ABC):
    """One change, as a value; in TOML a table whose `key` holds what the field `main` does.

    Example:
        >>> import rebalancer as rb
        >>> edit = rb.scenarios.grow("tag:db", cpu=1.2)
        >>> edit.words, edit.as_toml(), edit == rb.scenarios.grow("tag:db", cpu=1.2)
        ('grow tag:db: CPU times 1.2', {'grow': ['tag:db'], 'cpu': 1.2}, True)
    """

    __slots__ = ()
    key: ClassVar[str]
    main: ClassVar[str]

    @property
    @abstractmethod
    def words(self) -> str:
        """What it changes."""

    @abstractmethod
    def applied(self, now: Situation) -> Situation:
        """*now* once it is made.

        Raises:
            InputError: it names what is not there, or nothing that can be.
        """

    def as_toml(self) -> dict[str, object]:
        """The table that stands for it; what is as it is by default is left out."""
        found: dict[str, object] = {self.key: _plain(getattr(self, self.main))}
        for field in fields(self):  # type: ignore[arg-type]  # every edit is a dataclass
            value = getattr(self, field.name)
            default = field.default if field.default is not MISSING else None
            if field.name != self.main and value != default:
                found[field.name] = _plain(value)
        return found

    def __str__(self) -> str:
        return self.words


def situated(now: Situation, edits: tuple[Edit, ...]) -> Situation:
    """*now* once *edits* are made, one after another.

    Raises:
        InputError: an edit names what is not there, or nothing that can be.
    """
    for edit in edits:
        now = edit.applied(now)
    return now


def _plain(value: object) -> object:
    return [_plain(each) for each in value] if isinstance(value, tuple) else value


def hosts_in(pool: Pool, selectors: tuple[str, ...], where: str) -> list[Uuid]:
    """The hosts that *selectors* name, in the order of the pool.

    Raises:
        InputError: there are none.
        PolicyError: one of them names none, or two.
    """
    _assert_named(selectors, where)
    found = Selectors(pool).hosts(selectors, where)
    return [uuid for uuid in pool.hosts if uuid in found]


def guests_in(pool: Pool, selectors: tuple[str, ...], where: str) -> list[Uuid]:
    """The guests that *selectors* name, in the order of the pool; `*` names all.

    Raises:
        InputError: there are none.
        PolicyError: one of them names none, or two.
    """
    _assert_named(selectors, where)
    if EVERYBODY in selectors:
        return [vm.uuid for vm in pool.guests()]
    found = Selectors(pool).vms(selectors, where).both
    return [uuid for uuid in pool.vms if uuid in found]


def _assert_named(selectors: tuple[str, ...], where: str) -> None:
    if not selectors:
        raise InputError(where.strip(), "nobody is named", "Name at least one")


def listed(names: tuple[str, ...]) -> str:
    """Names, one after another."""
    return ", ".join(names)
