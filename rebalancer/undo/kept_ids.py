"""Steps of a part under the ids that they have in the whole plan, by which people who read that know them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from rebalancer.plan.plan import Plan
from rebalancer.plan.step import Step


def with_ids_of(whole: Plan, steps: Sequence[Step]) -> tuple[Step, ...]:
    """*steps* with the ids that *whole* has for them, in the order in which they are launched.

    A VM that no longer parks on its way keeps the id of the step that brings it to its host. A step that *whole* does
    not have is counted on after its last one.
    """
    ids = dict(zip((step.id for step in steps), _found(whole, steps), strict=True))
    return tuple(
        replace(step, id=ids[step.id], after=tuple(sorted(ids[each] for each in step.after))) for step in steps
    )


def _found(whole: Plan, steps: Sequence[Step]) -> Iterator[str]:
    free, fresh = list(whole.steps), len(whole.steps)
    for step in steps:
        alike = [each for each in free if (each.vm, each.target) == (step.vm, step.target)]
        chosen = next((each for each in alike if each.source == step.source), alike[-1] if alike else None)
        if chosen is None:
            fresh += 1
            yield f"s{fresh:0{len(steps[0].id) - 1}}"
        else:
            free.remove(chosen)
            yield chosen.id
