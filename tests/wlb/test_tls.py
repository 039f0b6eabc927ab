"""The way a real XAPI goes: TLS to the server, and TLS from the server to the pool."""

from __future__ import annotations

from pathlib import Path

import pytest

import rebalancer as rb
from rebalancer.errors import RefusedByXapi
from rebalancer.simulator import SimulatedPool, Simulator
from rebalancer.simulator.server.certificate import self_signed
from rebalancer.wlb.accounts import keep_account
from rebalancer.wlb.connecting import have_ask, have_asked
from rebalancer.wlb.server import ServerSettings, serving
from rebalancer.wlb.serving import Listen

LOGIN = rb.Credentials(user="root", password="secret")


def test_a_pool_is_connected_over_tls(tidy_pool: SimulatedPool, tmp_path: Path) -> None:
    """The policy pins the pool's certificate; without the pin the server does not give it a password."""
    pem = tmp_path / "wlb.pem"
    pem.write_bytes(self_signed(["127.0.0.1"]))
    keep_account(tmp_path / "accounts", "xapi", "wlbpass")
    account = rb.Credentials(user="xapi", password="wlbpass")
    listen = Listen(address="127.0.0.1:0", certificate=pem, key=pem)
    with Simulator(tidy_pool, password="secret", login_delay=0.01, net=9, tls=True) as simulator:
        pin = simulator.certificate_fingerprint
        way = rb.Connection(credentials=LOGIN, fingerprints=(pin,))
        for pins in ((), (pin,)):
            policy = rb.Policy.model_validate({"pool": {"fingerprints": list(pins)}, "mode": "repair"})
            told = list[str]()
            settings = ServerSettings(
                policy=policy, base=tmp_path, accounts=tmp_path / "accounts", state_dir=tmp_path, told=told.append
            )
            with serving(settings, listen) as address:
                if pins:
                    state = have_ask(simulator.url, way, address, account, verify=False)
                    assert (state.url, state.user, state.enabled) == (address, "xapi", True)
                    assert have_asked(simulator.url, way) == address
                else:
                    with pytest.raises(RefusedByXapi, match="the server refused"):
                        have_ask(simulator.url, way, address, account, verify=False)
                    assert any("AddXenServer" in words for words in told)
