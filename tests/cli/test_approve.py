"""Approvals on the command line: where one is demanded, nothing moves without it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from rebalancer.cli.exits import Exit
from rebalancer.export import plan_json, read_plan, write_plan
from rebalancer.plan import digest_of
from rebalancer.plan.conditions import gap_in_words
from tests.cli.terminal import Served, Terminal

STRICT = "[execution]\nrequire_approval = true\n"
YES = ("--by", "jane@example.org", "--reason", "change 4711")


@pytest.fixture
def person(served: Served, terminal: Terminal) -> Terminal:
    """With a plan, and a policy that demands approvals."""
    write_plan(served.plan, terminal.folder / "plan")
    terminal.write("strict.toml", STRICT)
    return terminal


def test_nothing_moves_without_an_approval(served: Served, person: Terminal) -> None:
    """Code 8, one sentence, and not one call reaches the pool."""
    served.calls.clear()
    ended = person.run("apply", "plan", served.url, "--policy", "strict.toml")
    assert ended.code == Exit.NOT_APPROVED
    assert ended.sentence.startswith("not approved: plan: there is no approval.json.")
    assert served.calls == []


def test_nothing_moves_for_an_approval_of_another_plan(served: Served, person: Terminal) -> None:
    """Edited after the approval, and sealed again."""
    assert person.run("approve", "plan", *YES).code == Exit.DONE
    less = replace(served.plan, steps=())
    (person.folder / "plan" / "plan.json").write_text(plan_json(replace(less, digest=digest_of(less))))
    assert person.run("files", "plan").err == "plan: the approval there is for other files: approve the plan again\n"
    ended = person.run("apply", "plan", served.url, "--policy", "strict.toml")
    assert (ended.code, "for another plan" in ended.sentence) == (Exit.NOT_APPROVED, True)


def test_an_approved_plan_goes_on_to_the_pool(served: Served, person: Terminal) -> None:
    """The approval is shown, and apply comes as far as the pool; the plan has no step to make there."""
    calm = replace(served.plan, steps=())
    calm = replace(calm, digest=digest_of(calm))
    write_plan(calm, person.folder / "calm")
    words = ["apply", "calm", served.url, "--policy", "strict.toml", "--state-dir", "state"]
    assert person.run(*words).code == Exit.NOT_APPROVED
    told = person.run("approve", "calm", *YES, "--json").json()
    assert (told["plan"], told["by"], told["signed"]) == (calm.digest, YES[1], False)
    assert "approved by jane@example.org at " in person.run("show", "calm").out
    served.calls.clear()
    assert person.run(*words).code == Exit.DONE
    assert served.calls


def test_an_expired_plan_is_refused_by_apply(served: Served, person: Terminal) -> None:
    """Although it is sealed, and legal: code 4, and nothing is changed."""
    old = replace(served.plan, made_at=served.plan.made_at - timedelta(days=3))
    old = replace(old, expires_at=served.plan.expires_at - timedelta(days=3))
    write_plan(replace(old, digest=digest_of(old)), person.folder / "old")
    served.calls.clear()
    assert person.run("approve", "old", *YES).code == Exit.STALE
    ended = person.run("apply", "old", served.url, "--state-dir", "state")
    assert (ended.code, "the plan expired at " in ended.sentence) == (Exit.STALE, True)
    assert served.changes == []


def test_a_night_waits_for_approval(served: Served, person: Terminal) -> None:
    """The plan is kept, nothing moves, and the log says what it waits for."""
    person.write("night.toml", f'{STRICT}\n[pool]\nurl = "{served.url}"\n')
    ended = person.run("nightly", "night.toml", "--execute", "--state-dir", "state", "--json")
    assert (ended.code, ended.json()["verdict"], ended.json()["moved"]) == (Exit.DONE, "unapproved", 0)


def test_a_part_is_written_and_approved(served: Served, person: Terminal) -> None:
    """Without its last step: a plan of its own in its own folder, with an approval of its own; the whole has none."""
    last = served.plan.steps[-1]
    ended = person.run("approve", "plan", served.snapshot, *YES, "--without", last.id, "-o", "part", "--yes")
    assert ended.code == Exit.DONE
    assert ended.out.startswith("Incomplete, 1 move is missing: ")
    part = read_plan(person.folder / "part")
    assert (part.made_from.part_of, part.missing[0].vm) == (served.plan.digest, last.vm)
    assert "approved by jane@example.org" in person.run("show", "part").out
    assert person.run("verify", "part", served.snapshot).code == Exit.DONE
    assert not (person.folder / "plan" / "approval.json").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--without", "s01"], "nobody has seen the part yet, and there is no terminal to ask at"),
        (["--without", "s01", "--yes"], "it needs a folder for the plan that is left"),
        (["--without", "s01", "--yes", "-o", "part"], "neither in its folder nor beside it lies a snapshot"),
        (["-o", "part"], "it is for the plan that --without leaves"),
    ],
)
def test_options_that_do_not_fit_are_named(person: Terminal, words: list[str], said: str) -> None:
    """And nothing is approved."""
    ended = person.run("approve", "plan", *YES, *words)
    assert (ended.code, said in ended.sentence) == (Exit.ERROR, True)
    assert not (person.folder / "plan" / "approval.json").exists()


def test_a_plan_that_is_not_legal_is_not_approved(served: Served, person: Terminal) -> None:
    """Where the pool is named, the plan is verified first."""
    bad = replace(served.plan, summary="all is well")
    write_plan(replace(bad, digest=digest_of(bad)), person.folder / "bad")
    ended = person.run("approve", "bad", served.snapshot, *YES)
    assert (ended.code, "summary" in ended.sentence) == (Exit.STALE, True)
    assert not (person.folder / "bad" / "approval.json").exists()


def test_a_changed_file_stops_every_command(served: Served, person: Terminal) -> None:
    """`verify`, `approve` and `apply` name it; nothing is approved and no call reaches the pool."""
    with (person.folder / "plan" / "run.sh").open("a") as file:
        file.write("xe vm-shutdown --multiple force=true\n")
    served.calls.clear()
    for words in (["verify", "plan", served.snapshot], ["approve", "plan", *YES], ["apply", "plan", served.url]):
        ended = person.run(*words)
        assert (ended.code, "run.sh: it was changed after it was written" in ended.sentence) == (Exit.STALE, True)
        assert "is 'xe vm-shutdown --multiple force=true' and should be ''" in ended.sentence
    assert served.calls == []
    assert not (person.folder / "plan" / "approval.json").exists()
    assert person.run("files", "plan").out == "plan: plan.md, plan.html, moves.csv, run.sh and manifest.json written\n"
    assert person.run("verify", "plan", served.snapshot).code == Exit.DONE


def test_an_approval_shows_what_it_is_for(served: Served, person: Terminal) -> None:
    """The plan as `plan` shows it, its digest and that of its files."""
    ended = person.run("approve", "plan", *YES)
    manifest = person.run("verify", "plan", served.snapshot, "--json").json()["manifest"]
    assert ended.out.startswith(served.plan.summary.split(":")[0])
    assert served.plan.steps[0].vm_name in ended.out
    assert f"its files: by manifest.json, {manifest}" in ended.out


def test_a_folder_without_a_manifest_works_as_before(served: Served, person: Terminal) -> None:
    """It is said that only plan.json is vouched for, and so it is of the approval."""
    (person.folder / "plan" / "manifest.json").unlink()
    ended = person.run("verify", "plan", served.snapshot)
    assert (ended.code, ended.err) == (
        Exit.DONE,
        "plan: there is no manifest.json, so that only plan.json is vouched for\n",
    )
    assert "its plan.json alone" in person.run("approve", "plan", *YES).out
    assert ", for plan.json alone: change 4711" in person.run("show", "plan").out
    told = person.run("files", "plan", "--json").json()
    assert told["files"] == ["plan.md", "plan.html", "moves.csv", "run.sh", "manifest.json"]


def test_a_part_is_made_to_be_looked_at(served: Served, person: Terminal) -> None:
    """With its own figures, in a folder of its own, and not approved; then it is approved like any plan."""
    last = served.plan.steps[-1]
    ended = person.run("part", "plan", served.snapshot, "--without", last.id, "-o", "part")
    assert (ended.code, ended.out.startswith("Incomplete, 1 move is missing: ")) == (Exit.DONE, True)
    assert not (person.folder / "part" / "approval.json").exists()
    made = read_plan(person.folder / "part")
    assert made.made_from.part_of == served.plan.digest
    assert last.vm not in {step.vm for step in made.steps}
    assert {step.id for step in made.steps} <= {step.id for step in served.plan.steps}
    assert person.run("approve", "part", *YES).code == Exit.DONE


def test_a_part_is_made_from_the_snapshot_beside_the_plan(served: Served, person: Terminal) -> None:
    """The same as from that snapshot by name; where there is none, it says what a plan lacks."""
    last = served.plan.steps[-1]
    ended = person.run("part", "plan", "--without", last.id, "-o", "part")
    assert (ended.code, "neither in its folder nor beside it lies a snapshot" in ended.sentence) == (Exit.ERROR, True)
    assert person.run("part", "plan", served.snapshot, "--without", last.id, "-o", "named").code == Exit.DONE
    (person.folder / "plan" / "snapshot.json.gz").write_bytes(served.snapshot.read_bytes())
    assert person.run("part", "plan", "--without", last.id, "-o", "found").code == Exit.DONE
    assert read_plan(person.folder / "found") == read_plan(person.folder / "named")


def test_a_part_tells_no_gap_to_the_bound_of_the_whole(served: Served, person: Terminal) -> None:
    """It was not made to come near that; what is proved is proved of it, too."""
    ended = person.run("part", "plan", served.snapshot, "--without", served.plan.steps[0].id, "-o", "part")
    part = read_plan(person.folder / "part")
    open_ones = [tier for tier in part.tiers if not tier.proved]
    assert [gap_in_words(tier, part) for tier in open_ones] == ["-"] * len(open_ones) != []
    assert not any(f"{tier.gap:.1%}" in ended.out.partition("Steps, in order")[0] for tier in open_ones)
    assert [gap_in_words(tier, served.plan) for tier in served.plan.tiers] == ["0.0%"] * len(served.plan.tiers)


@pytest.mark.parametrize(("answer", "code"), [(True, Exit.DONE), (False, Exit.NOT_APPROVED)])
def test_a_part_is_approved_where_that_is_confirmed(
    served: Served, person: Terminal, monkeypatch: pytest.MonkeyPatch, *, answer: bool, code: Exit
) -> None:
    """It is shown before somebody is asked; a no approves nothing, and the part stays."""
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("typer.confirm", lambda *_, **__: answer)
    last = served.plan.steps[-1]
    ended = person.run("approve", "plan", served.snapshot, *YES, "--without", last.id, "-o", "part")
    assert (ended.code, (person.folder / "part" / "approval.json").exists()) == (code, answer)
    assert ended.out.startswith("Incomplete, 1 move is missing: ")
    assert ended.out.count("Steps, in order") == 1
