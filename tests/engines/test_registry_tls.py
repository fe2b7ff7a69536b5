"""A real registry behind TLS, its certificate from an authority that openssl made for this test (S21)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import pytest

from scratchpack.errors import RemoteError
from scratchpack.sinks import registry as sink
from tests.support import releases, tools
from tests.support.build import run
from tests.support.engines import daemon, place

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.engines import Engine


class Secure(NamedTuple):
    host: str
    authority: Path


@pytest.fixture(scope="module")
def secure() -> Iterator[Secure]:
    program = tools.need("docker-registry", package="docker-registry")
    openssl = tools.need("openssl", package="openssl")
    with place("tls") as home:
        new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        run(
            [
                openssl,
                "req",
                "-x509",
                *new,
                "-days",
                "2",
                "-subj",
                "/CN=test authority",
                "-keyout",
                "authority",
                "-out",
                "ca.crt",
            ],
            cwd=home,
        )
        run([openssl, "req", *new, "-subj", "/CN=127.0.0.1", "-keyout", "key", "-out", "csr"], cwd=home)
        (home / "names").write_text("subjectAltName=IP:127.0.0.1\n")
        signing = ["-CA", "ca.crt", "-CAkey", "authority", "-CAcreateserial", "-days", "2", "-extfile", "names"]
        run([openssl, "x509", "-req", "-in", "csr", *signing, "-out", "crt"], cwd=home)
        (home / "config.yml").write_text(
            f"version: 0.1\nstorage: {{filesystem: {{rootdirectory: {home}/data}}}}\n"
            f"http: {{addr: '127.0.0.1:0', secret: test, tls: {{certificate: {home}/crt, key: {home}/key}}}}\n"
        )
        listening = re.compile(r"listening on (127\.0\.0\.1:\d+)")
        with daemon(home, [program, "serve", f"{home}/config.yml"], lambda log: bool(listening.search(log))):
            found = listening.search((home / "log").read_text())
            assert found
            yield Secure(found[1], home / "ca.crt")


@pytest.fixture(autouse=True)
def nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))


def test_a_known_authority_is_enough(secure: Secure, skopeo: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(secure.authority))
    release = releases.small()
    sink.RegistrySink([f"{secure.host}/tls/app:v1"]).write(release)
    seen = skopeo("inspect", "--cert-dir", secure.authority.parent, "--raw", f"docker://{secure.host}/tls/app:v1").out
    assert seen.encode() == release.top.open().read()


def test_an_unknown_authority_is_refused(secure: Secure) -> None:
    with pytest.raises(RemoteError, match="cannot trust"):
        sink.RegistrySink([f"{secure.host}/tls/refused:v1"]).write(releases.small())


def test_insecure_registry_does_without_the_authority(secure: Secure) -> None:
    (receipt,) = sink.RegistrySink([f"{secure.host}/tls/insecure:v1"], insecure=[secure.host]).write(releases.small())
    assert receipt.digest == releases.small().top.digest
