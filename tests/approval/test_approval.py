"""Approvals: what they record, who may sign them, and every way in which one does not count."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from rebalancer.approval import (
    Approval,
    Demands,
    approval_in_words,
    approve,
    assert_approved,
    demands_in,
    read_approval,
)
from rebalancer.approval.record import APPROVAL_JSON, SIGNATURE, approval_text
from rebalancer.errors import ApprovalRefused, InputError, PlanFileError, PolicyError, StalePlan
from rebalancer.export import write_plan
from rebalancer.plan import Plan, sealed
from rebalancer.policy import Policy, policy_digest
from tests.plan.made import LATER
from tests.planner.busy import PLAN
from tests.pools import policy_of

JANE, MALLORY = "jane@example.org", "mallory@example.org"

signs = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="no ssh-keygen (Debian: openssh-client)")
"""For tests that sign: they need what `approve --sign` needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """A plan folder, two people's keys, and the file that allows one of them to approve."""

    folder: Path
    keys: dict[str, Path]
    signers: Path

    @property
    def demands(self) -> Demands:
        """A signed approval."""
        return Demands(approval=True, signers=self.signers)

    def approve(self, *, by: str = JANE, key: str | None = JANE, plan: Plan = PLAN) -> None:
        """As somebody who types it."""
        approve(plan, self.folder, by=by, reason="change 4711", now=LATER, key=self.keys[key] if key else None)

    def edit(self, name: str, change: Callable[[str], str]) -> None:
        """Change a file of the folder by hand."""
        path = self.folder / name
        path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Keys without a passphrase; files without a key where nothing can make one, for tests that do not sign."""
    folder = tmp_path_factory.mktemp("keys")
    for name in (JANE, MALLORY):
        words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(folder / name)]
        if shutil.which(words[0]):
            subprocess.run(words, check=True)
        else:
            (folder / f"{name}.pub").touch()
    return {name: folder / name for name in (JANE, MALLORY)}


@pytest.fixture
def desk(tmp_path: Path, keys: dict[str, Path]) -> Desk:
    """Jane may approve; Mallory has a key and may not."""
    write_plan(PLAN, tmp_path / "plan")
    signers = tmp_path / "allowed_signers"
    public = keys[JANE].with_name(f"{JANE}.pub").read_text(encoding="utf-8")
    signers.write_text(f'{JANE} namespaces="rebalancer-approval" {public}', encoding="utf-8")
    return Desk(folder=tmp_path / "plan", keys=keys, signers=signers)


def test_an_approval_records_who_what_when_and_why(desk: Desk) -> None:
    """It names the plan by its digest, and reads back as it was written."""
    desk.approve(key=None)
    found = read_approval(desk.folder)
    assert (found.plan, found.pool, found.by, found.reason) == (PLAN.digest, "pool", JANE, "change 4711")
    assert found.at == LATER
    assert approval_in_words(PLAN, desk.folder) == f"approved by {JANE} at 2026-11-01 03:00 UTC: change 4711"


@signs
def test_a_signed_approval_by_somebody_allowed_counts(desk: Desk) -> None:
    """The signature is one that ssh-keygen itself accepts, in our namespace."""
    desk.approve()
    assert assert_approved(PLAN, desk.folder, desk.demands) == read_approval(desk.folder)
    assert "signature" in approval_in_words(PLAN, desk.folder)


def test_nothing_is_asked_where_nothing_is_demanded(desk: Desk) -> None:
    """A plan without an approval may be applied unless some policy says otherwise."""
    assert assert_approved(PLAN, desk.folder, Demands(approval=False)) is None
    assert approval_in_words(PLAN, desk.folder) == ""


def refused(desk: Desk, said: str, plan: Plan = PLAN, demands: Demands | None = None) -> None:
    """The plan is refused, with these words."""
    with pytest.raises(ApprovalRefused) as error:
        assert_approved(plan, desk.folder, demands or desk.demands)
    assert said in str(error.value)


def test_a_missing_approval_is_refused(desk: Desk) -> None:
    """And how to get one is said."""
    refused(desk, "there is no approval.json. Approve it with `rebalancer approve`.")


def test_a_missing_signature_is_refused(desk: Desk) -> None:
    """Where signers are named; else the record alone is enough."""
    desk.approve(key=None)
    refused(desk, "the approval is not signed")
    assert assert_approved(PLAN, desk.folder, Demands(approval=True))


@signs
def test_another_plan_is_refused(desk: Desk) -> None:
    """A changed plan has another digest, however well it is sealed."""
    desk.approve()
    refused(desk, "the approval there is for another plan", plan=sealed(replace(PLAN, steps=PLAN.steps[:-1])))


@signs
@pytest.mark.parametrize("key", ["by", "reason", "at", "pool", "plan"])
def test_a_changed_approval_is_refused(desk: Desk, key: str) -> None:
    """Not a letter of what was signed may change."""
    desk.approve()
    before = json.loads((desk.folder / APPROVAL_JSON).read_text(encoding="utf-8"))[key]
    desk.edit(APPROVAL_JSON, lambda text: text.replace(before, before[:-1] + ("1" if before[-1] == "0" else "0")))
    refused(desk, "not approved: ")


@signs
def test_an_approval_that_is_no_approval_is_refused(desk: Desk) -> None:
    """Another key, another layout, half a file."""
    desk.approve()
    whole = (desk.folder / APPROVAL_JSON).read_text(encoding="utf-8")
    for text in (whole[:-9], whole.replace('"by"', '"for"'), whole.replace("\n", ""), "", "[]", whole.replace("Z", "")):
        (desk.folder / APPROVAL_JSON).write_text(text, encoding="utf-8")
        refused(desk, APPROVAL_JSON, demands=Demands(approval=True))


def test_an_approval_is_for_the_files_that_were_there(desk: Desk) -> None:
    """Not for files that were written anew in another way, nor for a folder that lost its manifest."""
    desk.approve(key=None)
    assert_approved(PLAN, desk.folder, Demands(approval=True))
    desk.edit("manifest.json", lambda text: text.replace('"version": "', '"version": "0.'))
    refused(desk, "the approval is for other files than those beside the plan", demands=Demands(approval=True))
    (desk.folder / "manifest.json").unlink()
    refused(desk, "the approval is for other files than those beside the plan", demands=Demands(approval=True))


def test_an_approval_of_before_counts(desk: Desk) -> None:
    """It names no manifest, is for plan.json alone, and reads back byte for byte."""
    made = Approval(plan=PLAN.digest, pool="pool", by=JANE, reason="change 4711", at=LATER)
    (desk.folder / APPROVAL_JSON).write_bytes(approval_text(made))
    assert "manifest" not in (desk.folder / APPROVAL_JSON).read_text()
    assert assert_approved(PLAN, desk.folder, Demands(approval=True)) == made


@signs
def test_a_pipe_is_no_approval(desk: Desk) -> None:
    """Nobody waits for what somebody may write into it."""
    desk.approve()
    (desk.folder / APPROVAL_JSON).unlink()
    os.mkfifo(desk.folder / APPROVAL_JSON)
    refused(desk, "it is a pipe", demands=Demands(approval=True))


@signs
def test_a_signer_who_is_not_allowed_is_refused(desk: Desk) -> None:
    """Neither under his own name nor under that of somebody who is."""
    desk.approve(by=MALLORY, key=MALLORY)
    refused(desk, f"no valid signature of the approval by '{MALLORY}'")
    (desk.folder / APPROVAL_JSON).unlink()
    desk.approve(by=JANE, key=MALLORY)
    refused(desk, f"no valid signature of the approval by '{JANE}'")


@signs
def test_a_signature_for_something_else_is_refused(desk: Desk) -> None:
    """The same key, the same text, the namespace of files or of git: that is no approval."""
    desk.approve()
    for namespace in ("file", "git"):
        (desk.folder / SIGNATURE).unlink()
        words = ["ssh-keygen", "-q", "-Y", "sign", "-n", namespace, "-f", str(desk.keys[JANE])]
        subprocess.run([*words, str(desk.folder / APPROVAL_JSON)], check=True, capture_output=True)
        refused(desk, "no valid signature")


@signs
def test_a_broken_signature_is_refused(desk: Desk) -> None:
    """Text that is none."""
    desk.approve()
    desk.edit(SIGNATURE, lambda text: text[: len(text) // 2])
    refused(desk, "no valid signature")


@signs
def test_a_missing_ssh_keygen_is_said(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A signature that cannot be checked does not count; one that cannot be made is not made."""
    desk.approve()
    monkeypatch.setenv("PATH", "")
    refused(desk, "there is no ssh-keygen on this machine")
    (desk.folder / APPROVAL_JSON).unlink()
    with pytest.raises(InputError, match="there is no ssh-keygen on this machine"):
        desk.approve()
    assert not (desk.folder / APPROVAL_JSON).exists()


@signs
def test_missing_signers_are_refused(desk: Desk) -> None:
    """No file, no signature that counts."""
    desk.approve()
    desk.signers.unlink()
    refused(desk, "there is no such file")


@signs
def test_the_policy_in_the_plan_can_demand_and_never_waive(desk: Desk) -> None:
    """Whoever edits a plan gains nothing: who may sign is not taken from it, and demands add up."""
    strict = policy_of(execution={"require_approval": True, "allowed_signers": "mine"})
    made_from = replace(PLAN.made_from, policy=strict, policy_digest=policy_digest(strict))
    demanding = sealed(replace(PLAN, made_from=made_from))
    refused(desk, "who may sign is not taken from the plan", plan=demanding, demands=Demands(approval=False))
    write_plan(demanding, desk.folder)
    desk.approve(by=MALLORY, key=MALLORY, plan=demanding)
    refused(desk, "no valid signature", plan=demanding)
    refused(desk, "another plan", plan=PLAN)


def test_the_files_of_a_policy_stand_beside_it(tmp_path: Path) -> None:
    """Signers are found from the policy's folder; signers without a demand are a mistake."""
    path = tmp_path / "p.toml"
    path.write_text('[execution]\nrequire_approval = true\nallowed_signers = "s"\n', encoding="utf-8")
    assert demands_in(path) == Demands(approval=True, signers=tmp_path / "s")
    path.write_text('[execution]\nallowed_signers = "s"\n', encoding="utf-8")
    with pytest.raises(PolicyError, match="allowed_signers is of no use without require_approval = true"):
        Policy.load(path)


def test_an_expired_plan_is_not_approved(desk: Desk) -> None:
    """The clock is a parameter."""
    late = PLAN.expires_at + timedelta(seconds=1)
    with pytest.raises(StalePlan, match="expired"):
        approve(PLAN, desk.folder, by=JANE, reason="late", now=late)


@pytest.mark.parametrize(("by", "reason"), [("", "x"), (" ", "x"), (JANE, ""), (JANE, "two\nlines"), ("a\x1bb", "x")])
def test_name_and_reason_are_plain_lines(desk: Desk, by: str, reason: str) -> None:
    """Neither empty nor of several lines."""
    with pytest.raises(InputError, match="empty, or no plain line"):
        approve(PLAN, desk.folder, by=by, reason=reason, now=LATER)


@signs
def test_a_key_that_is_none_signs_nothing(desk: Desk) -> None:
    """Nor is anything recorded then."""
    for key in (desk.folder / "none", desk.signers):
        with pytest.raises(InputError, match="Name the file of an SSH key"):
            approve(PLAN, desk.folder, by=JANE, reason="x", now=LATER, key=key)
    assert not (desk.folder / APPROVAL_JSON).exists()


def test_an_approval_is_neither_overwritten_nor_lost(desk: Desk) -> None:
    """A second one is refused, and so is another plan in its place."""
    desk.approve(key=None)
    with pytest.raises(InputError, match="has an approval already"):
        desk.approve(by=MALLORY)
    with pytest.raises(PlanFileError, match=r"holds other files, such as 'approval\.json'"):
        write_plan(PLAN, desk.folder)


def test_a_planted_link_leads_nowhere(desk: Desk, tmp_path: Path) -> None:
    """Who can make names in the folder cannot let an approver overwrite a file of their own."""
    victim = tmp_path / "victim"
    victim.write_text("mine")
    for name in (f".{APPROVAL_JSON}.new", f".{APPROVAL_JSON}.sig.new"):
        (desk.folder / name).symlink_to(victim)
    desk.approve()
    assert victim.read_text() == "mine"


@pytest.mark.parametrize(("file_mode", "folder_mode"), [(0o664, 0o755), (0o646, 0o755), (0o644, 0o777)])
def test_a_policy_that_others_write_demands_nothing_to_believe(
    tmp_path: Path, file_mode: int, folder_mode: int
) -> None:
    """Nor one that they could put another in the place of."""
    path = tmp_path / "etc" / "nightly.toml"
    path.parent.mkdir()
    path.write_text("[execution]\nrequire_approval = true\n")
    path.chmod(file_mode)
    path.parent.chmod(folder_mode)
    with pytest.raises(PolicyError, match=r"may write to it .*chmod go-w"):
        demands_in(path)


@signs
def test_signers_that_others_write_are_refused(desk: Desk) -> None:
    """They could add themselves."""
    desk.approve()
    desk.signers.chmod(0o666)
    refused(desk, "everybody may write to it")
