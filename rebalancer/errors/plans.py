"""A plan that cannot be made, is out of date, is not legal, or is not approved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rebalancer.errors.base import Located, RebalancerError, first_of

if TYPE_CHECKING:
    from collections.abc import Sequence


class NoLegalOrder(RebalancerError):
    """A placement is legal, but no sequence of migrations leads to it.

    Args:
        vms: names of the VMs that block each other.
        blockers: ids of the rules that block them.
    """

    def __init__(self, vms: Sequence[str], blockers: Sequence[str]) -> None:
        super().__init__(tuple(vms), tuple(blockers))
        self.vms, self.blockers = tuple(vms), tuple(blockers)

    def __str__(self) -> str:
        return (
            f"no legal order for moving {', '.join(self.vms)}: each waits for {', '.join(self.blockers)}. "
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
        return f"stale plan: {first_of(self.differences)}. Make a new plan."


class IllegalPlan(RebalancerError):
    """A plan breaks a rule or contradicts itself.

    Args:
        findings: one sentence each, with step, state and rule.
    """

    def __init__(self, findings: Sequence[str]) -> None:
        super().__init__(tuple(findings))
        self.findings = tuple(findings)

    def __str__(self) -> str:
        return f"the plan is not legal: {first_of(self.findings)}. Make a new plan."


class ApprovalRefused(Located):
    """A plan is not approved as it has to be; nothing was sent.

    Args:
        where: the plan, the approval, or the file that cannot be used.
        problem: what is wrong with it.
        remedy: what to do about it.
    """

    def __str__(self) -> str:
        return f"not approved: {super().__str__()}"
