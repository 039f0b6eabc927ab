"""Requests that no client of ours sends, and what XAPI makes of them."""

from __future__ import annotations

import xmlrpc.client
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import XenAPI

from rebalancer.simulator import Simulator

# The stock client answers with whatever the method answers.
Proxy = Any


def posted(simulator: Simulator, path: str, body: str) -> httpx.Response:
    """What the coordinator answers to a body."""
    return httpx.post(simulator.url + path, content=body.encode(), headers={"Content-Type": "text/xml"}, timeout=20)


def test_whatever_is_posted_is_a_call(simulator: Simulator) -> None:
    """XAPI looks for a call at every path; what is got from the root is forbidden, and no answer names a server."""
    body = xmlrpc.client.dumps(("root", "secret"), "session.login_with_password")
    for path in ("/", "/RPC2", "/any/where?x=1"):
        assert "OpaqueRef:" in posted(simulator, path, body).text
    got = httpx.get(simulator.url + "/")
    assert got.status_code == 403
    assert not {"server", "date"} & {*got.headers, *posted(simulator, "/", body).headers}


def test_the_list_of_calls_is_bare(simulator: Simulator) -> None:
    """The stock client of the standard library lists the calls, which XAPI sends without status."""
    named: Proxy = xmlrpc.client.ServerProxy(simulator.url).system.listMethods()
    assert "VM.get_all_records" in named


@pytest.mark.parametrize(
    ("method", "params", "said"),
    [
        ("VM.get_record", [5], "Expected string, got 'I(5)'"),
        ("VM.get_by_uuid", [True], "Expected string, got 'B(true)'"),
        ("VM.get_record", [["x", 1.5]], "Expected string, got '[S(x);F(1.5)]'"),
        ("VM.get_record", [{"a": 1}], "Expected string, got '{a:I(1)}'"),
        ("VM.set_is_a_template", ["x", "true"], "Expected bool, got 'S(true)'"),
        ("VM.pool_migrate", ["x", "y", {"live": True}], "Expected string, got 'B(true)'"),
        ("VM.set_tags", ["x", [7]], "Expected string, got 'I(7)'"),
    ],
)
def test_a_parameter_of_another_type_is_named(simulator: Simulator, method: str, params: list[Any], said: str) -> None:
    """What was sent is printed as XAPI prints it, before anybody looks for the object."""
    proxy: Proxy = xmlrpc.client.ServerProxy(simulator.url)
    session = proxy.session.login_with_password("root", "secret")["Value"]
    answer = getattr(proxy, method)(session, *params)
    assert answer["ErrorDescription"] == ["INTERNAL_ERROR", f'Failure("{said}")']


def test_getters_have_no_asynchronous_form(xapi: Proxy) -> None:
    """XAPI answers with a fault, whatever the object; calls of a class that is gone are removed."""
    for call in (xapi.Async.VM.get_record, xapi.Async.VM.get_power_state):
        with pytest.raises(XenAPI.Failure) as refused:
            call("OpaqueRef:none")
        assert refused.value.details[0] == "Fault"
        assert refused.value.details[1].startswith("No async mode for this operation (rpc: VM.get_")
    with pytest.raises(XenAPI.Failure, match="MESSAGE_REMOVED"):
        xapi.VMPP.get_all_records()


@pytest.mark.parametrize(
    ("expression", "meant"),
    [
        ("true", lambda _: True),
        ("false", lambda _: False),
        ('field "power_state" = "Running"', lambda vm: vm["power_state"] == "Running"),
        ("field 'power__state'='Running'", lambda vm: vm["power_state"] == "Running"),
        ('not field "is_control_domain" = "true"', lambda vm: not vm["is_control_domain"]),
        (
            'not (field "is_control_domain" = "true" or field "name__label" = "x") and true or false',
            lambda vm: not vm["is_control_domain"],
        ),
    ],
)
def test_records_can_be_chosen(xapi: Proxy, expression: str, meant: Callable[[Any], bool]) -> None:
    """get_all_records_where answers with the records that an expression is true of."""
    every = xapi.VM.get_all_records()
    assert xapi.VM.get_all_records_where(expression) == {ref: vm for ref, vm in every.items() if meant(vm)}


@pytest.mark.parametrize("expression", ["", "field", 'field "x"', "(true", "true true", "Ünsinn", "not"])
def test_what_is_no_expression_is_refused(xapi: Proxy, expression: str) -> None:
    """A filter that cannot be read is an error, not a filter that lets nobody through."""
    with pytest.raises(XenAPI.Failure, match="INTERNAL_ERROR"):
        xapi.VM.get_all_records_where(expression)
