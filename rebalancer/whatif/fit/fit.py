"""How many more VMs of some kinds fit a pool, others moved where that helps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rebalancer.problem import Problem
from rebalancer.rules import Rulebook
from rebalancer.rules.availability.restarts import Failure
from rebalancer.solve.fitting.by_kind import bound_by_kind
from rebalancer.solve.fitting.exact import most_that_fit, most_that_restart
from rebalancer.solve.fitting.work import Work
from rebalancer.whatif.fit.answer import Fit
from rebalancer.whatif.fit.checked import Checked, count_of
from rebalancer.whatif.fit.question import asked, limited, spared
from rebalancer.whatif.fit.restarting import restarting
from rebalancer.whatif.fit.telling import Telling
from rebalancer.whatif.newcomers.newcomer import Kind


def fit(
    problem: Problem,
    kinds: Sequence[Kind],
    ratio: Sequence[int] = (),
    *,
    spare: int = 0,
    rearrange: bool = True,
    seconds: float = 10.0,
) -> Fit:
    """The largest number of VMs of *kinds*, in a *ratio*, that fit *problem*.

    Load counts up to the policy's threshold. A host that is over a limit now takes nobody until it is whole.

    Args:
        problem: the pool and the policy.
        kinds: sizes, or VMs of which copies are meant.
        ratio: how many of each make one; by default one.
        spare: so many hosts may fail together, and all VMs restart as far as they do now.
        rearrange: whether others may move.
        seconds: of work for moving them, and for the bound.

    Raises:
        InputError: a kind is no guest, or its SR or network is not there.
        ModelBug: the checker refuses the answer.
    """
    given = limited(spared(problem, spare))
    wanted = tuple(ratio) or (1,) * len(kinds)
    lost = _outlived(given)
    question = asked(given, kinds, wanted, lost)
    known, work = restarting(question, lost), Work(rearrange=rearrange, seconds=seconds, seed=given.policy.limits.seed)
    answer = most_that_fit(question.question, work if known is None else work.part(1 / 2))
    checked = Checked(given, question, kinds)
    kept = checked.best(answer)
    if known is not None and not kept.proved:
        kept = replace(kept, bound=bound_by_kind(question.question, known, kept, work.part(1 / 4)))
    if known is not None and known.small and not kept.proved:
        more = most_that_restart(question.question, known, kept, work.part(1 / 4))
        kept = replace(max(kept, checked.best(more), key=count_of), bound=more.bound)
    return Telling(given, question, kept, reduced=kept.count < answer.count).told(kinds, spare)


def _outlived(problem: Problem) -> tuple[Failure, ...]:
    """The failures that are outlived now."""
    where = {vm: (host,) for vm, host in problem.initial.host_of.items()}
    return tuple(
        failure
        for limit in Rulebook.of(problem).restarts
        for unmet in (set(limit.unmet(where)),)
        for failure in limit.failures
        if failure not in unmet
    )
