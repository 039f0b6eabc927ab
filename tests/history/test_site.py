"""A state folder as static pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from shutil import rmtree

import pytest

from rebalancer.errors import InputError
from rebalancer.history.fill import fill
from rebalancer.history.place import HistoryPlace
from rebalancer.history.site.site import SHOWN, write_site
from rebalancer.history.store import Store
from rebalancer.plan import Plan, digest_of
from rebalancer.policy import Policy
from tests.history.made import DAY, PLAN, folder_of, live_through

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7 * 7 }}",
    "a\nb\u202e\u2066",
    "x" * 200,
    "</table></main>",
    "🙂",
)


def made_anew(plan: Plan) -> Plan:
    """*plan* under the digest that it has now."""
    return replace(plan, digest=digest_of(plan))


def called(name: str) -> Plan:
    """The plan of these tests, of a VM and hosts with that name, in a pool of that name."""
    steps = tuple(replace(step, vm_name=name, source_name=name, target_name=name, why=name) for step in PLAN.steps)
    made_from = replace(PLAN.made_from, pool_name=name)
    return made_anew(replace(PLAN, steps=steps, made_from=made_from, summary=name, warnings=(name,)))


def site_of(state: Path, target: Path) -> tuple[str, ...]:
    """Write the site of *state*; what was written."""
    with Store.of(HistoryPlace(state_dir=state)) as store:
        fill(store)
        return write_site(store, Policy(), target)


def bytes_in(folder: Path) -> Mapping[str, bytes]:
    """Every file below *folder*."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class Structure(HTMLParser):
    """Tags and links of a page, without its words."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep it, with the names of its attributes."""
        self.tags.append(" ".join([tag, *(name for name, _ in attrs)]))
        self.links += [value or "" for name, value in attrs if name in {"href", "src"}]

    def handle_endtag(self, tag: str) -> None:
        """Likewise."""
        self.tags.append(f"/{tag}")


def structure_of(file: Path) -> Structure:
    """What stands in the HTML *file*."""
    found = Structure()
    found.feed(file.read_text(encoding="utf-8"))
    return found


def test_nights_plans_and_reports_are_pages(tmp_path: Path) -> None:
    """Each links to what is there, whoever may enter the folder may read it, and nothing is loaded from elsewhere."""
    state, target = tmp_path / "state", tmp_path / "site"
    live_through(state)
    files = site_of(state, target)
    name = f"plans/{PLAN.digest.removeprefix('sha256:')[:16]}"
    written = [f"{name}/{file}" for file in ("index.html", *SHOWN)]
    assert files == ("index.html", "reports/week.html", "reports/month.html", *written)
    assert {*files, "site.json"} == bytes_in(target).keys()
    for file in files:
        assert (target / file).stat().st_mode & 0o777 == 0o644
        if file.endswith(".html"):
            text = (target / file).read_text(encoding="utf-8")
            assert "default-src &#39;none&#39;" in text
            links = [each for each in structure_of(target / file).links if not each.startswith("#")]
            assert [each for each in links if not ((target / file).parent / each).is_file()] == []
    assert "the plan is carried out" in (target / "index.html").read_text(encoding="utf-8")
    page = (target / name / "index.html").read_text(encoding="utf-8")
    assert all(words in page for words in (PLAN.summary, PLAN.digest, *(step.vm_name for step in PLAN.steps)))


def test_the_same_nights_are_the_same_bytes(tmp_path: Path) -> None:
    """Written again over itself, or elsewhere."""
    state = tmp_path / "state"
    live_through(state)
    site_of(state, tmp_path / "site")
    first = bytes_in(tmp_path / "site")
    site_of(state, tmp_path / "site")
    site_of(state, tmp_path / "other")
    assert first == bytes_in(tmp_path / "site") == bytes_in(tmp_path / "other")


def test_what_is_no_longer_kept_goes(tmp_path: Path) -> None:
    """The night stays, and says so; what somebody put beside the pages stays, too."""
    state, target = tmp_path / "state", tmp_path / "site"
    live_through(state)
    later = made_anew(replace(PLAN, made_at=PLAN.made_at + DAY, expires_at=PLAN.expires_at + DAY))
    live_through(state, later)
    site_of(state, target)
    assert len(list(target.glob("plans/*"))) == 2
    (target / "robots.txt").write_text("User-agent: *\nDisallow: /\n", encoding="utf-8")
    rmtree(folder_of(PLAN, state))
    site_of(state, target)
    (left,) = target.glob("plans/*")
    assert later.digest.startswith(f"sha256:{left.name}")
    assert "not kept" in (target / "index.html").read_text(encoding="utf-8")
    assert (target / "robots.txt").exists()


def test_a_folder_without_nights_is_a_page(tmp_path: Path) -> None:
    """That says so."""
    assert site_of(tmp_path / "state", tmp_path / "site") == ("index.html",)
    assert "No night is known." in (tmp_path / "site" / "index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_no_markup(tmp_path: Path, name: str) -> None:
    """Whatever pool, hosts and VMs are called, the pages have the structure that they have with plain names."""
    shapes: list[list[list[str]]] = []
    for each in ("plain", name):
        state, target = tmp_path / f"state-{len(shapes)}", tmp_path / f"site-{len(shapes)}"
        plan = called(each)
        live_through(state, plan)
        site_of(state, target)
        pages = (target / "index.html", next(target.glob("plans/*/index.html")), target / "reports" / "week.html")
        shapes.append([structure_of(page).tags for page in pages])
    assert shapes[0] == shapes[1]


def _tampered(state: Path) -> None:
    (folder_of(PLAN, state) / "plan.md").write_text("all is well\n", encoding="utf-8")


def _edited(state: Path) -> None:
    file = folder_of(PLAN, state) / "plan.json"
    file.write_text(file.read_text(encoding="utf-8").replace('"h2"', '"h9"', 1), encoding="utf-8")


@pytest.mark.parametrize(("change", "plans"), [(_tampered, 1), (_edited, 0)])
def test_what_is_not_as_it_was_written_is_not_passed_on(
    tmp_path: Path, change: Callable[[Path], None], plans: int
) -> None:
    """Of a plan with a file that was changed no file is shown, and the page says which; an edited plan has no page."""
    state, target = tmp_path / "state", tmp_path / "site"
    live_through(state)
    change(state)
    site_of(state, target)
    found = list(target.glob("plans/*/index.html"))
    assert len(found) == plans
    assert list(target.glob("plans/*/plan.md")) == []
    assert all("plan.md: it was changed after it was written" in page.read_text(encoding="utf-8") for page in found)


@pytest.mark.parametrize("holds", ["a file", '{"format": "rebalancer-site/1"}', "a folder"])
def test_a_folder_with_something_else_is_refused(tmp_path: Path, holds: str) -> None:
    """And stays as it is."""
    target = tmp_path / "site"
    if holds == "a file":
        target.write_text("mine", encoding="utf-8")
    else:
        target.mkdir()
        (target / ("site.json" if holds.startswith("{") else "mine.txt")).write_text(holds, encoding="utf-8")
    before = target.read_text(encoding="utf-8") if target.is_file() else bytes_in(target)
    with pytest.raises(InputError, match="there is something else than a site"):
        site_of(tmp_path / "state", target)
    assert before == (target.read_text(encoding="utf-8") if target.is_file() else bytes_in(target))


def test_nothing_but_pages_is_removed(tmp_path: Path) -> None:
    """Whatever somebody wrote into the list of a site."""
    target = tmp_path / "site"
    live_through(tmp_path / "state")
    site_of(tmp_path / "state", target)
    precious = tmp_path / "precious.html"
    precious.write_text("mine", encoding="utf-8")
    listed = target / "site.json"
    listed.write_text(
        listed.read_text(encoding="utf-8").replace('"index.html"', '"../precious.html",\n    "index.html"'),
        encoding="utf-8",
    )
    site_of(tmp_path / "state", target)
    assert precious.exists()


def test_pages_end_with_the_last_night(tmp_path: Path) -> None:
    """Not with the time at which they were made, which says nothing."""
    night = live_through(tmp_path / "state")
    site_of(tmp_path / "state", tmp_path / "site")
    text = (tmp_path / "site" / "reports" / "week.html").read_text(encoding="utf-8")
    assert f"{night.ended_at + timedelta(minutes=1):%Y-%m-%d %H:%M}" in text
