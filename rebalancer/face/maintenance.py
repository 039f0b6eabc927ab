"""Hosts in maintenance: what is kept of each, from the moment it is taken out of service until its VMs are back."""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Self

from rebalancer.errors import InputError
from rebalancer.errors.base import Located
from rebalancer.execute import assert_unclaimed, state_folder
from rebalancer.execute.journal.folders import make_state_folder, plain_uuid
from rebalancer.export import read_plan
from rebalancer.face.proposal import Proposal
from rebalancer.face.read import PoolState
from rebalancer.files.documents import json_in
from rebalancer.files.kinds import JOURNAL
from rebalancer.files.reading import bytes_of
from rebalancer.files.writing import write_new
from rebalancer.inventory import Host, Pool, Uuid
from rebalancer.policy import Policy
from rebalancer.xapi import LivePair, LivePool
from rebalancer.xapi.power.service import HostService, assert_permitted

FORMAT: Final = "rebalancer-maintenance/1"
NOTE: Final = "host.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Maintenance:
    """What is kept of one host in its *folder*: the plan that empties it, the one that leads home, and what it had."""

    folder: Path

    @classmethod
    def of(cls, pool: Uuid, host: Uuid, state_dir: Path | None) -> Self:
        """That of *host* in *pool*; there may be none yet."""
        return cls(folder=state_folder(state_dir) / "maintenance" / plain_uuid(pool) / plain_uuid(host))

    @property
    def away(self) -> Path:
        """The folder of the plan that empties the host."""
        return self.folder / "empty"

    @property
    def home(self) -> Path:
        """The folder of the plan that brings its VMs home."""
        return self.folder / "return"

    @property
    def is_begun(self) -> bool:
        """Whether the host is in maintenance; what was written half before is not."""
        return (self.folder / NOTE).exists()

    def begin(self, plan: Proposal, host: Host) -> None:
        """Keep *plan*, which empties *host*, and what the host has now.

        Raises:
            InputError: the state folder cannot be written.
        """
        try:
            shutil.rmtree(self.folder, ignore_errors=True)
            make_state_folder(self.folder)
            plan.save(self.away)
            note = {"format": FORMAT, "host": host.uuid, "attached_srs": sorted(host.attached_srs)}
            write_new(self.folder / NOTE, (json.dumps(note, indent=2) + "\n").encode())
        except OSError as error:
            raise self._unusable(error) from error

    def keep_plan(self, plan: Proposal) -> None:
        """Keep *plan* in place of the one that was to empty the host, of which nothing was begun.

        Raises:
            PlanFileError: the state folder cannot be written.
        """
        if read_plan(self.away).digest != plan.digest:
            plan.save(self.away)

    def unplugged(self, host: Host, pool: Pool) -> tuple[str, ...]:
        """The SRs, by name, that *host* of *pool* had when it was taken out of service, and has not now.

        Raises:
            InputError: the note cannot be read.
        """
        lost = {str(each) for each in self._note()["attached_srs"]} - host.attached_srs
        return tuple(sorted(pool.srs[sr].name for sr in lost if sr in pool.srs))

    def forget_plan(self, folder: Path) -> None:
        """Forget the plan in *folder*, so that it is made anew; with the plan to empty the host, all of it."""
        shutil.rmtree(folder if folder == self.home else self.folder)

    def end(self, now: datetime) -> Path:
        """The host is back: what was kept goes to a folder beside, which is returned."""
        past = self.folder.with_name(f"{self.folder.name}-{now:%Y-%m-%dT%H%M%SZ}")
        return self.folder.rename(past)

    def _note(self) -> dict[str, Any]:
        path = self.folder / NOTE
        try:
            found = dict(json_in(bytes_of(path, JOURNAL), JOURNAL))
        except (Located, ValueError, TypeError) as error:
            raise _no_note(path) from error
        if found.get("format") != FORMAT or not isinstance(found.get("attached_srs"), list):
            raise _no_note(path)
        return found

    def _unusable(self, error: OSError) -> InputError:
        return InputError(str(self.folder), f"it cannot be written: {error.strerror}", "Name another --state-dir")


def _no_note(path: Path) -> InputError:
    remedy = "Bring the VMs home with `rebalancer rollback` of the plan beside it"
    return InputError(str(path), "it is no note of a host in maintenance", remedy)


def out_of_service(state: PoolState, host: Host) -> PoolState:
    """*state* once *host* is disabled: a plan that is made in it, its way back included, counts on nothing else."""
    return _with(state, replace(host, enabled=False))


def in_service(state: PoolState, host: Host) -> PoolState:
    """*state* once *host* is enabled."""
    return _with(state, replace(host, enabled=True))


def _with(state: PoolState, host: Host) -> PoolState:
    return replace(state, pool=replace(state.pool, hosts={**state.pool.hosts, host.uuid: host}))


def allowed_by(policy: Policy) -> tuple[str, ...]:
    """The words of *policy* that allow to disable and enable hosts.

    Raises:
        InputError: it does not.
    """
    assert_permitted(policy.execution.power)
    return policy.execution.power


def service_of(live: LivePool | LivePair, pool: Uuid, allowed: Collection[str], state_dir: Path | None) -> HostService:
    """The door to disabling and enabling hosts of *pool*, while nobody writes to it; the caller holds its lock file.

    Raises:
        InputError: *allowed*, the words of a policy, do not permit it.
        PoolLocked: another run writes to the pool, on whatever machine.
        XapiError: the pool cannot be reached.
    """
    found = one_pool(live).service(allowed)
    assert_unclaimed(live, pool, state_dir)
    return found


def one_pool(live: LivePool | LivePair) -> LivePool:
    """*live*, which is no pair of pools.

    Raises:
        InputError: it is one.
    """
    if not isinstance(live, LivePool):
        raise InputError("--beside", "maintenance is about one pool", "Leave it out")
    return live
