"""Hosts that sleep while nobody needs them: `sleep --execute` and `wake`."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import rebalancer as rb
from rebalancer.approval import assert_approved, demands_in, kept_policy
from rebalancer.cli.carrying import RESUME, Invocation, carried_out, exit_of_run, options_of, telling_what_resumes
from rebalancer.cli.exits import Exit
from rebalancer.cli.nights.pool_time import PoolTime
from rebalancer.cli.opening import read_back
from rebalancer.cli.output import print_json, say, show_lines
from rebalancer.cli.watching.progress import watch_solve
from rebalancer.errors import IllegalPlan, InputError, PoolLocked, StalePlan, StoppedHalfWay
from rebalancer.execute import (
    SLEEPING,
    SLEEPY,
    UNUSED,
    Clock,
    HostNote,
    HostStage,
    PowerRecord,
    is_settled,
    journal_path,
    make_state_folder,
    pool_lock,
)
from rebalancer.execute.power.switch import guests_on
from rebalancer.export import read_plan
from rebalancer.face.sleeping import (
    Candidates,
    any_can_be_woken,
    assert_may_sleep,
    assert_may_wake,
    emptied_by,
    needed_of,
    switch_of,
    woken_meanwhile,
)
from rebalancer.inventory import Host
from rebalancer.policy import Policy
from rebalancer.whatif.supply import in_service


@dataclass(slots=True, kw_only=True)
class Saving:
    """How hosts of the pool at *url* are put to sleep, and woken, under a policy.

    `stay` is why each host stays on that might sleep.
    """

    url: str
    connection: rb.Connection
    policy: Path
    state_dir: Path | None
    any_time: bool = False
    pool_clock: bool = False
    json: bool = False
    clock: Clock = field(init=False)
    wanted: Policy = field(init=False)
    stay: Mapping[str, str] = field(init=False, default_factory=dict)

    def put_to_sleep(self) -> Exit:
        """Empty hosts by a plan, then switch off those that may be; goes on where an earlier attempt ended.

        Raises:
            InputError: the policy does not allow it.
            MetricsRefused: there are no metrics that are good enough.
            StoppedHalfWay: people have to look.
            RebalancerError: as `rb.rebalance` and `rb.apply` say.
        """
        model, record = self._opened(assert_may_sleep)
        if model.state.refused:
            raise model.state.refused
        with pool_lock(record.pool, self.state_dir):
            if not self._gathered(model, record):
                self._tell([], {"asleep": [], "awake": {}})
                return Exit.LATER
            with telling_what_resumes(self._to_sleep()):
                asleep = self._switched_off(record)
        self._tell([f"{name} sleeps" for name in asleep], {"asleep": asleep, "awake": self.stay})
        return Exit.DONE

    def wake(self, names: Sequence[str], *, everyone: bool) -> Exit:
        """Switch on the hosts of these *names*, *everyone*, or those that the next hours need.

        Raises:
            InputError: the policy does not allow it, or no such host sleeps.
            StoppedHalfWay: a host is not back as it was.
            XapiError: the pool cannot be reached, or refuses.
        """
        model, record = self._opened(assert_may_wake)
        try:
            with pool_lock(record.pool, self.state_dir):
                return self._woken(model, record, names, everyone=everyone)
        except PoolLocked as locked:
            if locked.holder or names or everyone or self._needed(model, record):
                raise
            say("another run writes to this pool, and no host that sleeps is needed")
            self._tell([], {"awake": []})
            return Exit.DONE

    def _woken(self, model: rb.Model, record: PowerRecord, names: Sequence[str], *, everyone: bool) -> Exit:
        chosen = self._chosen(model, record, names, everyone=everyone)
        if not chosen:
            self._tell([], {"awake": []})
            return Exit.DONE
        say(f"switching on {', '.join(host.name for host in chosen)}, and waiting for them")
        again = self._command(
            "wake", *(["--all"] if everyone else [word for name in names for word in ("--host", name)])
        )
        with (
            telling_what_resumes(again),
            rb.connect(self.url, self.connection) as live,
        ):
            doubts = switch_of(live, record, self.wanted, self.state_dir, self.clock).wake(chosen)
        back = [host.name for host in chosen if record.latest()[host.uuid].stage is HostStage.AWAKE]
        if doubts:
            raise self._stopped(doubts, record, {RESUME: again}, done=len(back), left=len(chosen) - len(back))
        self._tell([f"{name} is awake" for name in back], {"awake": back})
        return Exit.DONE

    def _opened(self, allowed: Callable[[Policy], None]) -> tuple[rb.Model, PowerRecord]:
        """The pool with its metrics, under the policy, which nobody but its owner can have written."""
        self.wanted = kept_policy(self.policy).anchored(self.policy.parent)
        allowed(self.wanted)
        self.clock = PoolTime(self.url, self.connection) if self.pool_clock else Clock()
        state = read_back(self.url, self.connection, self.wanted, self.state_dir)
        return rb.Model(state, self.wanted, state_dir=self.state_dir, told=say), PowerRecord.of(
            state.pool.uuid, self.state_dir
        )

    def _gathered(self, model: rb.Model, record: PowerRecord) -> bool:
        """Whether the plan that empties hosts is carried out, where there is one."""
        if not record.at([HostStage.PLANNED]) and not self._planned(model, record):
            return True
        plan = read_plan(record.plan)
        assert_approved(plan, record.plan, demands_in(self.policy))
        way = Invocation(
            folder=record.plan,
            url=self.url,
            connection=self.connection,
            policy=self.policy,
            journal=None,
            state_dir=self.state_dir,
            any_time=self.any_time,
            ways={RESUME: self._to_sleep()},
            clock=self.clock,
        )
        try:
            result = carried_out(plan, way, None)
        except (StalePlan, IllegalPlan, StoppedHalfWay):
            journal = journal_path(plan.digest, self.state_dir)
            if is_settled(journal):
                self._note_all(record, emptied_by(plan), HostStage.FREE, "its plan cannot go on")
                say("no host was switched off; the same command plans anew, from where the VMs are by then")
            raise
        if exit_of_run(result) is not Exit.DONE or not result.complete:
            say("no host was switched off; the same command goes on")
            return False
        self._note_all(record, emptied_by(plan), HostStage.EMPTIED, f"by plan {plan.digest}")
        return True

    def _planned(self, model: rb.Model, record: PowerRecord) -> bool:
        """Whether there is a plan that empties hosts; it is kept, and they are noted."""
        with watch_solve() as reporter:
            plan = rb.rebalance(model, made_at=self.clock.now(), reporter=reporter)
        hosts = emptied_by(plan)
        if not hosts:
            say("no VM is moved: no plan empties a host")
        if not hosts or not self._any_can_be_woken(model, hosts):
            return False
        shutil.rmtree(record.plan, ignore_errors=True)
        make_state_folder(record.folder)
        plan.save(record.plan)
        self._note_all(record, hosts, HostStage.PLANNED, f"by plan {plan.digest}")
        return True

    def _any_can_be_woken(self, model: rb.Model, hosts: Collection[str]) -> bool:
        """Whether somebody could switch on one of *hosts*, so that it is worth emptying them."""
        with rb.connect(self.url, self.connection) as live:
            found = any_can_be_woken(live, hosts, self.wanted)
        if not found:
            names = ", ".join(model.state.pool.hosts[host].name for host in hosts)
            say(f"no VM is moved: the plan empties {names}, and without a power_on_mode nobody could wake them")
        return found

    def _note_all(self, record: PowerRecord, hosts: Collection[str], stage: HostStage, words: str) -> None:
        for host in hosts:
            record.note(HostNote(at=self.clock.now(), host=host, stage=stage, words=words))

    def _switched_off(self, record: PowerRecord) -> list[str]:
        """The names of hosts that sleep now; each is judged anew in the pool as the one before leaves it."""
        asleep: list[str] = []
        while True:
            state = read_back(self.url, self.connection, self.wanted, self.state_dir)
            if state.refused:
                raise state.refused
            model = rb.Model(state, self.wanted)
            with rb.connect(self.url, self.connection) as live:
                switch = switch_of(live, record, self.wanted, self.state_dir, self.clock)
                found = Candidates.of(model, switch)
                host, self.stay = found.first, found.stay
                if host is None:
                    return asleep
                say(f"{host.name} is switched off")
                doubt = switch.put_to_sleep(host)
            if doubt and record.at([HostStage.STOPPING]):
                ways = {RESUME: self._to_sleep(), "to wake them": self._command("wake", "--all")}
                raise self._stopped([doubt], record, ways, done=len(asleep), left=len(record.at(SLEEPY)))
            if doubt:
                say(doubt)
            else:
                asleep.append(host.name)

    def _chosen(
        self, model: rb.Model, record: PowerRecord, names: Sequence[str], *, everyone: bool
    ) -> tuple[Host, ...]:
        """The hosts to be woken."""
        pool = model.state.pool
        used = [host for host in record.at(UNUSED) if guests_on(host, pool)]
        self._note_all(record, used, HostStage.FREE, "VMs came")
        self._note_all(record, woken_meanwhile(model, record), HostStage.AWAKE, "it is up")
        sleepers = self._sleepers(model, record)
        if names:
            wanted = model.hosts(names)
            for host in wanted:
                if host not in sleepers:
                    raise InputError(
                        host.name, "it was not put to sleep from this state folder", "Switch it on by hand"
                    )
            return tuple(wanted)
        if everyone:
            return tuple(sleepers)
        if sleepers and model.state.refused:
            say(f"without metrics, all hosts are woken: {model.state.refused}")
        return (*self._begun(model, record), *self._needed(model, record))

    def _sleepers(self, model: rb.Model, record: PowerRecord) -> list[Host]:
        """The hosts that the record has put to sleep, or was about to, and that are not in service."""
        on, hosts = in_service(model.state.pool), model.state.pool.hosts
        return [hosts[uuid] for uuid in record.at(SLEEPING) if uuid in hosts and uuid not in on]

    def _begun(self, model: rb.Model, record: PowerRecord) -> list[Host]:
        """Those of them that an earlier run was waking."""
        latest = record.latest()
        return [host for host in self._sleepers(model, record) if latest[host.uuid].stage is HostStage.STARTING]

    def _needed(self, model: rb.Model, record: PowerRecord) -> tuple[Host, ...]:
        """Those of the others that the next hours need beside these."""
        begun = self._begun(model, record)
        others = [host for host in self._sleepers(model, record) if host not in begun]
        on = {*in_service(model.state.pool), *(host.uuid for host in begun)}
        return needed_of(model, others, on, self.clock.now())

    def _stopped(
        self, doubts: Sequence[str], record: PowerRecord, ways: Mapping[str, str], *, done: int, left: int
    ) -> StoppedHalfWay:
        return StoppedHalfWay("\n".join(doubts), done=done, left=left, journal=str(record.path), ways=ways)

    def _to_sleep(self) -> str:
        """What to type to go on with putting hosts to sleep."""
        return self._command("sleep", "--execute", *(["--any-time"] if self.any_time else []))

    def _command(self, name: str, *flags: str) -> str:
        """What to type next, which gets in as this command did."""
        options = options_of(self.connection, {"policy": self.policy, "state-dir": self.state_dir})
        clock = ["--pool-clock"] if self.pool_clock else []
        return shlex.join(["rebalancer", name, self.url, *flags, *clock, *options])

    def _tell(self, done: Sequence[str], document: Mapping[str, object]) -> None:
        if self.json:
            print_json(document)
            return
        stays = [f"{name} stays on: {words}" for name, words in self.stay.items()]
        show_lines(*(done or ["nothing was switched"]), *stays)


def own_pool(policy: Path) -> tuple[str, rb.Connection]:
    """The URL of the pool that the policy in a file is for, and the way in.

    Raises:
        PolicyError: the file cannot be used.
        InputError: it names no pool.
    """
    wanted = rb.Policy.load(policy)
    if wanted.pool.url is None:
        raise InputError("URL", "neither the command nor pool.url of the policy names a pool", "Write one of them")
    return wanted.pool.url, rb.Connection.of_policy(wanted, policy.parent)
