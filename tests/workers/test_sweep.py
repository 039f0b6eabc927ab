"""Many calls side by side: the same answers in the same order, whoever runs them and whoever dies."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from textwrap import dedent
from types import SimpleNamespace

import pytest

from rebalancer.errors import InputError, MetricsRefused, WorkerLost
from rebalancer.workers import KeptProcesses, Sweep, swept
from tests.workers.work import die_always, die_once, double, own_process, refuse

CALLS: dict[str, Callable[[], int]] = {f"number {number}": partial(double, number) for number in range(9)}
ANSWERS = tuple(2 * number for number in range(9))


def with_one(name: str, call: Callable[[], int]) -> dict[str, Callable[[], int]]:
    """All calls, and one more."""
    return {**CALLS, name: call}


def fresh_pool(workers: int) -> Executor:
    """Processes as the standard library has them, that know nothing of this one."""
    return ProcessPoolExecutor(workers, mp_context=get_context("spawn"))


@pytest.mark.parametrize("how", [Sweep(workers=1), Sweep(workers=2), Sweep()], ids=["one", "two", "default"])
def test_answers_stand_in_the_order_of_the_calls(how: Sweep) -> None:
    """In this process or in others."""
    assert swept(CALLS, how) == ANSWERS


@pytest.mark.parametrize("made", [ThreadPoolExecutor, fresh_pool, KeptProcesses])
def test_any_executor_will_do(made: Callable[[int], Executor]) -> None:
    """It stays open for more."""
    with made(2) as executor:
        assert swept(CALLS, Sweep(executor=executor)) == ANSWERS
        assert executor.submit(double, 21).result() == 42


@pytest.mark.slow
def test_a_dask_cluster_answers_the_same(tmp_path: Path) -> None:
    """Of two worker processes, of which one dies on the way; what kills all of them is named."""
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        executor = client.get_executor(pure=False)
        assert swept(CALLS, Sweep(executor=executor)) == ANSWERS
        calls = with_one("deadly", partial(die_once, tmp_path / "died", 50))
        assert swept(calls, Sweep(executor=executor)) == (*ANSWERS, 100)
        with pytest.raises(WorkerLost, match="'deadly': whoever worked on it was lost for good"):
            swept(with_one("deadly", die_always), Sweep(executor=executor))


def test_a_lost_worker_is_replaced(tmp_path: Path) -> None:
    """The call on which it died is made again, and all others have their answers."""
    calls = with_one("deadly", partial(die_once, tmp_path / "died", 50))
    assert swept(calls, Sweep(workers=2)) == (*ANSWERS, 100)


def test_a_broken_pool_is_replaced(tmp_path: Path) -> None:
    """One of the standard library takes nothing more once a process died: fresh processes do the rest."""
    calls = with_one("deadly", partial(die_once, tmp_path / "died", 50))
    with fresh_pool(1) as executor:
        assert swept(calls, Sweep(executor=executor)) == (*ANSWERS, 100)


def test_what_kills_every_worker_is_named() -> None:
    """After the last try."""
    with pytest.raises(WorkerLost, match=r"'deadly': whoever worked on it was lost 3 times.*ended with code 9"):
        swept(with_one("deadly", die_always), Sweep(workers=2))


@pytest.mark.parametrize("workers", [1, 2])
def test_errors_come_as_they_are(workers: int) -> None:
    """Those of a call, which is not made again."""
    with pytest.raises(MetricsRefused, match="no host sent any of 7"):
        swept(with_one("refused", partial(refuse, 7)), Sweep(workers=workers))


def test_few_calls_start_no_process() -> None:
    """They would be done before it is; where processes are asked for, they are kept from call to call."""
    here = own_process()
    assert set(swept({str(number): own_process for number in range(3)}, Sweep())) == {here}
    others = set(swept({str(number): own_process for number in range(9)}, Sweep(workers=2)))
    assert here not in others
    assert len(others) <= 2


def test_no_workers_are_too_few() -> None:
    """And none is started."""
    with pytest.raises(InputError, match="workers: 0 are too few"):
        Sweep(workers=0)


@pytest.mark.parametrize(("wanted", "shown"), [(True, True), (False, False), (None, False)])
def test_a_bar_is_shown_where_it_is_wanted(
    wanted: bool | None, shown: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """On a terminal, or where somebody says so: here nobody reads."""
    swept(CALLS, Sweep(workers=1, progress=wanted))
    told = capsys.readouterr()
    assert (told.out, "/9" in told.err) == ("", shown)


@pytest.mark.parametrize(("shell", "shown"), [({"kernel": "of Jupyter"}, True), ({}, False)])
def test_a_notebook_shows_a_bar(
    shell: dict[str, str], shown: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not an IPython without a kernel that nobody reads."""
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: SimpleNamespace(**shell)))
    swept(CALLS, Sweep(workers=1))
    assert ("/9" in capsys.readouterr().err) is shown


def test_a_script_is_not_run_again_by_its_processes(tmp_path: Path) -> None:
    """Whatever it does when it is run: it may have moved VMs."""
    script = """
        from functools import partial
        from rebalancer.workers import Sweep, swept
        from tests.workers.work import double
        print("moves")
        print(swept({str(each): partial(double, each) for each in range(3)}, Sweep(workers=2)))
    """
    (tmp_path / "script.py").write_text(dedent(script), encoding="utf-8")
    run = subprocess.run([sys.executable, tmp_path / "script.py"], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines() == ["moves", "(0, 2, 4)"]
