"""Everything that can go wrong, as one tree.

    RebalancerError
    |- InputError                 a file, an argument or a setting cannot be used
    |  |- MissingExtra            ... without a package that only an extra brings
    |  |- SnapshotError           ... a snapshot or a database dump
    |  |- PolicyError             ... a policy
    |  |- PlanFileError           ... a plan file
    |  |  `- EditedPlan           ... that is not as it was written
    |  |- ConnectionSettingsError ... a URL, a credential or a certificate setting
    |  `- HistoryError            ... what was kept of earlier runs
    |     `- BrokenHistory        ... whose file is no whole database
    |- InventoryError             the pool contradicts itself
    |- MetricsRefused             the metrics are not good enough to plan on
    |  `- NoMetrics               ... or there are none
    |- Infeasible                 no placement satisfies the hard rules
    |  `- NothingFound            ... or none was found in time
    |- NoLegalOrder               the placement cannot be reached step by step
    |- WorkerLost                 whoever was to plan is gone
    |- SuspiciousPlan             the plan touches more of the pool than the policy thinks likely
    |- StalePlan                  the pool is no longer what the plan was made for
    |  `- StillMoving             ... for now: VMs are on their way
    |- IllegalPlan                the plan breaks a rule at some step
    |- ApprovalRefused            the plan lacks a valid approval
    |- StoppedHalfWay             a run ended between two steps and needs people
    |  `- RollingStopped          ... or the work on all hosts, within a stage
    |- PoolLocked                 another run writes to this pool
    |- XapiError                  talking to the pool went wrong
    |  |- LoginRefused
    |  |- CertificateMismatch
    |  |- Unreachable             nothing was sent, or nothing answered a read
    |  |  |- NotReady             ... for the moment, as while a toolstack restarts
    |  |  `- UnreadableKey        ... or only with a key that XAPI does not escape
    |  |- OutcomeUnknown          a mutating call was sent and no answer came
    |  `- RefusedByXapi           XAPI answered with an error code
    `- ModelBug                   the checker disagrees with the solver: never ignored

A class keeps its data; `__str__` builds the sentence: what happened, where, and what to do next.
"""

from __future__ import annotations

from rebalancer.errors.base import RebalancerError
from rebalancer.errors.inputs import (
    BrokenHistory,
    ConnectionSettingsError,
    EditedPlan,
    HistoryError,
    InputError,
    InventoryError,
    MetricsRefused,
    MissingExtra,
    NoMetrics,
    PlanFileError,
    PolicyError,
    SnapshotError,
)
from rebalancer.errors.plans import (
    ApprovalRefused,
    IllegalPlan,
    NoLegalOrder,
    PoolLocked,
    RollingStopped,
    StalePlan,
    StillMoving,
    StoppedHalfWay,
    SuspiciousPlan,
)
from rebalancer.errors.solving import Concession, Fix, Infeasible, ModelBug, NothingFound, WorkerLost
from rebalancer.errors.xapi import (
    CertificateMismatch,
    LoginRefused,
    NotReady,
    OutcomeUnknown,
    RefusedByXapi,
    Unreachable,
    UnreadableKey,
    XapiError,
)

__all__ = [
    "ApprovalRefused",
    "BrokenHistory",
    "CertificateMismatch",
    "Concession",
    "ConnectionSettingsError",
    "EditedPlan",
    "Fix",
    "HistoryError",
    "IllegalPlan",
    "Infeasible",
    "InputError",
    "InventoryError",
    "LoginRefused",
    "MetricsRefused",
    "MissingExtra",
    "ModelBug",
    "NoLegalOrder",
    "NoMetrics",
    "NotReady",
    "NothingFound",
    "OutcomeUnknown",
    "PlanFileError",
    "PolicyError",
    "PoolLocked",
    "RebalancerError",
    "RefusedByXapi",
    "RollingStopped",
    "SnapshotError",
    "StalePlan",
    "StillMoving",
    "StoppedHalfWay",
    "SuspiciousPlan",
    "Unreachable",
    "UnreadableKey",
    "WorkerLost",
    "XapiError",
]
