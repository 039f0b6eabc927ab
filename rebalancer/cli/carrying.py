"""Plans that are carried out while people watch, and what to type after a run that stopped half-way."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import typer

import rebalancer as rb
from rebalancer.cli.ending import settle, tell
from rebalancer.cli.exits import Exit
from rebalancer.cli.output import say
from rebalancer.cli.watching.progress import watch_run
from rebalancer.errors import StoppedHalfWay
from rebalancer.execute import Clock, Ending, PlanOrigin, RunResult, Timeouts, Wish, stop_on_signals
from rebalancer.face.run import assert_fits
from rebalancer.plan import Plan
from rebalancer.policy import Policy
from rebalancer.units import moment_in_words

STANDARD_ERROR = 2
RESUME = "to resume"
ONCE = (
    "stopping: nothing more is started, and what runs is finished ({steps}). Ask again to cancel that; its VMs are "
    "then watched until they rest, which can take {seconds:.0f} s"
)
AT_REST = "stopping: nothing is under way, so the run ends; a pool that does not answer is given up within seconds"
TWICE = "cancelling what runs: its VMs are watched until they rest, which can take {seconds:.0f} s"
AGAIN = {
    Ending.SET_ASIDE: "once its cause is fixed",
    Ending.HELD: "once they are free",
    Ending.ON_HOLD: "once the tag is removed",
    Ending.OVERLOADED: "once it is as busy as predicted",
    Ending.CHANGED: "with the pool as it is now, if what is left is still legal",
}
"""When a run is to be started again that did not end for want of time."""


def tell_stop(wish: Wish, under_way: Sequence[str]) -> None:
    """Say how the run will end, with the steps *under_way*; past all buffers: a signal handler may wait for nobody."""
    words = AT_REST if not under_way else ONCE if wish is Wish.START_NOTHING_MORE else TWICE
    with suppress(OSError):
        said = words.format(seconds=Timeouts().quiet, steps=", ".join(under_way))
        os.write(STANDARD_ERROR, f"\n{said}\n".encode())


@contextmanager
def telling_what_resumes(command: str) -> Iterator[None]:
    """Say to type *command* where Ctrl-C ends the block, which waits for hosts."""
    try:
        yield
    except (KeyboardInterrupt, typer.Abort):
        say(f"what was sent goes on in the pool; {RESUME}: {command}")
        raise


def options_of(way: rb.Connection, files: Mapping[str, Path | None]) -> list[str]:
    """What a command takes again to get in by *way*, and with *files*, each after the name of its option."""
    given = {**files, "ca-file": way.ca_file, "credentials": way.credentials}
    given["beside-credentials"] = way.beside_credentials
    options = [word for name, file in given.items() if file for word in (f"--{name}", str(file))]
    pins = [word for pin in way.fingerprints for word in ("--fingerprint", pin)]
    pins += ["--legacy-tls"] if way.legacy_tls else []
    return [*options, *pins, *(word for url in way.fallbacks for word in ("--fallback", url))]


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """How the plan in *folder* was carried out at *url*.

    `ways` are the commands to go on with where another than `apply` began it, each after what it is for; `clock` is
    that of this machine where none is given.
    """

    folder: Path
    url: str
    connection: rb.Connection
    policy: Path | None
    journal: Path | None
    state_dir: Path | None
    any_time: bool = False
    break_lock: bool = False
    ways: Mapping[str, str] | None = None
    clock: Clock | None = None

    def ways_on(self) -> Mapping[str, str]:
        """The commands, each after what it is for."""
        return self.ways or {
            RESUME: self._command("apply", self.folder, policy=self.policy, journal=self.journal),
            "to roll back": self._command("rollback", self.folder, output=self._back, journal=self.journal),
            "and then": self._command("apply", self._back, policy=self.policy),
        }

    @property
    def origin(self) -> PlanOrigin:
        """What is told of it to whoever looks from another terminal, maybe in another folder."""
        resume = f"cd {shlex.quote(str(Path.cwd()))} && {self.ways_on()[RESUME]}"
        return PlanOrigin(folder=str(self.folder.resolve()), resume=resume)

    def ways_on_later(self, plan: Plan, result: RunResult) -> tuple[str, ...]:
        """What to do with *plan*, of which steps are left for later by the run that came to *result*."""
        if result.ending in AGAIN:
            return (f"the same command goes on {AGAIN[result.ending]}",)
        return self._in_the_next_window(plan, result.opens_at)

    def _in_the_next_window(self, plan: Plan, opens_at: datetime | None) -> tuple[str, ...]:
        now = f"{self._command('apply', self.folder, policy=self.policy, journal=self.journal)} --any-time"
        if opens_at and opens_at > plan.expires_at:
            expires = moment_in_words(plan.expires_at, plan.policy.timezone)
            return f"the plan expires before that, at {expires}: make a new one then", f"  to do it now: {now}"
        return "the same command resumes then", f"  to do it now: {now}"

    @property
    def _back(self) -> Path:
        name = f"{self.folder.resolve().name}-back"
        return self.folder.parent / name if self.folder.name else Path("..", name)

    def _command(self, name: str, plan: Path, **files: Path | None) -> str:
        other = ["--beside", self.connection.beside] if self.connection.beside else []
        other += ["--any-time"] if self.any_time and name == "apply" else []
        options = options_of(self.connection, {**files, "state-dir": self.state_dir})
        return shlex.join(["rebalancer", name, str(plan), self.url, *other, *options])


def invocation_of_night(folder: Path, wanted: Policy, policy: Path, state_dir: Path | None) -> Invocation:
    """How `nightly` with *policy*, which says *wanted*, carries out the plan in *folder*."""
    return Invocation(
        folder=folder,
        url=wanted.pool.url or "",
        connection=rb.Connection.of_policy(wanted, policy.parent),
        policy=policy,
        journal=None,
        state_dir=state_dir,
    )


def exit_of_run(result: RunResult) -> Exit:
    """The exit code of a run that ended in order."""
    if result.ending is Ending.COMPLETE or (result.ending is Ending.DEADLINE and not result.failed):
        return Exit.DONE
    return Exit.LATER


def carried_out(plan: Plan, invocation: Invocation, deadline: datetime | None) -> RunResult:
    """How *plan* ended on the pool of the *invocation*.

    Args:
        plan: as it was read back.
        invocation: where it is carried out, and by which way in.
        deadline: no step is started that would end later; None for any time.

    Raises:
        StoppedHalfWay: people have to look; it tells what to type next.
    """
    assert_fits(plan, invocation.connection)
    with stop_on_signals(tell=tell_stop) as stop:
        try:
            with rb.connect(invocation.url, invocation.connection) as live, watch_run() as told:
                result = rb.apply(
                    plan,
                    live,
                    journal=invocation.journal,
                    state_dir=invocation.state_dir,
                    deadline=deadline,
                    any_time=invocation.any_time,
                    break_lock=invocation.break_lock,
                    reporter=told,
                    clock=invocation.clock,
                    stop=stop,
                    origin=invocation.origin,
                )
        except StoppedHalfWay as stopped:
            settle(Exit.STOPPED)
            left = len(plan.steps) - stopped.done
            tell({"moved": stopped.done, "left": left, "journal": stopped.journal})
            raise stopped.with_ways(invocation.ways_on()) from stopped
        settle(exit_of_run(result))
    return result
