"""What is old goes; what a run, a person or the next night still needs stays, however old it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select

from rebalancer.execute import StepState, cooled, journal_path
from rebalancer.execute.journal.entries import Intended, Looked, RunBegan, RunEnded, Sent
from rebalancer.execute.journal.journal import Journal
from rebalancer.history.answers import Period
from rebalancer.history.fill import fill
from rebalancer.history.prune import Pruned, prune
from rebalancer.history.queries import moves_of, nights_of
from rebalancer.history.samples import keep_samples
from rebalancer.history.store import Store
from rebalancer.history.tables import OWNERS, SAMPLES
from rebalancer.plan import Plan, digest_of
from tests.execute.scripted import MADE_AT
from tests.history.loads import START, profile
from tests.history.made import DAY, FAR_AHEAD, LONG_AGO, PLAN, POOL, folder_of, keep_plan, live_through, write_journal
from tests.pools import policy_of

ALWAYS = Period(since=LONG_AGO, until=FAR_AHEAD)
SHORT = policy_of(history={"plans_days": 10, "journals_days": 20, "runs_days": 40, "samples_days": 5})


def plan_of_day(number: int, expires_at: datetime | None = None) -> Plan:
    """A plan that was made so many days after the first, and expires a day later."""
    made_at = MADE_AT + number * DAY
    plan = replace(PLAN, made_at=made_at, expires_at=expires_at or made_at + DAY)
    return replace(plan, digest=digest_of(plan))


@pytest.fixture
def month(store: Store) -> Store:
    """Thirty-one nights, each of which carried a plan out."""
    for number in range(31):
        live_through(store.place.folder, plan_of_day(number))
    fill(store)
    return store


def left(store: Store) -> tuple[int, int, int]:
    """Plan folders, journals, and lists of nights that are there."""
    folder = store.place.folder
    return tuple(len(list(folder.glob(each))) for each in ("plans/*/*", "journals/*", "nights/*"))  # type: ignore[return-value]  # three


def test_what_is_older_than_it_is_kept_goes(month: Store) -> None:
    """Plans of more than 10 days, journals of more than 20; the database still knows them."""
    now = MADE_AT + 30.5 * DAY
    found = prune(month, SHORT, now)
    assert (len(found.plans), len(found.journals), found.nights, found.rows) == (21, 11, [], 0)
    assert left(month) == (10, 20, 1 if MADE_AT.month == (MADE_AT + 30 * DAY).month else 2)
    assert len(moves_of(month, ALWAYS)) == 62
    assert prune(month, SHORT, now) == Pruned()


def test_a_dry_run_changes_nothing(month: Store) -> None:
    """And says the same."""
    before, now = left(month), MADE_AT + 100 * DAY
    dry = prune(month, SHORT, now, dry=True)
    assert left(month) == before
    assert len(nights_of(month, ALWAYS)) == 31
    assert prune(month, SHORT, now) == dry
    assert dry.anything


def test_rows_go_once_no_file_tells_of_them(month: Store) -> None:
    """After 40 days, with the list of nights of the month; the last run and plan of the pool stay."""
    prune(month, SHORT, MADE_AT + 200 * DAY)
    assert nights_of(month, ALWAYS) == ()
    assert [each.plan for each in moves_of(month, ALWAYS)] == [plan_of_day(30).digest] * 2
    assert left(month)[:2] == (1, 1)
    assert fill(month).plans == 0


def unsettled(plan: Plan, state: Path, *looks: StepState) -> Path:
    """The journal of a run of *plan* whose step was sent, and came to no end but these."""
    at, path = plan.made_at, journal_path(plan.digest, state)
    write_journal(
        path,
        RunBegan(at=at, plan=plan.digest, pool=POOL.uuid),
        Intended(at=at, step="s01", vm="a", source="h1", target="h2"),
        Sent(at=at, step="s01", task="OpaqueRef:1"),
        *(Looked(at=at, step="s01", state=each, power_state=None, resident_on=None, vm="a") for each in looks),
    )
    return path


@pytest.mark.parametrize(
    ("looks", "ended", "stays"),
    [
        ((), False, True),
        ((StepState.UNKNOWN,), True, True),
        ((StepState.HALTED,), True, True),
        ((StepState.ELSEWHERE,), True, True),
        ((StepState.MOVED,), False, True),
        ((StepState.MOVED,), True, False),
    ],
)
def test_a_run_that_is_not_at_rest_stays(store: Store, looks: tuple[StepState, ...], ended: bool, stays: bool) -> None:
    """A call that may be under way, a VM that somebody has to look at, a run that was killed: with its plan."""
    old, new = plan_of_day(0), plan_of_day(5)
    keep_plan(old, store.place.folder)
    path = unsettled(old, store.place.folder, *looks)
    if ended:
        write_journal(path, RunEnded(at=old.made_at, words="it ended"))
    live_through(store.place.folder, new)
    prune(store, SHORT, MADE_AT + 300 * DAY)
    assert (path.exists(), folder_of(old, store.place.folder).exists()) == (stays, stays)


def test_a_journal_that_is_being_written_stays(store: Store) -> None:
    """Whatever stands in it."""
    old, new = plan_of_day(0), plan_of_day(5)
    for plan in (old, new):
        live_through(store.place.folder, plan)
    with Journal(journal_path(old.digest, store.place.folder)):
        prune(store, SHORT, MADE_AT + 300 * DAY)
    assert journal_path(old.digest, store.place.folder).exists()
    assert folder_of(old, store.place.folder).exists()


def test_a_plan_that_may_still_be_carried_out_stays(store: Store) -> None:
    """One that waits to be approved, say: until it expires."""
    waits = plan_of_day(0, expires_at=MADE_AT + 400 * DAY)
    keep_plan(waits, store.place.folder)
    keep_plan(plan_of_day(5), store.place.folder)
    prune(store, SHORT, MADE_AT + 300 * DAY)
    assert folder_of(waits, store.place.folder).exists()
    prune(store, SHORT, MADE_AT + 401 * DAY)
    assert not folder_of(waits, store.place.folder).exists()


def test_the_latest_plan_and_run_of_a_pool_stay(store: Store) -> None:
    """So that it can be taken back, and `status` has something to show."""
    live_through(store.place.folder)
    assert prune(store, SHORT, MADE_AT + 300 * DAY).journals == []
    assert left(store)[:2] == (1, 1)


def test_patience_is_not_forgotten(store: Store) -> None:
    """Journals of a VM that failed night after night stay as long as it is left alone, and as long again."""
    patient = policy_of(history={"journals_days": 1}, limits={"leave_alone_nights": [1, 2, 4, 80]})
    failures = []
    for number in (0, 3, 8, 20):
        plan = plan_of_day(number)
        states = {"s01": StepState.MOVED, "s02": StepState.STAYED}
        live_through(store.place.folder, plan, states)
        failures.append(journal_path(plan.digest, store.place.folder))
    live_through(store.place.folder, plan_of_day(40), {"s01": StepState.MOVED})
    now = MADE_AT + 90 * DAY
    resting = cooled(patient, POOL, now, store.place.folder).cooling
    assert [each.vm for each in resting] == ["b"]
    assert prune(store, patient, now).journals == []
    assert cooled(patient, POOL, now, store.place.folder).cooling == resting
    prune(store, patient, MADE_AT + 200 * DAY)
    assert not any(path.exists() for path in failures)


def test_a_cool_down_is_not_forgotten(store: Store) -> None:
    """Journals stay as long as moves in them cool down."""
    slow = policy_of(history={"journals_days": 1}, limits={"cool_down_hours": 240})
    for number in (0, 5):
        live_through(store.place.folder, plan_of_day(number))
    assert prune(store, slow, MADE_AT + 9 * DAY).journals == []
    assert len(prune(store, slow, MADE_AT + 11 * DAY).journals) == 1


def test_old_load_goes(store: Store) -> None:
    """Day by day; VMs of which no load is left go, too."""
    keep_samples(store, POOL, profile(START, 168, seed=1))
    now = START + 10 * DAY
    assert prune(store, SHORT, now).days_of_load == 6 * 5
    with store.reading() as connection:
        assert connection.execute(select(func.min(SAMPLES.c.day))).scalar_one() == (now - 5 * DAY).date()
    prune(store, SHORT, now + 30 * DAY)
    with store.reading() as connection:
        assert connection.execute(select(func.count()).select_from(OWNERS)).scalar_one() == 0


def test_what_nobody_can_read_stays(store: Store) -> None:
    """A folder with something else, a journal that was edited, a journal of another name."""
    live_through(store.place.folder)
    keep_plan(plan_of_day(5), store.place.folder)
    foreign = store.place.folder / "plans" / POOL.uuid / "2020-notes"
    foreign.mkdir()
    (foreign / "plan.json").write_text("{}")
    edited = store.place.folder / "journals" / "x.jsonl"
    edited.write_text("{}\n")
    other = write_journal(
        store.place.folder / "journals" / "y.jsonl",
        RunBegan(at=MADE_AT, plan="sha256:z", pool="elsewhere"),
        RunEnded(at=MADE_AT, words="it ended"),
    )
    prune(store, SHORT, datetime(2090, 1, 1, tzinfo=UTC))
    assert foreign.exists()
    assert edited.exists()
    assert other.exists()
