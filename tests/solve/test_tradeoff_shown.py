"""The curve as a DataFrame and as a plot."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np

from rebalancer.frames import tradeoff_frame
from rebalancer.plots import plot_tradeoff
from rebalancer.solve import tradeoff
from tests.solve.tiny import random_problem

mpl.use("Agg")


def test_a_row_is_a_point_and_one_is_the_knee() -> None:
    """The numbers are those of the curve, and the plot has a step line for the best found and one for the bound."""
    curve = tradeoff(random_problem(0), points=6)
    frame = tradeoff_frame(curve)
    assert frame["gib"].tolist() == [point.gib for point in curve.points]
    assert frame["knee"].sum() == (curve.knee is not None)
    axis = plot_tradeoff(frame)
    assert len(axis.get_lines()) == 2
    assert np.asarray(axis.get_lines()[0].get_ydata()).tolist() == frame["overload"].tolist()
