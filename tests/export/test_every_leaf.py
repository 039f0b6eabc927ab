"""Every leaf of plan files edited and sealed again: verifying refuses the file, or what it says proves nothing."""

from __future__ import annotations

import pytest

from rebalancer.plan import plan_document
from tests.export.cases import CASES
from tests.export.leaves import as_read, edits

VERSIONS = {f"made_from.versions.{name}" for name in ("rebalancer", "ortools", "networkx", "numpy")}
WORD_OF_THE_MAKER = {
    *VERSIONS,
    *("made_from.seed", "made_from.part_of", "made_from.undoes", "outcome", "reason", "bound_by"),
    *("warnings", "warnings.*", "tiers.*", "tiers.*.bound", "tiers.*.proved", "no_way_back.*.rule"),
    *("no_way_back.*.words", "left_alone.*", "left_alone.*.rule", "left_alone.*.words", "left_alone.*.kind"),
    "left_alone.*.fix",
}
"""What docs/plan.md calls the word of whoever made the plan. Of tiers: that there is one, and how far its bound is."""
BY_THE_APPROVER = {"missing.*.words"}
"""Why somebody left a move out of a part, in words of their own."""
OF_ANOTHER_POOL = {"made_from.inventory_digest", "made_from.beside.*.inventory_digest", "made_from.intent_digest"}
"""With another digest the plan is for a pool that has changed: its figures are not compared, and verifying says so."""
TOLD = "made_from.names."
"""A name that no other place of the plan has: verifying tells what is now called otherwise."""
OF_OTHER_METRICS = {
    f"made_from.metrics.{name}"
    for name in ("source", "window_start", "window_end", "timezone", "percentile", "measured", "short", "unknown")
}
"""Metrics of another window are no longer those that were measured, so nothing of them is compared."""
UNTOLD = {"steps.*.refused", "steps.*.ejects", "ha"}
"""Where no step tells whom its VM is refused by, or none what is ejected, as in plans of earlier versions, nothing is
compared; nor is what high availability has to spare."""
UNMEASURED = {"load.hosts.*.pcpu.*", "load.vms.*.pcpu.*", "load.slot_hours"}
"""Demand is believed as far as the figures follow from it, where nobody measures it again."""
AS_GOOD = {"hosts.*.before.peak_slot", "hosts.*.after.peak_slot"}
"""Of two hours that are equally busy, each is the busiest."""


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_every_edit_of_a_leaf_is_refused_or_proves_nothing(name: str) -> None:
    """Each finding names a rule and a state; what is accepted is a word that nothing can check, or says the same."""
    case = CASES[name]()
    assert case.findings(case.plan) == ()
    original, accepted, refused = plan_document(case.plan), set[str](), 0
    for edit, document in edits(case.plan):
        plan = as_read(document) if document != original else None
        found = case.findings(plan) if plan else ()
        assert all(each.rule and each.state for each in found)
        refused += bool(found)
        if plan and not found:
            accepted.add(edit.partition(" ")[2])
    unmeasured = set() if case.demand else UNMEASURED
    accepted = {place for place in accepted if not place.startswith(TOLD)}
    accepted -= BY_THE_APPROVER if case.plan.made_from.part_of else set()
    assert accepted <= WORD_OF_THE_MAKER | OF_ANOTHER_POOL | OF_OTHER_METRICS | AS_GOOD | UNTOLD | unmeasured
    assert refused > 200
