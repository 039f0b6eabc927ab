"""Telling people how nights end: what is worth telling, to whom, and what became of that."""

from rebalancer.nightly.notify.notify import told_of_night
from rebalancer.nightly.notify.targets import targets_of
from rebalancer.nightly.notify.trial import told_for_a_test

__all__ = ["targets_of", "told_for_a_test", "told_of_night"]
