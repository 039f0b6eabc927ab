"""Two pools that are looked at together, from files to the plan and its proof, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from rebalancer.demand import LoadProfile, Quality
from rebalancer.inventory import Pool
from rebalancer.snapshot import Snapshot, write_snapshot
from tests.cli.terminal import Terminal
from tests.two_pools import one_pool, pool_vm

NOW = datetime.now(UTC)
POLICY = "[objective]\nthreshold = 0.75\n[storage_motion]\nenabled = true\n[other_pools]\nenabled = true\n"
EAST = one_pool("e", *(pool_vm(f"e-vm{number}", on=f"e{1 + number % 2}") for number in range(8)))
WEST = one_pool("w", pool_vm("w-vm0", on="w1"))
BOTH = ("east.json", "--beside", "west.json", "--policy", "policy.toml")


def profile(pool: Pool, pcpu: float) -> LoadProfile:
    """Every guest uses *pcpu* at any hour."""
    vms, hosts = tuple(vm.uuid for vm in pool.resident_guests()), tuple(pool.hosts)
    return LoadProfile(
        vms=vms,
        hosts=hosts,
        vm_pcpu=np.full((len(vms), 24), pcpu),
        host_base_pcpu=np.zeros((len(hosts), 24)),
        slot_hours=1.0,
        quality=dict.fromkeys(vms, Quality.MEASURED),
        percentile=95.0,
        window_start=NOW - timedelta(days=7),
        window_end=NOW,
        timezone="UTC",
        source=f"metrics of {pool.name}",
    )


def save(folder: Path, pool: Pool, demand: LoadProfile | None) -> None:
    """A snapshot that is called as its pool."""
    snapshot = Snapshot(pool=pool, demand=demand, taken_at=NOW, source=pool.name)
    write_snapshot(snapshot, folder / f"{pool.name}.json")


@pytest.fixture
def desk(terminal: Terminal) -> Terminal:
    """A hot pool, a cool one, and a policy that lets VMs go over."""
    save(terminal.folder, EAST, profile(EAST, 4.0))
    save(terminal.folder, WEST, profile(WEST, 0.5))
    terminal.write("policy.toml", POLICY)
    return terminal


def test_a_hot_pool_is_cooled_by_a_cool_one(desk: Terminal) -> None:
    """The plan names both, what goes over and by which maps; it is proven from its folder, with either first."""
    made = desk.run("plan", *BOTH, "--output", "plan")
    assert made.code == 0
    assert "(pool west)" in made.out
    assert "To another pool" in made.out
    document = json.loads((desk.folder / "plan" / "plan.json").read_text(encoding="utf-8"))
    assert [each["pool_name"] for each in document["made_from"]["beside"]] == ["west"]
    over = [step for step in document["steps"] if "crossing" in step]
    assert len(over) == 2
    assert all(step["crossing"]["networks"][0]["target"] == "w-lan" for step in over)
    assert {each["uuid"] for each in document["no_way_back"]} == {step["vm"] for step in over}
    for words in (("east.json", "--beside", "west.json"), ("west.json", "--beside", "east.json")):
        assert desk.run("verify", "plan", *words).out.startswith("accepted: ")
        assert desk.run("diff", "plan", *words).out == "no difference\n"
    assert "Plan for pool east + west" in desk.run("show", "plan").out
    assert "(pool west)" in desk.run("show", "plan", "--step", over[0]["id"]).out


def test_pages_and_script_know_both_pools(desk: Terminal) -> None:
    """The page lists the networks and how to name the other pool; the script begins nothing."""
    desk.run("plan", *BOTH, "--output", "plan")
    page = (desk.folder / "plan" / "plan.md").read_text(encoding="utf-8")
    assert page.startswith("# Plan for pool east + west\n")
    assert "| step | VM | to pool | interface | from network | to network |" in page
    assert "    rebalancer apply PLAN URL --beside OTHER\n" in page
    script = (desk.folder / "plan" / "run.sh").read_text(encoding="utf-8")
    assert "# for pool east (east) + west (west)." in script
    assert "stop 'this plan is for several pools, and xe reaches one' 'carry" in script


def test_one_pool_of_two_is_not_enough(desk: Terminal) -> None:
    """The plan is not for the first pool alone, and the words name both."""
    desk.run("plan", *BOTH, "--output", "plan")
    refused = desk.run("verify", "plan", "east.json")
    assert refused.code == 4
    assert "made for pool east + west, not east; name the others with --beside [pool]" in refused.out
    assert refused.sentence.endswith("Name what it was made for, or make a new plan")


def test_part_of_the_plan_is_approved_with_both_pools(desk: Terminal) -> None:
    """`approve` verifies with both, and composes the rest anew."""
    steps = desk.run("plan", *BOTH, "--output", "plan", "--json").json()["steps"]
    words = ("--by", "ann", "--reason", "tonight", "--without", steps[0]["id"], "-o", "part", "--yes")
    assert desk.run("approve", "plan", "east.json", "--beside", "west.json", *words).code == 0
    assert desk.run("verify", "part", "east.json", "--beside", "west.json").code == 0


def test_explain_and_check_look_over_the_border(desk: Terminal) -> None:
    """A VM may go over with its disk, and check counts both pools; without the policy it may not."""
    answers = desk.run("explain", *BOTH[:1], "e-vm0", *BOTH[1:], "--json").json()
    with_disks = {answer["host"]["name"] for answer in answers if answer["disks"]}
    assert with_disks == {"w1", "w2"}
    report = desk.run("check", *BOTH, "--json").json()
    assert (report["pool"], report["guests"], report["movable"]) == ("east + west", 9, 9)
    assert [host["host"] for host in report["hosts"]] == ["e1", "e2", "w1", "w2"]


def test_a_missing_network_is_told_with_the_fix(desk: Terminal) -> None:
    """The first thing that is said of the other pool is what keeps the VM from going there."""
    lan = replace(WEST.networks["w-lan"], name="elsewhere")
    save(desk.folder, replace(WEST, networks={"w-lan": lan}), profile(WEST, 0.5))
    (here,) = desk.run("explain", "east.json", "e-vm0", "w1", *BOTH[1:], "--json").json()
    (objection,) = here["objections"]
    assert objection["rule"] == "networks-mapped"
    assert objection["words"] == "network 'lan' leads nowhere: pool west has no network called 'lan'"
    assert objection["remedy"] == "name it in the policy's other_pools.networks"
    desk.write("policy.toml", POLICY + 'networks = { "lan" = "elsewhere" }\n')
    assert desk.run("explain", "east.json", "e-vm0", "w1", *BOTH[1:], "--json").json()[0]["disks"]


def test_policy_check_knows_the_names_of_both_pools(desk: Terminal) -> None:
    """A map is checked against both; with one pool alone nobody can tell."""
    desk.write("policy.toml", POLICY + 'networks = { "lan" = "lam" }\n')
    refused = desk.run("policy", "check", "policy.toml", *BOTH[:3])
    assert refused.code == 1
    assert refused.sentence.startswith("policy.toml, other_pools.networks: no pool has 'lam'; near to it: 'lan'")
    assert desk.run("policy", "check", "policy.toml", "east.json").code == 0
    desk.write("policy.toml", POLICY + 'networks = { "lan" = "lan" }\n')
    assert "Every name is known" in desk.run("policy", "check", "policy.toml", *BOTH[:3]).out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            BOTH[:3],
            (
                "policy 'default', other_pools.enabled: 2 pools were named, and no VM may go from one to another. "
                "Set it, and storage_motion.enabled, or name one pool."
            ),
        ),
        (("east.json", "--beside", "east.json", *BOTH[3:]), "pool east: it is named twice. "),
        (
            ("east.json", "--beside", "bare.json", *BOTH[3:]),
            "bare.json: it has no metrics, and the other pool has some. ",
        ),
        (("east.json", "--beside", "gone.json", *BOTH[3:]), "gone.json: there is no such file. "),
        (("east.json", "--beside", "torn.json", *BOTH[3:]), "pools east and torn: host 'e1' (e1) is in both, "),
    ],
)
def test_what_cannot_be_joined_is_refused(desk: Terminal, words: tuple[str, ...], sentence: str) -> None:
    """One sentence, and nothing is planned."""
    save(desk.folder, replace(WEST, name="bare"), None)
    save(desk.folder, replace(WEST, name="torn", hosts={**WEST.hosts, "e1": EAST.hosts["e1"]}), profile(WEST, 0.5))
    ended = desk.run("plan", *words, "--output", "plan")
    assert ended.code == 1
    assert ended.sentence.startswith(sentence)
    assert not (desk.folder / "plan").exists()


def test_a_vm_in_both_pools_stays_and_the_rest_is_planned(desk: Terminal) -> None:
    """It was restored over there, too, and runs in both: neither moves, everybody else may."""
    left = replace(pool_vm("e-vm0", on="w1", vbds=(), vifs=()), name="restored")
    save(desk.folder, replace(WEST, vms={**WEST.vms, "e-vm0": left}), profile(WEST, 0.5))
    desk.write("policy.toml", f'mode = "evacuate"\nempty = ["e2"]\n{POLICY}')
    made = desk.run("plan", *BOTH, "--no-metrics", "--json").json()
    assert made["steps"]
    assert not [step for step in made["steps"] if step["vm"].startswith("e-vm0")]
    said = desk.run("explain", "east.json", "e-vm0", *BOTH[1:]).out
    assert "in-one-pool" in said
    assert "has the same uuid as 'restored' in pool west (running)" in said


def test_without_metrics_two_pools_can_still_be_emptied(desk: Terminal) -> None:
    """`--no-metrics` takes none of either."""
    save(desk.folder, WEST, None)
    desk.write("policy.toml", f'mode = "evacuate"\nempty = ["e1", "e2"]\n{POLICY}')
    made = desk.run("plan", *BOTH, "--no-metrics", "--json").json()
    assert {step["crossing"]["pool"] for step in made["steps"]} == {"west"}
    assert len(made["steps"]) == 8


def test_options_of_a_live_pool_are_refused_with_two_files(desk: Terminal) -> None:
    """Neither pool is live, so there is nothing to get into."""
    ended = desk.run("plan", *BOTH, "--fingerprint", "00" * 32)
    assert ended.code == 1
    assert ended.sentence.startswith("--fingerprint: it says how to get into a live pool")


def test_hosts_of_one_name_are_told_apart(desk: Terminal) -> None:
    """With the pool behind the name, in tables, arguments and the policy; the name alone is refused with both."""
    for pool in (EAST, WEST):
        first = min(pool.hosts)
        same = replace(pool, hosts={**pool.hosts, first: replace(pool.hosts[first], name="xen1")})
        save(desk.folder, same, profile(pool, 1.0))
    assert "xen1 (west)" in desk.run("check", *BOTH).out
    refused = desk.run("explain", "east.json", "e-vm0", "xen1", *BOTH[1:])
    assert refused.sentence.endswith("Near to it: 'xen1 (east)', 'xen1 (west)'.")
    (answer,) = desk.run("explain", "east.json", "e-vm0", "xen1 (west)", *BOTH[1:], "--json").json()
    assert answer["disks"]
    desk.write("policy.toml", f'mode = "evacuate"\nempty = ["xen1"]\n{POLICY}')
    assert "near to it: 'xen1 (east)', 'xen1 (west)'" in desk.run("plan", *BOTH).sentence
    desk.write("policy.toml", f'mode = "evacuate"\nempty = ["xen1 (east)"]\n{POLICY}')
    made = desk.run("plan", *BOTH, "--output", "plan")
    assert (made.code, "xen1 (east)" in made.out) == (0, True)
    assert desk.run("verify", "plan", "west.json", "--beside", "east.json").code == 0


def test_a_host_is_emptied_into_the_other_pool(desk: Terminal) -> None:
    """`evacuate --beside` writes a plan and the way home; what went over comes home by a way of its own."""
    words = ("east.json", "e1", "e2", *BOTH[1:])
    made = desk.run("evacuate", *words, "--output", "plan")
    assert made.code == 0
    assert made.out.splitlines()[0] == "To empty e1, e2: 8 VMs to leave, and nothing holds any of them."
    assert "VM e-vm0 stays in pool west: rollback of the plan leads it home, once it is there" in made.out
    assert desk.run("verify", "plan", "east.json", "--beside", "west.json").code == 0
    lan = replace(WEST.networks["w-lan"], name="elsewhere")
    save(desk.folder, replace(WEST, networks={"w-lan": lan}), profile(WEST, 0.5))
    held = desk.run("evacuate", *words, "--json")
    assert held.code == 3
    assert {each["way_out"] for each in held.json()["blocked"]} == {
        "name it in the policy's other_pools.networks, and it may go to pool west"
    }
