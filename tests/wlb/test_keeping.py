"""Accounts, the list of pools, and what a pool may set."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

import rebalancer as rb
from rebalancer.errors import ConnectionSettingsError, InputError
from rebalancer.policy import Mode
from rebalancer.wlb.accounts import Accounts, keep_account
from rebalancer.wlb.configuration import MOST_KEYS, Unacceptable, accepted, policy_under, shown
from rebalancer.wlb.service import url_of
from rebalancer.wlb.serving import Listen, Listening
from rebalancer.wlb.vault import Member, Vault
from tests.pools import policy_of

LOGIN = rb.Credentials(user="root", password="correct horse")


def test_accounts_keep_hashes(tmp_path: Path) -> None:
    """The file is its owner's, holds no password, and admits who is in it; a new password replaces the old one."""
    file = tmp_path / "accounts"
    keep_account(file, "a", "first")
    keep_account(file, "b", "other")
    keep_account(file, "a", "sécond")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not any(word in file.read_text() for word in ("first", "other", "sécond"))
    accounts = Accounts.from_file(file)
    tried = [
        ("a", "sécond"),
        ("b", "other"),
        ("a", "sécond"),
        ("a", "first"),
        ("b", "sécond"),
        ("c", "other"),
        ("a", ""),
    ]
    assert [accounts.admits(*each) for each in tried] == [True, True, True, False, False, False, False]


@pytest.mark.parametrize(("user", "password"), [("", "x"), ("a:b", "x"), ("a\nb", "x"), ("a", "")])
def test_accounts_that_cannot_log_in(tmp_path: Path, user: str, password: str) -> None:
    """Names that Basic logins cannot carry, and empty passwords, are refused."""
    with pytest.raises(ConnectionSettingsError):
        keep_account(tmp_path / "accounts", user, password)


@pytest.mark.parametrize("text", ["", "a:b\n", "a:md5:aaaa:bbbb\n", "a:scrypt:!:!\n", "a:scrypt:YQ==:YQ==\n"])
def test_files_that_are_no_accounts(tmp_path: Path, text: str) -> None:
    """Nobody, another form and broken hashes are told apart from a wrong password."""
    file = tmp_path / "accounts"
    file.write_text(text)
    file.chmod(0o600)
    with pytest.raises(ConnectionSettingsError):
        Accounts.from_file(file)


def test_accounts_are_for_their_owner(tmp_path: Path) -> None:
    """A file that others may read is not used."""
    keep_account(tmp_path / "accounts", "a", "x")
    (tmp_path / "accounts").chmod(0o640)
    with pytest.raises(ConnectionSettingsError, match="others may read"):
        Accounts.from_file(tmp_path / "accounts")


def test_pools_are_kept_encrypted(tmp_path: Path) -> None:
    """Another process finds them again; the files are their owner's, and tell no password."""
    folder = tmp_path / "wlb"
    member = Member(uuid="p", url="https://h", login=LOGIN, configuration={"a": "b & c"})
    Vault(folder).keep(member)
    for name in ("pools.json", "key"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
        assert "horse" not in (folder / name).read_text()
    again = Vault(folder)
    assert again.members == (member,)
    again.forget("p")
    again.forget("p")
    assert Vault(folder).members == ()


def test_a_list_without_its_key(tmp_path: Path) -> None:
    """Another key, no key and no list are errors that say what to do."""
    Vault(tmp_path / "a").keep(Member(uuid="p", url="https://h", login=LOGIN))
    (tmp_path / "a" / "key").unlink()
    with pytest.raises(ConnectionSettingsError, match="another one"):
        Vault(tmp_path / "a")
    (tmp_path / "a" / "key").write_text("short")
    with pytest.raises(ConnectionSettingsError, match="no key"):
        Vault(tmp_path / "a")
    (tmp_path / "a" / "key").unlink()
    (tmp_path / "a" / "pools.json").write_text('{"format": 1}')
    with pytest.raises(ConnectionSettingsError, match="no list"):
        Vault(tmp_path / "a")


def test_what_a_pool_sets_changes_its_policy() -> None:
    """Mode and threshold go over; a policy without them shows its own."""
    policy = policy_of()
    assert shown(policy, {}) == {
        "OptimizationMode": "0",
        "HostCpuThresholdCritical": f"{policy.objective.threshold:g}",
        "AutoBalanceEnabled": "false",
        "PowerManagementEnabled": "false",
        "AutoBalanceSeverity": "High",
        "AutoBalanceAggressiveness": "Medium",
    }
    kept = accepted(
        {"Old": "1"}, {"OptimizationMode": "1", "HostCpuThresholdCritical": "62.5", "AutoBalanceEnabled": "False"}
    )
    under = policy_under(policy, kept)
    assert (under.mode, under.objective.threshold) == (Mode.CONSOLIDATE, 0.625)
    assert shown(under, kept).items() >= {"Old": "1", "OptimizationMode": "1"}.items()
    assert policy_under(policy, {}) == policy


@pytest.mark.parametrize(("sent", "share"), [("0.9", 0.9), ("1", 1.0), ("1.5", 0.015), ("90", 0.9), ("100", 1.0)])
def test_a_threshold_is_a_share_or_per_cent(sent: str, share: float) -> None:
    """XenCenter writes shares; whoever writes per cent is understood as well."""
    kept = accepted({}, {"HostCpuThresholdCritical": sent})
    assert policy_under(policy_of(), kept).objective.threshold == pytest.approx(share)


def test_a_pool_may_not_keep_everything() -> None:
    """The number of keys is bounded, over many calls too."""
    kept = {str(number): "" for number in range(MOST_KEYS)}
    assert accepted(kept, {"0": "x"})["0"] == "x"
    with pytest.raises(Unacceptable):
        accepted(kept, {"one more": ""})


@pytest.mark.parametrize(
    ("told", "url"),
    [
        ("http://10.0.0.1:80/", "https://10.0.0.1"),
        ("http://[fd00::1]:80/", "https://[fd00::1]"),
        ("https://h/", "https://h"),
        ("http://127.0.1.1:8080/", "http://127.0.1.1:8080"),
    ],
)
def test_addresses_of_pools(told: str, url: str) -> None:
    """XAPI's port 80 becomes HTTPS; another port stays as it is."""
    assert url_of(told) == url


@pytest.mark.parametrize("told", ["", "h", "ftp://h/", "http://", "http://[::1", "http://h:port/"])
def test_addresses_that_are_none(told: str) -> None:
    """What is no address of a host is refused before anybody is asked."""
    with pytest.raises(InputError):
        url_of(told)


@pytest.mark.parametrize("address", ["8012", "h", "h:x", "h:70000", "0.0.0.0:8012", "[::]:8012"])
def test_listening_needs_an_address_and_tls(address: str) -> None:
    """On other hosts than loopback logins would go in clear."""
    with pytest.raises(ConnectionSettingsError):
        Listen(address=address)


def test_a_certificate_goes_with_its_key(tmp_path: Path) -> None:
    """One without the other, and files that are none, are refused before anything listens."""
    file = tmp_path / "x.pem"
    with pytest.raises(ConnectionSettingsError, match="Give both"):
        Listen(address="127.0.0.1:0", certificate=file)
    file.write_text("no certificate")
    with pytest.raises(ConnectionSettingsError, match="cannot be used"):
        Listen(address="127.0.0.1:0", certificate=file, key=file)


def test_a_port_that_is_taken() -> None:
    """It is told before the server seems to run."""
    first = Listening(None, Listen(address="127.0.0.1:0"))
    try:
        with pytest.raises(InputError, match="cannot be listened on"):
            Listening(None, Listen(address=first.address))
    finally:
        first._socket.close()
