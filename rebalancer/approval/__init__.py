"""Approvals: who said yes to which plan, when and why; signed or not, and whether that is enough to carry it out."""

from rebalancer.approval.check import Demands, approval_of, assert_approved, demands_in, kept_policy
from rebalancer.approval.record import (
    APPROVAL_JSON,
    Approval,
    approval_in_words,
    approve,
    approved_manifest,
    assert_said,
    keep_approval,
    read_approval,
)
from rebalancer.approval.signature import NAMESPACE

__all__ = [
    "APPROVAL_JSON",
    "NAMESPACE",
    "Approval",
    "Demands",
    "approval_in_words",
    "approval_of",
    "approve",
    "approved_manifest",
    "assert_approved",
    "assert_said",
    "demands_in",
    "keep_approval",
    "kept_policy",
    "read_approval",
]
