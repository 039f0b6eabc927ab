from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
import XenAPI

from rebalancer.simulator import Simulator

# The stock client answers with whatever the method answers.
Proxy = Any


def test_a_client_makes_a_task_of_its_own(simulator: Simulator, xapi: Proxy) -> None:
    """It is pending, with label and description, and ends as its maker says."""
    task = xapi.task.create("mine", "what for")
    record = xapi.task.get_record(task)
    assert (record["name_label"], record["name_description"], record["status"]) == ("mine", "what for", "pending")
    assert record["subtask_of"] == "OpaqueRef:NULL"
    xapi.task.set_progress(task, 0.5)
    xapi.task.set_status(task, "success")
    assert (xapi.task.get_progress(task), xapi.task.get_status(task)) == (0.5, "success")
    xapi.task.destroy(task)
    assert simulator.database.find("task", task) is None


def test_a_pending_task_is_destroyed_once_it_is_over(simulator: Simulator, xapi: Proxy) -> None:
    """Until then it stays, marked; a task that is not there is HANDLE_INVALID."""
    task = xapi.task.create("long", "")
    xapi.task.destroy(task)
    assert xapi.task.get_current_operations(task) == {"task": "destroy"}
    xapi.task.set_status(task, "failure")
    xapi.task.create("another", "")
    with pytest.raises(XenAPI.Failure, match="HANDLE_INVALID"):
        xapi.task.destroy(task)
    assert simulator.database.find("task", task) is None


@pytest.mark.parametrize("path", ["/rrd_updates?start=-100&host=true", "/host_rrd?x=1", "/rrd_updates?host=true"])
def test_a_request_for_metrics_ends_its_task(simulator: Simulator, xapi: Proxy, path: str) -> None:
    """`task_id` names it; xapi ends it as a success once it has handed the connection over, whatever comes of it."""
    task = xapi.task.create("metrics", "")
    httpx.get(f"{simulator.url}{path}&task_id={task}", auth=("root", "secret"))
    assert xapi.task.get_status(task) == "success"


def test_a_request_without_access_fails_its_task(simulator: Simulator, xapi: Proxy) -> None:
    """401, and the task says why."""
    task = xapi.task.create("metrics", "")
    answer = httpx.get(f"{simulator.url}/rrd_updates?start=1&session_id=OpaqueRef:dead&task_id={task}")
    assert answer.status_code == 401
    assert xapi.task.get_status(task) == "failure"
    assert xapi.task.get_error_info(task) == ["SESSION_AUTHENTICATION_FAILED"]


def test_the_management_interface_of_a_host(simulator: Simulator, xapi: Proxy) -> None:
    """The PIF with the host's own address; a host without one is an internal error, as in xapi."""
    for host, record in simulator.database.items("host"):
        pif = xapi.host.get_management_interface(host)
        assert xapi.PIF.get_IP(pif) == record["address"]
    simulator.database.change("PIF", pif, management=False)
    with pytest.raises(XenAPI.Failure, match=re.escape("['INTERNAL_ERROR', 'Not_found']")):
        xapi.host.get_management_interface(host)
