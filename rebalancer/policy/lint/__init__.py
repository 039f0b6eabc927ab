"""What a policy asks for in vain: in any pool, in one pool, or because another of its keys says otherwise."""

from rebalancer.policy.lint.findings import PolicyFinding, absent_files, check_alone, check_policy

__all__ = ["PolicyFinding", "absent_files", "check_alone", "check_policy"]
