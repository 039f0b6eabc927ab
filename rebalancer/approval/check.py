"""Whether a plan is approved as it has to be, asked before anything is sent.

What is demanded comes from a policy file that whoever carries out the plan names. The policy inside the plan can add to
it, never take away, and never says who may sign: whoever could edit the plan could edit that, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rebalancer.approval.record import SIGNATURE, Approval, parsed, read_text
from rebalancer.approval.signature import assert_signed
from rebalancer.errors import ApprovalRefused, PolicyError
from rebalancer.export import vouched
from rebalancer.files.ownership import assert_kept, assert_kept_in
from rebalancer.inventory import Uuid
from rebalancer.plan import Plan
from rebalancer.policy import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Demands:
    """Whether an approval is demanded, and the file of those who may sign it, where a signature is."""

    approval: bool
    signers: Path | None = None


def demands_in(file: Path) -> Demands:
    r"""What the section `[execution]` of the policy in *file* demands; its paths are relative to the file's folder.

    Example:
        >>> from pathlib import Path
        >>> import rebalancer as rb
        >>> _ = Path("nightly.toml").write_text("[execution]\nrequire_approval = true\n")
        >>> Path("nightly.toml").chmod(0o600)
        >>> rb.approval.demands_in(Path("nightly.toml")).approval
        True

    Raises:
        PolicyError: the policy cannot be used, or is none to believe.
    """
    wanted, base = kept_policy(file).execution, file.parent
    signers = base / wanted.allowed_signers if wanted.allowed_signers else None
    return Demands(approval=wanted.require_approval, signers=signers)


def kept_policy(file: Path) -> Policy:
    r"""The policy in *file*, which nobody but its owner can have written: somebody else might demand less.

    Example:
        >>> from pathlib import Path
        >>> import rebalancer as rb
        >>> _ = Path("nightly.toml").write_text('preset = "conservative"\n')
        >>> Path("nightly.toml").chmod(0o600)
        >>> rb.approval.kept_policy(Path("nightly.toml")).preset
        'conservative'

    Raises:
        PolicyError: the policy cannot be used, or others may write to it, or to its folder.
    """
    found = Policy.load(file)
    assert_kept(file.stat(), file, PolicyError)
    assert_kept_in(file.parent, PolicyError)
    return found


def assert_approved(plan: Plan, folder: Path, demands: Demands) -> Approval | None:
    """Pass if *plan* is approved as *demands* and its own policy say; the approval where one was demanded.

    Example:
        >>> from pathlib import Path
        >>> import rebalancer as rb
        >>> plan = rb.export.read_plan("tonight")
        >>> try:
        ...     rb.approval.assert_approved(plan, Path("tonight"), rb.approval.Demands(approval=True))
        ... except rb.errors.ApprovalRefused as error:
        ...     print(error)
        not approved: tonight: there is no approval.json. Approve it with `rebalancer approve`.

    Raises:
        ApprovalRefused: it is not, or it is for other files than those in *folder*.
        PlanFileError: a file in *folder* is not as it was written.
    """
    own = plan.policy.execution
    if not (demands.approval or own.require_approval):
        return None
    if own.allowed_signers and not demands.signers:
        problem = "its policy demands a signed approval, and who may sign is not taken from the plan"
        raise ApprovalRefused(str(folder), problem, "Name the policy file with --policy")
    found = approval_of(plan.digest, plan.made_from.pool, folder, demands)
    if found.manifest is not None and found.manifest != vouched(plan, folder):
        problem = "the approval is for other files than those beside the plan"
        raise ApprovalRefused(str(folder), problem, "Take the files that were approved, or approve these")
    return found


def approval_of(digest: str, pool: Uuid, folder: Path, demands: Demands) -> Approval:
    """The approval in *folder* of what has that *digest*, for *pool*, signed where *demands* say so.

    Example:
        >>> from datetime import UTC, datetime
        >>> from pathlib import Path
        >>> import rebalancer as rb
        >>> plan = rb.export.read_plan("tonight")
        >>> folder, demands = Path("tonight"), rb.approval.Demands(approval=True)
        >>> _ = rb.approval.approve(plan, folder, by="ann", reason="looked at", now=datetime.now(UTC))
        >>> rb.approval.approval_of(plan.digest, plan.made_from.pool, folder, demands).by
        'ann'

    Raises:
        ApprovalRefused: there is none, or it is for something else.
    """
    text = read_text(folder)
    found = parsed(text, folder)
    if (found.plan, found.pool) != (digest, pool):
        raise ApprovalRefused(
            str(folder), "the approval there is for another plan", "Approve this plan, or apply that one"
        )
    if demands.signers:
        assert_signed(text, folder / SIGNATURE, by=found.by, signers=demands.signers)
    return found
