"""What the server answers to each call, whoever carries it there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import astuple, replace
from pathlib import Path
from threading import Lock
from typing import Final
from urllib.parse import urlsplit

import rebalancer as rb
from rebalancer.errors import InputError, RebalancerError
from rebalancer.history.fill import fill
from rebalancer.history.mend import with_store
from rebalancer.history.place import HistoryPlace
from rebalancer.history.store import Store
from rebalancer.inventory import Uuid
from rebalancer.nightly.keeping import HistoryKeeper
from rebalancer.units import counted
from rebalancer.wlb.configuration import Unacceptable, accepted, policy_under, shown
from rebalancer.wlb.moves import evacuation, number_of, optimisation
from rebalancer.wlb.protocol import answers
from rebalancer.wlb.protocol.calls import Call
from rebalancer.wlb.reports.reports import DEFINITIONS, NoSuchReport, ReportRequest, is_about, report
from rebalancer.wlb.stars import NoSuchVM, ratings
from rebalancer.wlb.vault import Member, Vault
from rebalancer.wlb.view import View
from rebalancer.wlb.watching import Helpers, PoolWatch, Rhythm, Source
from rebalancer.xapi import Credentials, Patience
from rebalancer.xapi import connect as session_of

NEW_VM_SECONDS: Final = 1.5
"""How long a look at the pool may take for a VM that is not known yet."""
LOGIN_SECONDS: Final = 5.0
"""How long a pool that is being connected is waited for, of the 30 that XAPI gives."""
LOGOUT_SECONDS: Final = 2.0
"""How long a pool is waited for while the server stops."""
PLAIN_PORT: Final = 80


class Refused(Exception):
    """What is told to XAPI in place of an answer."""


class Service:
    """Pools, their views, and the answers about them.

    Args:
        policy: what is wanted of every pool.
        base: the folder of its file.
        vault: the pools.
        helpers: who solves, keeps load, tells the time and hears of troubles.
        state_dir: where the history is kept.
        rhythm: how often views are made fresh.
    """

    def __init__(
        self,
        policy: rb.Policy,
        base: Path,
        vault: Vault,
        helpers: Helpers,
        *,
        state_dir: Path | None = None,
        rhythm: Rhythm | None = None,
    ) -> None:
        self._policy, self._base, self._vault, self._helpers = policy, base, vault, helpers
        self._state_dir, self._rhythm = state_dir, rhythm or Rhythm()
        self._watches: dict[Uuid, PoolWatch] = {}
        self._lock = Lock()
        self._answers: Mapping[str, Callable[[Call], bytes]] = {
            "AddXenServer": self._add,
            "RemoveXenServer": self._remove,
            "GetXenPoolConfiguration": self._configuration,
            "SetXenPoolConfiguration": self._set_configuration,
            "VMGetRecommendations": self._for_vm,
            "GetOptimizationRecommendations": self._for_pool,
            "HostGetRecommendations": self._for_host,
            "ExecuteReport": self._report,
            "GetDiagnostics": lambda _call: answers.diagnostics("\n".join(self.diagnostics())),
        }

    def start(self) -> None:
        """Watch the pools that are known already."""
        for member in self._vault.members:
            self._begin(member)

    def stop(self) -> None:
        """Watch no more."""
        for watch in self._watches.values():
            watch.stop()
        for watch in self._watches.values():
            watch.join(LOGOUT_SECONDS)

    @property
    def watches(self) -> Mapping[Uuid, PoolWatch]:
        """The views of all pools, by their uuids."""
        return dict(self._watches)

    def answer(self, call: Call) -> bytes:
        """The answer to *call*; what stands against one is told as a fault."""
        try:
            return self._answers[call.method](call)
        except (Refused, Unacceptable, NoSuchReport) as refused:
            return answers.fault(str(refused))
        except RebalancerError as error:
            self._helpers.told(f"{call.method}: {error}")
            return answers.fault(str(error))

    def diagnostics(self) -> Iterator[str]:
        """How each pool stands, a line each."""
        yield f"rebalancer {rb.__version__}, {len(self._watches)} pools"
        for uuid, watch in sorted(self.watches.items()):
            seen = f"seen at {watch.seen_at:%Y-%m-%dT%H:%M:%SZ}" if watch.seen_at else "not seen yet"
            steps = f"a plan of {counted(len(watch.plan.steps), 'step')}" if watch.plan else "no plan"
            yield f"pool {uuid}: {seen}, {steps}"
            if watch.view:
                yield f"pool {uuid}: {watch.evacuations.standing(watch.view)}"
            for number, step in enumerate(watch.plan.steps if watch.plan else (), start=1):
                yield f"pool {uuid}: step {number}: {step.vm_name} to {step.target_name}: {step.why}"
            for words in astuple(watch.troubles):
                if words:
                    yield f"pool {uuid}: {words}"

    def _add(self, call: Call) -> bytes:
        login = Credentials(user=call.texts["UserName"], password=call.texts["Password"])
        url = url_of(call.texts["XenServerUrl"])
        known = self._vault.find(call.pool)
        member = Member(uuid=call.pool, url=url, login=login, configuration=known.configuration if known else {})
        self._assert_there(member)
        with self._lock:
            self._vault.keep(member)
            self._begin(member)
        return answers.added(1)

    def _assert_there(self, member: Member) -> None:
        """Pass where the pool lets us in, and is the one that it says.

        Raises:
            XapiError: it does not let us in, or does not answer.
            Refused: it is another one.
        """
        way = self._connection(member)
        patience = Patience(seconds=LOGIN_SECONDS)
        with session_of(member.url, way.login(), way.trust(), patience=patience) as session:
            found = {str(record["uuid"]) for record in session.all_records("pool").values()}
        if found != {member.uuid}:
            raise Refused(f"the pool at {member.url} is another one than the call says")

    def _begin(self, member: Member) -> None:
        """Watch a pool from now on, as it is known now."""
        if (before := self._watches.get(member.uuid)) is not None:
            before.stop()
        policy = policy_under(self._policy, member.configuration)
        keeper = HistoryKeeper(policy, self._base, self._state_dir, self._helpers.told)
        source = Source(uuid=member.uuid, url=member.url, connection=self._connection(member), policy=policy)
        watch = PoolWatch(source, replace(self._helpers, keeper=keeper), self._rhythm)
        self._watches[member.uuid] = watch
        watch.start()

    def _connection(self, member: Member) -> rb.Connection:
        """The policy's section `[pool]` says which certificates are trusted, of all pools; the pool who logs in."""
        return replace(rb.Connection.of_policy(self._policy, self._base), credentials=member.login, fallbacks=())

    def _remove(self, call: Call) -> bytes:
        with self._lock:
            if (watch := self._watches.pop(call.pool, None)) is not None:
                watch.stop()
            self._vault.forget(call.pool)
        return answers.answer(call.method)

    def _member(self, call: Call) -> Member:
        if (found := self._vault.find(call.pool)) is None:
            raise Refused("this server does not know the pool: connect it anew")
        return found

    def _configuration(self, call: Call) -> bytes:
        return answers.configuration(shown(self._policy, self._member(call).configuration))

    def _set_configuration(self, call: Call) -> bytes:
        with self._lock:
            before = self._member(call)
            after = replace(before, configuration=accepted(before.configuration, call.pairs))
            self._vault.keep(after)
            if policy_under(self._policy, after.configuration) != policy_under(self._policy, before.configuration):
                self._begin(after)
        return answers.answer(call.method)

    def _view(self, call: Call) -> View:
        self._member(call)
        view = self._watches[call.pool].view
        if view is None:
            trouble = self._watches[call.pool].troubles.inventory
            raise Refused(f"the pool was not seen lately, so nothing is recommended: {trouble or 'it is being read'}")
        return view

    def _for_vm(self, call: Call) -> bytes:
        view, uuid = self._view(call), call.texts["VmUuid"]
        if uuid not in view.problem.pool.vms:
            self._watches[call.pool].look_now(NEW_VM_SECONDS)
            view = self._view(call)
        try:
            return answers.placements(ratings(view, uuid), 1)
        except NoSuchVM:
            raise Refused("the pool has no such VM that could be placed") from None

    def _for_pool(self, call: Call) -> bytes:
        view, watch = self._view(call), self._watches[call.pool]
        if (plan := watch.plan) is None:
            words = watch.troubles.plan or watch.troubles.metrics or "it is being made"
            raise Refused(f"there is no plan for the pool: {words}")
        return view.once(plan.digest, lambda: answers.optimisation(optimisation(view, plan), number_of(plan)))

    def _for_host(self, call: Call) -> bytes:
        view, host = self._view(call), call.texts["HostUuid"]
        if host not in view.problem.pool.hosts:
            raise Refused("the pool has no such host")
        targets = self._watches[call.pool].evacuations.targets(host)
        moves = view.once((host, *targets.items()), lambda: evacuation(view, host, targets))
        if len(moves) < sum(where == host for where in view.problem.initial.host_of.values()):
            self._watches[call.pool].hurry(host)
        return answers.evacuation(moves)

    def _report(self, call: Call) -> bytes:
        """XAPI names no pool: XenCenter does, or the host, as a parameter."""
        name = call.texts["ReportName"]
        if name == DEFINITIONS:
            return answers.report("")
        view = next((each for each in self._views() if is_about(each, call.pairs)), None)
        if view is None:
            raise Refused("no pool that was seen lately is the one that the report is to be about, or has its host")
        asked, found = ReportRequest.of(call.pairs, self._helpers.now()), view

        def made(store: Store) -> str:
            fill(store)
            return report(name, found, store, asked)

        place = HistoryPlace.of(self._policy.history, self._state_dir, self._base)
        return answers.report(with_store(place, made, self._helpers.told))

    def _views(self) -> Iterator[View]:
        return (watch.view for watch in self.watches.values() if watch.view is not None)


def url_of(told: str) -> str:
    """Where the coordinator takes calls: XAPI tells `http://ADDRESS:80/`, where nobody should send a password.

    Raises:
        InputError: it is no address.
    """
    try:
        parts = urlsplit(told)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if not parts.hostname or parts.scheme not in {"http", "https"}:
        raise InputError("XenServerUrl", "it is no address of a host", "Connect the pool anew")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    if port in {None, PLAIN_PORT}:
        return f"https://{host}"
    return f"{parts.scheme}://{host}:{port}"
