"""VMs that cannot leave their host: the fix is the one that disturbs least, and one that can be done."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import rebalancer as rb
from rebalancer.simulator import Simulator, load_pool

KEYS = rb.Credentials(user="root", password="simulated")
GHOST = "no task of it exists: restart the toolstack on host 'ash'"


def test_a_paused_vm_is_unpaused_and_a_ghost_is_chased_away(shared_data: Callable[[str], Path], tmp_path: Path) -> None:
    """In evacuate and check alike, from the pool and from a snapshot of it; and what lets all leave halts nobody."""
    pool = load_pool(shared_data("cases/reports/028-paused-vm-shut-down/pool.json.gz"))
    with Simulator(pool, user="root", password="simulated", login_delay=0.0) as running:
        live = rb.read(running.url, KEYS)
    live.save(tmp_path / "pool.json.gz")
    for state in (live, rb.read(tmp_path / "pool.json.gz")):
        model = rb.Model(state, rb.Policy.model_validate({"storage_motion": {"enabled": True}}))
        found = rb.evacuate(model, ["ash"], seconds=5)
        fixes = {each.vm_name: each.fix for each in found.blocked}
        assert fixes["file-025"] == "unpause it"
        assert fixes["build-026"] == fixes["vdi-038"] == GHOST
        assert not any("shut it down" in each for each in fixes.values())
        (best, *_) = found.fixes
        assert "unpause it (VM 'file-025')" in str(best)
        assert "shut " not in str(best)
        told = {each.rule: each.remedies for each in rb.check(model).report.held}
        assert told["vm-running"] == ("unpause it (file-025)",)
        assert told["no-conflicting-op"] == (f"{GHOST} (build-026, vdi-038)",)
