"""What a connection to a host promises about requests that do not get through."""

from __future__ import annotations

import socket

import pytest

from rebalancer.execute import Timeouts
from rebalancer.xapi.wire.address import parse_url
from rebalancer.xapi.wire.connection import UNHEARD_SECONDS, HostConnection
from tests.xapi.scripted import scripted


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="this system has no such setting")
def test_no_request_arrives_long_after_its_process_died() -> None:
    """The system drops what nobody acknowledges before anybody takes a VM that rests for one without a call."""
    with scripted([]) as server:
        connection = HostConnection(parse_url(server.url), None, 5.0)
        connection.connect()
        held = connection._open
        assert held is not None
        assert held.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == UNHEARD_SECONDS * 1000
        connection.close()
    assert Timeouts().quiet > UNHEARD_SECONDS
