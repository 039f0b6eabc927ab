"""Two plans on a page: what `diff` tells, whatever things are called, and nothing from elsewhere."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from rebalancer.diff.diff import plan_differences
from rebalancer.errors import InputError
from rebalancer.export.comparison.page import comparison_page, write_comparison
from rebalancer.plan import Plan, sealed
from tests.export.cases import CASES
from tests.export.everything import golden_plan
from tests.export.html_page import Page, named_hash
from tests.export.rendered import NAMES
from tests.export.shell import named, swap_plan

FILES = ("tonight", "edited/plan.json")


def rerouted(plan: Plan) -> Plan:
    """*plan* without its first step, its last to where the first led."""
    first, *_, last = plan.steps
    changed = replace(last, target=first.target, target_name=first.target_name)
    return sealed(replace(plan, steps=(*plan.steps[1:-1], changed)))


def section(text: str, name: str) -> str:
    """The words of a section of the page."""
    found = re.search(rf'<h2 id="{name}">.*?</section>', text, re.DOTALL)
    assert found
    return Page(found[0]).words


def test_it_tells_who_is_moved_by_which_plan() -> None:
    """A VM that the second leaves alone, one that goes elsewhere, one that both move alike; counted at the top."""
    plan = golden_plan()
    text = comparison_page(plan, rerouted(plan), FILES)
    first, same, last = plan.steps
    vms = section(text, "vms")
    assert f"- only the first {first.vm_name} {first.target_name} ({first.id}) stays" in vms
    assert f"~ otherwise {last.vm_name} {last.target_name} ({last.id}) {first.target_name} ({last.id})" in vms
    assert f"= alike {same.vm_name} {same.target_name} ({same.id}) {same.target_name} ({same.id})" in vms
    others = [each.words for each in plan_differences(plan, rerouted(plan)) if not each.host]
    counts = "1 only the first, 0 only the second, 1 otherwise, 1 alike."
    assert f"VMs that move: {counts} Other differences: {len(others)}." in Page(text).words


@pytest.mark.parametrize("case", CASES)
def test_it_tells_whatever_differs_besides(case: str) -> None:
    """Every sentence of `diff` that is about no VM that moves; names, digests and summaries of both plans."""
    first, second = golden_plan(), CASES[case]().plan
    text = comparison_page(first, second, FILES)
    others, words = section(text, "others"), Page(text).words
    for each in plan_differences(first, second):
        assert each.host or " ".join(each.words.split()) in others
    for name, plan in zip(FILES, (first, second), strict=True):
        assert name in words
        assert plan.digest in words
        assert plan.summary in words


def test_two_that_say_the_same_are_said_to() -> None:
    """Nobody has to look for a difference that is not there."""
    plan = golden_plan()
    text = comparison_page(plan, plan, FILES)
    assert "No difference, but for the times at which they were made." in Page(text).words
    assert section(text, "others").endswith("None.")
    assert "Every host ends alike." in section(text, "hosts")


def test_a_plan_without_steps_has_its_place() -> None:
    """What it does not have is a dash, and its VMs stay."""
    plan = golden_plan()
    nothing = sealed(replace(plan, steps=(), rollback=()))
    text = comparison_page(plan, nothing, FILES)
    assert "largest VM 12.0 GiB of memory, batch (s03) -" in section(text, "figures")
    assert section(text, "vms").count("only the first") == len(plan.steps)
    assert "Neither plan moves a VM." in section(comparison_page(nothing, nothing, FILES), "vms")


@pytest.mark.parametrize("name", NAMES)
def test_no_name_changes_the_structure(name: str) -> None:
    """Whatever things and files are called: the same elements with the same attributes, and nothing else."""
    pages = [
        Page(comparison_page(named(swap_plan(), each), named(golden_plan(), each), (each, each)))
        for each in (name, "plain")
    ]
    assert pages[0].structure == pages[1].structure


def test_it_needs_nothing_else_and_forbids_it() -> None:
    """One style sheet that its policy names by its hash, no script; links lead within the page."""
    text = comparison_page(golden_plan(), swap_plan(), FILES)
    page = Page(text)
    (policy,) = [str(found["content"]) for tag, found in page.tags if found.get("http-equiv")]
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    assert policy == f"default-src 'none'; style-src '{named_hash(style)}'; base-uri 'none'; form-action 'none'"
    assert {tag for tag, _ in page.tags}.isdisjoint({"script", "img", "link", "iframe"})
    attributes = {name for _, found in page.tags for name in found}
    assert attributes.isdisjoint({"src", "style", "srcset", "action", "data"})
    links = {str(found["href"]) for _, found in page.tags if "href" in found}
    ids = {str(found["id"]) for _, found in page.tags if "id" in found}
    assert {link[0] for link in links} == {"#"}
    assert {link[1:] for link in links} <= ids


def test_it_is_written_whole_for_its_owner(tmp_path: Path) -> None:
    """And where it cannot be written the file is named."""
    plan = golden_plan()
    write_comparison(plan, plan, FILES, tmp_path / "diff.html")
    assert (tmp_path / "diff.html").read_text(encoding="utf-8") == comparison_page(plan, plan, FILES)
    assert (tmp_path / "diff.html").stat().st_mode & 0o777 == 0o600
    with pytest.raises(InputError, match=r"none/diff\.html: it cannot be written"):
        write_comparison(plan, plan, FILES, tmp_path / "none" / "diff.html")
