"""How a host that is disabled and empty goes down: by people, by a command of theirs, or by XAPI."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from rebalancer.errors import InputError, XapiError
from rebalancer.execute import assert_unclaimed
from rebalancer.face.rolling.shown import is_going_down, unfit
from rebalancer.face.rolling.site import Site
from rebalancer.inventory import Host
from rebalancer.units import SECONDS_PER_MINUTE, duration_in_words
from rebalancer.xapi import LivePool, TaskStatus


class Means(Protocol):
    """Something that reboots or updates a host."""

    @property
    def is_a_call(self) -> bool:
        """Whether what was begun can still be on its way to the pool once whoever began it is dead."""

    @property
    def may_be_repeated(self) -> bool:
        """Whether it may be begun again where nobody knows whether it was, and the host shows nothing of it."""

    def bring_down(self, host: Host) -> str:
        """Have *host*, which was just seen disabled and empty, go down; "" then, else for whom that waits, in words.

        Raises:
            InputError: it did not work: the host does not go down by this.
            RefusedByXapi: likewise, with XAPI's code.
            Unreachable: likewise, because nothing was sent.
            OutcomeUnknown: nobody knows whether it does.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class ByPeople:
    """People do the *work*: they are asked to, where they are there; `ask` returns whether they did."""

    ask: Callable[[str], bool] | None
    work: str

    is_a_call = False
    may_be_repeated = True

    def bring_down(self, host: Host) -> str:
        """Ask for it."""
        words = f"{host.name} is disabled and empty: {self.work}"
        return "" if self.ask and self.ask(words) else f"{words}, then type the same again"


@dataclass(frozen=True, slots=True, kw_only=True)
class ByCommand:
    """A command of the operator, run on this machine and never through a shell; it knows no password of the pool."""

    command: Sequence[str]
    minutes: float
    version: str | None

    is_a_call = False
    may_be_repeated = False

    def bring_down(self, host: Host) -> str:
        """Run it to its end."""
        seconds = self.minutes * SECONDS_PER_MINUTE
        try:
            done = subprocess.run(
                self.command,
                check=False,
                env=self._environment(host),
                stdin=subprocess.DEVNULL,
                stdout=2,
                timeout=seconds,
            )
        except subprocess.TimeoutExpired:
            raise _failed(f"it had not ended after {duration_in_words(seconds)}, and was ended", host) from None
        except OSError as error:
            raise _failed(f"it cannot be run: {error.strerror}", host) from error
        if done.returncode:
            raise _failed(f"it ended with code {done.returncode}", host)
        return ""

    def _environment(self, host: Host) -> dict[str, str]:
        """Our own variables are left out: one of them is the password of the pool."""
        told = {name: value for name, value in os.environ.items() if not name.startswith("REBALANCER_")}
        told |= {"REBALANCER_HOST": host.name, "REBALANCER_HOST_UUID": host.uuid}
        told |= {"REBALANCER_HOST_ADDRESS": host.address, "REBALANCER_UPDATE": self.version or ""}
        return told


def _failed(problem: str, host: Host) -> InputError:
    return InputError("rolling.command", problem, f"Look at {host.name}, which may be half-way")


@dataclass(frozen=True, slots=True, kw_only=True)
class ByXapi:
    """`host.reboot`, where the words of the policy allow it; sent once."""

    site: Site

    is_a_call = True
    may_be_repeated = True

    def bring_down(self, host: Host) -> str:
        """Look at the host once more, on the connection over which the call leaves, and send it."""
        with self.site.door as live:
            reboots = live.reboots(self.site.allowed)
            assert_unclaimed(live, self.site.pool, self.site.state_dir)
            pool = live.read()
            if facts := list(unfit(pool, pool.hosts[host.uuid])):
                raise InputError(host.name, "; ".join(facts), "It is not rebooted")
            self._follow(live, reboots.reboot(host.uuid), host)
        return ""

    def _follow(self, live: LivePool, task: str, host: Host) -> None:
        """Pass once the host goes down by *task*, as far as the pool still tells.

        Raises:
            InputError: the task has failed.
        """
        clock, waits = self.site.clock, self.site.waits
        until = clock.monotonic() + waits.quiet
        while clock.monotonic() < until:
            try:
                state = live.task(task)
                if state.status is TaskStatus.FAILURE:
                    problem = f"XAPI does not reboot it: {' '.join(state.error)}"
                    raise InputError(host.name, problem, "It stays disabled and empty")
                if state.status is not TaskStatus.PENDING or is_going_down(live.read().hosts[host.uuid]):
                    return
            except XapiError:
                return
            clock.sleep(waits.poll)
