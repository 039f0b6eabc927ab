"""What was handed in or read and cannot be used: files, arguments, settings, an inventory, metrics."""

from __future__ import annotations

from typing import Final

from rebalancer.errors.base import Listed, Located

WITHOUT_LOAD: Final = 'plan without them by a policy with mode = "repair" or "evacuate" and no limits.host_load'


class InputError(Located):
    """A file, an option or a setting that a person handed in cannot be used."""


class MissingExtra(InputError):
    """A package that only an extra brings is not installed.

    Args:
        where: the file or part that needs it.
        package: the package.
        extra: the extra of this project that brings it.
    """

    def __init__(self, where: str, package: str, extra: str) -> None:
        remedy = f"Install the extra `{extra}`: in a checkout `pip install '.[{extra}]'`"
        super().__init__(where, f"it needs the package {package}", remedy)
        self.package, self.extra = package, extra


class SnapshotError(InputError):
    """A snapshot file or a database dump cannot be read."""


class PolicyError(InputError):
    """A policy cannot be used, or not with this pool."""


class PlanFileError(InputError):
    """A plan file cannot be read, or was edited."""


class EditedPlan(PlanFileError):
    """A plan, or a file beside it, is not as it was written: what people have read may not be what would be done."""


class ConnectionSettingsError(InputError):
    """A URL, a credential or a certificate setting cannot be used."""


class HistoryError(InputError):
    """What was kept of earlier runs cannot be read, or nothing can be added to it."""


class BrokenHistory(HistoryError):
    """Its file is no database, or not a whole one."""


class InventoryError(Listed):
    """The pool's records contradict each other."""

    what = "the inventory contradicts itself"
    remedy = "Read the pool again; if it persists, look at the named objects with xe"


class MetricsRefused(Listed):
    """The metrics are not good enough to plan on; each reason names the VM or host."""

    what = "metrics refused"
    remedy = f"Mend the metrics, or {WITHOUT_LOAD}"


class NoMetrics(MetricsRefused):
    """The pool was read without metrics that can be used, so that its load is not known."""

    what = "there are no metrics"
    remedy = (
        "Read the pool by its URL, or from a snapshot that was saved with them, or name a file of recorded load "
        f"(--demand, in Python samples=); or {WITHOUT_LOAD}"
    )
