"""approval.json: the record of an approval beside the plan.json that it is for, and its signature where it has one."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from rebalancer.approval.signature import sign
from rebalancer.errors import ApprovalRefused, InputError, StalePlan
from rebalancer.export import vouched
from rebalancer.files.documents import Unfit, json_in
from rebalancer.files.kinds import APPROVAL as APPROVAL_FILE
from rebalancer.files.reading import bytes_of
from rebalancer.files.shapes import DocumentShape, first_mistake
from rebalancer.files.writing import PUBLIC, write_whole
from rebalancer.inventory import Uuid
from rebalancer.plan import Plan, untimely
from rebalancer.units import moment_in_words

APPROVAL_JSON = "approval.json"
SIGNATURE = "approval.json.sig"
FORMAT: Literal["rebalancer-approval/1"] = "rebalancer-approval/1"
AGAIN = "Approve the plan again with `rebalancer approve`"

Words = Annotated[str, Field(min_length=1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """That *by* approved the plan with the digest *plan* for *pool*, and why; `at` has a zone.

    `manifest` is the digest of the manifest of the files that were approved with it; None in approvals of earlier
    versions, and of folders without one: they are for plan.json alone.
    """

    format: Literal["rebalancer-approval/1"] = FORMAT
    plan: Words
    pool: Uuid
    by: Words
    reason: Words
    at: datetime
    manifest: Words | None = None


_SHAPE = DocumentShape(Approval)


def approve(plan: Plan, folder: Path, *, by: str, reason: str, now: datetime, key: Path | None = None) -> Approval:
    """Record in *folder* that *by* approves *plan*, signed with the SSH key *key* where there is one.

    The approval is for the files beside plan.json as well, by the digest of their manifest, where there is one.

    Example:
        >>> from datetime import UTC, datetime
        >>> from pathlib import Path
        >>> import rebalancer as rb
        >>> plan = rb.export.read_plan("tonight")
        >>> said = rb.approval.approve(plan, Path("tonight"), by="ann", reason="looked at", now=datetime.now(UTC))
        >>> said.by, said.plan == plan.digest
        ('ann', True)

    Raises:
        StalePlan: the plan has expired, or is not made yet.
        PlanFileError: the files in *folder* are not those of the plan, as they were written.
        InputError: name or reason is empty, the plan is approved already, or the record cannot be written or signed.
    """
    if words := untimely(plan, now):
        raise StalePlan([f"the plan {words}"])
    assert_said(by, reason)
    who, why = by.strip(), reason.strip()
    manifest = vouched(plan, folder)
    made = Approval(plan=plan.digest, pool=plan.made_from.pool, by=who, reason=why, at=now, manifest=manifest)
    return keep_approval(made, folder, key=key)


def keep_approval(made: Approval, folder: Path, *, key: Path | None = None) -> Approval:
    """Record *made* in *folder*, signed with the SSH key *key* where there is one, and return it.

    Example:
        >>> from datetime import UTC, datetime
        >>> from pathlib import Path
        >>> import rebalancer as rb
        >>> plan = rb.export.read_plan("tonight")
        >>> said = rb.approval.approve(plan, Path("tonight"), by="ann", reason="looked at", now=datetime.now(UTC))
        >>> _ = rb.export.write_plan(plan, "copy")
        >>> rb.approval.keep_approval(said, Path("copy")) == rb.approval.read_approval(Path("copy"))
        True

    Raises:
        InputError: there is an approval already, or it cannot be written or signed.
    """
    if (folder / APPROVAL_JSON).exists():
        remedy = f"Remove {APPROVAL_JSON} and {SIGNATURE} to approve it anew"
        raise InputError(str(folder), "the plan has an approval already", remedy)
    text = approval_text(made)
    signature = sign(text, key) if key else None
    _write(folder / SIGNATURE, signature)
    _write(folder / APPROVAL_JSON, text)
    return made


def approval_in_words(plan: Plan, folder: Path) -> str:
    """What stands beside *plan* in *folder*, unchecked; "" where nothing does.

    Example:
        >>> from datetime import UTC, datetime
        >>> from pathlib import Path
        >>> import rebalancer as rb
        >>> plan = rb.export.read_plan("tonight")
        >>> _ = rb.approval.approve(plan, Path("tonight"), by="ann", reason="looked at", now=datetime.now(UTC))
        >>> rb.approval.approval_in_words(plan, Path("tonight")).partition(" at ")[0]
        'approved by ann'

    Raises:
        ApprovalRefused: something does that is no approval.
    """
    if not (folder / APPROVAL_JSON).exists():
        return ""
    found = read_approval(folder)
    if found.plan != plan.digest:
        return "not approved: the approval beside it is for another plan"
    signed = ", with a signature that is checked when it is applied" if (folder / SIGNATURE).exists() else ""
    alone = ", for plan.json alone" if found.manifest is None else ""
    return f"approved by {found.by} at {moment_in_words(found.at, plan.policy.timezone)}{alone}{signed}: {found.reason}"


def approved_manifest(folder: Path) -> str | None:
    """The digest of the manifest that the approval in *folder* is for; None where there is none.

    Example:
        >>> from datetime import UTC, datetime
        >>> from pathlib import Path
        >>> import rebalancer as rb
        >>> plan = rb.export.read_plan("tonight")
        >>> _ = rb.approval.approve(plan, Path("tonight"), by="ann", reason="looked at", now=datetime.now(UTC))
        >>> rb.approval.approved_manifest(Path("tonight")) == rb.export.vouched(plan, Path("tonight"))
        True

    Raises:
        ApprovalRefused: what stands there is no approval.
    """
    return read_approval(folder).manifest if (folder / APPROVAL_JSON).exists() else None


def assert_said(by: str, reason: str) -> None:
    """Pass if both are a line of text.

    Example:
        >>> import rebalancer as rb
        >>> try:
        ...     rb.approval.assert_said("ann", "")
        ... except rb.errors.InputError as error:
        ...     print(error)
        --reason: it is empty, or no plain line of text. Say who approves the plan, and why.

    Raises:
        InputError: one is empty, or more than a line.
    """
    for option, words in (("--by", by), ("--reason", reason)):
        if not words.strip() or not words.isprintable():
            raise InputError(option, "it is empty, or no plain line of text", "Say who approves the plan, and why")


def approval_text(approval: Approval) -> bytes:
    """What approval.json holds, and what is signed."""
    document = asdict(approval) | {"at": approval.at.astimezone(UTC).isoformat().replace("+00:00", "Z")}
    if approval.manifest is None:
        del document["manifest"]
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()


def _write(path: Path, text: bytes | None) -> None:
    """Let *path* hold *text* and nothing else at once; None: let there be no such file."""
    try:
        if text is None:
            path.unlink(missing_ok=True)
            return
        write_whole(path, text, mode=PUBLIC)  # whoever applies the plan reads it, and may be somebody else
    except OSError as error:
        raise InputError(str(path), f"it cannot be written: {error.strerror}", "Make the folder writable") from error


def read_text(folder: Path) -> bytes:
    """The bytes of the approval in *folder*.

    Raises:
        ApprovalRefused: there is none, or it cannot be read.
    """
    path = folder / APPROVAL_JSON
    if not path.exists():
        raise ApprovalRefused(str(folder), f"there is no {APPROVAL_JSON}", "Approve it with `rebalancer approve`")
    return bytes_of(path, APPROVAL_FILE)


def read_approval(folder: Path) -> Approval:
    """The approval in *folder*, whether or not it fits the plan there.

    Example:
        >>> from datetime import UTC, datetime
        >>> from pathlib import Path
        >>> import rebalancer as rb
        >>> plan = rb.export.read_plan("tonight")
        >>> folder = Path("tonight")
        >>> said = rb.approval.approve(plan, folder, by="ann", reason="looked at", now=datetime.now(UTC))
        >>> rb.approval.read_approval(folder) == said
        True

    Raises:
        ApprovalRefused: there is none, or it is none.
    """
    return parsed(read_text(folder), folder)


def parsed(text: bytes, folder: Path) -> Approval:
    """The approval that *text* holds.

    Raises:
        ApprovalRefused: it is none.
    """
    where = str(folder / APPROVAL_JSON)
    try:
        found = _SHAPE.read(json_in(text, APPROVAL_FILE))
    except Unfit as error:
        raise ApprovalRefused(where, str(error), AGAIN) from None
    except ValidationError as error:
        raise ApprovalRefused(where, first_mistake(error), AGAIN) from None
    if found.at.tzinfo is None or approval_text(found) != text:
        raise ApprovalRefused(where, "it is not as it was written", AGAIN)
    return found
