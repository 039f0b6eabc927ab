"""One host taken out of service, and back: what `evacuate --execute` and `return` have in common."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import rebalancer as rb
from rebalancer.approval import assert_approved, demands_in, kept_policy
from rebalancer.cli.carrying import RESUME, Invocation, carried_out, exit_of_run, options_of
from rebalancer.cli.exits import Exit
from rebalancer.cli.output import print_json, say, show
from rebalancer.cli.views.hosts import evacuation_tables, outcome
from rebalancer.cli.watching.progress import watch_solve
from rebalancer.errors import IllegalPlan, InputError, StalePlan, StoppedHalfWay
from rebalancer.execute import RunResult, is_settled, journal_path, pool_lock, was_begun
from rebalancer.export import read_plan
from rebalancer.face.maintenance import Maintenance, allowed_by, in_service, out_of_service, service_of
from rebalancer.inventory import Host


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """How a host, by name or uuid, of the pool at *url* is taken out of service, and back, under a policy."""

    url: str
    host: str
    connection: rb.Connection
    policy: Path
    state_dir: Path | None
    any_time: bool = False
    json: bool = False

    def take_out(self, model: rb.Model) -> Exit:
        """Disable the host and empty it; goes on where an earlier attempt ended.

        Raises:
            InputError: the policy does not allow it.
            RebalancerError: as `rb.apply` says.
        """
        allowed = self._allowed()
        (host,) = model.hosts([self.host])
        with pool_lock(model.state.pool.uuid, self.state_dir):
            return self._taken_out(model, host, allowed)

    def bring_back(self) -> Exit:
        """Enable the host once it is back as it was, and bring its VMs home.

        Raises:
            InputError: the policy does not allow it, or the host is not in maintenance, or not back.
            RebalancerError: as `rb.apply` says.
        """
        allowed = self._allowed()
        state = rb.read(self.url, self.connection, metrics=False)
        (host,) = rb.Model(state).hosts([self.host])
        with pool_lock(state.pool.uuid, self.state_dir):
            return self._brought_back(state, host, allowed)

    def _taken_out(self, model: rb.Model, host: Host, allowed: Sequence[str]) -> Exit:
        kept = Maintenance.of(model.state.pool.uuid, host.uuid, self.state_dir)
        if not kept.is_begun:
            closed = rb.Model(out_of_service(model.state, host), model.policy, state_dir=self.state_dir)
            with watch_solve() as reporter:
                found = rb.evacuate(closed, [host.uuid], reporter=reporter)
            if found.plan is None:
                return outcome(found, evacuation_tables(found), json=self.json)
            kept.begin(found.plan, host)
        self._assert_approved(kept.away)
        with rb.connect(self.url, self.connection) as live:
            service_of(live, model.state.pool.uuid, allowed, self.state_dir).disable(host.uuid)
        say(f"{host.name} is disabled: nothing starts there, and nothing comes to it")
        result = self._carried_out(kept, kept.away, host)
        done = f"{host.name} is disabled and empty. Once it is worked on: {self._return}"
        return self._told(host, result, done, self._left(host) if result.complete else ())

    def _brought_back(self, state: rb.PoolState, host: Host, allowed: Sequence[str]) -> Exit:
        kept = Maintenance.of(state.pool.uuid, host.uuid, self.state_dir)
        _assert_back(host, kept, kept.unplugged(host, state.pool) if kept.is_begun else ())
        if not kept.home.exists():
            back = rb.undo(read_plan(kept.away), in_service(state, host), state_dir=self.state_dir)
            back.save(kept.home)
        for warning in read_plan(kept.home).warnings:
            say(warning)
        self._assert_approved(kept.home)
        with rb.connect(self.url, self.connection) as live:
            service_of(live, state.pool.uuid, allowed, self.state_dir).enable(host.uuid)
        result = self._carried_out(kept, kept.home, host)
        if result.complete:
            kept.end(datetime.now(UTC))
        return self._told(host, result, f"{host.name} is in service again")

    def _allowed(self) -> Sequence[str]:
        """The words of the policy, which nobody but its owner can have written."""
        return allowed_by(kept_policy(self.policy))

    def _assert_approved(self, folder: Path) -> None:
        assert_approved(read_plan(folder), folder, demands_in(self.policy))

    def _carried_out(self, kept: Maintenance, folder: Path, host: Host) -> RunResult:
        """How the plan in *folder* ended; one that cannot go on is forgotten where another can be made."""
        plan, leaving = read_plan(folder), folder == kept.away
        way = Invocation(
            folder=folder,
            url=self.url,
            connection=self.connection,
            policy=self.policy,
            journal=None,
            state_dir=self.state_dir,
            any_time=self.any_time,
            ways=self._ways_from(leaving=leaving),
        )
        try:
            result = carried_out(plan, way, None)
        except (StalePlan, IllegalPlan, StoppedHalfWay) as error:
            journal = journal_path(plan.digest, self.state_dir)
            if not leaving and is_settled(journal):
                kept.forget_plan(folder)
                say("the same command plans the way home anew, from where the VMs are by then")
            elif leaving and not isinstance(error, StoppedHalfWay):
                self._tell_stale(kept, host, begun=was_begun(journal))
            raise
        if not result.complete:
            say("the same command goes on")
        return result

    def _tell_stale(self, kept: Maintenance, host: Host, *, begun: bool) -> None:
        """Say how to go on where the plan that empties *host* is stale; one of which nothing was begun is forgotten."""
        if begun:
            say(f"{host.name} stays disabled; to bring home whom it moved, and then to begin anew: {self._return}")
            return
        kept.forget_plan(kept.away)
        say(f"nothing was moved, and {host.name} stays disabled: the same command plans anew")

    def _ways_from(self, *, leaving: bool) -> dict[str, str]:
        """The commands to go on with after a stop half-way, while VMs are *leaving* the host or on their way home."""
        now = ["--any-time"] if self.any_time else []
        if not leaving:
            return {RESUME: self._command("return", *now)}
        return {RESUME: self._command("evacuate", "--execute", *now), "to bring home whom it moved": self._return}

    @property
    def _return(self) -> str:
        return self._command("return")

    def _command(self, name: str, *flags: str) -> str:
        """What to type next, which gets in as this command did."""
        options = options_of(self.connection, {"policy": self.policy, "state-dir": self.state_dir})
        return shlex.join(["rebalancer", name, self.url, self.host, *flags, *options])

    def _left(self, host: Host) -> tuple[str, ...]:
        """The VMs that run on *host* all the same."""
        pool = rb.read(self.url, self.connection, metrics=False).pool
        return tuple(sorted(vm.name for vm in pool.resident_guests() if vm.resident_on == host.uuid))

    def _told(self, host: Host, result: RunResult, done: str, left: Sequence[str] = ()) -> Exit:
        """Print how it ended, *done* where it is, and return the exit code."""
        code = Exit.STOPPED if left else exit_of_run(result) if result.complete else Exit.LATER
        if self.json:
            print_json({"host": host.name, "left": list(left), "run": result.as_json()})
        elif left:
            show(f"{host.name} is disabled and not empty: {', '.join(left)} came meanwhile; move them, then look again")
        elif result.complete:
            show(done)
        else:
            show(str(result))
        return code


def _assert_back(host: Host, kept: Maintenance, unplugged: Sequence[str]) -> None:
    if not kept.is_begun:
        problem = "the state folder knows of no maintenance of this host"
        raise InputError(host.name, problem, "Name its --state-dir, or enable the host yourself")
    if not host.live:
        raise InputError(host.name, "it is not back: the pool does not see it live", "Wait, then try again")
    if unplugged:
        problem = f"storage that it had is not plugged: {', '.join(unplugged)}"
        raise InputError(host.name, problem, "Plug it (`xe pbd-plug`), then try again")
