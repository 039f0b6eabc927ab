"""What the reasons in `VM.blocked_operations` tell of themselves: free text of whoever wrote them."""

from __future__ import annotations

import re
from collections.abc import Mapping

BACKUP = re.compile(r"\bback(?:ed|ing)?[-_ ]?up|\breplicat", re.IGNORECASE)
"""How backup tools word it: Xen Orchestra blocks pool_migrate and migrate_send while it backs a VM up."""

AFTER_BACKUP = "wait until the backup ends"
"""The remedy: whoever removes such a block spoils the backup."""


def is_backup(reason: str) -> bool:
    """Whether *reason* is that of a backup, which ends by itself; any other block is somebody's will."""
    return bool(BACKUP.search(reason))


def block_in_words(operation: str, blocked: Mapping[str, str]) -> str | None:
    """Why *operation* is among the *blocked* ones, with the pool's own reason; None where it is not."""
    if operation not in blocked:
        return None
    reason = blocked[operation]
    running = "a backup is running: " if is_backup(reason) else ""
    return f"{running}its operation {operation} is blocked: {reason or 'no reason given'}"
