"""A plan of VMs that take disks along, one after the other, as there is room."""

from __future__ import annotations

from rebalancer.inventory import Pool
from rebalancer.placement import Placement
from rebalancer.plan import Finding, Plan
from rebalancer.problem import Problem
from rebalancer.units import GIB
from rebalancer.verify.verify import verify_plan
from tests.local_disks import (
    carried,
    local_problem,
    local_sr,
    local_vm,
)
from tests.plan.made import LATER, plan_of


def tight(gib: float = 100) -> Problem:
    """VMs a and b on h1, c on h2; each local SR has *gib*."""
    srs = [
        local_sr(f"l{number}", physical_size_bytes=int(gib * GIB), physical_utilisation_bytes=used * GIB)
        for number, used in ((1, 40), (2, 20))
    ]
    return local_problem(local_vm("a"), local_vm("b"), local_vm("c", on=2), srs=srs)


def there(problem: Problem) -> Placement:
    """Everybody on the other host, with disks."""
    return problem.initial.after(carried("a"), carried("b"), carried("c", source=2, target=1))


PROBLEM = tight()


PLAN = plan_of(PROBLEM, there(PROBLEM), tiers=("repair",))


def findings(plan: Plan, pool: Pool | None = None) -> tuple[Finding, ...]:
    """What verifying against the pool it was made from says."""
    return verify_plan(plan, pool or PROBLEM.pool, now=LATER)
