"""All hosts worked on, one after another, while people watch: `rolling --execute`."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import typer

import rebalancer as rb
from rebalancer.approval import assert_approved, demands_in, kept_policy
from rebalancer.cli.carrying import RESUME, Invocation, carried_out, options_of, telling_what_resumes
from rebalancer.cli.exits import Exit
from rebalancer.cli.opening import open_model, say_refused
from rebalancer.cli.output import print_json, say, show
from rebalancer.cli.rolling.agreeing import is_agreed
from rebalancer.cli.rolling.telling import telling_who_is_off
from rebalancer.cli.views.downtimes import downtime_tables, downtimes_as_json
from rebalancer.cli.views.hosts import outcome, rolling_tables
from rebalancer.cli.watching.progress import watch_solve
from rebalancer.errors import (
    ApprovalRefused,
    IllegalPlan,
    InputError,
    RollingStopped,
    StalePlan,
    StoppedHalfWay,
)
from rebalancer.execute import Clock, RunResult, pool_lock
from rebalancer.face.maintenance import Maintenance, allowed_by
from rebalancer.face.rolling.assent import StageApproval
from rebalancer.face.rolling.course import Course, Rolled, stale_in
from rebalancer.face.rolling.downtime import Downtime, downtimes
from rebalancer.face.rolling.given_up import give_up
from rebalancer.face.rolling.guests import assert_may_shut_down
from rebalancer.face.rolling.kept import KeptRolling
from rebalancer.face.rolling.means import ByCommand, ByPeople, ByXapi, Means
from rebalancer.face.rolling.site import PoolDoor, Progress, Site
from rebalancer.face.rolling.take_back import take_back
from rebalancer.face.rolling.trace import Event, Trace
from rebalancer.inventory import Uuid
from rebalancer.plan import Plan
from rebalancer.policy import DemandPolicy, Policy
from rebalancer.units import first_few
from rebalancer.whatif.itinerary import Habit
from rebalancer.whatif.rolling_index import RollingIndex

SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """How the *hosts* of the pool at *url*, all where none are named, are worked on under a policy."""

    url: str
    hosts: Sequence[str]
    update: str | None
    stay: bool
    shut_down: bool
    connection: rb.Connection
    policy: Path
    state_dir: Path | None
    any_time: bool = False
    anew: bool = False
    yes: bool = False
    json: bool = False

    def run(self) -> Exit:
        """Plan, and carry out; or go on where that ended.

        Raises:
            InputError: the policy does not allow it, or something else was begun.
            RollingStopped: people have to look.
            RebalancerError: as `rb.apply` says.
        """
        wanted = kept_policy(self.policy)
        allowed_by(wanted)
        if self.shut_down:
            assert_may_shut_down(wanted)
        pool = rb.read(self.url, self.connection, metrics=False).pool.uuid
        with pool_lock(pool, self.state_dir):
            kept = KeptRolling.of(pool, self.state_dir)
            site = self._site(pool, wanted)
            try:
                if kept.is_begun and self.anew and (waits := self._given_up(kept, site)):
                    show(waits, f"to resume: {self._command('--anew')}")
                    return Exit.LATER
                if not kept.is_begun and (refused := self._planned(kept)) is not None:
                    return refused
                return self._carried_out(kept, site)
            finally:
                site.door.shut()

    def _site(self, pool: Uuid, wanted: Policy) -> Site:
        return Site(
            pool=pool,
            policy=wanted,
            door=PoolDoor(lambda: rb.connect(self.url, self.connection)),
            carry_out=self._carry_out,
            read=self._read,
            say=say,
            clock=Clock(),
            state_dir=self.state_dir,
            any_time=self.any_time,
            approved=StageApproval(policy=wanted, demands=demands_in(self.policy), ask=_asker()),
        )

    def _read(self, demand: DemandPolicy) -> rb.PoolState:
        state = rb.read(self.url, self.connection, demand=demand)
        say_refused(state)
        return state

    def _given_up(self, kept: KeptRolling, site: Site) -> str:
        """Give up what was begun, once VMs are home and what it turned down is put back; for what that waits, if so."""
        try:
            progress = Progress(kept, site)
        except InputError as error:
            say(f"{error}. Whether VMs are off, or auto_poweron and restart priorities are turned down, look yourself")
        else:
            if waits := self._taken_back(progress, site):
                return waits
            for fact in give_up(Trace.opened(kept.trace), site):
                say(fact)
        say(f"the rest of what was begun is given up; it is kept in {kept.end(datetime.now(UTC))}")
        return ""

    def _taken_back(self, progress: Progress, site: Site) -> str:
        """Take the host that is out back into service, and bring VMs home; for what that waits, if it does."""
        try:
            return take_back(progress, site, partial(assert_approved, demands=demands_in(self.policy)))
        except ApprovalRefused as refused:
            self._tell_unapproved(refused, "--anew")
            raise
        except (StalePlan, IllegalPlan):
            say(f"to plan the way home anew: {self._command('--anew')}")
            raise
        except StoppedHalfWay as stopped:
            raise stopped.with_ways({RESUME: self._command("--anew")}) from stopped

    def _planned(self, kept: KeptRolling) -> Exit | None:
        """Plan and keep the stages; the exit code where there are none."""
        model = open_model(self.url, self.policy, self.connection, metrics=True, state_dir=self.state_dir)
        say_refused(model.state)
        with watch_solve() as reporter:
            found = rb.rolling(
                model,
                self.hosts,
                version=self.update,
                come_home=not self.stay,
                shut_down=self.shut_down,
                reporter=reporter,
            )
        if found.refused:
            return outcome(found, rolling_tables(found), json=self.json)
        if not self.json:
            show(*rolling_tables(found))
        kept.begin(found)
        return None

    def _carried_out(self, kept: KeptRolling, site: Site) -> Exit:
        index = kept.index()
        self._assert_meant(index, kept)
        demands = demands_in(self.policy)
        try:
            kept.assert_approved(site.pool, demands)
            if not is_agreed(kept, site, unasked=self.yes or demands.approval):
                return self._declined(kept)
            say(f"the stages are kept in {kept.itinerary}, and what is done is written to {kept.trace}")
            with telling_what_resumes(self._command()), telling_who_is_off(kept, site):
                rolled = Course(kept, site, self._means(site)).walk()
        except ApprovalRefused as refused:
            self._tell_unapproved(refused)
            raise
        except RollingStopped as stopped:
            flags = ["--anew"] if kept.is_given_up else []
            raise stopped.with_ways({RESUME: self._command(*flags)}) from stopped
        except (StalePlan, IllegalPlan, StoppedHalfWay) as error:
            if stale_in(error):
                self._tell_stale(index, site)
            raise
        off = downtimes(kept, site.clock.now())
        if not rolled.waits:
            kept.end(datetime.now(UTC))
        return self._told(rolled, index, off)

    def _declined(self, kept: KeptRolling) -> Exit:
        """Nobody is shut down: give up what was only planned, and leave what was begun as it is."""
        if any(each.event is Event.STAGE for each in Trace.opened(kept.trace).entries):
            say("nothing more is done; the same command asks again, and --anew gives up what is left")
        else:
            kept.end(datetime.now(UTC))
            say("nothing was touched, and what was planned is given up")
        return Exit.NOT_APPROVED

    def _tell_unapproved(self, refused: ApprovalRefused, *flags: str) -> None:
        """Say how to go on where an approval is missing."""
        approve = shlex.join(["rebalancer", "approve", refused.where, "--by", "NAME", "--reason", "TEXT"])
        say(f"to approve it: {approve}")
        say(f"then the same command goes on: {self._command(*flags)}")

    def _tell_stale(self, index: RollingIndex, site: Site) -> None:
        """Say how to go on where the plan of a stage is stale."""
        if not site.policy.rolling.plan_anew:
            say("a stage of which nothing is under way is planned anew where the policy says rolling.plan_anew = true")
        anew = f"to plan the hosts that are left anew: {self._command('--anew')}"
        for stage in index.stages:
            if Maintenance.of(site.pool, stage.host_uuid, self.state_dir).is_begun:
                say(f"{stage.host} stays disabled; that takes it back into service, and brings VMs home first: {anew}")
                return
        say(f"nothing more is sent; {anew}")

    def _means(self, site: Site) -> Means:
        """How hosts go down: as the policy says, else people do it."""
        rolling = site.policy.rolling
        if "reboot" in site.allowed:
            return ByXapi(site=site)
        if rolling.command:
            return ByCommand(command=rolling.command, minutes=rolling.command_minutes, version=self.update)
        work = f"update it to platform version {self.update}, and reboot it" if self.update else "reboot it"
        return ByPeople(ask=_asker(". Is that under way?"), work=work)

    def _carry_out(self, plan: Plan, folder: Path) -> RunResult:
        way = Invocation(
            folder=folder,
            url=self.url,
            connection=self.connection,
            policy=self.policy,
            journal=None,
            state_dir=self.state_dir,
            any_time=self.any_time,
            ways={RESUME: self._command()},
        )
        return carried_out(plan, way, None)

    def _assert_meant(self, index: RollingIndex, kept: KeptRolling) -> None:
        """Pass where what was begun is what is asked for now.

        Raises:
            InputError: it is something else.
        """
        same = index.update == self.update and (index.returns is Habit.NEVER) is self.stay
        same = same and (self.shut_down or not any(stage.shut_down for stage in index.stages))
        if same and (not self.hosts or self._names_all(index)):
            return
        hosts = first_few(index.hosts, SHOWN)
        began = f"{hosts}{f' with --update {index.update}' if index.update else ''}"
        problem = f"something else was begun, and is not done: {began}"
        raise InputError(str(kept.folder), problem, "Type that again, or give it up and plan anew with --anew")

    def _names_all(self, index: RollingIndex) -> bool:
        """Whether the hosts are those of *index*; with an update some may be named that ran the version already."""
        given, worked_on = set(self.hosts), [{stage.host, stage.host_uuid} for stage in index.stages]
        known = {each.host_name for each in index.set_aside}.union(*worked_on)
        return all(given & host for host in worked_on) and bool(given <= known or self.update)

    def _command(self, *flags: str) -> str:
        """What to type next, which gets in as this command did."""
        options = options_of(self.connection, {"policy": self.policy, "state-dir": self.state_dir})
        own = [*flags, *(["--update", self.update] if self.update else []), *(["--stay"] if self.stay else [])]
        own += ["--shut-down-pinned"] if self.shut_down else []
        own += ["--any-time"] if self.any_time else []
        return shlex.join(["rebalancer", "rolling", self.url, *self.hosts, "--execute", *own, *options])

    def _told(self, rolled: Rolled, index: RollingIndex, off: Sequence[Downtime]) -> Exit:
        """Print how it ended, and return the exit code."""
        aside = [each.host_name for each in index.set_aside]
        if self.json:
            told = {"hosts": list(index.hosts), "set_aside": aside, "stages_done": rolled.done}
            told |= {"stages_left": rolled.left, "planned_anew": list(rolled.made_anew), "astray": list(rolled.astray)}
            print_json(told | {"waits": rolled.waits, **downtimes_as_json(off)})
        elif rolled.waits:
            waits = f"{rolled.waits}. Stages done: {rolled.done}, left: {rolled.left}"
            show(waits, f"to resume: {self._command()}", *downtime_tables(off))
        else:
            left_out = f"; not planned: {', '.join(aside)}" if aside else ""
            astray = (f"not brought home: {each}" for each in rolled.astray)
            show(f"done: {', '.join(index.hosts)}{left_out}", *astray, *downtime_tables(off))
        return Exit.LATER if rolled.waits else Exit.INCOMPLETE if aside or rolled.astray else Exit.DONE


def _asker(question: str = "") -> Callable[[str], bool] | None:
    """Puts words, and a *question* about them, to whoever is at the terminal; None where nobody is."""
    if not sys.stdin.isatty():
        return None
    return lambda words: typer.confirm(f"{words}{question}", err=True)
