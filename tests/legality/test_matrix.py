"""The matrix of who may move where, as programs read it."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rebalancer.errors import InputError
from rebalancer.frames import legality_frame
from rebalancer.inventory import pool_from_records
from rebalancer.inventory.dump import records_from_dump
from rebalancer.legality.matrix import MAY_GO, STAYS, WITH_DISKS, Matrix, legality_matrix, write_matrix
from rebalancer.legality.report import explain
from rebalancer.problem import Problem
from rebalancer.rules import LIVE, Rulebook
from rebalancer.snapshot import Snapshot, write_snapshot
from rebalancer.units import GIB
from tests.pools import make_host, make_vm, problem_of
from tests.rules.recordings import DUMPS
from tests.two_pools import one_pool, pool_host, pool_vm, two_pools


def matrix_of(problem: Problem) -> Matrix:
    """The matrix under all rules that bind."""
    return legality_matrix(Rulebook.of(problem))


@pytest.fixture
def small() -> Problem:
    """Three hosts, the last with little memory; one VM that may move, one that may not."""
    hosts = (make_host("h1"), make_host("h2"), make_host("h3", memory_total_bytes=5 * GIB))
    return problem_of(hosts=hosts, vms=[make_vm("web"), make_vm("held", blocked_operations={"pool_migrate": ""})])


def test_cell_is_the_first_rule_that_objects(small: Problem) -> None:
    """Empty where the VM may go, `=` where it is, else the rule that XAPI names first, memory included."""
    assert matrix_of(small).cells == (
        (STAYS, "op-not-blocked", "op-not-blocked"),
        (STAYS, MAY_GO, "enough-memory"),
    )


def test_csv_has_a_row_a_vm_and_a_column_a_host(small: Problem) -> None:
    """With names and uuids of the VMs."""
    assert list(csv.reader(io.StringIO(matrix_of(small).as_csv()))) == [
        ["vm", "vm_uuid", "h1", "h2", "h3"],
        ["held", "held", "=", "op-not-blocked", "op-not-blocked"],
        ["web", "web", "=", "", "enough-memory"],
    ]


def test_hosts_of_one_name_are_told_apart_by_uuid() -> None:
    """A column belongs to one host, whatever people call it."""
    names = {"h1": "twin", "h2": "twin", "h3": ""}
    hosts = [replace(make_host(uuid), name=name) for uuid, name in names.items()]
    assert matrix_of(problem_of(hosts=hosts)).as_csv() == "vm,vm_uuid,(h3),twin (h1),twin (h2)\r\n"


def test_names_are_never_computed_by_a_spreadsheet() -> None:
    """A VM or host that is called like a formula is text."""
    hosts = (make_host("h1"), replace(make_host("h2"), name="@SUM(A1)"))
    text = matrix_of(problem_of(hosts=hosts, vms=[replace(make_vm("web"), name="=1+1")])).as_csv()
    assert text == "vm,vm_uuid,'@SUM(A1),h1\r\n'=1+1,web,,=\r\n"


def test_json_answers_by_uuid(small: Problem, tmp_path: Path) -> None:
    """The same answers in a file that ends in .json."""
    write_matrix(matrix_of(small), tmp_path / "matrix.json")
    found = json.loads((tmp_path / "matrix.json").read_text())
    assert found["hosts"] == [{"uuid": name, "name": name, "pool": "test pool"} for name in ("h1", "h2", "h3")]
    assert found["vms"][1] == {"uuid": "web", "name": "web", "answers": {"h1": "=", "h2": "", "h3": "enough-memory"}}


@pytest.mark.parametrize("name", ["matrix.xlsx", "matrix", "no-folder/matrix.csv"])
def test_file_that_cannot_be_written_is_named(small: Problem, tmp_path: Path, name: str) -> None:
    """A suffix that says nothing, or a folder that is not there: one sentence with the fix."""
    with pytest.raises(InputError, match=r"Name a"):
        write_matrix(matrix_of(small), tmp_path / name)


def test_frame_holds_the_same(small: Problem) -> None:
    """Notebooks and programs read one answer."""
    frame = legality_frame(Rulebook.of(small))
    assert tuple(frame.itertuples(index=False, name=None)) == matrix_of(small).cells
    assert (list(frame.index), list(frame.columns)) == (["held", "web"], ["h1", "h2", "h3"])


@pytest.mark.parametrize("dump", DUMPS)
def test_real_databases_give_a_matrix_without_an_unknown(shared_data: Callable[[str], Path], dump: str) -> None:
    """Every guest and host of a real pool has a cell: a rule of the catalogue, and the one `explain` names first."""
    problem = problem_of(pool_from_records(records_from_dump(shared_data(f"xapi-db/{dump}"))))
    book = Rulebook.of(problem)
    matrix = legality_matrix(book)
    assert matrix.vms == tuple(sorted(problem.pool.resident_guests(), key=lambda vm: (vm.name, vm.uuid)))
    assert {each for row in matrix.cells for each in row} <= {STAYS, MAY_GO, *(rule.id for rule in LIVE)}
    for vm, row in zip(matrix.vms, matrix.cells, strict=True):
        answers = explain(book, vm, matrix.hosts)
        first = [each.objections[0].rule if each.objections else MAY_GO for each in answers]
        assert [STAYS if each.stays else rule for each, rule in zip(answers, first, strict=True)] == list(row)
    assert len(list(csv.reader(io.StringIO(matrix.as_csv())))) == len(matrix.vms) + 1


def test_command_writes_it_without_pandas(small: Problem, tmp_path: Path) -> None:
    """`rebalancer check POOL --matrix FILE` writes the file, and loads no pandas and no solver for it."""
    pool, file = tmp_path / "pool.json", tmp_path / "matrix.csv"
    write_snapshot(Snapshot(pool=small.pool, demand=None, taken_at=datetime(2026, 1, 1, tzinfo=UTC), source="x"), pool)
    code = (
        "import sys; from rebalancer.cli.main import app; "
        f"app(['check', {str(pool)!r}, '--matrix', {str(file)!r}], standalone_mode=False); "
        "sys.exit(sorted({'pandas', 'ortools'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert file.read_bytes().decode() == matrix_of(small).as_csv()


def test_hosts_of_two_pools_are_all_there() -> None:
    """In CSV, JSON and DataFrame: by names that mean one host each, with their pools, `+` where disks go along."""
    hosts = {side: [replace(pool_host(f"{side}1"), name="xen1")] for side in "ew"}
    problem = two_pools(one_pool("e", pool_vm("a", on="e1"), hosts=hosts["e"]), one_pool("w", hosts=hosts["w"]))
    matrix = matrix_of(problem)
    titles = ["xen1 (east)", "xen1 (west)"]
    assert list(csv.reader(io.StringIO(matrix.as_csv()))) == [["vm", "vm_uuid", *titles], ["a", "a", STAYS, WITH_DISKS]]
    assert matrix.as_json()["hosts"] == [
        {"uuid": "e1", "name": "xen1 (east)", "pool": "east"},
        {"uuid": "w1", "name": "xen1 (west)", "pool": "west"},
    ]
    assert list(legality_frame(Rulebook.of(problem)).columns) == titles
