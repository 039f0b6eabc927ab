"""run.sh resumes and goes back, whatever went wrong on the way."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.export.shell import GOAL, START, Shell, parked, swap_plan

FAULTS = {
    "refuses": "xe did not move VM ",
    "halts": "xe did not move VM ",
    "hangs": "xe gave no answer within ",
    "deaf": "although xe reported no error",
}


def repaired(shell: Shell) -> None:
    """Somebody sees to it that every VM runs, where it is, with nothing under way."""
    shell.place(shell.placement)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("at", [1, 2, 3])
def test_the_script_resumes(tmp_path: Path, fault: str, at: int) -> None:
    """Whatever goes wrong at any step, it stops there, says what to do next, and begun again makes the rest."""
    shell = Shell(tmp_path, swap_plan())
    shell.fail(fault, at)
    ran = shell.run()
    assert (ran.returncode, len(shell.migrations())) == (5, at)
    said = ran.stderr.splitlines()
    assert FAULTS[fault] in said[0]
    assert said[1].startswith("next: ")
    repaired(shell)
    again = shell.run()
    assert (again.returncode, shell.placement) == (0, GOAL), again.stderr
    assert [line.split(":")[0] for line in again.stdout.splitlines()[: at - 1]] == ["passed"] * (at - 1)
    assert len(shell.migrations()) == 4
    assert shell.run().stdout.count("is done already") == 3
    assert len(shell.migrations()) == 4


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("at", [1, 2, 3])
def test_what_was_moved_is_taken_back(tmp_path: Path, fault: str, at: int) -> None:
    """From wherever the script stopped, over VMs that never moved, and begun again where the way back stops, too."""
    shell = Shell(tmp_path, swap_plan())
    shell.fail(fault, at)
    shell.run()
    repaired(shell)
    sent = len(shell.migrations())
    back = shell.run("back")
    assert (back.returncode, shell.placement) == (0, START), back.stderr
    assert len(shell.migrations()) - sent == at - 1
    assert back.stdout.endswith("what was moved is back\n")


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("at", [1, 2, 3])
def test_the_way_back_resumes(tmp_path: Path, fault: str, at: int) -> None:
    """Whatever goes wrong on it; and from its middle the plan can be gone on with as well."""
    shell = Shell(tmp_path, swap_plan())
    shell.place(GOAL)
    shell.fail(fault, at)
    assert (shell.run("back").returncode, len(shell.migrations())) == (5, at)
    repaired(shell)
    middle = shell.placement
    assert (shell.run("back").returncode, shell.placement) == (0, START)
    shell.place(middle)
    assert (shell.run().returncode, shell.placement) == (0, GOAL)


def test_a_vm_under_way_is_not_sent_twice(tmp_path: Path) -> None:
    """`xe` hung, and the migration goes on: begun again, the script says so and sends nothing."""
    shell = Shell(tmp_path, swap_plan())
    shell.fail("hangs", 1)
    assert "VM small may still be on its way\nnext: wait until the migration is over" in shell.run().stderr
    assert "VM small is busy: pool_migrate" in shell.run().stderr
    assert len(shell.migrations()) == 1
    shell.place({"small": "h3"})
    assert shell.run().stdout.startswith("passed: s01: small from h2 to h3 is done already\ns02: ")


def test_an_error_of_a_vm_that_arrived_stops_nothing(tmp_path: Path) -> None:
    """What counts is where the VM is."""
    shell = Shell(tmp_path, swap_plan())
    shell.fail("loses", 2)
    ran = shell.run()
    assert (ran.returncode, shell.placement) == (0, GOAL)
    assert "xe: You lost the connection" in ran.stdout


def test_a_vm_that_came_home_is_not_parked_again(tmp_path: Path) -> None:
    """Where it is says nothing, so that the steps between decide; after each of them the rest is made."""
    for done, placement in enumerate([START, {"big": "h1", "small": "h3"}, {"big": "h2", "small": "h3"}]):
        folder = tmp_path / str(done)
        folder.mkdir()
        shell = Shell(folder, parked())
        shell.place(placement)
        assert shell.run().returncode == 0
        assert (shell.placement, len(shell.migrations())) == ({"big": "h2", "small": "h2"}, 3 - done)
        assert shell.run().stdout.count("is done already") == 3
        assert len(shell.migrations()) == 3 - done


@pytest.mark.parametrize("stopped", [{"big": "h1", "small": "h3"}, {"big": "h2", "small": "h3"}])
def test_a_parked_vm_is_brought_home(tmp_path: Path, stopped: dict[str, str]) -> None:
    """The way back of the plan does not know it, because the plan brings it home itself."""
    shell = Shell(tmp_path, parked())
    shell.place(stopped)
    assert (shell.run("back").returncode, shell.placement) == (0, START)
