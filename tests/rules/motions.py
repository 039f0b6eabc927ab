"""The catalogue of Storage XenMotion by the calls that XAPI answers: who asks what."""

from __future__ import annotations

from rebalancer.rules import TO_ANOTHER_POOL, WITH_STORAGE, DiskRule, Origin, Rule, VMRule
from tests.rules.memory_now import MemoryNow, MemoryThere

_IDS = [rule.id for rule in WITH_STORAGE]
_FIRST, _END = _IDS.index("storage-licence"), _IDS.index("target-not-evacuating")

OPERATION: tuple[VMRule, ...] = tuple(rule for rule in WITH_STORAGE[:_FIRST] if isinstance(rule, VMRule))
"""What `VM.assert_operation_valid` asks of migrate_send."""
MOTION: tuple[Rule, ...] = tuple(
    MemoryNow() if rule.id == "enough-memory" else rule for rule in WITH_STORAGE[_FIRST:_END]
)
"""What `VM.assert_can_migrate` asks of a target in the same pool, memory in the state of the database."""
UNASKED: tuple[DiskRule, ...] = tuple(
    rule for rule in WITH_STORAGE[_END:] if isinstance(rule, DiskRule) and rule.origin is not Origin.POLICY
)
"""What neither of them asks."""
CROSSING: tuple[Rule, ...] = TO_ANOTHER_POOL[len(OPERATION) :]
"""What is asked of a target in another pool besides the operation."""
_LATE = [rule.id for rule in CROSSING].index("target-live")
CROSSING_ASKED: tuple[Rule, ...] = tuple(
    MemoryThere() if rule.id == "enough-memory" else rule for rule in CROSSING[:_LATE]
)
"""What XAPI asks of a target in another pool before it begins to copy."""
CROSSING_LATE: tuple[Rule, ...] = CROSSING[_LATE:]
"""What it finds out once all is copied, or never, and what plans cannot hold."""
