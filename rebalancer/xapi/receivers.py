"""What hosts answer that are to take in a VM with its disks: each answer opens a session of its own.

One answer serves the question and the move after it. XAPI uses its session as long as the VM is on its way.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from rebalancer.errors import XapiError
from rebalancer.inventory import Uuid
from rebalancer.xapi.session import ReadSession
from rebalancer.xapi.values import StorageMotion


class Receivers:
    """The hosts of one pool that are ready to take in VMs; `close` ends the sessions of those never used.

    `send` sends what may just as well be sent twice, `send_in` sends in the session that it is given first.
    """

    def __init__(
        self,
        session: ReadSession,
        send: Callable[..., object],
        send_in: Callable[..., object],
        ref_of: Callable[[str, Uuid], str],
    ) -> None:
        self._session, self._send, self._send_in, self._ref_of = session, send, send_in, ref_of
        self._answers: dict[tuple[Uuid, Uuid], object] = {}

    def of(self, motion: StorageMotion) -> object:
        """What `host.migrate_receive` answers for *motion*; asked once until it is handed over or turned away."""
        key = motion.host, motion.network
        if key not in self._answers:
            host, network = self._ref_of("host", motion.host), self._ref_of("network", motion.network)
            # A read, so that the session is alive: of another pool it may be the first for long.
            self._session.record("host", host)
            self._answers[key] = self._send("host.migrate_receive", host, network, {})
        return self._answers[key]

    def hand_over(self, motion: StorageMotion) -> None:
        """Leave the session of the receiver of *motion* to XAPI, which uses it as long as the VM is on its way."""
        self._answers.pop((motion.host, motion.network), None)

    def turn_away(self, motion: StorageMotion) -> None:
        """End the session of a receiver that served a question only."""
        self._end(self._answers.pop((motion.host, motion.network), None))

    def close(self) -> None:
        """End the sessions of all receivers that were never used."""
        for answer in self._answers.values():
            self._end(answer)

    def _end(self, answer: object) -> None:
        """End a receiver's session; one that cannot be ended now ends by itself."""
        ref = answer.get("session_id") if isinstance(answer, dict) else None
        if ref is not None:
            with suppress(XapiError):
                self._send_in(str(ref), "session.logout")
