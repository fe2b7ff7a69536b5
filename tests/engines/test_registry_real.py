"""Pushing to distribution 2.8 and reading back: the same bytes, seen by us and by skopeo (I3, I14, S21)."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest

from scratchpack.errors import RemoteError
from scratchpack.oci.registry.client import Repository
from scratchpack.oci.registry.pull import RemoteImage
from scratchpack.oci.registry.push import push
from scratchpack.oci.registry.session import Access, Session
from scratchpack.sinks import registry as sink
from scratchpack.sinks.model import Receipt
from tests.support import releases
from tests.support.engines import PASSWORD, USER

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.engines import Engine, Registry


@pytest.fixture(autouse=True)
def nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No credentials of this machine's user are seen; returns the directory that DOCKER_CONFIG names."""
    home = tmp_path / "docker-config"
    home.mkdir()
    monkeypatch.setenv("DOCKER_CONFIG", str(home))
    monkeypatch.delenv("REGISTRY_AUTH_FILE", raising=False)
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    return home


def log_in(home: Path, host: str, password: str = PASSWORD) -> None:
    auth = base64.b64encode(f"{USER}:{password}".encode()).decode()
    (home / "config.json").write_text(json.dumps({"auths": {host: {"auth": auth}}}))


def test_what_was_pushed_reads_back_with_the_same_digest(registry: Registry, skopeo: Engine) -> None:
    release = releases.small()
    (receipt,) = sink.RegistrySink([f"{registry.host}/team/app:v1", f"{registry.host}/team/app:v2"]).write(release)
    digest = release.top.digest
    assert receipt == Receipt("registry", f"{registry.host}/team/app@{digest}", digest)
    for tag in ("v1", "v2"):
        seen = skopeo("inspect", "--tls-verify=false", "--raw", f"docker://{registry.host}/team/app:{tag}").out
        assert seen.encode() == release.top.open().read()
    with RemoteImage(f"{registry.host}/team/app:v2") as remote:
        assert remote.manifest().digest == digest
        for one in release.images[0].layers:
            with remote.open(one.blob.digest, one.blob.size) as stream:
                assert stream.read() == one.blob.open().read()
        assert json.loads(remote.read(release.images[0].config_blob.digest))["architecture"] == "amd64"


def test_skopeo_copies_it_out_whole(registry: Registry, skopeo: Engine, tmp_path: Path) -> None:
    sink.RegistrySink([f"{registry.host}/copied/app:v1"]).write(releases.small())
    skopeo(
        "copy",
        "--src-tls-verify=false",
        "--preserve-digests",
        f"docker://{registry.host}/copied/app:v1",
        f"oci:{tmp_path}/out:v1",
    )
    index = json.loads((tmp_path / "out" / "index.json").read_text())
    assert index["manifests"][0]["digest"] == releases.small().top.digest


def test_pushing_again_sends_nothing(registry: Registry) -> None:
    release = releases.release(releases.image([releases.layer(hello=b"again")]))
    names = [f"{registry.host}/again/app:v1"]
    (first,) = push(release, names)
    (second,) = push(release, names)
    assert first.blobs == {"present": 0, "mounted": 0, "uploaded": 2}
    assert second.blobs == {"present": 2, "mounted": 0, "uploaded": 0}


def test_a_second_repository_of_the_host_mounts_the_blobs(registry: Registry) -> None:
    release = releases.release(releases.image([releases.layer(hello=b"mounted")]))
    first, second = push(release, [f"{registry.host}/mount/a:v1", f"{registry.host}/mount/b:v1"])
    assert first.blobs["uploaded"] == 2
    assert second.blobs == {"present": 0, "mounted": 2, "uploaded": 0}
    with RemoteImage(f"{registry.host}/mount/b:v1") as remote:
        assert remote.top().digest == release.top.digest


def test_several_platforms_are_pushed_as_one_index(registry: Registry, skopeo: Engine) -> None:
    """I5: one tag, one index, the platforms below it."""
    amd64 = releases.image([releases.layer(hello=b"x86")], releases.AMD64)
    arm64 = releases.image([releases.layer(hello=b"arm")], releases.ARM64)
    release = releases.release(amd64, arm64)
    sink.RegistrySink([f"{registry.host}/multi/app:v1"]).write(release)
    for architecture, one in (("amd64", amd64), ("arm64", arm64)):
        words = ("--override-arch", architecture, "inspect", "--tls-verify=false")
        assert json.loads(skopeo(*words, f"docker://{registry.host}/multi/app:v1").out)["Architecture"] == architecture
        with RemoteImage(f"{registry.host}/multi/app:v1") as remote:
            assert remote.manifest(one.platform).digest == one.manifest_blob.digest
    with (
        RemoteImage(f"{registry.host}/multi/app:v1") as remote,
        pytest.raises(RemoteError, match="linux/amd64, linux/arm64"),
    ):
        remote.manifest()


def test_an_sbom_refers_to_the_image_through_the_fallback_tag(registry: Registry) -> None:
    """Distribution 2.8 has no referrers API: the tag sha256-<hex> holds the list, and keeps what was there."""
    first = releases.release(releases.image([releases.layer(hello=b"bom")]), sbom=b'{"first":1}')
    second = releases.release(first.images[0], sbom=b'{"second":2}')
    for release in (first, second, first):
        sink.RegistrySink([f"{registry.host}/bom/app:v1"]).write(release)
    with RemoteImage(f"{registry.host}/bom/app:{first.top.digest.replace(':', '-')}") as remote:
        entries = json.loads(remote.top().data)["manifests"]
    assert [one["digest"] for one in entries] == [one.referrers[0].manifest_blob.digest for one in (first, second)]
    assert entries[0]["artifactType"] == "application/spdx+json"
    assert entries[0]["annotations"] == {"org.example.about": "test"}
    with RemoteImage(f"{registry.host}/bom/app@{entries[1]['digest']}") as remote:
        assert remote.read(json.loads(remote.top().data)["layers"][0]["digest"]) == b'{"second":2}'


def test_a_registry_with_a_password_takes_the_one_docker_stored(
    registry_with_password: Registry, nobody: Path, skopeo: Engine
) -> None:
    host, release = registry_with_password.host, releases.small()
    log_in(nobody, host)
    sink.RegistrySink([f"{host}/team/app:v1"]).write(release)
    words = ("inspect", "--tls-verify=false", "--creds", f"{USER}:{PASSWORD}", "--raw")
    assert skopeo(*words, f"docker://{host}/team/app:v1").out.encode() == release.top.open().read()


@pytest.mark.parametrize("password", [None, "wrong"])
def test_without_the_right_password_nothing_is_pushed(
    registry_with_password: Registry, nobody: Path, password: str | None
) -> None:
    host = registry_with_password.host
    if password is not None:
        log_in(nobody, host, password)
    with pytest.raises(RemoteError, match="401, not logged in") as caught:
        sink.RegistrySink([f"{host}/refused/app:v1"]).write(releases.small())
    assert caught.value.exit_code == 8
    assert f"docker login {host}" in (caught.value.hint or "")
    assert not (registry_with_password.home / "data/docker/registry/v2/repositories/refused").exists()


def test_a_name_that_is_not_there_is_said_so(registry: Registry) -> None:
    with RemoteImage(f"{registry.host}/nobody/has:this") as remote, pytest.raises(RemoteError, match="no such image"):
        remote.top()


def test_a_blob_that_is_not_there_is_found_missing(registry: Registry) -> None:
    with Session(registry.host, Access()) as session:
        assert not Repository(session, "nobody/has").has_blob("sha256:" + "0" * 64)
