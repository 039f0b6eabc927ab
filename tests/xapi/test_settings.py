from __future__ import annotations

import pickle
import ssl
from pathlib import Path

import pytest

from rebalancer.errors import ConnectionSettingsError
from rebalancer.policy import PoolPolicy
from rebalancer.xapi import Credentials, Trust
from rebalancer.xapi.wire.address import parse_url

SECRET = "correct horse"
PRINT = "AB:" * 31 + "CD"


@pytest.mark.parametrize(
    ("url", "canonical"),
    [
        ("https://pool.example", "https://pool.example"),
        ("https://pool.example/", "https://pool.example"),
        ("https://pool.example:8443", "https://pool.example:8443"),
        ("https://10.0.0.1:443", "https://10.0.0.1"),
        ("https://[fd00::1]", "https://[fd00::1]"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://127.3.4.5", "http://127.3.4.5"),
        ("http://localhost:80", "http://localhost"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_urls_that_are_taken(url: str, canonical: str) -> None:
    """HTTPS to anywhere and plain HTTP to this machine are taken, and come back in one form."""
    assert str(parse_url(url)) == canonical


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://pool.example", "plain http would send the password in the clear"),
        ("http://10.0.0.1", "plain http would send the password in the clear"),
        ("http://localhost.example", "plain http would send the password in the clear"),
        ("http://127.0.0.1.example", "plain http would send the password in the clear"),
        ("http://[::ffff:127.0.0.1]", "plain http would send the password in the clear"),
        ("http://0.0.0.0", "plain http would send the password in the clear"),
        ("pool.example", "it is not the URL of a pool"),
        ("ftp://pool.example", "it is not the URL of a pool"),
        ("https://", "it is not the URL of a pool"),
        ("https://pool.example:port", "it is not a URL"),
        ("https://pool.example:99999", "it is not a URL"),
        ("https://[fd00", "it is not a URL"),
        ("https://pool.example/RPC2", "it has more than host and port"),
        ("https://pool.example?x=1", "it has more than host and port"),
        (f"https://root:{SECRET}@pool.example", "a URL must not hold a user or password"),
    ],
)
def test_urls_that_are_refused(url: str, problem: str) -> None:
    """Everything else is refused with the reason and the fix, and without a password in the sentence."""
    with pytest.raises(ConnectionSettingsError) as raised:
        parse_url(url)
    assert problem in str(raised.value)
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize(
    ("named", "followed"),
    [
        ("10.0.0.2", "https://10.0.0.2:8443"),
        ("10.0.0.2:9000", "https://10.0.0.2:9000"),
        ("fd00::2", "https://[fd00::2]:8443"),
        ("[fd00::2]:9000", "https://[fd00::2]:9000"),
    ],
)
def test_other_hosts_of_the_pool(named: str, followed: str) -> None:
    """A host that XAPI names is reached by the scheme and, unless it names one, the port of the session."""
    assert str(parse_url("https://10.0.0.1:8443").at(named)) == followed


@pytest.mark.parametrize("named", ["", ":80", "host:port", "[fd00"])
def test_hosts_without_an_address_are_refused(named: str) -> None:
    """What XAPI names, and is no address, is refused."""
    with pytest.raises(ConnectionSettingsError):
        parse_url("https://10.0.0.1").at(named)


def test_plain_http_is_not_followed_away() -> None:
    """A coordinator elsewhere is not followed over plain HTTP."""
    with pytest.raises(ConnectionSettingsError, match=r"http://10\.0\.0\.2:8080: plain http"):
        parse_url("http://127.0.0.1:8080").at("10.0.0.2")


def test_credentials_from_the_environment() -> None:
    """Both variables are needed, and the password does not show."""
    both = {"REBALANCER_USER": "root", "REBALANCER_PASSWORD": SECRET}
    credentials = Credentials.from_environment(both)
    assert (credentials.user, credentials.password) == ("root", SECRET)
    assert SECRET not in repr(credentials) + str(credentials)
    for name in both:
        with pytest.raises(ConnectionSettingsError, match=f"the variable {name} is not set"):
            Credentials.from_environment({**both, name: ""})


def written(tmp_path: Path, text: str, mode: int = 0o600) -> Path:
    """A credentials file."""
    path = tmp_path / "login"
    path.write_text(text)
    path.chmod(mode)
    return path


def test_credentials_from_a_file(tmp_path: Path) -> None:
    """User on the first line, password on the second, spaces kept."""
    credentials = Credentials.from_file(written(tmp_path, f"root\n {SECRET} \n"))
    assert credentials == Credentials(user="root", password=f" {SECRET} ")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o610])
def test_a_file_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    """Any permission for group or others refuses the file and names the command that mends it."""
    with pytest.raises(ConnectionSettingsError, match="chmod 600"):
        Credentials.from_file(written(tmp_path, f"root\n{SECRET}\n", mode))


@pytest.mark.parametrize("text", ["", "root", "root\n\n", f"root\n{SECRET}\nmore\n"])
def test_a_file_of_another_shape_is_refused(tmp_path: Path, text: str) -> None:
    """A file without exactly two lines is refused, and its content is not repeated."""
    with pytest.raises(ConnectionSettingsError, match="instead of two") as raised:
        Credentials.from_file(written(tmp_path, text))
    assert SECRET not in str(raised.value)


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    """Without a byte order mark nothing says that it is UTF-16."""
    with pytest.raises(ConnectionSettingsError, match="not text in UTF-8"):
        Credentials.from_file(written(tmp_path, f"root\n{SECRET}\n".encode("utf-16-le").decode()))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """A file that is not there is named."""
    with pytest.raises(ConnectionSettingsError, match="absent: it cannot be read"):
        Credentials.from_file(tmp_path / "absent")


def test_fingerprints_have_one_form() -> None:
    """Colons and capitals make no difference, nor does what openssl writes before them."""
    plain = PRINT.replace(":", "").lower()
    for written in (PRINT, f"sha256 Fingerprint={PRINT}", f"SHA256 Fingerprint={PRINT}\n"):
        assert Trust(fingerprints=frozenset({written})).fingerprints == {plain}
        assert PoolPolicy(fingerprints=(written,)).fingerprints == (written,)


@pytest.mark.parametrize("text", ["", "ab:cd", PRINT + "00", "zz" * 32, "sha1"])
def test_what_is_no_fingerprint_is_refused(text: str) -> None:
    """A fingerprint that is not SHA-256 is refused, with the command that prints one."""
    with pytest.raises(ConnectionSettingsError, match="openssl x509"):
        Trust(fingerprints=frozenset({text}))


def test_one_way_to_trust(tmp_path: Path) -> None:
    """A CA file and fingerprints together are refused: nobody could say which of them decides."""
    with pytest.raises(ConnectionSettingsError, match="Give one of the two"):
        Trust(ca_file=tmp_path / "ca.pem", fingerprints=frozenset({PRINT}))


@pytest.mark.parametrize("content", [None, "", "no certificate"])
def test_a_ca_file_without_certificate_is_refused(tmp_path: Path, content: str | None) -> None:
    """A CA file that is missing, empty or something else is named."""
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConnectionSettingsError, match=r"ca\.pem: .* be read.*Name a PEM file"):
        Trust(ca_file=path).context()


def test_certificates_are_verified_by_default() -> None:
    """Without any setting the system's CAs decide, and names are checked."""
    context = Trust().context()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


def test_trust_is_a_value() -> None:
    """Equal settings are equal, so that they can be kept and compared."""
    assert pickle.loads(pickle.dumps(Trust(fingerprints=frozenset({PRINT})))) == Trust(  # noqa: S301 - our own bytes
        fingerprints=frozenset({PRINT.lower()})
    )
