"""How long `rebalancer wlb serve` takes to answer XAPI, alone and at so many calls a second.

    python -m benchmarks.wlb --hosts 64 --vms 1500 --rate 50 --seconds 60

A simulated pool and the server run in processes of their own. Calls go to the server as XAPI sends them, each on a
connection of its own; they ask in turn about guests that run, guests that are halted, the pool, and hosts to empty.
"""

from __future__ import annotations

import argparse
import base64
import http.client
import os
import re
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import rebalancer as rb
from rebalancer.inventory import PowerState

PATH = "/Citrix.Dwm.WorkloadBalance/Service"
LOGIN = rb.Credentials(user="root", password="simulated")  # noqa: S106 - of the simulated pool
ACCOUNT = ("xapi", "a password of the benchmark")
CALL = (
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><{0} xmlns="http://schemas.citrix.com/DWM">'
    "<request>{1}</request></{0}></s:Body></s:Envelope>"
)
CALLERS = 16
READY_SECONDS = 1800.0
GOOD = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A call: its kind in the table, and its body."""

    kind: str
    body: str


@contextmanager
def program(folder: Path, sign: str, *words: str, told: str = "") -> Iterator[str]:
    """Run `rebalancer` until the end of a block; what it said after *sign*."""
    command = [sys.executable, "-m", "rebalancer", *words]
    log = folder / f"{words[0]}-{words[1]}.log"
    with log.open("w") as out, subprocess.Popen(command, stdin=subprocess.PIPE, stdout=out, text=True) as process:
        try:
            if told and process.stdin:
                process.stdin.write(told)
                process.stdin.close()
            deadline = time.monotonic() + READY_SECONDS
            while not (found := re.search(rf"{sign} (\S+)", log.read_text())):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit(f"{' '.join(words)} did not start")
                time.sleep(0.2)
            yield found[1].rstrip(",")
        finally:
            process.terminate()


def questions(pool: rb.inventory.Pool) -> list[Question]:
    """What is asked, once each."""
    here = f"<PoolUuid>{pool.uuid}</PoolUuid>"
    guests = [vm for vm in pool.vms.values() if not vm.is_control_domain and not vm.is_a_template]
    running = [vm.uuid for vm in guests if vm.power_state is PowerState.RUNNING]
    halted = [vm.uuid for vm in guests if vm.power_state is PowerState.HALTED]
    found = []
    for kind, uuids in (("guest that runs", running), ("guest that is halted", halted)):
        texts = (f"{here}<VmUuid>{uuid}</VmUuid>" for uuid in uuids)
        found += [Question(kind=kind, body=CALL.format("VMGetRecommendations", text)) for text in texts]
    hosts = (f"<HostUuid>{uuid}</HostUuid>{here}" for uuid in pool.hosts)
    found += [Question(kind="host to be emptied", body=CALL.format("HostGetRecommendations", text)) for text in hosts]
    return [*found, Question(kind="pool", body=CALL.format("GetOptimizationRecommendations", here))]


def in_turn(asked: Sequence[Question]) -> list[Question]:
    """A round of 20: 15 running and 3 halted guests, a host and the pool, over and over."""
    kinds = defaultdict[str, list[Question]](list)
    for each in asked:
        kinds[each.kind].append(each)
    order = ["guest that runs"] * 15 + ["guest that is halted"] * 3 + ["host to be emptied", "pool"]
    turns = [kind for kind in order if kinds[kind]]
    place = {kind: count() for kind in turns}
    return [kinds[kind][next(place[kind]) % len(kinds[kind])] for _ in range(200) for kind in turns]


def ask(address: str, question: Question) -> tuple[str, float, bool]:
    """Kind, seconds, and whether it was answered."""
    code = base64.b64encode(":".join(ACCOUNT).encode()).decode()
    began = time.monotonic()
    connection = http.client.HTTPConnection(address, timeout=60)
    try:
        headers = {"Authorization": f"Basic {code}", "Content-Type": "text/xml"}
        connection.request("POST", PATH, question.body, headers)
        answer = connection.getresponse()
        good = answer.status == GOOD and b"Fault" not in answer.read()
    except OSError:
        good = False
    finally:
        connection.close()
    return question.kind, time.monotonic() - began, good


def wait_for_plan(address: str, question: Question) -> None:
    """Wait until the server has seen the pool, its metrics, and made a plan."""
    deadline = time.monotonic() + READY_SECONDS
    while not ask(address, question)[2]:
        if time.monotonic() > deadline:
            raise SystemExit("the server made no plan")
        time.sleep(1.0)


def show(title: str, results: Sequence[tuple[str, float, bool]]) -> None:
    """A table: milliseconds by kind."""
    print(f"\n{title}\n{'':22}{'calls':>8}{'failed':>8}{'median':>10}{'95 %':>10}{'worst':>10}   ms")
    by_kind = defaultdict[str, list[float]](list)
    for kind, seconds, _ in results:
        by_kind[kind].append(seconds * 1000)
    for kind, times in by_kind.items():
        failed = sum(each == kind and not good for each, _, good in results)
        high = statistics.quantiles(times, n=20, method="inclusive")[-1] if len(times) > 1 else times[0]
        print(f"{kind:22}{len(times):8}{failed:8}{statistics.median(times):10.1f}{high:10.1f}{max(times):10.1f}")


def at_rate(address: str, asked: Sequence[Question], rate: float, seconds: float) -> list[tuple[str, float, bool]]:
    """So many calls a second, begun on time whether or not those before are answered."""
    with ThreadPoolExecutor(CALLERS) as callers:
        began, futures = time.monotonic(), []
        for number in range(int(rate * seconds)):
            time.sleep(max(0.0, began + number / rate - time.monotonic()))
            futures.append(callers.submit(ask, address, asked[number % len(asked)]))
        return [each.result() for each in futures]


def measure(folder: Path, given: argparse.Namespace) -> None:
    """Start pool and server, connect them, and ask."""
    (folder / "policy.toml").write_text("[demand]\nwindow_days = 1\n[limits]\nsolve_seconds = 20\n")
    account = folder / "account"
    account.write_text("\n".join(ACCOUNT) + "\n")
    account.chmod(0o600)
    state = ("--state-dir", str(folder / "state"))
    size = ("--hosts", str(given.hosts), "--vms", str(given.vms), "--days", "2", "--port", "0")
    with program(folder, "may ask; see", "wlb", "account", ACCOUNT[0], *state, told=f"{ACCOUNT[1]}\n"):
        pass
    serve = ("wlb", "serve", str(folder / "policy.toml"), "--listen", "127.0.0.1:0", *state)
    with program(folder, "coordinator", "simulate", *size) as url, program(folder, "listening on", *serve) as address:
        rb_pool = rb.read(url, LOGIN, metrics=False).pool
        command = [sys.executable, "-m", "rebalancer", "wlb", "init", url, address, "--account", str(account)]
        login = {"REBALANCER_USER": LOGIN.user, "REBALANCER_PASSWORD": LOGIN.password}
        subprocess.run(command, check=True, env={**os.environ, **login})
        asked = questions(rb_pool)
        wait_for_plan(address, asked[-1])
        turns = in_turn(asked)
        show("one after another", [ask(address, each) for each in turns[: given.alone]])
        show(
            f"{given.rate:g} calls a second for {given.seconds:g} s", at_rate(address, turns, given.rate, given.seconds)
        )


def main() -> None:
    """Measure what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hosts", type=int, default=64)
    parser.add_argument("--vms", type=int, default=1500)
    parser.add_argument("--rate", type=float, default=50.0)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--alone", type=int, default=200, help="calls one after another, before")
    given = parser.parse_args()
    with TemporaryDirectory() as folder:
        measure(Path(folder), given)


if __name__ == "__main__":
    main()
