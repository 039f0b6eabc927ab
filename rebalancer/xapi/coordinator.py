"""A session with the coordinator of a pool, wherever that is: members say where, or other addresses are asked."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any, Final, Self

from XenAPI import Failure, Session

from rebalancer.errors import (
    CertificateMismatch,
    ConnectionSettingsError,
    RefusedByXapi,
    Unreachable,
    UnreadableKey,
    XapiError,
)
from rebalancer.version import __version__
from rebalancer.xapi.called import NOBODY
from rebalancer.xapi.credentials import Credentials
from rebalancer.xapi.patience import NONE
from rebalancer.xapi.translation import reading
from rebalancer.xapi.wire.address import Address
from rebalancer.xapi.wire.malformed import Malformed
from rebalancer.xapi.wire.transport import OVER_NETWORKS, Wires

Call = Callable[[], Any]

HOPS: Final = 3
"""How often a member's word for who the coordinator is gets believed in one call."""


class CoordinatorSession:
    """A session that stays with the coordinator; what it sends is for the class that is made of it.

    Not for several threads at once. Leaving it as a context manager logs out. `address` is that of the coordinator once
    it is logged in; `called` has the names of what was read; `context` has the TLS settings that enforce its trust, for
    connections to other hosts of the pool.
    """

    def __init__(
        self,
        address: Address,
        credentials: Credentials,
        context: ssl.SSLContext,
        timeout_seconds: float,
        wires: Wires = OVER_NETWORKS,
    ) -> None:
        self.address, self.context, self.timeout_seconds, self.wires = address, context, timeout_seconds, wires
        self.patience = NONE
        self._credentials = credentials
        self._ring: tuple[Address, ...] = (address,)
        self._fallbacks: tuple[Address, ...] = (address,)
        self._guessed, self._began_at, self._tried = False, address, address
        self._said: XapiError | None = None
        self._misses = 0
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

    def hurry(self, seconds: float) -> None:
        """Wait no longer than *seconds* for any answer from now on; what waits just now is asked again, or given up.

        A signal handler may call it.
        """
        self.timeout_seconds = min(self.timeout_seconds, seconds)
        self._session("transport").hurry(seconds)

    def log_in(self) -> None:
        """Log in on the coordinator, if that is not done yet; where one address does not answer, the next is asked.

        Raises:
            XapiError: see `connect`; of several addresses that do not answer, what the first said.
        """
        if self._session.handle is None:
            self._following(lambda: None, self._at_some_address)

    def _ask(self, message: str, arguments: Sequence[object]) -> Any:  # noqa: ANN401 - what XAPI answers
        return self._following(lambda: self._session.xenapi_request(message, arguments))

    def _following(self, call: Call, ask: Callable[[Call], Any] | None = None) -> Any:  # noqa: ANN401 - what XAPI answers
        """The answer to *call*; a pool that is not ready is asked again, as long as patience lasts."""
        ask, waited = ask or self._on_coordinator, 0.0
        for pause in self.patience.pauses():
            try:
                return ask(call)
            except XapiError as error:
                if not self.patience.waits_for(error, waited):
                    raise
            self.patience.sleep(pause)
            waited += pause
        return ask(call)

    def _at_some_address(self, call: Call) -> Any:  # noqa: ANN401 - what XAPI answers
        """The answer to *call* from the first address that gives one; of several errors the first is told."""
        silent: list[Unreachable] = []
        for address in self._ring:
            self._begin_at(address)
            try:
                return self._on_coordinator(call)
            except UnreadableKey:
                raise
            except Unreachable as error:
                silent.append(error)
        first = silent[0]
        nor = f"; nor {_others(len(silent) - 1)} answer" if silent[1:] else ""
        raise type(first)(first.where, f"{first.problem}{nor}", first.remedy) from first

    def _on_coordinator(self, call: Call) -> Any:  # noqa: ANN401 - what XAPI answers
        """The answer to *call*, on the coordinator; next time it is asked elsewhere, where this was of no use."""
        try:
            return self._sent_on(call)
        except UnreadableKey:
            raise
        except (Unreachable, CertificateMismatch) as error:
            told = self._told(error)
            self._move_on()
            raise told from error
        except XapiError:
            if self._session.handle is None:
                self._move_on()
            raise

    def _sent_on(self, call: Call) -> Any:  # noqa: ANN401 - what XAPI answers
        """The answer to *call*: who asks a member is sent on, and logs in there."""
        for _ in range(HOPS):
            try:
                return self._asked_here(call)
            except RefusedByXapi as refused:
                if refused.code != "HOST_IS_SLAVE":
                    raise
                self._move_to(self._named_by(refused))
        raise Unreachable(self.url, f"{HOPS} hosts in a row named another coordinator", "Wait for the pool to settle")

    def _asked_here(self, call: Call) -> Any:  # noqa: ANN401 - what XAPI answers
        with reading(self.url, self.called):
            if self._session.handle is None:  # XenAPI's session logs in again by itself when this one is gone
                self._give_password()
            answer = call()
        self._guessed, self._began_at, self._said, self._misses = False, self.address, None, 0
        return answer

    def _told(self, error: XapiError) -> XapiError:
        """What people are told of *error*: what is wrong at an address that was only tried explains no silence."""
        if not self._guessed:
            self._said = error
        first = self._said or error
        if first.where == error.where or not isinstance(first, Unreachable):
            problem = first.problem
        else:
            problem = f"{first.problem}; nor is {error.where} of use: {error.problem}"
        kind = Unreachable if self._guessed and self._said is None else type(first)
        return kind(first.where, problem, first.remedy)

    def _named_by(self, member: RefusedByXapi) -> Address:
        """Where *member* says the coordinator is; an `Unreachable` where it says nothing that is an address."""
        named = member.params[0] if member.params else ""
        try:
            return self.address.at(named)
        except ConnectionSettingsError as error:
            said = f", and {error.problem}" if self.address.scheme == "http" and named else ""
            problem = f"it is a member, and names {named!r} as coordinator{said}"
            remedy = error.remedy if said else "Give the coordinator's address"
            raise Unreachable(member.where, problem, remedy) from error

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
                break
        if not (isinstance(self._session.handle, str) and self._session.handle.strip()):
            self._session = self._new_session()
            raise Malformed("a login without a session")

    def _move_to(self, address: Address) -> None:
        self._session("close")()
        self.address = address
        self._session = self._new_session()

    def _move_on(self) -> None:
        """Begin elsewhere next time: at the address that was given, twice at first, then in turn with each other host.

        HA may have made that one coordinator, or it knows who is.
        """
        given, others = self._ring[0], self._ring[1:]
        self._misses += self._began_at == given
        if self._began_at != given or self._misses == 1 or not others:
            self._begin_at(given)
            return
        place = others.index(self._tried) + 1 if self._tried in others else 0
        self._tried = others[place % len(others)]
        self._begin_at(self._tried)

    def _begin_at(self, address: Address) -> None:
        self._began_at, self._guessed = address, address != self._ring[0]
        if address != self.address:
            self._move_to(address)

    def _new_session(self) -> Session:
        return Session(
            str(self.address), transport=self.wires.reading(self.address, self.context, self.timeout_seconds)
        )


def _others(count: int) -> str:
    """So many other addresses, with the verb before them."""
    return "does 1 other address" if count == 1 else f"do {count} other addresses"
