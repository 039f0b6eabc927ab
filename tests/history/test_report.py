"""A report of a week: what was hot, what was moved, whether it helped, who is left alone, what is free."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest

from rebalancer.execute import StepState, cooled
from rebalancer.execute.journal.cooling import ONE_NIGHT
from rebalancer.execute.journal.entries import AS_ASKED, Intended, Looked, RunBegan
from rebalancer.history.answers import Period
from rebalancer.history.fill import fill
from rebalancer.history.report.make import period_of, report_of, told_apart
from rebalancer.history.report.page import line_of, report_page, write_page
from rebalancer.history.report.values import Flapping, PoolReport, Report, slope_a_week
from rebalancer.history.store import Store
from rebalancer.policy import Policy
from tests.execute.scripted import MADE_AT
from tests.history.made import DAY, write_journal
from tests.history.weeks import EVIL, HOUR, NIGHTS, POOL, live_a_week
from tests.pools import policy_of

UNTIL = MADE_AT + 8 * DAY
WEEK = Period(since=UNTIL - 8 * DAY, until=UNTIL)


@pytest.fixture
def week(store: Store) -> Store:
    """A history that lived through a week."""
    live_a_week(store.place.folder)
    fill(store)
    return store


def told(store: Store, policy: Policy | None = None, period: Period = WEEK) -> Report:
    """The report of a week."""
    return report_of(store, period, policy or policy_of(), name="week")


def of_pool(store: Store, policy: Policy | None = None) -> PoolReport:
    """That of the one pool."""
    (pool,) = told(store, policy).pools
    return pool


def test_nights_and_moves_are_counted(week: Store) -> None:
    """By verdict; GiB of those that arrived only. A night whose pool was never read is told beside."""
    pool = of_pool(week)
    assert pool.verdicts == {"set_aside": NIGHTS}
    assert (len(pool.moved), len(pool.failed)) == (NIGHTS + 1, NIGHTS)
    assert pool.gib == pytest.approx(2.0 * (NIGHTS + 1))
    assert [night.verdict for night in told(week).nowhere] == ["unreachable"]


def test_hot_hosts_come_first(week: Store) -> None:
    """h1 had a and b every other night, 15.5 of its 16 pCPUs; no other host was above its threshold."""
    (hot,) = of_pool(week).hot
    assert (hot.host, hot.nights, hot.of) == ("h1", 4, NIGHTS)
    assert hot.worst_share == pytest.approx((7.0 + 8.0 + 1.0 + 0.5) / 16, abs=1e-3)
    assert hot.worst_at == MADE_AT


def test_it_says_whether_it_helped(week: Store) -> None:
    """Predicted, measured, and without the moves, summed over the days after; and where it was wrong by too much."""
    pool = of_pool(week)
    assert pool.overload == (6.0, 12.0, 75.0)
    assert [host.since for host in pool.wrong] == [MADE_AT + 5 * DAY + timedelta(hours=1)]
    wide = of_pool(week, policy_of(history={"prediction_error": 0.5}))
    assert wide.wrong == ()


def test_who_moves_to_and_fro_is_named(week: Store) -> None:
    """VM a, each of whose moves but the first led back; one that moved once is not."""
    assert of_pool(week).flapping == (Flapping(vm="a", vm_uuid="a", moves=NIGHTS, back=NIGHTS - 1),)


def test_often_is_enough_to_flap(store: Store) -> None:
    """Never back, and still too often: as often as the policy says."""
    live_a_week(store.place.folder)
    fill(store)
    first = report_of(store, Period(since=MADE_AT, until=MADE_AT + DAY), policy_of(), name="week")
    assert [pool.flapping for pool in first.pools] == [()]
    patient = of_pool(store, policy_of(history={"flapping_moves": 100}))
    assert [vm.back for vm in patient.flapping] == [NIGHTS - 1]


def test_who_is_left_alone_is_named_with_the_day_of_the_first_failure(week: Store) -> None:
    """Since the first night, with XAPI's code, and until eight nights after the last."""
    (alone,) = of_pool(week).alone
    minutes = timedelta(minutes=4)
    assert (alone.vm, alone.nights, alone.words) == ("b", NIGHTS, "CANNOT_MIGRATE")
    assert MADE_AT < alone.since < MADE_AT + minutes
    last = MADE_AT + (NIGHTS - 1) * DAY
    assert last < alone.until - 8 * DAY - ONE_NIGHT < last + minutes
    assert of_pool(week, policy_of(limits={"leave_alone_nights": []})).alone == ()


def test_who_was_cancelled_or_halted_is_passed_over(store: Store) -> None:
    """As plans do it: b, whose last try people cancelled, is left alone since the try before; c never was."""
    folder, error = store.place.folder, ("TASK_CANCELLED", "OpaqueRef:1")
    failed, cancelled = ("b", StepState.REFUSED, ""), ("b", StepState.STAYED, AS_ASKED)
    for number, (vm, state, words) in enumerate(
        [failed, cancelled, ("b", StepState.HALTED, ""), ("c", *cancelled[1:])]
    ):
        at = MADE_AT + number * HOUR
        began = RunBegan(at=at, plan=f"sha256:{number}", pool=POOL.uuid)
        look = Looked(at=at, step="s", vm=vm, state=state, power_state=None, resident_on="h1", error=error, words=words)
        call = Intended(at=at, step="s", vm=vm, source="h1", target="h3")
        write_journal(folder / "journals" / f"{number}.jsonl", began, call, look)
    fill(store)
    (pool,) = told(store).pools
    known = cooled(policy_of(), POOL, UNTIL - 8 * DAY + 4 * HOUR, folder).cooling
    assert [(each.vm_uuid, each.until) for each in pool.alone] == [(each.vm, each.until) for each in known]
    assert [(each.vm_uuid, each.nights, each.words) for each in pool.alone] == [("b", 1, "TASK_CANCELLED")]
    assert [move.words for move in pool.moves if move.vm_uuid == "c"] == [AS_ASKED]


def test_nobody_is_left_alone_for_ever(week: Store) -> None:
    """A report of a month later names nobody whose rest is over."""
    later = UNTIL + 30 * DAY
    assert told(week, period=Period(since=later - 7 * DAY, until=later)).pools == ()


def test_headroom_has_a_trend(week: Store) -> None:
    """One pCPU of 48 more each night: 14.6 points a week less are free; memory stays as it is."""
    pool = of_pool(week)
    assert pool.headroom[0].cpu_share == pytest.approx(0.5)
    assert pool.cpu_trend == pytest.approx(-7 / 48)
    assert pool.memory_trend == pytest.approx(0)
    assert slope_a_week([], []) is None
    assert slope_a_week([MADE_AT], [0.5]) is None


def test_pools_can_be_chosen(week: Store) -> None:
    """Of others nothing is told, nor of nights that found no pool."""
    found = report_of(week, WEEK, policy_of(), name="week", pools=["elsewhere"])
    assert (found.pools, found.nowhere) == ((), ())


def test_a_week_ends_now_or_with_the_latest_night(week: Store) -> None:
    """A pool to practise on may be weeks ahead."""
    assert period_of(week, 7, None, UNTIL).until == UNTIL
    assert period_of(week, 7, None, MADE_AT).until == MADE_AT + NIGHTS * DAY + timedelta(minutes=1)
    assert period_of(week, 7, MADE_AT, UNTIL) == Period(since=MADE_AT - 7 * DAY, until=MADE_AT)


class Page(HTMLParser):
    """What a page is made of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Note text."""
        self.words.append(data)


def test_the_page_says_all_of_it(week: Store) -> None:
    """And names are text in it, whatever they look like."""
    page = Page(report_page(told(week), UNTIL))
    words = " ".join(page.words)
    for expected in ("set aside", "CANNOT_MIGRATE", "Did it help?", "h1", "-14.6 points a week", "63.0", EVIL):
        assert expected in words
    assert "script" not in {tag for tag, _ in page.tags}
    assert {tag for tag, _ in page.tags} >= {"svg", "polyline", "table"}


def test_the_page_needs_nothing_else_and_forbids_it(week: Store) -> None:
    """No address, no script, no style but the one that its policy names by its hash."""
    text = report_page(told(week), UNTIL)
    page = Page(text)
    (policy,) = [str(found["content"]) for tag, found in page.tags if found.get("http-equiv")]
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}';")
    named = {name for _, found in page.tags for name in found}
    assert named.isdisjoint({"src", "style", "srcset", "action"})
    assert {found["href"] for _, found in page.tags if "href" in found} == {"#content"}
    assert not {name for name in named if name.startswith("on")}
    assert "url(" not in style
    assert "@import" not in style


def test_the_same_report_is_the_same_page(week: Store, tmp_path: Path) -> None:
    """Byte for byte, for its owner alone."""
    write_page(told(week), tmp_path / "report.html", UNTIL)
    assert (tmp_path / "report.html").read_text() == report_page(told(week), UNTIL)
    assert (tmp_path / "report.html").stat().st_mode & 0o777 == 0o600


def test_a_page_of_nothing_says_so(store: Store) -> None:
    """An empty history is no error."""
    assert "Nothing is known of this time." in report_page(told(store), UNTIL)


def test_a_line_needs_two_moments() -> None:
    """And goes from left to right, a share of 1 at the top."""
    assert line_of([(MADE_AT, 0.5)]) is None
    line = line_of([(MADE_AT, 0.0), (MADE_AT + DAY, 1.5)])
    assert line
    assert (line.points, line.end_x, line.end_y) == ("0,120 640,0", 640.0, 0.0)


def test_pools_of_one_name_are_told_apart() -> None:
    """By the start of their uuids; a name that one pool has stays as it is."""
    names = {"3728aab9-7c5d": "lab", "90680a81-3680": "lab", "ecb1ea62-d6ff": "farm"}
    assert list(told_apart(names).values()) == ["lab (3728aab9)", "lab (90680a81)", "farm"]
