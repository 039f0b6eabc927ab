"""The curve as a DataFrame and as a plot."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np

from rebalancer.cli.views.tradeoff import tradeoff_document, tradeoff_tables
from rebalancer.frames import tradeoff_frame
from rebalancer.plots import plot_tradeoff
from rebalancer.rules import Rulebook
from rebalancer.solve import tradeoff
from tests.solve.reluctant import ANY_GAIN, HOT, ON_H1, reluctant
from tests.solve.tiny import random_problem, tiny

mpl.use("Agg")


def test_a_row_is_a_point_and_one_is_the_knee() -> None:
    """The numbers are those of the curve, and the plot has a step line for the best found and one for the bound."""
    curve = tradeoff(Rulebook.of(random_problem(0)), points=6)
    frame = tradeoff_frame(curve)
    assert frame["gib"].tolist() == [point.gib for point in curve.points]
    assert frame["knee"].sum() == (curve.knee is not None)
    axis = plot_tradeoff(frame)
    assert len(axis.get_lines()) == 2
    assert np.asarray(axis.get_lines()[0].get_ydata()).tolist() == frame["load_cost"].tolist()


def test_what_is_not_looked_at_is_said() -> None:
    """Bounds of placements that move no last resort are not shown as bounds of all."""
    problem = tiny(ON_H1, load=HOT, limits=ANY_GAIN)
    assert "last resort" not in str(next(iter(tradeoff_tables(tradeoff(Rulebook.of(problem))))))
    curve = tradeoff(Rulebook.of(reluctant(problem, "b")))
    assert tradeoff_document(curve)["last_resorts"] == curve.last_resorts == 0
    assert "Only placements with moves of at most 0 last resorts are looked at" in str(
        next(iter(tradeoff_tables(curve)))
    )
