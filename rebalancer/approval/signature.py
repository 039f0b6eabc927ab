"""Signatures by SSH keys: made and checked by `ssh-keygen -Y`, in a namespace of our own.

The namespace keeps a signature that was made for something else, such as a commit, from approving a plan.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from rebalancer.errors import ApprovalRefused, InputError
from rebalancer.files.kinds import SIGNERS
from rebalancer.files.ownership import assert_kept, assert_kept_in
from rebalancer.files.reading import bytes_from, opened

NAMESPACE = "rebalancer-approval"
PROGRAM = "ssh-keygen"
SECONDS = 30
"""How long checking a signature may take."""


def sign(text: bytes, key: Path) -> bytes:
    """The signature of *text* by the SSH key in the file *key*; a public key is looked up in the agent.

    Raises:
        InputError: there is no ssh-keygen or no such key, or the key was not unlocked.
    """
    if not shutil.which(PROGRAM):
        raise InputError("--sign", f"there is no {PROGRAM} on this machine", "Install the OpenSSH client")
    if not key.is_file():
        raise InputError(f"--sign {key}", "there is no such key", "Name the file of an SSH key")
    done = subprocess.run(
        [PROGRAM, "-Y", "sign", "-q", "-n", NAMESPACE, "-f", str(key)],
        input=text,
        capture_output=True,
        check=False,
        env=_environment(),
    )
    if done.returncode or not done.stdout.startswith(b"-----BEGIN SSH SIGNATURE-----"):
        raise InputError(f"--sign {key}", f"{PROGRAM} did not sign: {_said(done)}", "Name the file of an SSH key")
    return done.stdout


def assert_signed(text: bytes, signature: Path, *, by: str, signers: Path) -> None:
    """Pass if *signature* is one of *text* by a key that the file *signers* allows *by* for approvals.

    Raises:
        ApprovalRefused: it is not, or that cannot be found out.
    """
    remedy = "Approve the plan with --sign and a key that the file of allowed signers names"
    if not signature.is_file():
        raise ApprovalRefused(str(signature.parent), "the approval is not signed", remedy)
    with opened(signers, SIGNERS) as descriptor:
        assert_kept(os.fstat(descriptor), signers, ApprovalRefused)
        assert_kept_in(signers.parent, ApprovalRefused)
        bytes_from(descriptor, signers, SIGNERS)
    if not shutil.which(PROGRAM):
        problem = f"there is no {PROGRAM} on this machine to check the signature"
        raise ApprovalRefused(str(signature), problem, "Install the OpenSSH client")
    done = _verified(text, signature, by, signers)
    if done.returncode:
        problem = f"this is no valid signature of the approval by {by!r} for approving plans: {_said(done)}"
        raise ApprovalRefused(str(signature), problem, remedy)


def _verified(text: bytes, signature: Path, by: str, signers: Path) -> subprocess.CompletedProcess[bytes]:
    words = [PROGRAM, "-Y", "verify", "-n", NAMESPACE, "-f", str(signers), "-I", by, "-s", str(signature)]
    try:
        return subprocess.run(words, input=text, capture_output=True, check=False, timeout=SECONDS, env=_environment())
    except subprocess.TimeoutExpired:
        raise ApprovalRefused(str(signature), f"{PROGRAM} does not answer", "Try it by hand") from None


def _environment() -> dict[str, str]:
    """What other programs may know: all but our own variables, of which one is the password of the pool."""
    return {name: value for name, value in os.environ.items() if not name.startswith("REBALANCER_")}


def _said(done: subprocess.CompletedProcess[bytes]) -> str:
    lines = (done.stderr + b"\n" + done.stdout).decode("utf-8", "replace").strip().splitlines()
    return lines[0].strip().rstrip(".") if lines else "it said nothing"
