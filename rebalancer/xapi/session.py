"""A session that can only read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, TypeVar

from rebalancer.errors import RefusedByXapi, Unreachable, UnreadableKey
from rebalancer.inventory import Uuid, xapi_uuid
from rebalancer.inventory.records import Record
from rebalancer.xapi.coordinator import CoordinatorSession
from rebalancer.xapi.credentials import Credentials
from rebalancer.xapi.patience import OF_COMMANDS, Patience
from rebalancer.xapi.roles import Permissions
from rebalancer.xapi.translation import NOT_XAPI
from rebalancer.xapi.wire.address import parse_url
from rebalancer.xapi.wire.transport import OVER_NETWORKS, Wires
from rebalancer.xapi.wire.trust import Trust

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

Expected = TypeVar("Expected", dict[str, Any], list[Any], str)


def connect(
    url: str,
    credentials: Credentials,
    trust: Trust,
    *,
    timeout_seconds: float = 30.0,
    patience: Patience = OF_COMMANDS,
    fallbacks: Sequence[str] = (),
    wires: Wires = OVER_NETWORKS,
) -> ReadSession:
    """A session with the pool at *url*, logged in; a member's word for the coordinator is followed.

    Where *url* does not answer, the hosts at *fallbacks* are asked. A pool that is not ready is waited for, as long as
    *patience* lasts. Calls go out over *wires*.

    Raises:
        ConnectionSettingsError: the URL or the trust cannot be used.
        LoginRefused: user or password is wrong.
        CertificateMismatch: the certificate is not trusted.
        Unreachable: no connection, no answer in time, or nothing that speaks XenAPI.
    """
    session = ReadSession(parse_url(url), credentials, trust.context(), timeout_seconds, wires)
    session.patience = patience
    session.fall_back_to([parse_url(each) for each in fallbacks])
    session.log_in()
    return session


class ReadSession(CoordinatorSession):
    """A session with a pool's coordinator that has no way to change the pool."""

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
        return _expect(str, self._read(f"{kind}.get_by_uuid", xapi_uuid(uuid)), self.url)

    def server_time(self, host_ref: str) -> str:
        """The host's own clock, UTC, as XAPI writes it: `20261122T19:55:13Z`."""
        return _expect(str, self._read("host.get_servertime", host_ref), self.url)

    def permissions(self) -> Permissions:
        """What whoever logged in may do in this pool."""
        record = self.record("session", self.session_ref)
        held = _expect(list, record.get("rbac_permissions", []), self.url)
        unlimited = record.get("is_local_superuser") is True
        return Permissions(unlimited=unlimited, held=frozenset(str(each).lower() for each in held))

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
            _expect(dict, event.get("snapshot", {}), self.url)
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
        return self._ask(message, arguments)


def _expect(kind: type[Expected], value: object, where: str) -> Expected:
    """*value*, which has to be of a *kind*; an `Unreachable` where something else than XAPI has sent it."""
    if not isinstance(value, kind):
        problem = f"it answers, but not as XAPI does (a {type(value).__name__} in place of a {kind.__name__})"
        raise Unreachable(where, problem, NOT_XAPI)
    return value
