"""S21: once https, never http; a certificate that nobody vouches for is refused unless the user says otherwise."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import pytest

from scratchpack.errors import RemoteError
from scratchpack.oci.registry import transport
from scratchpack.oci.registry.auth import Login
from scratchpack.oci.registry.policy import Policy
from scratchpack.oci.registry.push import push
from scratchpack.oci.registry.session import Access, Session
from tests.support import releases, tools
from tests.support.build import run
from tests.support.fake_registry import FakeRegistry, Reply
from tests.unit.oci.registry.conftest import BASIC, SECRET, hasty

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that signs itself, and its key."""
    openssl = tools.need("openssl", package="openssl")
    home = tmp_path_factory.mktemp("tls")
    words = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    run([openssl, *words, *names, "-keyout", home / "key", "-out", home / "crt"])
    return home / "crt", home / "key"


@pytest.fixture
def secure(certificate: tuple[Path, Path]) -> Iterator[FakeRegistry]:
    """A registry that speaks https."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    with FakeRegistry("127.0.0.1", tls=context) as fake:
        yield fake


def push_to(fake: FakeRegistry, options: Access) -> None:
    push(releases.small(), [f"{fake.host}/team/app:v1"], options=options)


def test_a_certificate_of_a_known_authority_is_trusted(
    secure: FakeRegistry, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    push_to(secure, hasty())
    assert "team/app:v1" in secure.manifests


def test_a_certificate_that_docker_keeps_for_the_host_is_trusted(
    secure: FakeRegistry, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / secure.host).mkdir()
    (tmp_path / secure.host / "ca.crt").write_bytes(certificate[0].read_bytes())
    monkeypatch.setattr(transport, "_CERTIFICATES", (str(tmp_path),))
    push_to(secure, hasty())
    assert "team/app:v1" in secure.manifests


def test_an_unknown_certificate_is_refused_and_no_password_is_sent(
    secure: FakeRegistry, log_in: Callable[..., None]
) -> None:
    log_in(secure.host)
    with pytest.raises(RemoteError, match=r"cannot trust https://127\.0\.0\.1") as caught:
        push_to(secure, hasty())
    assert f"--insecure-registry {secure.host}" in (caught.value.hint or "")
    assert not secure.seen


def test_insecure_registry_takes_any_certificate(secure: FakeRegistry) -> None:
    push_to(secure, hasty(insecure={secure.host}))
    assert "team/app:v1" in secure.manifests


def test_a_token_realm_on_plain_http_is_refused(
    secure: FakeRegistry, home: FakeRegistry, log_in: Callable[..., None]
) -> None:
    log_in(secure.host)
    secure.ask_for_token(f"{home.url}/token")
    with pytest.raises(RemoteError, match="not https"):
        push_to(secure, hasty(insecure={secure.host}, token_servers={home.host}))
    assert not home.seen
    assert not secure.was_told(SECRET)


@pytest.mark.parametrize("method", ["HEAD", "POST", "PATCH"])
def test_neither_redirect_nor_upload_place_leads_to_plain_http(
    secure: FakeRegistry, home: FakeRegistry, method: str
) -> None:
    status = 307 if method == "HEAD" else 202
    secure.on(method, ".*", Reply(status, {"Location": f"{home.url}/elsewhere"}))
    with pytest.raises(RemoteError, match="from https to plain http"):
        push_to(secure, hasty(insecure={secure.host}))
    assert not home.seen


def test_plain_http_to_another_machine_has_to_be_allowed() -> None:
    with Session("192.0.2.1:5000", Access(policy=Policy(tries=1, connect=0.1))) as session:
        assert session.login.home.scheme == "https"


def test_docker_hubs_token_server_may_see_the_password_and_its_neighbours_may_not() -> None:
    hub = transport.origin("https://registry-1.docker.io")
    login = Login(hub, transport.Wire(frozenset(), Policy()), lambda: None)
    for url, may in (
        ("https://auth.docker.io/token", True),
        ("https://auth.docker.io:8443/token", False),
        ("http://auth.docker.io/token", False),
        ("https://auth.docker.io.example.com/token", False),
        ("https://evil.docker.io/token", False),
        ("https://registry-1.docker.io/token", True),
        ("http://registry-1.docker.io/token", False),
    ):
        assert login._may_see(transport.origin(url)) is may, url


def test_the_header_for_a_password_is_docker_s() -> None:
    assert BASIC == "Basic dXNlcjpzM2NyZXQtb2YtdGhlLXVzZXI="
