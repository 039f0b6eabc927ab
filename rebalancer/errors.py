"""Everything that can go wrong, as one tree.

    RebalancerError
    |- InputError                 a file, an argument or a setting cannot be used
    |  |- SnapshotError           ... a snapshot or a database dump
    |  |- PolicyError             ... a policy
    |  |- PlanFileError           ... a plan file
    |  `- ConnectionSettingsError ... a URL, a credential or a certificate setting
    |- InventoryError             the pool contradicts itself
    |- MetricsRefused             the metrics are not good enough to plan on
    |- Infeasible                 no placement satisfies the hard rules
    |  `- NothingFound            ... or none was found in time
    |- NoLegalOrder               the placement cannot be reached step by step
    |- StalePlan                  the pool is no longer what the plan was made for
    |- IllegalPlan                the plan breaks a rule at some step
    |- ApprovalRefused            nobody who may has approved the plan
    |- StoppedHalfWay             a run ended between two steps and needs people
    |- PoolLocked                 another run writes to this pool
    |- XapiError                  talking to the pool went wrong
    |  |- LoginRefused
    |  |- CertificateMismatch
    |  |- Unreachable             nothing was sent, or nothing answered a read
    |  |- OutcomeUnknown          a mutating call was sent and no answer came
    |  `- RefusedByXapi           XAPI answered with an error code
    `- ModelBug                   the checker disagrees with the solver: never ignored

A class keeps its data; `__str__` builds the sentence: what happened, where, and what to do next.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SHOWN = 5
"""How many of its reasons an error lists."""
WAYS_SHOWN = 3
"""How many ways out an error tells; all that were found stand in its data."""


def _first(reasons: Sequence[str]) -> str:
    """The first of *reasons*, and how many more there are."""
    more = len(reasons) - SHOWN
    return "; ".join(reasons[:SHOWN]) + (f"; and {more} more" if more > 0 else "")


class RebalancerError(Exception):
    """Base of every error that the rebalancer raises on purpose."""


class _Located(RebalancerError):
    """Something went wrong at a place that can be named: where, what, and what to do about it."""

    def __init__(self, where: str, problem: str, remedy: str) -> None:
        super().__init__(where, problem, remedy)
        self.where, self.problem, self.remedy = where, problem, remedy

    def __str__(self) -> str:
        """What, where, and the way out, in one line."""
        return f"{self.where}: {self.problem}. {self.remedy}."


class InputError(_Located):
    """Something that a person handed in cannot be used.

    Args:
        where: the file, option or setting.
        problem: what is wrong with it, naming the object.
        remedy: what to do about it.
    """


class SnapshotError(InputError):
    """A snapshot file or a database dump cannot be read."""


class PolicyError(InputError):
    """A policy file cannot be used with this pool."""


class PlanFileError(InputError):
    """A plan file cannot be read, or was edited."""


class ConnectionSettingsError(InputError):
    """A URL, a credential or a certificate setting cannot be used."""


class InventoryError(RebalancerError):
    """The pool's records contradict each other.

    Args:
        contradictions: one sentence each.
    """

    def __init__(self, contradictions: Sequence[str]) -> None:
        super().__init__(tuple(contradictions))
        self.contradictions = tuple(contradictions)

    def __str__(self) -> str:
        """All contradictions, then the way out."""
        return (
            f"the inventory contradicts itself: {'; '.join(self.contradictions)}. "
            "Read the pool again; if it persists, look at the named objects with xe."
        )


class MetricsRefused(RebalancerError):
    """The metrics are not good enough to plan on.

    Args:
        reasons: one sentence each, naming the VM or host.
    """

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__(tuple(reasons))
        self.reasons = tuple(reasons)

    def __str__(self) -> str:
        """The first reasons and the way out."""
        return (
            f"metrics refused: {_first(self.reasons)}. "
            'Mend the metrics, or plan without them by a policy with mode = "repair" or "evacuate".'
        )


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Concession:
    """One thing that would have to be given up: where it stands (`limits.maximum_moves`), and what to do in words."""

    where: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WayOut:
    """Concessions that make a placement possible, and what the cheapest one that was found with them costs.

    Args:
        concessions: what to give up, all of it together.
        moves: VMs that then move.
        gib: GiB that then are copied.
        proved: whether no placement costs less with these concessions.
    """

    concessions: tuple[Concession, ...]
    moves: int
    gib: float
    proved: bool

    def __str__(self) -> str:
        """What to give up, and the price."""
        moves = "1 VM moves" if self.moves == 1 else f"{self.moves} VMs move"
        given_up = " and ".join(each.words for each in self.concessions)
        return f"{given_up} ({moves}, {self.gib:.4g} GiB are copied)"


class Infeasible(RebalancerError):
    """No placement satisfies the hard rules.

    Args:
        blame: sentences that name the rules which exclude each other.
        ways_out: what to give up so that there is one, the cheapest first.
    """

    def __init__(self, blame: Sequence[str], ways_out: Sequence[WayOut] = ()) -> None:
        super().__init__(tuple(blame), tuple(ways_out))
        self.blame, self.ways_out = tuple(blame), tuple(ways_out)

    def __str__(self) -> str:
        """Who is to blame and the ways out."""
        said = _first(self.blame)
        if not self.ways_out:
            return f"no placement satisfies all hard rules: {said}. Change what they object to, or the policy."
        ways = ", or ".join(map(str, self.ways_out[:WAYS_SHOWN]))
        start = "The cheapest way out" if self.ways_out[0].proved else "A way out"
        return f"no placement satisfies all hard rules: {said}. {start}: {ways}."


class NothingFound(Infeasible):
    """No placement that satisfies the hard rules was found in time; there may be one."""

    def __str__(self) -> str:
        """What was not found; it ends in the way out."""
        return f"{'; '.join(self.blame)}."


class NoLegalOrder(RebalancerError):
    """A placement is legal, but no sequence of migrations leads to it.

    Args:
        vms: names of the VMs that block each other.
        rules: ids of the rules that block them.
    """

    def __init__(self, vms: Sequence[str], rules: Sequence[str]) -> None:
        super().__init__(tuple(vms), tuple(rules))
        self.vms, self.rules = tuple(vms), tuple(rules)

    def __str__(self) -> str:
        """The blocked VMs and what to do."""
        return (
            f"no legal order for moving {', '.join(self.vms)}: each waits for {', '.join(self.rules)}. "
            "Free memory on one host, or plan with fewer moves."
        )


class StalePlan(RebalancerError):
    """The pool is no longer what the plan was made for.

    Args:
        differences: one sentence each.
    """

    def __init__(self, differences: Sequence[str]) -> None:
        super().__init__(tuple(differences))
        self.differences = tuple(differences)

    def __str__(self) -> str:
        """The first changes and the way out."""
        return f"stale plan: {_first(self.differences)}. Make a new plan."


class IllegalPlan(RebalancerError):
    """A plan breaks a rule or contradicts itself.

    Args:
        findings: one sentence each, with step, state and rule.
    """

    def __init__(self, findings: Sequence[str]) -> None:
        super().__init__(tuple(findings))
        self.findings = tuple(findings)

    def __str__(self) -> str:
        """The first findings and the way out."""
        return f"the plan is not legal: {_first(self.findings)}. Make a new plan."


class ApprovalRefused(_Located):
    """A plan is not approved as it has to be; nothing was sent.

    Args:
        where: the plan, the approval, or the file that cannot be used.
        problem: what is wrong with it.
        remedy: what to do about it.
    """

    def __str__(self) -> str:
        """What, where, and the way out."""
        return f"not approved: {super().__str__()}"


class StoppedHalfWay(RebalancerError):
    """A run ended between two steps; people have to look.

    Args:
        reason: why it stopped.
        done: steps that are finished.
        left: steps that were not started.
        journal: the journal file that tells what happened.
        ways: what to type next, each after what it is for.
        plan: the folder of the plan, where nobody named it.
    """

    def __init__(
        self,
        reason: str,
        *,
        done: int,
        left: int,
        journal: str,
        ways: Mapping[str, str] | None = None,
        plan: str = "",
    ) -> None:
        super().__init__(reason, done, left, journal)
        self.reason, self.done, self.left, self.journal = reason, done, left, journal
        self.ways: Mapping[str, str] = ways or {}
        self.plan = plan

    def __str__(self) -> str:
        """Why, how far, and where to look."""
        return (
            f"stopped: {self.reason}; steps done: {self.done}, not started: {self.left}. "
            f"The journal {self.journal} tells what happened; look at the pool, "
            "then apply the same plan again to go on, take it back, or make a new one."
        )

    def of_plan(self, folder: str) -> StoppedHalfWay:
        """The same with the folder of the plan."""
        return StoppedHalfWay(self.reason, done=self.done, left=self.left, journal=self.journal, plan=folder)

    def with_ways(self, ways: Mapping[str, str]) -> StoppedHalfWay:
        """The same with what to type next."""
        return StoppedHalfWay(self.reason, done=self.done, left=self.left, journal=self.journal, ways=ways)


class PoolLocked(RebalancerError):
    """Another run holds the lock of this pool.

    Args:
        lock: the lock file.
    """

    def __init__(self, lock: str) -> None:
        super().__init__(lock)
        self.lock = lock

    def __str__(self) -> str:
        """Which lock, and what to do."""
        return f"another run is writing to this pool ({self.lock} is held). Wait for it to end, then start again."


class XapiError(_Located):
    """Talking to the pool went wrong.

    Args:
        where: the host or URL that was asked.
        problem: what happened.
        remedy: what to do about it.
    """


class LoginRefused(XapiError):
    """The pool does not accept these credentials."""


class CertificateMismatch(XapiError):
    """The certificate is neither trusted nor the pinned one."""


class Unreachable(XapiError):
    """No connection, or no answer to a call that changes nothing."""


class OutcomeUnknown(XapiError):
    """A call that changes the pool was sent, and no answer came: only the pool knows whether it runs."""


class RefusedByXapi(XapiError):
    """XAPI answered with an error.

    Args:
        where: the call.
        code: XAPI's error code.
        params: the code's parameters, as sent.
    """

    def __init__(self, where: str, code: str, params: Sequence[str]) -> None:
        super().__init__(where, " ".join([code, *params]), "Look the code up in the XenAPI reference")
        self.code, self.params = code, tuple(params)


class ModelBug(RebalancerError):
    """The checker disagrees with the solver; this is a defect of the rebalancer, never of the pool.

    Args:
        disagreement: what the two say.
    """

    def __init__(self, disagreement: str) -> None:
        super().__init__(disagreement)
        self.disagreement = disagreement

    def __str__(self) -> str:
        """The disagreement and what to do."""
        return f"internal disagreement, nothing was planned: {self.disagreement}. Please report it with the snapshot."
