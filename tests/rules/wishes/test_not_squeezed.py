"""VMs that a migration squeezes: what the policy says to each, and the way out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rebalancer.inventory import VM
from rebalancer.problem import Problem
from rebalancer.rules.wishes.not_squeezed import NotSqueezed
from rebalancer.squeeze import squeeze_of
from rebalancer.units import GIB, MIB
from tests.plan.made import demand_of
from tests.pools import make_memory, make_metrics, make_pool, make_vm, policy_of, problem_of

HALF = 512 * MIB


def web(**memory: int) -> VM:
    """A VM of 4 GiB that a migration cuts to 512 MiB."""
    limits = {"dynamic_max_bytes": 4 * GIB, "static_max_bytes": 4 * GIB, "dynamic_min_bytes": HALF} | memory
    return make_vm("web", on="h1", memory=make_memory(0.5, **limits), metrics=make_metrics(memory_actual_bytes=4 * GIB))


def problem(used: int | None, vm: VM | None = None, *, measured: bool = True, **squeeze: Any) -> Problem:  # noqa: ANN401
    """`web` uses so many bytes, None where it does not tell; *squeeze* is the section of the policy."""
    pool = make_pool(vms=[vm or web()])
    demand = replace(demand_of(pool, {"web": 1.0}), memory_used={} if used is None else {"web": used})
    return problem_of(pool, policy=policy_of(squeeze=squeeze), demand=demand if measured else None)


def said(about: Problem) -> tuple[str, str]:
    """`forbid`, `last-resort` or `allow`, and the words."""
    found = NotSqueezed().objects(about.pool.vms["web"], about)
    if found:
        assert "web" not in about.intent.last_resort
        return "forbid", f"{found.words}: {found.remedy}"
    words = about.intent.last_resort.get("web", "")
    return "last-resort" if words else "allow", words


@pytest.mark.parametrize(("used", "choice"), [(HALF, "allow"), (HALF + 1, "forbid"), (None, "last-resort")])
def test_by_default_nobody_is_cut_below_what_it_uses(used: int | None, choice: str) -> None:
    """As much as it uses is enough, one byte less is not; who does not tell moves as a last resort."""
    assert said(problem(used))[0] == choice


@pytest.mark.parametrize("wish", ["allow", "last-resort", "forbid"])
@pytest.mark.parametrize(("key", "used"), [("below_use", GIB), ("unknown_use", None), ("above_use", 256 * MIB)])
def test_each_key_is_about_its_vms(key: str, used: int | None, wish: str) -> None:
    """And about no others: the other keys keep their defaults."""
    chosen: dict[str, Any] = {key: wish}
    assert said(problem(used, **chosen))[0] == wish
    others = {"below_use": GIB, "unknown_use": None, "above_use": 256 * MIB}
    defaults = {"below_use": "forbid", "unknown_use": "last-resort", "above_use": "allow"}
    for other in others.keys() - {key}:
        assert said(problem(others[other], **chosen))[0] == defaults[other]


@pytest.mark.parametrize(("share", "choice"), [(0.5, "allow"), (0.51, "forbid"), (2.0, "forbid")])
def test_the_share_says_what_is_enough(share: float, choice: str) -> None:
    """Of 1 GiB in use, 512 MiB are half."""
    assert said(problem(GIB, keep_share=share))[0] == choice


def test_a_share_that_decides_nothing_is_refused() -> None:
    """Where the VMs on both sides of it are treated alike."""
    with pytest.raises(ValueError, match="keep_share is of no use where below_use and above_use are the same"):
        policy_of(squeeze={"below_use": "forbid", "above_use": "forbid", "keep_share": 0.5})
    assert policy_of(squeeze={"below_use": "forbid", "above_use": "forbid"}).squeeze.keep_share == 1.0


def test_words_name_sizes_and_the_way_out() -> None:
    """From, to, in use; a minimum that the policy has nothing against, no more than the VM has."""
    cut = "a migration squeezes it from 4.0 GiB to 512 MiB"
    uses, unknown = f"{cut}, and it uses 3.0 GiB", f"{cut}, and nobody knows what it uses"
    raised = "raise its dynamic minimum to {} MiB, or set squeeze.{} in the policy"
    assert said(problem(3 * GIB + 1))[1] == f"{uses}: {raised.format(3073, 'below_use')}"
    assert said(problem(3 * GIB, keep_share=2.0))[1] == f"{uses}: {raised.format(4096, 'below_use')}"
    assert said(problem(None, unknown_use="forbid"))[1] == f"{unknown}: {raised.format(4096, 'unknown_use')}"
    assert said(problem(None)) == ("last-resort", unknown)


def test_the_minimum_that_is_advised_is_enough() -> None:
    """Whoever follows the advice may move."""
    for used in (3 * GIB + 1, 3 * GIB, HALF + 1):
        raised = -(-used // MIB) * MIB
        assert said(problem(used))[0] == "forbid"
        assert said(problem(used, web(dynamic_min_bytes=raised)))[0] == "allow"


def test_without_metrics_nobody_knows() -> None:
    """What was not read is not zero."""
    assert said(problem(None, measured=False))[0] == "last-resort"


def test_who_is_not_squeezed() -> None:
    """A VM without a range, and one that has no more than its minimum."""
    fixed = make_vm("web", on="h1", memory=make_memory(4.0))
    least = replace(web(), metrics=make_metrics(memory_actual_bytes=HALF))
    assert squeeze_of(fixed, None) is squeeze_of(least, None) is None
    for vm in (fixed, least):
        assert said(problem(None, vm, unknown_use="forbid")) == ("allow", "")


def test_a_wish_of_the_operator_keeps_its_words() -> None:
    """A VM that is a last resort anyhow is told as that."""
    pool = make_pool(vms=[web()])
    asked = problem_of(pool, policy=policy_of(last_resort=["web"]))
    assert asked.intent.last_resort == {"web": "policy last_resort 'web'"}
