"""The manifest of a plan folder: no file in it can be changed, added, removed or swapped without being refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rebalancer.errors import PlanFileError
from rebalancer.export import MANIFEST_JSON, has_unvouched, plan_json, read_plan, vouched, write_files_anew, write_plan
from rebalancer.export.manifest import digest_of_bytes, first_difference
from rebalancer.plan import sealed
from tests.planner.busy import PLAN

FILES = ("plan.md", "plan.html", "moves.csv", "run.sh")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A plan folder as it is written."""
    write_plan(PLAN, tmp_path / "plan")
    return tmp_path / "plan"


def told(folder: Path) -> dict[str, Any]:
    """What the manifest says."""
    return dict(json.loads((folder / MANIFEST_JSON).read_text()))


def tell(folder: Path, manifest: dict[str, Any]) -> None:
    """Let the manifest say something else."""
    (folder / MANIFEST_JSON).write_text(json.dumps(manifest, indent=2) + "\n")


def forge_manifest(folder: Path) -> None:
    """Let the manifest fit whatever is in *folder*, as somebody would who knows it."""
    names = told(folder)["files"]
    files = {name: digest_of_bytes((folder / name).read_bytes()) for name in names}
    tell(folder, told(folder) | {"files": files})


def refusal(folder: Path) -> str:
    """Why the folder is refused."""
    with pytest.raises(PlanFileError) as error:
        vouched(PLAN, folder)
    return f"{Path(error.value.where).name}: {error.value.problem}"


def test_a_folder_as_it_was_written_is_vouched_for(folder: Path) -> None:
    """By the digest of its manifest, which is the one that `sha256sum` tells; by folder or by plan.json."""
    expected = digest_of_bytes((folder / MANIFEST_JSON).read_bytes())
    assert vouched(PLAN, folder) == vouched(PLAN, folder / "plan.json") == expected
    assert not has_unvouched(folder)


@pytest.mark.parametrize("name", FILES)
def test_every_file_shows_the_digest_of_the_plan(folder: Path, name: str) -> None:
    """Whoever holds one of them can tell which plan it is of."""
    text = (folder / name).read_text()
    assert PLAN.digest in text
    if name == "moves.csv":
        assert all(line.endswith(PLAN.digest) for line in text.splitlines()[1:])


@pytest.mark.parametrize("forge", [False, True], ids=["changed", "and the manifest made to fit"])
@pytest.mark.parametrize("name", FILES)
def test_no_line_can_be_changed(folder: Path, name: str, *, forge: bool) -> None:
    """Not one of any file, whether or not the manifest was made to fit: file and line are named."""
    whole = (folder / name).read_bytes().decode().split("\n")
    for number in range(1, len(whole)):
        lines = [f"{line}x" if place == number else line for place, line in enumerate(whole, start=1)]
        (folder / name).write_bytes("\n".join(lines).encode())
        if forge:
            forge_manifest(folder)
        assert f"{name}: it was changed after it was written, or its manifest was: line {number} is " in refusal(folder)


def test_of_a_long_line_the_place_is_told_that_differs() -> None:
    """However far from its beginning that is, and although one line may only be longer."""
    same = "x" * 200
    assert first_difference(f"{same} beech {same}".encode(), f"{same} alder {same}".encode()) == (
        f"line 1 is '…{'x' * 39} beech {'x' * 34}…' and should be '…{'x' * 39} alder {'x' * 34}…'"
    )
    assert first_difference(f"{same}!".encode(), same.encode()) == (
        f"line 1 is '…{'x' * 40}!' and should be '…{'x' * 40}'"
    )


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text + "xe vm-shutdown --multiple force=true\n", "is 'xe vm-shutdown --multiple force=true' and"),
        (lambda text: text[: text.index("\n")], "line 2 is missing"),
        (lambda _: "", "line 1 is ''"),
    ],
    ids=["appended", "cut", "emptied"],
)
def test_no_line_can_be_added_or_taken_away(folder: Path, name: str, change: Callable[[str], str], said: str) -> None:
    """The first line that differs is told."""
    file = folder / name
    file.write_bytes(change(file.read_bytes().decode()).encode())
    assert said in refusal(folder)


@pytest.mark.parametrize("name", ["plan.json", *FILES])
def test_no_file_can_be_removed(folder: Path, name: str) -> None:
    """Neither from the folder nor from the manifest, nor from both."""
    manifest = told(folder)
    del manifest["files"][name]
    tell(folder, manifest)
    assert f"{name}: the manifest does not name it" in refusal(folder)
    (folder / name).unlink()
    assert f"{name}: the manifest does not name it" in refusal(folder)
    write_plan(PLAN, folder)
    (folder / name).unlink()
    assert f"{name}: the manifest names it, and it is not there" in refusal(folder)


def test_plan_json_cannot_be_laid_out_anew(folder: Path) -> None:
    """It says the same and has the same digest within; all the same it is not what was signed."""
    file = folder / "plan.json"
    file.write_text(json.dumps(json.loads(file.read_text())))
    assert read_plan(folder) == PLAN
    assert "plan.json: it was changed after it was written, or its manifest was: line 1 is " in refusal(folder)


def test_of_another_version_the_digests_decide(folder: Path) -> None:
    """What it rendered need not be what this one renders; a changed file is named, without a line."""
    (folder / "plan.md").write_text("as it looked then\n")
    tell(folder, told(folder) | {"version": "0.0.0"})
    forge_manifest(folder)
    assert vouched(PLAN, folder) == digest_of_bytes((folder / MANIFEST_JSON).read_bytes())
    (folder / "plan.md").write_text("as it looks now\n")
    assert refusal(folder) == "plan.md: it was changed after it was written"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"plan": "sha256:" + "0" * 64}, "it is for another plan"),
        ({"format": "rebalancer-manifest/2"}, "format should be 'rebalancer-manifest/1'"),
        ({"files": {"../plan.json": "sha256:" + "0" * 64}}, "string should match"),
        ({"files": {"plan.json": "md5:0"}}, "string should match"),
        ({"more": 1}, "it is not as it was written"),
    ],
)
def test_what_is_no_manifest_of_this_plan_is_refused(folder: Path, change: dict[str, object], said: str) -> None:
    """Another plan's, another format, names that lead elsewhere, other digests, other keys."""
    tell(folder, told(folder) | change)
    assert said in refusal(folder)
    (folder / MANIFEST_JSON).write_text("{")
    assert "it is truncated or no JSON" in refusal(folder)


def test_what_comes_later_stands_outside(folder: Path) -> None:
    """Approval, outcome and logs."""
    before = vouched(PLAN, folder)
    for name in ("approval.json", "approval.json.sig", "outcome.json", "run.log"):
        (folder / name).write_text("x")
    assert vouched(PLAN, folder) == before


def test_a_folder_of_before_has_no_manifest(folder: Path) -> None:
    """Nothing vouches for what is beside plan.json; beside a plan.json alone there is nothing to vouch for."""
    (folder / MANIFEST_JSON).unlink()
    assert vouched(PLAN, folder) is None
    assert has_unvouched(folder)
    for name in FILES:
        (folder / name).unlink()
    assert not has_unvouched(folder)


def test_files_are_written_anew(folder: Path) -> None:
    """As they were, from plan.json alone, which stays as it is; so that an approval of them counts again."""
    before = vouched(PLAN, folder)
    whole = (folder / "plan.json").read_bytes()
    for name in (*FILES, MANIFEST_JSON):
        (folder / name).write_text("x")
    assert [path.name for path in write_files_anew(folder)] == [*FILES, MANIFEST_JSON]
    assert vouched(PLAN, folder) == before
    assert (folder / "plan.json").read_bytes() == whole


def test_files_of_a_plan_by_another_name_are_not_written(folder: Path) -> None:
    """They would take the place of those of the plan.json beside it."""
    other = folder / "other.json"
    other.write_text(plan_json(sealed(replace(PLAN, summary="another plan"))))
    with pytest.raises(PlanFileError, match=r"other\.json: files stand beside a plan\.json"):
        write_files_anew(other)
    assert vouched(PLAN, folder)


def test_the_first_line_that_differs_is_told_within_bounds() -> None:
    """Long lines are cut, what shows nothing is shown by its number, and equal texts differ nowhere."""
    assert first_difference(b"a\nb\n", b"a\nb\n") == ""
    assert first_difference(b"a\n", b"a\nb\n") == "line 2 is '' and should be 'b'"
    assert first_difference(b"a", b"a\nb") == "line 2 is missing, which should be 'b'"
    assert first_difference("a\u202e".encode(), b"a") == "line 1 is 'a\\u202e' and should be 'a'"
    assert len(first_difference(b"a" * 999, b"b" * 999)) < 250
