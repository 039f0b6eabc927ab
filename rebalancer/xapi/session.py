"""A session that can only read."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, Self, TypeVar

from XenAPI import Failure, Session

from rebalancer.errors import (
    CertificateMismatch,
    ConnectionSettingsError,
    RefusedByXapi,
    Unreachable,
    UnreadableKey,
    XapiError,
)
from rebalancer.inventory import Uuid, xapi_uuid
from rebalancer.inventory.records import Record
from rebalancer.version import __version__
from rebalancer.xapi.address import Address, parse_url
from rebalancer.xapi.called import NOBODY
from rebalancer.xapi.credentials import Credentials
from rebalancer.xapi.patience import NONE, OF_COMMANDS, Patience
from rebalancer.xapi.translation import NOT_XAPI, reading
from rebalancer.xapi.transport import RepeatOnStale
from rebalancer.xapi.trust import Trust

READS: Final = frozenset(
    {
        "assert_can_boot_here",
        "assert_operation_valid",
        "from",
        "get_all",
        "get_all_records",
        "get_by_uuid",
        "get_name_label",
        "get_record",
        "get_servertime",
        "get_uuid",
    }
)
"""Every message that a `ReadSession` can send, of whatever class; `from` is `event.from`."""

Call = Callable[[], Any]
Expected = TypeVar("Expected", dict[str, Any], list[Any], str)

HOPS: Final = 3
"""How often a member's word for who the coordinator is gets believed in one call."""


def connect(
    url: str,
    credentials: Credentials,
    trust: Trust,
    *,
    timeout_seconds: float = 30.0,
    patience: Patience = OF_COMMANDS,
    fallbacks: Sequence[str] = (),
) -> ReadSession:
    """A session with the pool at *url*, logged in; a member's word for the coordinator is followed.

    Where *url* does not answer, the hosts at *fallbacks* are asked. A pool that is not ready is waited for, as long as
    *patience* lasts.

    Raises:
        ConnectionSettingsError: the URL or the trust cannot be used.
        LoginRefused: user or password is wrong.
        CertificateMismatch: the certificate is not trusted.
        Unreachable: no connection, no answer in time, or nothing that speaks XenAPI.
    """
    session = ReadSession(parse_url(url), credentials, trust.context(), timeout_seconds)
    session.patience = patience
    session.fall_back_to([parse_url(each) for each in fallbacks])
    session.log_in()
    return session


class ReadSession:
    """A session with a pool's coordinator that has no way to change the pool.

    Not for several threads at once. Leaving it as a context manager logs out. `address` is that of the coordinator once
    it is logged in; `called` has the names of what was read; `context` has the TLS settings that enforce its trust, for
    connections to other hosts of the pool.
    """

    def __init__(
        self, address: Address, credentials: Credentials, context: ssl.SSLContext, timeout_seconds: float
    ) -> None:
        self.address, self.context, self.timeout_seconds = address, context, timeout_seconds
        self.patience = NONE
        self._credentials = credentials
        self._ring: tuple[Address, ...] = (address,)
        self._fallbacks: tuple[Address, ...] = (address,)
        self._guessed = False
        self.called = NOBODY
        self._session = self._new_session()

    @property
    def url(self) -> str:
        """Where the session is: the coordinator, once it is logged in."""
        return str(self.address)

    @property
    def session_ref(self) -> str:
        """What XAPI calls the session; it is as good as a password, so keep it out of files and logs."""
        return str(self._session.handle)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        """Log out; a pool that cannot be reached any more forgets the session by itself."""
        try:
            with suppress(XapiError), reading(self.url):
                if self._session.handle is not None:
                    self._session.xenapi_request("session.logout", ())
        finally:
            self._session("close")()

    def remember(self, addresses: Iterable[str]) -> None:
        """Where else to ask, should the coordinator fall silent: the other hosts of the pool, as XAPI names them."""
        others = []
        for named in sorted(set(addresses)):
            with suppress(ConnectionSettingsError):
                others.append(self.address.at(named))
        self._ring = tuple(dict.fromkeys((*self._fallbacks, *others)))

    def fall_back_to(self, addresses: Sequence[Address]) -> None:
        """Where to ask after the first address, before any other host of the pool."""
        self._ring = self._fallbacks = tuple(dict.fromkeys((*self._fallbacks, *addresses)))

    def log_in(self) -> None:
        """Log in on the coordinator, if that is not done yet; where one address does not answer, the next is asked.

        Raises:
            XapiError: see `connect`; of several addresses that do not answer, what the first said.
        """
        self._following(lambda: None, self._at_some_address)

    def all_records(self, kind: str) -> Mapping[str, Record]:
        """All records of a class by ref; none of a class that this version of XAPI does not have.

        Raises:
            UnreadableKey: the object is named that has it.
        """
        try:
            records = self._mapping(f"{kind}.get_all_records")
        except RefusedByXapi as refused:
            if refused.code != "MESSAGE_METHOD_UNKNOWN":
                raise
            return {}
        except UnreadableKey as unreadable:
            raise self._located(kind, unreadable) from unreadable
        return {ref: _expect(dict, record, self.url) for ref, record in records.items()}

    def record(self, kind: str, ref: str) -> Record:
        """The record of one object."""
        return self._mapping(f"{kind}.get_record", ref)

    def ref(self, kind: str, uuid: Uuid) -> str:
        """What this pool calls an object."""
        return str(self._read(f"{kind}.get_by_uuid", xapi_uuid(uuid)))

    def server_time(self, host_ref: str) -> str:
        """The host's own clock, UTC, as XAPI writes it: `20261122T19:55:13Z`."""
        return str(self._read("host.get_servertime", host_ref))

    def assert_may_migrate(self, vm_ref: str, host_ref: str) -> None:
        """Ask XAPI for everything that it can say beforehand about a migration, changing nothing.

        Raises:
            RefusedByXapi: with XAPI's code.
        """
        self.assert_operation_valid(vm_ref, "pool_migrate")
        self._read("VM.assert_can_boot_here", vm_ref, host_ref)

    def assert_operation_valid(self, vm_ref: str, operation: str) -> None:
        """Ask XAPI whether the state of a VM allows an operation.

        Raises:
            RefusedByXapi: with XAPI's code.
        """
        self._read("VM.assert_operation_valid", vm_ref, operation)

    def events(self, kinds: tuple[str, ...], token: str) -> Mapping[str, Any]:
        """What changed in *kinds* since *token*, without waiting: `events` and the next `token`."""
        try:
            found = self._mapping("event.from", [kind.lower() for kind in kinds], token, 0.0)
        except UnreadableKey as unreadable:
            named = (self._located(kind, unreadable) for kind in kinds)
            raise next((each for each in named if each.holder), unreadable) from unreadable
        for event in _expect(list, found.get("events"), self.url):
            for word in ("class", "operation", "ref"):
                _expect(str, _expect(dict, event, self.url).get(word), self.url)
        _expect(str, found.get("token"), self.url)
        return found

    def _located(self, kind: str, unreadable: UnreadableKey) -> UnreadableKey:
        """*unreadable* with the object that has the key, found by asking for the objects one by one."""
        for ref in map(str, _expect(list, self._read(f"{kind}.get_all"), self.url)):
            try:
                self.record(kind, ref)
            except UnreadableKey as found:
                return UnreadableKey(self.url, found.key, f"{kind} {self._name(kind, ref)}")
        return unreadable

    def _name(self, kind: str, ref: str) -> str:
        """Name and uuid of an object whose record cannot be read; the uuid alone in classes without names."""
        uuid = str(self._read(f"{kind}.get_uuid", ref))
        with suppress(RefusedByXapi):
            return f"{self._read(f'{kind}.get_name_label', ref)} ({uuid})"
        return uuid

    def _mapping(self, message: str, *arguments: object) -> Mapping[str, Any]:
        return _expect(dict, self._read(message, *arguments), self.url)

    def _read(self, message: str, *arguments: object) -> Any:  # noqa: ANN401 - what XAPI answers
        kind, _, verb = message.rpartition(".")
        if verb not in READS or not kind or "." in kind:
            raise ValueError(f"{message} is not on the list of what a reading session may send")
        return self._following(lambda: self._session.xenapi_request(message, arguments))

    def _following(self, call: Call, ask: Callable[[Call], Any] | None = None) -> Any:  # noqa: ANN401 - what XAPI answers
        """The answer to *call*; a pool that is not ready is asked again, as long as patience lasts."""
        ask = ask or self._on_coordinator
        for pause in self.patience.pauses():
            try:
                return ask(call)
            except XapiError as error:
                if not self.patience.waits_for(error):
                    raise
            self.patience.sleep(pause)
        return ask(call)

    def _at_some_address(self, call: Call) -> Any:  # noqa: ANN401 - what XAPI answers
        """The answer to *call* from the first address that gives one; of several errors the first is told."""
        silent: list[Unreachable] = []
        for _ in self._ring:
            try:
                return self._on_coordinator(call)
            except UnreadableKey:
                raise
            except Unreachable as error:
                silent.append(error)
        first = silent[0]
        nor = f"; nor {_others(len(silent) - 1)} answer" if silent[1:] else ""
        raise Unreachable(first.where, f"{first.problem}{nor}", first.remedy) from first

    def _on_coordinator(self, call: Call) -> Any:  # noqa: ANN401 - what XAPI answers
        """The answer to *call*, on the coordinator: who asks a member is sent on, and logs in there."""
        for _ in range(HOPS):
            try:
                with reading(self.url, self.called):
                    if self._session.handle is None:  # XenAPI's session logs in again by itself when this one is gone
                        self._give_password()
                    answer = call()
            except RefusedByXapi as refused:
                if refused.code != "HOST_IS_SLAVE":
                    raise
                self._move_to(self._named_by(refused))
                continue
            except UnreadableKey:
                raise
            except Unreachable:
                self._move_on()
                raise
            except CertificateMismatch as error:
                if not self._guessed:
                    raise
                # Nobody said that the coordinator is here: whoever cannot be trusted is passed over.
                self._move_on()
                raise Unreachable(error.where, error.problem, error.remedy) from error
            self._guessed = False
            return answer
        raise Unreachable(self.url, f"{HOPS} hosts in a row named another coordinator", "Wait for the pool to settle")

    def _named_by(self, member: RefusedByXapi) -> Address:
        """Where *member* says the coordinator is; an `Unreachable` where it says nothing that is an address."""
        named = member.params[0] if member.params else ""
        try:
            return self.address.at(named)
        except ConnectionSettingsError as error:
            if self.address.scheme == "http" and named:
                raise
            self._move_on()
            problem = f"it is a member, and names {named!r} as coordinator"
            raise Unreachable(member.where, problem, "Give the coordinator's address") from error

    def _give_password(self) -> None:
        """Log in with as many parameters as this version of XAPI takes: since 6.2 the last says who we are."""
        words = (self._credentials.user, self._credentials.password, "1.0", f"rebalancer/{__version__}")
        for count in (4, 3, 2):
            try:
                self._session.login_with_password(*words[:count])
            except Failure as failure:
                if failure.details[0] != "MESSAGE_PARAMETER_COUNT_MISMATCH" or count == 2:  # noqa: PLR2004 - the least
                    raise
            else:
                return

    def _move_to(self, address: Address) -> None:
        self._session("close")()
        self.address = address
        self._session = self._new_session()

    def _move_on(self) -> None:
        """Ask the next address next time, in a circle: HA may have made it coordinator, or it knows who is."""
        place = self._ring.index(self.address) + 1 if self.address in self._ring else 0
        following = self._ring[place % len(self._ring)]
        if following != self.address:
            self._move_to(following)
            self._guessed = following != self._fallbacks[0]

    def _new_session(self) -> Session:
        return Session(str(self.address), transport=RepeatOnStale(self.address, self.context, self.timeout_seconds))


def _expect(kind: type[Expected], value: object, where: str) -> Expected:
    """*value*, which has to be of a *kind*; an `Unreachable` where something else than XAPI has sent it."""
    if not isinstance(value, kind):
        problem = f"it answers, but not as XAPI does (a {type(value).__name__} in place of a {kind.__name__})"
        raise Unreachable(where, problem, NOT_XAPI)
    return value


def _others(count: int) -> str:
    """So many other addresses, with the verb before them."""
    return "does 1 other address" if count == 1 else f"do {count} other addresses"
