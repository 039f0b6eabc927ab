"""Who is told, and what of a URL is never seen."""

from __future__ import annotations

from pathlib import Path

import pytest

from rebalancer.errors import ConnectionSettingsError, PolicyError
from rebalancer.nightly.notify.sending import NO_URL, kind_of, why_unsent
from rebalancer.nightly.notify.targets import Target, targets_of
from rebalancer.nightly.notify.trial import told_for_a_test
from rebalancer.policy import NotifyPolicy, Policy, policy_digest
from tests.nightly.notify.mailbox import HERE, SECRET, mail_server, webhook
from tests.pools import policy_of

WANTED = NotifyPolicy(to=("OPS_MAIL", "OPS_CHAT"), credentials_file="told")


def file_of(folder: Path, text: str, mode: int = 0o600) -> None:
    """The credentials file of WANTED."""
    (folder / "told").write_text(text)
    (folder / "told").chmod(mode)


def test_urls_come_from_the_environment_by_name(tmp_path: Path) -> None:
    """What is not there says where it was looked for."""
    wanted = NotifyPolicy(to=("OPS_MAIL", "OPS_CHAT"))
    mail, chat = targets_of(wanted, tmp_path, {"OPS_MAIL": "mailto://x"})
    assert (mail.url, mail.problem) == ("mailto://x", "")
    assert (chat.url, chat.problem) == ("", "not in the environment")


def test_urls_come_from_a_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    """Beside the policy; a URL may hold an equals sign."""
    file_of(tmp_path, f"# who is told\n\nOPS_MAIL = mailto://h?to={SECRET}\n")
    mail, chat = targets_of(WANTED, tmp_path, {"OPS_CHAT": "json://not-from-here"})
    assert mail.url == f"mailto://h?to={SECRET}"
    assert chat.problem == "not in told"


@pytest.mark.parametrize(
    ("text", "mode", "problem"),
    [
        (f"OPS_MAIL=json://{SECRET}", 0o644, "others may read or change it (mode 0644)"),
        (f"json://{SECRET}?a=b", 0o600, "line 1 is no NAME=URL"),
        (f"\njson://{SECRET}", 0o600, "line 2 is no NAME=URL"),
    ],
)
def test_a_file_that_cannot_be_used_says_why_and_holds_its_tongue(
    text: str, mode: int, problem: str, tmp_path: Path
) -> None:
    """Nobody is told then, and no secret shows."""
    file_of(tmp_path, text, mode)
    problems = {each.problem for each in targets_of(WANTED, tmp_path)}
    (words,) = problems
    assert problem in words
    assert SECRET not in words


def test_a_url_in_a_policy_is_refused_without_being_repeated(tmp_path: Path) -> None:
    """A policy is shown, kept in plans, and sent around."""
    file = tmp_path / "p.toml"
    file.write_text(f'[notify]\nto = ["json://{SECRET}@h"]\n')
    with pytest.raises(PolicyError, match="a URL has no place in a policy") as refused:
        Policy.load(file)
    assert SECRET not in str(refused.value)


def test_plans_do_not_carry_who_is_told() -> None:
    """Nor does the digest of a policy depend on it."""
    told = policy_of(notify={"to": ["OPS_MAIL"]})
    assert "notify" in told.given()
    assert "notify" not in told.without_address().given()
    assert "notify" not in Policy().spelled_out().given()
    assert policy_digest(told.without_address().spelled_out()) == policy_digest(policy_of().spelled_out())


def test_a_target_shows_no_url() -> None:
    """Its kind is all that is told of it."""
    target = Target(name="OPS", url=f"json://{SECRET}@h")
    assert SECRET not in repr(target)
    assert kind_of(target) == "json"
    assert kind_of(Target(name="OPS", url=SECRET)) == "unknown"


def test_a_mail_and_a_post_arrive() -> None:
    """Title and body, as they were written."""
    with mail_server() as mails, webhook() as hook:
        for url in (mails.url, hook.url):
            assert why_unsent(Target(name="OPS", url=url), "a title", "one <b>line</b>\nanother") == ""
    (mail,) = mails.mails
    assert (mail["Subject"], mail["To"]) == ("a title", "ops@pool.test")
    assert "another" in mail.as_string()
    (post,) = hook.posts
    assert (post["title"], post["message"]) == ("a title", "one <b>line</b>\nanother")


def test_what_is_not_taken_says_why_without_its_secret(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """A wrong password, a wrong path, nobody there, no URL at all: neither answer, nor log, nor stream has it."""
    with mail_server() as mails, webhook() as hook:
        urls = [mails.wrong_url, hook.wrong_url, f"json://{HERE}:9/{SECRET}", f"nosuch://{SECRET}"]
        reasons = [why_unsent(Target(name="OPS", url=url), "t", "b") for url in urls]
    lost = "no connection to the server, or it refused the message"
    assert reasons == [lost, "the server answered 403", lost, NO_URL]
    assert (mails.mails, hook.posts) == ([], [])
    streams = capfd.readouterr()
    assert SECRET not in f"{reasons}{streams.out}{streams.err}{caplog.text}"


def test_everybody_is_tried(tmp_path: Path) -> None:
    """One is reached, the other is not; whoever names nobody is told so."""
    with webhook() as hook:
        file_of(tmp_path, f"OPS_MAIL={hook.url}\nOPS_CHAT={hook.wrong_url}\n")
        tried = list(told_for_a_test(policy_of(name="night", notify=WANTED.given()), tmp_path))
    assert [str(each) for each in tried] == ["OPS_MAIL (json): told", "OPS_CHAT (json): the server answered 403"]
    (post,) = hook.posts
    assert "under the policy 'night'" in post["message"]
    with pytest.raises(ConnectionSettingsError, match="names nobody"):
        list(told_for_a_test(Policy(), tmp_path))
