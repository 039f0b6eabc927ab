"""Whatever is wrong ends in one sentence and the documented exit code, and nothing moves."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rebalancer.cli.exits import Exit
from rebalancer.simulator import Simulator
from tests.cli.conftest import POOL
from tests.cli.door import Door, Wrong, first_vm, said_one_sentence, snapshot_text
from tests.cli.terminal import PASSWORD, USER, Terminal, is_one_sentence


def open_file(door: Door) -> Path:
    """A credentials file that others can read."""
    path = door.write("key", f"{USER}\n{PASSWORD}\n")
    path.chmod(0o644)
    return path


CONNECTIONS = {
    "nothing listens": Wrong(
        typed=lambda _: ["check", "https://127.0.0.1:9"], said=("https://127.0.0.1:9", "nothing listens", "Check")
    ),
    "unknown name": Wrong(typed=lambda _: ["check", "https://nowhere.invalid"], said=("nowhere.invalid", "Check")),
    "no scheme": Wrong(
        typed=lambda _: ["check", "xen01.example.org"], said=("xen01.example.org", "no such file", "https://xen01")
    ),
    "other scheme": Wrong(typed=lambda _: ["check", "ssh://xen01"], said=("ssh://xen01", "Write https://")),
    "plain http to another machine": Wrong(
        typed=lambda _: ["check", "http://192.0.2.1"], said=("http://192.0.2.1", "in the clear", "Use https://")
    ),
    "password in the URL": Wrong(
        typed=lambda _: ["check", "https://root:geheim@192.0.2.1"], said=("192.0.2.1", "must not hold", "Put them")
    ),
    "path in the URL": Wrong(typed=lambda _: ["check", "https://192.0.2.1/RPC2"], said=("more than host", "Write")),
    "port that is none": Wrong(typed=lambda _: ["check", "https://192.0.2.1:x"], said=("not a URL", "Write")),
    "apply to a file": Wrong(
        typed=lambda door: ["apply", door.plan, door.served.snapshot], said=("not the URL of a pool", "Write https")
    ),
    "login refused": Wrong(
        typed=lambda door: ["check", door.served.url],
        environment=(("REBALANCER_PASSWORD", "wrong"),),
        said=("127.0.1.1", "user root", "refused", "Check"),
    ),
    "no password": Wrong(
        typed=lambda door: ["check", door.served.url],
        environment=(("REBALANCER_PASSWORD", None),),
        said=("REBALANCER_PASSWORD is not set", "Set REBALANCER_USER"),
    ),
    "no user": Wrong(
        typed=lambda door: ["apply", door.plan, door.served.url],
        environment=(("REBALANCER_USER", ""),),
        said=("REBALANCER_USER is not set",),
    ),
    "credentials that others can read": Wrong(
        typed=lambda door: ["check", door.served.url, "--credentials", open_file(door)],
        said=("key", "others may read", "chmod 600"),
    ),
    "no credentials file": Wrong(
        typed=lambda door: ["check", door.served.url, "--credentials", "none"], said=("none", "cannot be read")
    ),
    "credentials folder": Wrong(
        typed=lambda door: ["check", door.served.url, "--credentials", "."], said=(".", "it is a folder")
    ),
    "evacuation of the whole pool": Wrong(
        typed=lambda door: ["evacuate", door.served.snapshot, *[row.name for row in door.served.plan.hosts]],
        said=("the pool has no other host", "Leave some"),
    ),
    "fingerprint for a file": Wrong(
        typed=lambda door: ["check", door.served.snapshot, "--fingerprint", "a" * 64],
        said=("--fingerprint", "says how to get into a live pool", "is a file"),
    ),
    "credentials for a file": Wrong(
        typed=lambda door: ["evacuate", door.served.snapshot, "alder", "--credentials", "nobody"],
        said=("--credentials", "is a file"),
    ),
    "fingerprint that is none": Wrong(
        typed=lambda _: ["check", "https://127.0.0.1:9", "--fingerprint", "abc"], said=("'abc'", "openssl x509")
    ),
    "no CA file": Wrong(
        typed=lambda _: ["check", "https://127.0.0.1:9", "--ca-file", "none.pem"], said=("none.pem", "Name a PEM file")
    ),
    "CA file that is none": Wrong(
        typed=lambda door: ["check", "https://127.0.0.1:9", "--ca-file", door.write("ca.pem", "x")],
        said=("ca.pem", "Name a PEM file"),
    ),
}

FILES = {
    "policy with a pool that is no URL": Wrong(
        typed=lambda door: ["policy", "check", door.write("u.toml", '[pool]\nurl = "xcp1"')],
        said=("u.toml, pool.url", "xcp1", "Write https://HOST"),
    ),
    "policy with a fallback that is no URL": Wrong(
        typed=lambda door: [
            *("policy", "check"),
            door.write("u.toml", '[pool]\nurl = "https://a"\nfallback_urls = ["https://b", "http://192.0.2.1"]'),
        ],
        said=("u.toml, pool.fallback_urls[2]", "in the clear", "Use https://192.0.2.1"),
    ),
    "no file": Wrong(typed=lambda _: ["check", "none.json"], said=("none.json", "no such file", "Name a snapshot")),
    "a folder": Wrong(typed=lambda _: ["check", "."], said=(".", "it is a folder", "Name a snapshot")),
    "truncated": Wrong(
        typed=lambda door: ["check", door.write("t.json", snapshot_text(door)[:5000])],
        said=("t.json", "truncated or no JSON", "Take a new one"),
    ),
    "truncated gzip": Wrong(
        typed=lambda door: ["plan", door.write("t.json.gz", door.served.snapshot.read_bytes()[:2000])],
        said=("t.json.gz", "not a whole gzip file", "take a new one"),
    ),
    "no gzip": Wrong(typed=lambda door: ["check", door.write("t.json.gz", "{}")], said=("t.json.gz", "no format")),
    "foreign": Wrong(
        typed=lambda door: ["check", door.write("f.json", '{"a": 1}')], said=("f.json", "not a snapshot", "Take")
    ),
    "another format": Wrong(
        typed=lambda door: ["check", door.plan / "plan.json"], said=("plan.json", "rebalancer-plan/1", "Name the pool")
    ),
    "newer": Wrong(
        typed=lambda door: ["check", door.write("n.json", snapshot_text(door).replace("snapshot/1", "snapshot/2", 1))],
        said=("n.json", "rebalancer-snapshot/2", "newer rebalancer"),
    ),
    "edited": Wrong(
        typed=lambda door: ["check", door.write("e.json", snapshot_text(door).replace('"power_state"', '"power"', 1))],
        said=("e.json", "power_state", "Take a new one"),
    ),
    "XML of something else": Wrong(
        typed=lambda door: ["check", door.write("x.xml", "<html/>")], said=("x.xml", "<html>", "pool-dump-database")
    ),
    "truncated dump": Wrong(
        typed=lambda door: ["check", door.write("x.xml", "<database><table")], said=("x.xml", "only a part")
    ),
    "samples of nothing": Wrong(
        typed=lambda door: ["plan", door.served.snapshot, "--demand", door.write("d.csv", "a,b\n1,2\n")],
        said=("d.csv", "vm_uuid"),
    ),
    "no samples": Wrong(
        typed=lambda door: ["plan", door.served.snapshot, "--demand", "none.csv"], said=("none.csv", "Name")
    ),
    "unknown VM": Wrong(
        typed=lambda door: ["explain", door.served.snapshot, "nobody"], said=("'nobody'", "no VM of the pool", "name")
    ),
    "VM that is nearly there": Wrong(
        typed=lambda door: ["explain", door.served.snapshot, f"{first_vm(door)}x"], said=("Near to it: ",)
    ),
    "no name": Wrong(typed=lambda door: ["explain", door.served.snapshot, ""], said=("VM ''", "no VM", "name")),
    "no host": Wrong(
        typed=lambda door: ["explain", door.served.snapshot, first_vm(door), ""], said=("host ''", "no host", "name")
    ),
    "no source": Wrong(typed=lambda _: ["check", ""], said=(".", "it is a folder", "Name a snapshot")),
    "unknown host": Wrong(
        typed=lambda door: ["explain", door.served.snapshot, first_vm(door), "nowhere"], said=("host 'nowhere'", "name")
    ),
    "simulated pool that is none": Wrong(
        typed=lambda door: ["simulate", door.write("s.json", "{}"), "--port", 0], said=("s.json", "Name a file")
    ),
}


OUTPUTS = {
    "snapshot into a missing folder": Wrong(
        typed=lambda door: ["snapshot", door.served.url, "--no-metrics", "-o", "none/pool.json"],
        said=("none/pool.json", "cannot be written", "name another file"),
    ),
    "snapshot onto a folder": Wrong(
        typed=lambda door: ["snapshot", door.served.url, "--no-metrics", "-o", "."], said=(".", "cannot be written")
    ),
    "plan into a folder with other files": Wrong(
        typed=lambda door: ["plan", door.served.snapshot, "-o", door.write("mine.txt", "x").parent],
        said=("mine.txt", "other files", "Name a new folder"),
    ),
    "plan onto a file": Wrong(
        typed=lambda door: ["plan", door.served.snapshot, "-o", door.write("mine.txt", "x")],
        said=("mine.txt", "it is a file", "Name a folder"),
    ),
    "plan below a file": Wrong(
        typed=lambda door: ["plan", door.served.snapshot, "-o", door.write("mine.txt", "x") / "plan"],
        said=("mine.txt/plan", "cannot be written", "name another folder"),
    ),
    "demo onto a file": Wrong(
        typed=lambda door: ["demo", "-o", door.write("mine.txt", "x")], said=("mine.txt", "folder")
    ),
    "journal that is a folder": Wrong(
        typed=lambda door: ["apply", door.plan, door.served.url, "--journal", "."],
        said=(".", "the journal cannot be used", "nothing is sent"),
    ),
    "state folder that is a file": Wrong(
        typed=lambda door: ["apply", door.plan, door.served.url, "--state-dir", door.write("state.txt", "x")],
        said=("state.txt", "cannot be made", "--state-dir"),
    ),
}

POLICIES = {
    "unknown VM": ('[[apart]]\nname = "a"\nvms = ["nobody", "mail"]\n', ("apart 'a'", "no VM 'nobody'", "Correct")),
    "unknown host": ('empty = ["nowhere"]\nmode = "evacuate"\n', ("nowhere", "Correct")),
    "unknown key": ("colour = 1\n", ("policy.toml", "unknown key colour", "Known keys")),
    "wrong value": ("[limits]\nmaximum_moves = -3\n", ("policy.toml", "limits.maximum_moves")),
    "bad TOML": ('name = "x\n', ("policy.toml", "line 1", "Correct that line")),
}


@pytest.mark.parametrize("wrong", CONNECTIONS.values(), ids=CONNECTIONS)
def test_a_pool_that_cannot_be_entered(door: Door, wrong: Wrong) -> None:
    """Wrong URLs, credentials and trust settings are refused before or at the door."""
    assert said_one_sentence(door, wrong)


@pytest.mark.parametrize("wrong", FILES.values(), ids=FILES)
def test_a_file_that_cannot_be_used(door: Door, wrong: Wrong) -> None:
    """Truncated, foreign and newer files, folders, and names that nobody has are told apart."""
    assert said_one_sentence(door, wrong)


@pytest.mark.parametrize("wrong", OUTPUTS.values(), ids=OUTPUTS)
def test_a_place_that_cannot_be_written(door: Door, wrong: Wrong) -> None:
    """Where nothing can be written, or somebody's files are, nothing is written."""
    before = sorted(door.terminal.folder.glob("mine*"))
    assert said_one_sentence(door, wrong)
    assert all(path.read_text(encoding="utf-8") == "x" for path in before)


@pytest.mark.parametrize(("text", "said"), POLICIES.values(), ids=POLICIES)
@pytest.mark.parametrize("command", ["check", "plan"])
def test_a_policy_that_cannot_be_used(door: Door, command: str, text: str, said: tuple[str, ...]) -> None:
    """Keys and names that are unknown, and text that is no TOML, are refused where they stand."""
    policy = door.write("policy.toml", text)
    assert said_one_sentence(door, Wrong(typed=lambda d: [command, d.served.snapshot, "-p", policy], said=said))


@pytest.mark.parametrize(
    ("policy", "by_night"),
    [("none.toml", ("cannot be read", "Name a policy file")), (".", ("names no file", "Name policy files"))],
)
def test_a_policy_that_is_not_there(door: Door, policy: str, by_night: tuple[str, ...]) -> None:
    """A missing policy is never the default policy; `nightly` says the same, and takes a folder for one of policies."""
    said = (policy, "cannot be read", "Name a policy file")
    assert said_one_sentence(door, Wrong(typed=lambda d: ["plan", d.served.snapshot, "-p", policy], said=said))
    assert said_one_sentence(door, Wrong(typed=lambda _: ["policy", "check", policy], said=(policy, *by_night)))
    assert said_one_sentence(door, Wrong(typed=lambda _: ["nightly", policy], said=(policy, *by_night)))


def test_a_nightly_policy_without_a_pool(door: Door) -> None:
    """It says which key is missing."""
    policy = door.write("policy.toml", 'name = "n"\n')
    assert said_one_sentence(door, Wrong(typed=lambda _: ["nightly", policy], said=("pool.url", "missing", "Say")))


def test_the_certificate_of_somebody_else(door: Door) -> None:
    """An unknown certificate is refused, a wrong pin with the fingerprint that was shown, the right pin is taken."""
    with Simulator(POOL, user=USER, password=PASSWORD, tls=True, login_delay=0.0) as secured:
        url = secured.url
        unknown = door.terminal.run("check", secured.url)
        wrong = door.terminal.run("check", secured.url, "--fingerprint", "a" * 64)
        right = door.terminal.run("check", secured.url, "--fingerprint", secured.certificate_fingerprint, "--json")
    assert (unknown.code, wrong.code, right.code) == (Exit.ERROR, Exit.ERROR, Exit.DONE)
    assert is_one_sentence(unknown, url, "not trusted", "--fingerprint")
    assert is_one_sentence(wrong, url, str(secured.certificate_fingerprint), "Compare it")


def test_a_member_leads_to_the_coordinator(door: Door) -> None:
    """The URL of any host of the pool is as good as the coordinator's."""
    (member, *_) = [url for url in door.served.simulator.urls.values() if url != door.served.url]
    answers = [door.terminal.run("check", url, "--json") for url in (member, door.served.url)]
    assert [each.code for each in answers] == [Exit.DONE, Exit.DONE]
    assert answers[0].json() == answers[1].json()


TYPED_WRONG = {
    "no such command": ["balance"],
    "no argument": ["check"],
    "one argument too many": ["check", "a", "b"],
    "no such option": ["check", "a", "--colour"],
    "snapshot without output": ["snapshot", "a"],
    "minutes that are none": ["apply", "a", "b", "--minutes", "nan"],
    "no minute": ["apply", "a", "b", "--minutes", "0"],
    "too many minutes": ["apply", "a", "b", "--minutes", "1000000000000"],
    "no such port": ["simulate", "demo", "--port", "65536"],
    "no speed": ["simulate", "demo", "--speed", "0"],
    "no such generation": ["simulate", "demo", "--rrd-generation", "7"],
}


@pytest.mark.parametrize("words", TYPED_WRONG.values(), ids=TYPED_WRONG)
def test_a_command_that_was_typed_wrong(terminal: Terminal, words: list[str]) -> None:
    """It ends with 1, never with 2, which means that a plan has steps; usage goes to the log."""
    ended = terminal.run(*words)
    assert (ended.code, ended.out) == (Exit.ERROR, "")
    assert "Error: " in ended.err
    assert "--help" in ended.err


def test_a_port_that_is_taken(door: Door) -> None:
    """The simulator says which."""
    port = door.served.url.rpartition(":")[2]
    assert said_one_sentence(
        door, Wrong(typed=lambda _: ["simulate", "demo", "--port", port], said=(f"--port {port}", "Name another port"))
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(door: Door) -> None:
    """Permission is named, for snapshot, plan and policy alike."""
    for name in ("pool.json", "plan.json", "policy.toml"):
        door.write(name, "x").chmod(0)
    for words in (("check", "pool.json"), ("show", "plan.json"), ("policy", "check", "policy.toml")):
        assert is_one_sentence(door.terminal.run(*words), "Permission denied")
