"""A whole server: accounts, pools, helpers, and HTTP in front of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import rebalancer as rb
from rebalancer.execute.journal.folders import state_folder
from rebalancer.wlb.accounts import Accounts
from rebalancer.wlb.app import FrontDoor, app_of
from rebalancer.wlb.measures import Measures
from rebalancer.wlb.service import Service
from rebalancer.wlb.serving import Listen, Listening
from rebalancer.wlb.vault import Vault
from rebalancer.wlb.watching import Helpers
from rebalancer.workers import ProcessEach

PLANNERS = 1
"""Plans that are made at once, each in a process of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """What a server stands on.

    Args:
        policy: what is wanted of every pool.
        base: the folder of its file.
        accounts: the file of those who may ask.
        state_dir: the state folder.
        told: hears of troubles, in words.
    """

    policy: rb.Policy
    base: Path
    accounts: Path
    state_dir: Path | None
    told: Callable[[str], None]


@contextmanager
def serving(settings: ServerSettings, listen: Listen) -> Iterator[str]:
    """Serve for the length of a block; the address that it listens on, as `wlb_url` wants it.

    Raises:
        ConnectionSettingsError: accounts, list of pools or key cannot be used.
        InputError: the state folder or the address cannot be used.
    """
    accounts, planners = Accounts.from_file(settings.accounts), ProcessEach(PLANNERS)
    vault = Vault(state_folder(settings.state_dir) / "wlb")
    helpers = Helpers(planners=planners, told=settings.told)
    service = Service(settings.policy, settings.base, vault, helpers, state_dir=settings.state_dir)
    door = FrontDoor(service=service, accounts=accounts, measures=Measures(service), told=settings.told)
    service.start()
    try:
        with Listening(app_of(door), listen) as listening:
            yield listening.address
    finally:
        service.stop()
        planners.shutdown(cancel_futures=True)
