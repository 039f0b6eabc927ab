"""Every way of planning starts from what the journals of earlier runs teach, and from the policy."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import rebalancer as rb
from rebalancer.errors import ConnectionSettingsError, InputError, MetricsRefused
from rebalancer.execute.journal.entries import Intended, Looked, RunBegan, Sent
from rebalancer.execute.journal.journal import Journal
from rebalancer.execute.journal.outcome import StepState
from rebalancer.plan import Plan
from rebalancer.plan.duration import NO_EXPERIENCE

NOW = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)
COOL = rb.Policy(limits={"cool_down_hours": 24, "solve_seconds": 10})


@pytest.fixture
def model(desk: Path) -> rb.Model:
    """The demo's pool, of which a run ended an hour ago: ten slow migrations, the first of a VM of alder."""
    state = rb.read(desk / "pool.json.gz")
    pool = state.pool
    alder = next(host.uuid for host in pool.hosts.values() if host.name == "alder")
    moved = min(vm.uuid for vm in pool.resident_guests() if vm.resident_on == alder)
    ended = NOW - timedelta(hours=1)
    with Journal(desk / "slow" / "journals" / "one.jsonl") as journal:
        journal.append(RunBegan(at=ended, plan="p", pool=pool.uuid))
        for number in range(1, 11):
            name, begun = f"s{number:02}", ended - timedelta(minutes=60 - 5 * number)
            journal.append(
                Intended(at=begun, step=name, vm=moved, source="x", target=alder, wire_seconds=float(number))
            )
            journal.append(Sent(at=begun, step=name, task="t"))
            at = begun + timedelta(seconds=60 + 3 * number)
            journal.append(Looked(at=at, step=name, state=StepState.MOVED, power_state="Running", resident_on=alder))
    return rb.Model(state, COOL, state_dir=desk / "slow")


def rebalanced(model: rb.Model) -> Plan:
    """A plan for the whole pool."""
    return rb.rebalance(model, made_at=NOW)


def evacuated(model: rb.Model) -> Plan:
    """A plan that empties a host."""
    found = rb.evacuate(model, ["alder"], made_at=NOW)
    assert found.plan
    assert found.home
    assert found.home.made_from.pace == found.plan.made_from.pace
    return found.plan


def rolled(model: rb.Model) -> Plan:
    """The first stage of a rolling plan."""
    found = rb.rolling(model, ["alder"], made_at=NOW)
    assert len({stage.plan.made_from.pace for stage in found.stages}) == 1
    return found.stages[0].plan


@pytest.mark.parametrize("way", [rebalanced, evacuated, rolled])
def test_journals_teach_every_way_of_planning(way: Callable[[rb.Model], Plan], model: rb.Model, desk: Path) -> None:
    """Migrations that took a minute and more make steps longer, and whoever moved an hour ago cools down."""
    taught, fresh = way(model), way(rb.Model(model.state, COOL, state_dir=desk / "fresh"))
    assert fresh.made_from.pace == NO_EXPERIENCE
    assert taught.made_from.pace.steps == 10
    assert min(step.seconds for step in taught.steps) > 60 > max(step.seconds for step in fresh.steps)
    assert len(taught.policy.cooling) == 1
    assert fresh.policy.cooling == ()


def test_the_way_back_learns_too(model: rb.Model) -> None:
    """The pace is that of the journals."""
    plan = rebalanced(model)
    back = rb.undo(plan, model.state, after=[step.id for step in plan.steps], state_dir=model.state_dir)
    assert back.made_from.pace == plan.made_from.pace


@pytest.mark.usefixtures("desk")
def test_seconds_are_the_policy_s() -> None:
    """The plan says how long was solved; no time is refused."""
    state = rb.read(Path("pool.json.gz"))
    plan = rb.rebalance(rb.Model(state, rb.Policy(mode=rb.policy.Mode.REPAIR)), seconds=7)
    assert plan.policy.limits.solve_seconds == 7.0
    with pytest.raises(InputError, match="seconds"):
        rb.rebalance(rb.Model(state), seconds=0)


def test_refused_metrics_are_told_where_they_are_needed(model: rb.Model) -> None:
    """By plans for balance and by the curve; a repair does without."""
    refused = MetricsRefused(["no host answered"])
    state = rb.PoolState(pool=model.state.pool, demand=None, taken_at=NOW, source="pool", refused=refused)
    for ask in (rb.rebalance, rb.tradeoff):
        with pytest.raises(MetricsRefused, match="no host answered"):
            ask(rb.Model(state))
    with pytest.raises(MetricsRefused):
        state.save(Path("never.json"))
    assert rb.rebalance(rb.Model(state, rb.Policy(mode=rb.policy.Mode.REPAIR))).steps


def test_a_host_for_all_is_refused(model: rb.Model) -> None:
    """Somebody has to keep the VMs."""
    with pytest.raises(InputError, match="no other host"):
        rb.evacuate(model, [host.name for host in model.state.pool.hosts.values()])


def test_a_plan_in_hand(model: rb.Model) -> None:
    """It is saved, read back, counted in and drawn, with metrics and without."""
    plan = rb.rebalance(model, made_at=NOW)
    plan.save("tonight")
    assert rb.load("tonight") == plan
    assert list(plan.frame().index) == [step.id for step in plan.steps]
    axis = plan.plot()
    assert len(axis.patches) == 2 * len(plan.hosts)
    bare = rb.Model(rb.read("pool.json.gz", metrics=False), rb.Policy(mode=rb.policy.Mode.REPAIR))
    assert "memory" in rb.rebalance(bare).plot().get_ylabel()


def test_what_is_no_model_is_told_so(model: rb.Model) -> None:
    """A pool in a model's place, a file name in a policy's, a cost that there is not, no host at all."""
    asks: list[Callable[[Any], object]] = [rb.rebalance, rb.tradeoff, rb.check, rb.sleep, rb.rolling]
    asks += [lambda state: rb.evacuate(state, ["alder"]), lambda state: rb.explain(state, "web")]
    for ask in asks:
        with pytest.raises(TypeError, match=r"a Model is needed, not PoolState: rb.Model\(state, policy\) makes one"):
            ask(model.state)
    with pytest.raises(TypeError, match=r"a Policy is needed, not str: rb.Policy.load\(path\) reads one"):
        rb.Model(model.state, "nightly.toml")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="Name gib or moves"):
        rb.tradeoff(model, "hours")
    with pytest.raises(InputError, match="no host is named"):
        rb.evacuate(model, [])


def test_one_host_may_be_named_alone(model: rb.Model) -> None:
    """A name in the place of a list; each stage has its plan in hand, to be saved."""
    found = rb.rolling(model, "alder", seconds=10, made_at=NOW)
    assert [stage.host_name for stage in found.stages] == ["alder", "alder"]
    found.stages[0].plan.save("stage")
    assert rb.load("stage") == found.stages[0].plan


def test_a_model_can_be_sent_to_another_process(model: rb.Model) -> None:
    """It answers there as it does here, for pools of workers."""
    assert rb.check(pickle.loads(pickle.dumps(model))).report == rb.check(model).report  # noqa: S301 - our own


def test_paths_may_be_text(model: rb.Model, desk: Path) -> None:
    """Journal, state folder and credentials, as for everything that is read; two tales of what is done are refused."""
    plan = rb.rebalance(model, made_at=NOW)
    assert not rb.undo(plan, model.state, journal="run.jsonl", state_dir="state").steps
    with pytest.raises(InputError, match="a journal is named, too"):
        rb.undo(plan, model.state, after=[plan.steps[0].id], journal="run.jsonl")
    keys = desk / "keys"
    keys.write_text("root\nsecret\n", encoding="utf-8")
    keys.chmod(0o600)
    assert rb.Connection(credentials="keys").login().user == "root"


def test_credentials_for_no_pool_beside_are_refused() -> None:
    """A file beside is none, either; the other way round, that pool's are used."""
    for beside in (None, "other.json.gz"):
        with pytest.raises(ConnectionSettingsError, match=r"--beside-credentials: .* none is named beside"):
            rb.Connection(beside=beside, beside_credentials="keys")
    way = rb.Connection(beside="https://other", beside_credentials="keys").of_beside("pool.json.gz")
    assert (way.credentials, way.beside) == ("keys", "pool.json.gz")
