"""Calls that change a pool: each is sent once, on a connection of its own, and one without an answer is told apart."""

from __future__ import annotations

from typing import Final
from xmlrpc.client import ServerProxy

from rebalancer.errors import OutcomeUnknown, RefusedByXapi, Unreachable
from rebalancer.inventory.reading.tables import NULL_REFS
from rebalancer.xapi.session import ReadSession
from rebalancer.xapi.translation import no_connection, sending, value_of

NOT_DONE: Final = frozenset({"SESSION_INVALID", "HOST_IS_SLAVE"})
"""Codes with which XAPI turns a call away before it looks at it."""

AGAIN: Final = "Look at the pool, then try again"


class Sender:
    """The way out of *session* for calls that may change something.

    Every method may raise `RefusedByXapi`, where XAPI does not take the call, and `Unreachable`, where nothing was
    sent, or XAPI turned it away unread.
    """

    def __init__(self, session: ReadSession) -> None:
        self._session = session

    def send(self, message: str, *arguments: object) -> object:
        """Send a message once, in the session that the last read has proven alive.

        Raises:
            OutcomeUnknown: it was sent, and no answer came.
        """
        self._session.log_in()
        return self.send_in(self._session.session_ref, message, *arguments)

    def send_in(self, session_ref: str, message: str, *arguments: object) -> object:
        """Like `send`, in the session with *session_ref*."""
        session = self._session
        address = session.address
        transport = session.wires.sending(address, session.context, session.timeout_seconds)
        try:
            transport.connect()
        except OSError as error:
            raise no_connection(session.url, error) from error
        try:
            with sending(session.url, message, session.called):
                proxy = ServerProxy(str(address), transport=transport)
                return value_of(getattr(proxy, message)(session_ref, *arguments))
        except RefusedByXapi as refused:
            if refused.code not in NOT_DONE:
                raise
            raise Unreachable(session.url, f"{message} was turned away with {refused.code}", AGAIN) from refused
        finally:
            transport.close()

    def send_harmless(self, message: str, *arguments: object) -> object:
        """Send something that may just as well be sent twice."""
        try:
            return self.send(message, *arguments)
        except OutcomeUnknown as error:
            raise Unreachable(error.where, error.problem, AGAIN) from error

    def task_of(self, message: str, *arguments: object) -> str:
        """The task that a message starts.

        Raises:
            OutcomeUnknown: it was sent, and no answer came, or one that names no task.
        """
        task = self.send(message, *arguments)
        if not isinstance(task, str) or not task or task in NULL_REFS:
            problem = f"{message} was sent and the answer names no task ({str(task)[:100]!r})"
            raise OutcomeUnknown(self._session.url, problem, "Look at the VM in the pool")
        return task
