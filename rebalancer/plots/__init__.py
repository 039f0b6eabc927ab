"""Values as matplotlib axes: each takes a DataFrame of `rebalancer.frames`, and draws on `ax` where it is given one."""

from rebalancer.errors import MissingExtra

try:
    from rebalancer.plots.change import plot_change
    from rebalancer.plots.curves import frontier, plot_replay, plot_tradeoff
    from rebalancer.plots.forecasts import plot_forecast
    from rebalancer.plots.heat import plot_load, plot_loads
    from rebalancer.plots.load import plot_duration, plot_host
    from rebalancer.plots.planning import plot_failures, plot_fit
    from rebalancer.plots.prices import plot_prices
    from rebalancer.plots.steps import plot_gantt, plot_placement
except ModuleNotFoundError as error:
    raise MissingExtra("plots", "matplotlib", "plots") from error

__all__ = [
    "frontier",
    "plot_change",
    "plot_duration",
    "plot_failures",
    "plot_fit",
    "plot_forecast",
    "plot_gantt",
    "plot_host",
    "plot_load",
    "plot_loads",
    "plot_placement",
    "plot_prices",
    "plot_replay",
    "plot_tradeoff",
]
