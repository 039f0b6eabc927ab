"""Plots draw what frames say, on the axes that they are given, with units on them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.container import BarContainer

from rebalancer.plots import (
    frontier,
    plot_change,
    plot_duration,
    plot_failures,
    plot_fit,
    plot_gantt,
    plot_host,
    plot_load,
    plot_loads,
    plot_placement,
    plot_prices,
    plot_replay,
    plot_tradeoff,
)

LOADS = pd.DataFrame(
    [[0.2, 0.9, 0.3], [0.5, 0.5, np.nan]],
    index=pd.Index(["h1", "h2"], name="host"),
    columns=pd.Index(["00:00", "01:00", "02:00"], name="time (UTC)"),
)
HOSTS = pd.DataFrame(
    {
        "host": "h1",
        "time": LOADS.columns,
        "own_pcpu": [1.0, 1.0, 1.0],
        "of_pcpus": 16.0,
        "timezone": "UTC",
        "pcpu": [4.0, 5.0, 6.0],
    }
)
VMS = pd.DataFrame(
    [(f"u{vm}", f"v{vm}", "h1", time, 0.3) for vm in range(10) for time in LOADS.columns],
    columns=["vm_uuid", "vm", "host", "time", "pcpu"],
)
STEPS = pd.DataFrame(
    {
        "vm": ["a", "b"],
        "from": ["h1", "h2"],
        "to": ["h2", "h1"],
        "start_seconds": [0.0, 100.0],
        "seconds": [100.0, 140.0],
    },
    index=pd.Index(["s01", "s02"], name="step"),
)
PLACEMENT = pd.DataFrame(
    {"vm": ["a", "b"], "before": ["h1", "h1"], "after": ["h2", "h1"], "moves": [True, False]}, index=["u1", "u2"]
)
CHANGE = pd.DataFrame(
    {
        "cpu_share_before": [0.9, 0.1],
        "cpu_share_after": [0.5, 0.5],
        "memory_share_before": [0.4, 0.2],
        "memory_share_after": [0.3, 0.3],
    },
    index=pd.Index(["h1", "h2"], name="host"),
)
CURVE = pd.DataFrame(
    {"gib": [0.0, 4.0], "moves": [0, 1], "load_cost": [9.0, 2.0], "bound": [9.0, 1.0], "knee": [False, True]}
)
REPLAY = pd.DataFrame(
    {
        "gib": [0.0, 10.0, 12.0, 30.0],
        "overload_pcpu_hours": [50.0, 20.0, 25.0, 5.0],
        "least_overload_pcpu_hours": [1.0, 1.0, 1.0, 1.0],
    },
    index=pd.Index(["nothing", "calm", "greedy", "default"], name="contender"),
)

PRICES = pd.DataFrame(
    {
        "relaxable": [True, False, True],
        "proved": [False, False, True],
        "overload_pcpu_hours_saved": [4.0, 1.0, 0.0],
        "overload_pcpu_hours_saved_at_most": [6.0, 1.0, 3.0],
        "copied_gib_saved": [-8.0, 2.0, 0.0],
    },
    index=pd.Index(["pair", "enough-memory", "idle"], name="rule"),
)

FIT = pd.DataFrame(
    {
        "host": ["h1", "h1", "h2", "h2"],
        "kind": ["small", "large", "small", "large"],
        "starts": [2, 1, 0, 0],
        "ends": ["memory", "memory", "CPU at 09:00 UTC", "CPU at 09:00 UTC"],
    }
)
FAILURES = pd.DataFrame(
    {
        "hosts": ["h1", "h1", "h2", "h3"],
        "host_uuids": ["u1", "u1", "u2", "u3"],
        "guests": [5, 5, 4, 3],
        "vm": ["a", "b", "", "c"],
    }
)
PAIRS = pd.DataFrame(
    {
        "hosts": ["h1, h2", "h1, h2", "h1, h3", "h2, h3"],
        "host_uuids": ["u1, u2", "u1, u2", "u1, u3", "u2, u3"],
        "guests": [9, 9, 8, 7],
        "vm": ["a", "b", "", "c"],
    }
)

DRAWN: dict[str, Callable[[Axes | None], Axes]] = {
    "load": lambda ax: plot_load(LOADS, threshold=0.75, ax=ax),
    "host": lambda ax: plot_host("h1", HOSTS, VMS, threshold=0.75, ax=ax),
    "duration": lambda ax: plot_duration(LOADS.fillna(0), threshold=0.75, ax=ax),
    "gantt": lambda ax: plot_gantt(STEPS, ax=ax),
    "placement": lambda ax: plot_placement(PLACEMENT, ax=ax),
    "change": lambda ax: plot_change(CHANGE, threshold=0.75, ax=ax),
    "fit": lambda ax: plot_fit(FIT, ax=ax),
    "failures": lambda ax: plot_failures(FAILURES, ax=ax),
    "pairs": lambda ax: plot_failures(PAIRS, ax=ax),
    "tradeoff": lambda ax: plot_tradeoff(CURVE, ax=ax),
    "prices": lambda ax: plot_prices(PRICES, ax=ax),
    "replay": lambda ax: plot_replay(REPLAY, ax=ax),
}


@pytest.fixture(autouse=True)
def drawn() -> Iterator[None]:
    """No figure is left open."""
    yield
    plt.close("all")


@pytest.mark.parametrize("name", DRAWN)
def test_axes_are_taken_and_named(name: str) -> None:
    """What is handed in is drawn on and handed back; else there is a new figure; and x says what it counts."""
    _, mine = plt.subplots()
    assert DRAWN[name](mine) is mine
    assert mine.get_xlabel() or name == "change"
    alone = DRAWN[name](None)
    assert alone is not mine
    alone.figure.canvas.draw()


def test_what_is_over_the_threshold_is_framed() -> None:
    """The one hour of one host; unknown load is over nothing."""
    (marks,) = plot_load(LOADS, threshold=0.75).collections
    assert np.asarray(marks.get_offsets()).tolist() == [[1.0, 0.0]]


def test_hosts_of_a_map_do_not_run_into_each_other() -> None:
    """A week of hours in a small picture has the colours of its hosts, and none between."""
    week = pd.DataFrame([[0.0] * 168, [1.0] * 168], index=["h1", "h2"], columns=[str(hour) for hour in range(168)])
    axis = plot_load(week.rename_axis("time", axis="columns"), threshold=2.0)
    (image,) = axis.images
    pixels, *_ = image.make_image(RendererAgg(560, 184, 80))  # type: ignore[no-untyped-call]
    assert len(np.unique(pixels[pixels[..., 3] == 255].reshape(-1, 4), axis=0)) == 2


def test_hours_of_recorded_days_name_their_zone() -> None:
    """As times of day do; a policy may have another zone than UTC."""
    hours = pd.date_range("2026-11-24", periods=3, freq="h", tz="Europe/Berlin", name="hour")
    assert plot_load(LOADS.set_axis(hours, axis="columns"), threshold=0.75).get_xlabel() == "time (Europe/Berlin)"
    assert plot_load(LOADS, threshold=0.75).get_xlabel() == "time (UTC)"


def test_ticks_of_recorded_days_are_midnights() -> None:
    """In the zone of the hours, whenever these begin; also where the clock was put back, and one day has 25 hours."""
    hours = pd.date_range("2026-10-23 14:00", periods=96, freq="h", tz="Europe/Berlin", name="hour")
    days = pd.DataFrame(np.full((1, len(hours)), 0.5), index=["h1"], columns=hours)
    axis = plot_load(days, threshold=0.75)
    assert [label.get_text() for label in axis.get_xticklabels()] == ["24 Oct", "25 Oct", "26 Oct", "27 Oct"]
    assert {hours[int(at)].hour for at in axis.get_xticks()} == {0}


def test_ticks_of_a_few_hours_are_moments() -> None:
    """Too few midnights for an axis; labels end below their tick."""
    hours = pd.date_range("2026-11-24 22:00", periods=3, freq="h", tz="UTC", name="hour")
    labels = plot_load(LOADS.set_axis(hours, axis="columns"), threshold=0.75).get_xticklabels()
    assert [label.get_text() for label in labels] == ["24 Nov 22:00", "24 Nov 23:00", "25 Nov 00:00"]
    assert {label.get_horizontalalignment() for label in labels} == {"right"}


def test_before_and_after_share_a_scale() -> None:
    """Else their colours could not be compared."""
    left, right = plot_loads(LOADS, LOADS * 1.5, threshold=0.75)
    assert left.images[0].get_clim() == right.images[0].get_clim()
    assert left.images[0].get_clim()[1] == pytest.approx(1.35)


def test_the_stack_reaches_the_load() -> None:
    """The host itself, six VMs and the rest add up to what frames say: 1 and ten times 0.3 pCPUs."""
    axis = plot_host("h1", HOSTS, VMS, threshold=0.75)
    tops = [np.asarray(path.vertices)[:, 1].max() for each in axis.collections for path in each.get_paths()]
    assert max(tops) == pytest.approx(4.0)
    labels = axis.get_legend_handles_labels()[1]
    assert {"4 other VMs", "the host itself", "capacity (16 pCPUs)", "threshold (75%)"} <= set(labels)


def test_the_duration_curve_falls() -> None:
    """From the busiest hour to the quietest, whenever they are."""
    axis = plot_duration(LOADS.fillna(0), threshold=0.75)
    assert list(np.asarray(axis.lines[0].get_ydata())) == [0.9, 0.3, 0.2, 0.2]


def test_bars_run_as_steps_do() -> None:
    """240 seconds are told in minutes; the second bar begins where the first ends."""
    axis = plot_gantt(STEPS)
    (bars,) = [each for each in axis.containers if isinstance(each, BarContainer)]
    assert [round(bar.get_x() * 60) for bar in bars] == [0, 100]
    assert axis.get_xlabel() == "minutes from the start"


def test_tiles_tell_who_moved() -> None:
    """One that stays, one that left, one that came; the two that move are named."""
    axis = plot_placement(PLACEMENT)
    assert len(axis.patches) == 3
    assert [text.get_text() for text in axis.texts] == ["a", "a"]


def test_memory_stands_in_for_cpu() -> None:
    """Where there are no metrics, the axis says so and no threshold is drawn."""
    bare = CHANGE.assign(cpu_share_before=np.nan, cpu_share_after=np.nan)
    axis = plot_change(bare, threshold=0.75)
    assert (axis.get_ylabel(), len(axis.lines)) == ("memory of VMs / memory", 0)


def test_the_frontier_is_what_nobody_beats() -> None:
    """Greedy copies more than calm and leaves more overload."""
    assert list(frontier(REPLAY).index) == ["nothing", "calm", "default"]


def test_contenders_of_a_replay_are_told_apart() -> None:
    """By a mark of their own each, those that did the same by one; beside the picture, where no name hides another."""
    rows = pd.concat([REPLAY, REPLAY.loc[["calm"]].set_axis(["cautious"])])
    axis = plot_replay(rows)
    legend = axis.get_legend()
    assert legend is not None
    named = [text.get_text() for text in legend.get_texts()]
    assert named == ["frontier", "nothing", "calm, cautious", "greedy", "default", "least that any placement has"]
    bound = plot_replay(rows.assign(least_overload_pcpu_hours=0.0)).get_legend_handles_labels()[1]
    assert named[:-1] == bound
    assert len({str(marks.get_facecolor()) for marks in axis.collections}) == len(REPLAY)


def test_bars_of_prices_say_who_may_relax() -> None:
    """What costs nothing has no bar; XAPI's own are hatched; a line ends at what is saved at most; GiB are told."""
    axis = plot_prices(PRICES)
    (bars,) = [each for each in axis.containers if isinstance(each, BarContainer)]
    assert [(bar.get_width(), bar.get_hatch()) for bar in bars] == [(4.0, None), (1.0, "//")]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["pair", "enough-memory"]
    assert [text.get_text() for text in axis.texts] == ["8.0 GiB more", "2.0 GiB less"]


def test_gib_of_prices_stand_within_the_picture() -> None:
    """Beside the longest line as well, and none over the legend, however long the names of rules are."""
    axis = plot_prices(PRICES.rename({"pair": "tag xo:load:balancer:anti-affinity=cache"}))
    axis.figure.canvas.draw()
    legend = axis.get_legend()
    assert legend is not None
    for text in axis.texts:
        where = text.get_window_extent()
        assert where.x1 <= axis.get_window_extent().x1
        assert not where.overlaps(legend.get_window_extent())


def test_prices_without_overload_are_gib() -> None:
    """The axis says so."""
    axis = plot_prices(PRICES.assign(overload_pcpu_hours_saved=np.nan, overload_pcpu_hours_saved_at_most=np.nan))
    (bars,) = [each for each in axis.containers if isinstance(each, BarContainer)]
    assert [bar.get_width() for bar in bars] == [-8.0, 2.0]
    assert axis.get_xlabel() == "copied less without it (GiB)"


def test_nothing_costs_anything() -> None:
    """An empty picture that can be drawn."""
    axis = plot_prices(PRICES.iloc[2:])
    axis.figure.canvas.draw()
    assert axis.get_yticklabels() == []


def test_bars_of_a_fit_stack_kinds() -> None:
    """Two small ones and a large one on h1, none on h2; what ends it stands beside."""
    axis = plot_fit(FIT)
    widths = [[bar.get_width() for bar in bars] for bars in axis.containers if isinstance(bars, BarContainer)]
    assert widths == [[2, 0], [1, 0]]
    assert [text.get_text() for text in axis.texts] == ["memory", "CPU at 09:00 UTC"]


def test_who_stays_down_is_told_beside_who_restarts() -> None:
    """Of five, four and three VMs two, none and one."""
    axis = plot_failures(FAILURES)
    widths = [[bar.get_width() for bar in bars] for bars in axis.containers if isinstance(bars, BarContainer)]
    assert widths == [[3, 4, 2], [2, 0, 1]]


def test_pairs_of_hosts_are_a_map() -> None:
    """Each pair once, below the diagonal; hosts with a comma in a name are told by uuid."""
    axis = plot_failures(PAIRS)
    (image,) = axis.images
    cells = np.asarray(image.get_array(), dtype=float)
    assert (cells[1, 0], cells[2, 0], cells[2, 1]) == (2, 0, 1)
    assert [text.get_text() for text in axis.texts] == ["2", "0", "1"]
    odd = plot_failures(PAIRS.assign(hosts="x, y, z"))
    assert [label.get_text() for label in odd.get_yticklabels()] == ["u1", "u2", "u3"]


def test_three_hosts_have_no_map() -> None:
    """The frame has them."""
    with pytest.raises(ValueError, match="3 hosts die together"):
        plot_failures(PAIRS.assign(host_uuids="u1, u2, u3"))


def test_hours_below_two_maps_do_not_overlap() -> None:
    """A day of them, on maps that share a figure."""
    hours = pd.Index([f"{hour:02}:00" for hour in range(24)], name="time (UTC)")
    day = pd.DataFrame(np.full((5, 24), 0.5), index=list("abcde"), columns=hours)
    for axis in plot_loads(day, day, threshold=0.75):
        axis.figure.canvas.draw()
        boxes = [label.get_window_extent() for label in axis.get_xticklabels()]
        assert all(left.x1 < right.x0 for left, right in itertools.pairwise(boxes))
