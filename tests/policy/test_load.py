from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import time
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from rebalancer.errors import PolicyError
from rebalancer.policy import DemandPolicy, Policy, policy_digest, toml
from rebalancer.policy.sections import DemandForm

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "rebalancer" / "policy" / "policy.toml"
MANUAL = ROOT / "docs" / "policy.md"


def keys(section: type[BaseModel] = Policy, prefix: str = "") -> Iterator[str]:
    """Every key of the model, dotted."""
    for name, field in section.model_fields.items():
        kinds = [field.annotation, *get_args(field.annotation)]
        below = next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)
        yield from keys(below, f"{prefix}{name}.") if below else [prefix + name]


def test_an_empty_file_is_the_default_policy(write: Callable[[str], Path]) -> None:
    """Every key has a default."""
    assert Policy.load(write("")) == Policy()


def test_the_example_shows_the_defaults() -> None:
    """What policy.toml sets is what the rebalancer does without a policy, so that it fits every pool."""
    assert Policy.load(EXAMPLE) == Policy()


def test_what_the_example_comments_out_loads(write: Callable[[str], Path]) -> None:
    """With the # of keys and tables taken away policy.toml has a value for every key, and a group of every kind."""
    whole = re.sub(r"^# (?=\[\[\w+\]\]$|[\w.]+ = )", "", EXAMPLE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    whole = whole.replace("require_approval = false", "require_approval = true")
    policy = Policy.load(write(whole.replace('form = "percentile"', 'form = "days"')))
    kinds = ("together", "apart", "spread", "run_on", "reserve", "window", "blackout")
    assert [len(getattr(policy, kind)) for kind in kinds] == [1] * len(kinds)
    assert [bool(each.moved_at) for each in policy.cooling] == [True, False]
    assert policy.pool.url
    assert policy.limits.maximum_moves
    assert policy.limits.host_load
    assert policy.limits.vms_per_host
    assert policy.limits.vcpus_per_pcpu


@pytest.mark.parametrize("key", list(keys()))
def test_every_key_is_documented(key: str) -> None:
    """Each key stands in the annotated example and in the manual's table."""
    name = key.rpartition(".")[2]
    lines = [line.strip("# ") for line in EXAMPLE.read_text(encoding="utf-8").splitlines()]
    assert any(re.match(rf"(\w+\.)?{name} =", line) for line in lines), "policy.toml"
    assert f"`{key}`" in MANUAL.read_text(encoding="utf-8"), "docs/policy.md"


def test_the_manual_names_no_other_key() -> None:
    """Whatever the first column of the manual's table names is a key."""
    table = MANUAL.read_text(encoding="utf-8").partition("## Keys")[2].partition("## ")[0]
    cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    named = {word for cell in cells for word in cell.replace(",", " ").replace("`", " ").split()}
    assert named == set(keys())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[limits]\nmaximum_move = 3", "unknown key limits.maximum_move (near to it: 'maximum_moves'"),
        ("apar = []", "unknown key apar (near to it: 'apart', 'spare'). Known keys: apart, blackout"),
        ("[demand]\npercentile = 101", "demand.percentile should be at most 100, not 101. Correct it: `rebalancer"),
        ('[demand]\npercentile = "95"', 'demand.percentile should be a number, not "95"'),
        ("[demand]\nslots = 48", "demand.slots should be 24 or 168, not 48"),
        ("[demand]\nslots = 168\nwindow_days = 3", "demand: 168 slots need window_days of at least 7"),
        ('[demand]\nform = "day"', "demand.form should be 'percentile' or 'days', not \"day\""),
        ('[demand]\nform = "days"\nslots = 168', 'demand: slots is of no use with form = "days"'),
        ('[demand]\nform = "days"\nrobust = true', 'demand: robust is of no use with form = "days"'),
        ("[demand]\nslots = 24\nhalf_life_days = 7.0", 'demand: half_life_days is of no use with form = "percentile"'),
        ('[demand]\nform = "days"\nsame_weekday = true', "demand: same_weekday needs window_days of at least 14"),
        ('[demand]\ntimezone = "Berlin"', "demand.timezone: 'Berlin' is not an IANA time zone"),
        ("[limits]\nseed = true", "limits.seed should be a whole number, not true"),
        ("[limits]\ngap = nan", "limits.gap should be a finite number, not nan"),
        ('[[apart]]\nname = "x"\nvms = []', "apart[1] 'x'.vms names nobody. Name at least 1"),
        ('[pool]\nfingerprints = ["zz"]', "'zz' is not a SHA-256 fingerprint of 64 hex digits"),
        ("[limits]\nhost_load.cpu = 0", "limits.host_load.cpu should be above 0, not 0"),
        ("[limits]\nhost_load = {}", "limits.host_load: it names no resource: cpu"),
        ("[limits]\nhost_load.gpu = 0.5", "unknown key limits.host_load.gpu"),
        (
            "[limits]\nvms_per_host = 30",
            "limits.vms_per_host should be a table, not 30. Known in limits.vms_per_host: at_most",
        ),
        ("[limits]\nvms_per_host.hard = true", "limits.vms_per_host.at_most is missing"),
        ("[limits]\nvcpus_per_pcpu.at_most = -1", "limits.vcpus_per_pcpu.at_most should be above 0, not -1"),
        ("[limits]\nhost_load.cpu = 1\n[demand]\nrobust = true", "limits.host_load looks at no peaks"),
        ("[limits]\ngap = 5", "limits.gap should be at most 1, not 5 (it is a share: 5 % is 0.05)"),
        ("[objective]\nthreshold = 1e-308", "objective.threshold: 1e-308 is next to nothing, and 0.000001 the least"),
        ("[objective]\nmemory.weight = 1e-9", "objective.memory.weight: 1e-09 is next to nothing"),
        ("[capacity]\ncpu_factor = 1e-308", "capacity.cpu_factor: 1e-308 is next to nothing"),
        ("[demand]\nhalf_life_days = 1e-308", "demand.half_life_days: 1e-308 is next to nothing"),
        ("[limits]\nhost_load.cpu = 1e-308", "limits.host_load.cpu: 1e-308 is next to nothing"),
        ('mode = "balanced"', "mode should be 'balance', 'repair', 'evacuate' or 'consolidate', not \"balanced\""),
        ('[[apart]]\nname = "ok"\nvms = ["a"]\n[[apart]]\nname = "db"\nvms = []', "apart[2] 'db'.vms"),
        ('[[apart]]\nname = "db"\nvms = ["a", 3]', "apart[1] 'db'.vms[2] should be text in quotes, not 3"),
        ('[[apart]]\nname = "db"\nvms = ["a"]\nat_mots = 2', "apart[1] 'db'.at_mots (near to it: 'at_most')"),
        ('[[apart]]\nvms = ["a"]', "apart[1].name is missing"),
        ('[[run_on]]\nname = "x"\nvms = ["a"]', "run_on[1] 'x'.hosts is missing"),
        ('[apart]\nname = "db"', "apart should be a list, not a table. Write [[apart]]."),
        ('[[apart]]\nname="x"\nvms=["a"]\n[[apart]]\nname="x"\nvms=["b"]', "two groups of apart are named 'x'"),
        ('[[window]]\nstart = 22\nend = "05:00"', "window[1].start: 22 is not a time of day such as '22:30'"),
        ('[[window]]\nstart = "22:00+01:00"\nend = "05:00"', "window[1].start: '22:00+01:00' is not a time of day"),
        ('[[window]]\nstart = "22:00"\nend = "24:00"', "window[1].end: '24:00' is not a time of day"),
        ('[[window]]\nstart = "22:00"\nend = "05:00"\ndays = ["monday"]', "window[1].days[1] should be 'mon'"),
        ('format = "rebalancer-policy/2"', "format should be 'rebalancer-policy/1'"),
        ("mode =", "is not TOML: invalid value (at end of document)"),
        ("mode = balance", "(at line 1, column 8). Correct that line: text and times of day stand in quotes."),
        ("[limits]\n[limits]", "is not TOML: cannot declare limits twice (at line 2, column 8). Correct that line."),
        ("mode = {}", "or 'consolidate', not a table"),
        ('[execution]\npower = ["rebot"]', "execution.power[1] should be 'disable'"),
        ('[rolling]\ncommand = "reboot-it"', "rolling.command should be a list"),
        ('[rolling]\napprove = "each"', "rolling.approve should be 'itinerary' or 'stage', not \"each\""),
        ("[rolling]\nplan_anew = 1", "rolling.plan_anew should be true or false, not 1"),
        ('[rolling]\nhard_shut_down = ["tag:web"]', "'tag:web' stands for many: name each VM that may be switched off"),
        ("[rolling]\nboot_minutes = 0", "rolling.boot_minutes should be above 0, not 0"),
        (
            '[rolling]\ncommand = ["reboot-it"]\n[execution]\npower = ["disable", "reboot"]',
            'rolling.command reboots hosts, and so does "reboot" in execution.power: keep one of them',
        ),
        ("never_move = [[2026-01-01]]", "never_move[1] should be text in quotes, not [2026-01-01]"),
        ("maximum_moves = 20", "unknown key maximum_moves (there is limits.maximum_moves). Known keys: "),
        ("[limits]\nhost_load.cpu = 90", "should be at most 10, not 90 (it is a share: 90 % is 0.9)"),
        ("[objective]\nlevels = [[0.8, 2, 3]]", "objective.levels[1] should be a list of at most 2, not [0.8, 2, 3]"),
        ("[demand]\nwindow_days = 99999999999999999999", "it has a number of 20 digits (line 2). Correct that line."),
        ('name = ""', "name is empty. Correct it"),
        (f"name = {['x' * 80]}", 'name should be text in quotes, not ["' + "x" * 55 + "...."),
        ('[[spread]]\nname = "x"\nvms = ["a"]\ndomain = "a:b"', "should be a word such as \"rack\", without ':'"),
        ('[[cooling]]\nvm = "x"\nmoved_at = 2026-03-01T23:10:00Z\nuntil = 2026-03-02', "and a zone, such as 2026-03-0"),
        ("[demand]\nslots = 3\nbudget = true", "budget should be a whole number, not true. Correct them: `rebalancer"),
        ("[limits]\nseed = true\nvms_per_host.hard = true", "at_most is missing. Correct or add them: `rebalancer"),
    ],
)
def test_a_wrong_key_is_named(write: Callable[[str], Path], text: str, words: str) -> None:
    """The message has the file, the dotted key with its group, what is wrong, and what would be right."""
    path = write(text)
    with pytest.raises(PolicyError) as raised:
        Policy.load(path)
    assert words in str(raised.value)
    assert str(raised.value).startswith(f"{path}: ")


class _Later(DemandPolicy):
    """The section of a version whose default form is another."""

    form: DemandForm = DemandForm.DAYS


@pytest.mark.parametrize("named", [{"slots": 24}, {"percentile": 90.0}, {"robust": True}])
def test_percentiles_that_are_named_are_meant(named: dict[str, Any]) -> None:
    """Whatever the default form is, a file that says how percentiles are taken gets them, and says what it said."""
    found = _Later.model_validate({**named, "window_days": 14})
    assert (found.form, _Later().form, _Later(window_days=14).form) == ("percentile", "days", "days")
    assert found.given() == {**named, "window_days": 14}
    assert found.spelled_out().form == "percentile"


def test_every_wrong_key_is_named(write: Callable[[str], Path]) -> None:
    """One message has all that is wrong with a file, and for each section what may stand there, once."""
    path = write("[limits]\nseed = -1\nseconds = 3\nfoo = 2\n[demand]\nslotz = 3\n[[apart]]\nvms = ['a']")
    with pytest.raises(PolicyError) as raised:
        Policy.load(path)
    said = str(raised.value)
    for words in (
        "limits.seed should be at least 0, not -1; ",
        "unknown key limits.seconds",
        "unknown key limits.foo",
        "unknown key demand.slotz (near to it: 'slots')",
        "apart[1].name is missing",
        ". Known in limits: ",
        ". Known in demand: ",
    ):
        assert said.count(words) == 1
    assert said.count(f"{path}: ") == 1


def test_what_stands_in_a_list_is_wrong_once(write: Callable[[str], Path]) -> None:
    """A list whose entries are wrong is not said to be empty as well."""
    with pytest.raises(PolicyError) as raised:
        Policy.load(write("[[apart]]\nname = 'x'\nvms = [3]"))
    assert "vms[1] should be text in quotes, not 3. Correct it" in str(raised.value)
    assert "names nobody" not in str(raised.value)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["UTC", "22:00"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*Policy.model_fields, "vms", "slots", "at_most", "days", "x"]), inner)
    ),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from([*Policy.model_fields, "x"]), VALUES))
def test_any_content_is_a_policy_or_one_sentence(content: dict[str, object]) -> None:
    """No content of a file ends in another error than a `PolicyError` with key and fix."""
    try:
        policy = toml.validated(content, Policy, "p.toml")
    except PolicyError as error:
        assert re.fullmatch(r"p\.toml: .+\. .+\.", str(error), re.DOTALL)  # noqa: PT017 - both ends are fine
    else:
        assert content.keys() <= policy.model_fields_set
        assert Policy.model_validate(policy.model_dump(exclude_unset=True)) == policy


def test_toml_times_are_clock_times(write: Callable[[str], Path]) -> None:
    """A time may be written as TOML's own type or as text."""
    (window,) = Policy.load(write('[[window]]\nstart = 22:00:00\nend = "05:30"\n')).window
    assert (window.start, window.end) == (time(22), time(5, 30))


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    """Bytes that are no UTF-8, a folder and an absent file each say so."""
    path = tmp_path / "policy.toml"
    path.write_bytes(b"name = '\xff'")
    with pytest.raises(PolicyError, match="is not UTF-8 text"):
        Policy.load(path)
    with pytest.raises(PolicyError, match="cannot be read: it is a folder"):
        Policy.load(tmp_path)
    with pytest.raises(PolicyError, match="cannot be read: there is no such file"):
        Policy.load(tmp_path / "absent.toml")


def test_the_digest_tells_policies_apart(write: Callable[[str], Path]) -> None:
    """Formatting and key order leave the digest alone; every changed value changes it."""
    one = Policy.load(write('name = "x"\n[limits]\nseed = 7\ngap = 0.1\n'))
    same = Policy.load(write('# a comment\nname = "x"\nlimits = { gap = 0.1, seed = 7 }\n'))
    other = Policy.load(write('name = "x"\n[limits]\nseed = 7\ngap = 0.2\n'))
    assert policy_digest(one) == policy_digest(same) != policy_digest(other)
    assert len(policy_digest(one)) == 64


def test_a_policy_survives_json() -> None:
    """What `model_dump` writes is read back as the same policy: plans carry it."""
    policy = Policy.load(EXAMPLE)
    assert Policy.model_validate_json(json.dumps(policy.model_dump(mode="json"))) == policy


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[other_pools]\nenabled = true\n", "other_pools.enabled is of no use without storage_motion.enabled = true"),
        ("[other_pools]\nnetworks = { a = 'b' }\n", "networks and srs are of no use without enabled = true"),
        ("[other_pools]\nsrs = { a = 'b' }\n", "networks and srs are of no use without enabled = true"),
        ("[storage_motion]\nenabled = true\n[other_pools]\nenabled = true\nsrs = { a = 1 }\n", "other_pools.srs.a"),
    ],
)
def test_wishes_about_other_pools_need_each_other(write: Callable[[str], Path], text: str, words: str) -> None:
    """A VM goes over with its disks or not at all, and maps are for those that go."""
    with pytest.raises(PolicyError, match=re.escape(words)):
        Policy.load(write(text))


def test_a_policy_without_other_pools_keeps_its_digest(write: Callable[[str], Path]) -> None:
    """The section is written only where it says something, spelled out or not."""
    plain = Policy.load(write("[storage_motion]\nenabled = true\n")).spelled_out()
    assert "other_pools" not in plain.given()
    over = Policy.load(write("[storage_motion]\nenabled = true\n[other_pools]\nenabled = true\n")).spelled_out()
    assert over.given()["other_pools"] == {"enabled": True, "networks": {}, "srs": {}}
    assert policy_digest(plain) != policy_digest(over)
