"""What tells whether two policies want the same."""

from __future__ import annotations

import hashlib
import json

from rebalancer.policy.model import Policy


def policy_digest(policy: Policy) -> str:
    """SHA-256 of the values that *policy* gives, in hexadecimal.

    Of policies that are spelled out it is equal exactly when they want the same, and it stays what it was when a later
    version knows more keys.
    """
    values = json.dumps(policy.given(), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(values.encode()).hexdigest()
