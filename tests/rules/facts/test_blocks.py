"""Which reasons of blocked operations are a backup's."""

from __future__ import annotations

import pytest

from rebalancer.rules.facts.blocks import block_in_words, is_backup


@pytest.mark.parametrize(
    ("reason", "backup"),
    [
        ("Backup in progress", True),
        ("VM is being backed up", True),
        ("back-up until 04:00", True),
        ("backing up", True),
        ("Continuous Replication is running", True),
        ("", False),
        ("true", False),
        ("ask Jane", False),
        ("licence bound to this host", False),
    ],
)
def test_a_backup_is_told_by_its_words(reason: str, *, backup: bool) -> None:
    """Whatever else stands there is somebody's will, an empty reason included."""
    assert is_backup(reason) is backup
    words = block_in_words("pool_migrate", {"pool_migrate": reason})
    assert (
        words
        == f"{'a backup is running: ' * backup}its operation pool_migrate is blocked: {reason or 'no reason given'}"
    )
    assert block_in_words("migrate_send", {"pool_migrate": reason}) is None
