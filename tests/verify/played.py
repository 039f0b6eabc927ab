"""Plans played on the simulator, in any order that they allow."""

from __future__ import annotations

import random
from collections.abc import Collection

from hypothesis import strategies as st

from rebalancer.inventory import Pool, pool_from_records
from rebalancer.placement import Placement
from rebalancer.plan import Plan, Step
from rebalancer.policy import Policy
from rebalancer.problem import Problem, make_problem
from rebalancer.rules import PoolRule, Rulebook, rules_for
from rebalancer.rules.core.ledger import Ledger
from rebalancer.simulator import SimulatedPool, Simulator, generate_pool
from rebalancer.simulator.checks import migration
from rebalancer.simulator.migration import arrival, transfer
from rebalancer.simulator.migration.transfer import MoveRequest


class Play:
    """Steps that begin and end on the records of a simulated pool, and on the checker's ledger beside it."""

    def __init__(self, pool: SimulatedPool, problem: Problem) -> None:
        self.world = Simulator(pool).world
        rules = [rule for rule in rules_for(problem) if isinstance(rule, PoolRule)]
        self.ledger: Ledger = Rulebook(problem, rules).ledger(problem.initial)
        self.running: dict[str, tuple[MoveRequest, list[str]]] = {}

    def begin(self, step: Step) -> None:
        """Ask both, then begin; the simulator raises where it refuses."""
        database = self.world.database
        vm, host = database.by_uuid("VM", step.vm), database.by_uuid("host", step.target)
        assert self.ledger.objections(step.vm, step.target) == ()
        assert not migration.must_wait(database, vm, host, {})
        migration.assert_may_start(database, vm, host, {})
        source = database.get("VM", vm)["resident_on"]
        move = MoveRequest(
            vm=vm, source=source, target=host, task=f"OpaqueRef:{step.id}", operation=migration.OPERATION
        )
        self.running[step.id] = (move, transfer.reserve(self.world, move))
        self.ledger.join(step.vm, step.target)

    def end(self, step: Step) -> None:
        """The VM is there."""
        move, allowed = self.running.pop(step.id)
        arrival.arrive(self.world, move)
        transfer.release(self.world, move, allowed)
        self.ledger.settle(step.vm, step.source)

    def to_the_end(self, plan: Plan, chance: random.Random) -> int:
        """Begin and end all steps."""
        return self.some(plan, {step.id for step in plan.steps}, chance)

    def some(self, plan: Plan, names: Collection[str], chance: random.Random) -> int:
        """Begin and end steps as `after` allows and chance decides; how many were under way at once, at most."""
        wanted = [step for step in plan.steps if step.id in names]
        done: set[str] = set()
        most = 0
        while len(done) < len(wanted):
            begun = done | self.running.keys()
            ready = [step for step in wanted if step.id not in begun and done.issuperset(step.after)]
            step = chance.choice([*ready, *(step for step in wanted if step.id in self.running)])
            if step.id in self.running:
                self.end(step)
                done.add(step.id)
            else:
                self.begin(step)
            most = max(most, len(self.running))
        return most

    def turn_round(self, back: Plan, pool: Pool) -> None:
        """Judge from here on by what binds *back*, the way back in *pool*."""
        problem = make_problem(pool, None, back.policy)
        self.ledger = Rulebook.of(problem).way_back().ledger()


@st.composite
def cases(draw: st.DrawFn) -> tuple[SimulatedPool, Problem, Placement]:
    """A pool like those that people have, a policy with groups and a reserve, and a legal placement to reach."""
    pool = generate_pool(
        hosts=draw(st.integers(2, 5)),
        vms=draw(st.integers(4, 18)),
        seed=draw(st.integers(1, 10_000)),
        fill=draw(st.sampled_from([0.5, 0.75, 0.9])),
        days=1,
    )
    inventory = pool_from_records(pool.records)
    some = draw(st.lists(st.sampled_from([vm.uuid for vm in inventory.resident_guests()]), max_size=4, unique=True))
    groups = {"apart": [{"name": "some", "vms": some, "at_most": 1}]} if len(some) > 1 else {}
    reserve = {"memory_reserve_mib": draw(st.sampled_from([0, 72, 2048]))}
    rules = {"set": draw(st.sampled_from(["documented", "enforced"]))}
    policy = Policy.model_validate({"mode": "repair", "rules": rules, "capacity": reserve, **groups})
    problem = make_problem(inventory, None, policy)
    return pool, problem, wandered(problem, random.Random(draw(st.integers(0, 999))))


def wandered(problem: Problem, chance: random.Random) -> Placement:
    """A placement that no rule objects to, half of all movable VMs being elsewhere."""
    book = Rulebook.of(problem)
    goal = dict(problem.initial.host_of)
    for vm, here in problem.initial.host_of.items():
        targets = list(book.live.targets(problem.pool.vms[vm]))
        if targets and chance.random() < 0.5:
            goal[vm] = chance.choice(targets)
            if book.violations(Placement(goal), since=problem.initial):
                goal[vm] = here
    return Placement(goal)
