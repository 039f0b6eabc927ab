"""What is read from disk, how much of it, and why so much; docs/reliability.md has the same as a table.

Measured: a snapshot of 64 hosts and 2,400 VMs has 10 MB, with a week of hours for each VM 30 MB and 1.1 million values;
its database dump has about 40 MB, its plan of 500 moves 2 MB. Limits leave room for twice that, and hold memory below
300 MB whatever a file of that size says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from rebalancer.errors import (
    ApprovalRefused,
    ConnectionSettingsError,
    HistoryError,
    InputError,
    PlanFileError,
    PolicyError,
    SnapshotError,
)
from rebalancer.errors.base import Located

KIB: Final = 1 << 10
MIB: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class FileKind:
    """What a file is meant to be.

    Args:
        name: what such a file is called.
        error: what is raised where it cannot be used.
        remedy: what to do where it cannot be read.
        most_bytes: how much there may be, in the file and out of gzip.
        most_values: how many values, keys included, a document may have.
        piped: whether it may come through a pipe, as of `<(zcat pool.gz)`.
        trouble: what it means that it cannot be read.
    """

    name: str
    error: type[Located]
    remedy: str
    most_bytes: int
    most_values: int = 2_000_000
    piped: bool = True
    trouble: str = "it cannot be read"

    def refusal(self, where: object, why: str) -> Located:
        """The error for the file *where*, which cannot be read for the reason *why*."""
        return self.error(str(where), f"{self.trouble}: {why}", self.remedy)


SNAPSHOT: Final = FileKind(
    name="snapshot or database dump",
    error=SnapshotError,
    remedy="Name a snapshot or a database dump; take a new one with `rebalancer snapshot`",
    most_bytes=64 * MIB,
)
POLICY: Final = FileKind(  # 5,000 uuids have 200 KB
    name="policy", error=PolicyError, remedy="Name a policy file", most_bytes=256 * KIB, most_values=50_000
)
SCENARIOS: Final = FileKind(
    name="file of scenarios",
    error=InputError,
    remedy="Name a TOML file with scenarios",
    most_bytes=256 * KIB,
    most_values=50_000,
)
PLAN: Final = FileKind(
    name="plan",
    error=PlanFileError,
    remedy="Name a plan folder, or its plan.json",
    most_bytes=64 * MIB,
)
TABLE: Final = FileKind(  # 2,400 VMs have 403,200 hours in a week, 65 bytes a row
    name="table of samples",
    error=InputError,
    remedy="Name a CSV or Parquet file",
    most_bytes=64 * MIB,
    most_values=1_000_000,
)
JOURNAL: Final = FileKind(  # a step takes four lines of 300 bytes
    name="journal",
    error=InputError,
    remedy="Name another journal; nothing is sent to the pool without one",
    trouble="the journal cannot be used",
    most_bytes=32 * MIB,
    most_values=100_000,
    piped=False,
)
APPROVAL: Final = FileKind(
    name="approval",
    error=ApprovalRefused,
    remedy="Approve the plan with `rebalancer approve`",
    most_bytes=64 * KIB,
    piped=False,
)
MANIFEST: Final = FileKind(
    name="manifest of a plan",
    error=PlanFileError,
    remedy="Write it anew with `rebalancer files`",
    most_bytes=64 * KIB,
    most_values=1000,
    piped=False,
)
SITE: Final = FileKind(
    name="list of a site",
    error=InputError,
    remedy="Name a new folder",
    most_bytes=4 * MIB,
    most_values=100_000,
    piped=False,
)
SIGNERS: Final = FileKind(  # ssh-keygen opens it once more, by its name
    name="file of allowed signers",
    error=ApprovalRefused,
    remedy="Correct execution.allowed_signers in the policy",
    most_bytes=MIB,
    piped=False,
)
CREDENTIALS: Final = FileKind(
    name="credentials file",
    error=ConnectionSettingsError,
    remedy="Write the user on its first line and the password on its second",
    most_bytes=64 * KIB,
)
TARGETS: Final = FileKind(
    name="credentials file of notifications",
    error=ConnectionSettingsError,
    remedy="Write a name, =, and a URL on each line",
    most_bytes=64 * KIB,
)
EARLIER: Final = FileKind(  # sixty nights of 200 bytes
    name="memory of earlier nights", error=InputError, remedy="Remove it", most_bytes=MIB, piped=False
)
CA_FILE: Final = FileKind(  # a system's bundle has 220 KB
    name="CA file", error=ConnectionSettingsError, remedy="Name a PEM file", most_bytes=4 * MIB
)
NOTES: Final = FileKind(  # a step under way or held takes 100 bytes
    name="notes of a run", error=InputError, remedy="Remove it", most_bytes=MIB, most_values=50_000, piped=False
)
MEMBERS: Final = FileKind(
    name="list of members", error=InputError, remedy="Remove it", most_bytes=64 * KIB, piped=False
)
NIGHTS: Final = FileKind(  # a night takes 600 bytes, and of a pool there is one a day
    name="list of nights", error=HistoryError, remedy="Remove it", most_bytes=16 * MIB, most_values=500, piped=False
)
OUTCOME: Final = FileKind(  # a step that is left takes 200 bytes
    name="outcome of a plan", error=HistoryError, remedy="Remove it", most_bytes=2 * MIB, piped=False
)
SIMULATED: Final = FileKind(  # whole records: 64 hosts and 2,400 VMs have 23 MB, their load as much
    name="simulated pool",
    error=InputError,
    remedy="Name a file that the simulator wrote, or one of the pools that `rebalancer simulate --help` names",
    most_bytes=128 * MIB,
    most_values=6_000_000,
)
KINDS: Final = (
    SNAPSHOT,
    POLICY,
    PLAN,
    TABLE,
    JOURNAL,
    APPROVAL,
    MANIFEST,
    SITE,
    SIGNERS,
    CREDENTIALS,
    TARGETS,
    EARLIER,
    CA_FILE,
    NOTES,
    MEMBERS,
    NIGHTS,
    OUTCOME,
    SIMULATED,
)
