"""Documents, headers and URLs of a hostile registry: taken, or a RemoteError; nothing else leaves (S5, S22), and no password is shown (S21)."""

from __future__ import annotations

import contextlib
import json
import os
import random
from typing import TYPE_CHECKING, Any

import pytest

from scratchpack.elf.machines import Platform
from scratchpack.errors import InputError, RemoteError, UsageError
from scratchpack.oci import reference
from scratchpack.oci.registry import auth, faults, transport
from scratchpack.oci.registry.client import Document, Repository, media_type
from scratchpack.oci.registry.policy import Policy
from scratchpack.oci.registry.pull import RemoteImage, choose
from scratchpack.oci.registry.push import push
from scratchpack.oci.registry.session import Access, Session
from scratchpack.oci.registry.store import RemoteStore
from scratchpack.oci.source import read_images
from tests.support import releases
from tests.support.fake_registry import FakeRegistry, Reply
from tests.support.mutants import mutants
from tests.unit.oci.registry.conftest import hasty

if TYPE_CHECKING:
    from collections.abc import Iterator

INDEX = "application/vnd.oci.image.index.v1+json"
TREE: dict[str, Any] = {
    "schemaVersion": 2,
    "mediaType": INDEX,
    "manifests": [
        {
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "digest": "sha256:" + digit * 64,
            "size": 400,
            "platform": {"os": "linux", "architecture": arch, "variant": variant},
            "annotations": {"a": "b"},
        }
        for digit, arch, variant in (("1", "amd64", ""), ("2", "arm", "v7"), ("3", "unknown", ""))
    ],
}
ORIGIN = transport.origin("https://registry.example.org")


def documents() -> Iterator[bytes]:
    return mutants(TREE, random.Random(22))


def test_every_mutant_of_an_index_is_chosen_from_or_refused() -> None:
    count = 0
    for data in documents():
        count += 1
        with contextlib.suppress(RemoteError):
            assert isinstance(choose(data, Platform("linux", "amd64"), "an image"), str)
        assert isinstance(media_type(Document("x/y", "", data)), str)
    assert count > 800


def test_every_mutant_of_a_token_is_used_or_refused() -> None:
    used = 0
    for data in mutants({"token": "abc", "access_token": "def", "expires_in": 60}, random.Random(22)):
        with contextlib.suppress(RemoteError):
            assert auth._read_token(data, ORIGIN).isascii()
            used += 1
    assert used > 10


def test_every_mutant_of_an_error_is_one_printable_line() -> None:
    for data in mutants({"errors": [{"code": "DENIED", "message": "no", "detail": {"x": [1]}}]}, random.Random(22)):
        assert faults.words(data).isprintable()


def test_an_image_whose_documents_are_mutants_is_a_store_or_refused(home: FakeRegistry) -> None:
    tried = list(documents())[::40]
    assert len(tried) > 20
    for data in tried:
        home.manifests["team/app:v1"] = (INDEX, data)
        with contextlib.suppress(RemoteError, InputError), RemoteStore(f"{home.host}/team/app:v1", hasty()) as store:
            assert json.loads(store.document("index.json"))["manifests"]


def test_a_list_of_referrers_that_is_a_mutant_is_added_to_or_refused(home: FakeRegistry) -> None:
    image = releases.image([releases.layer(hello=b"x")])
    release = releases.release(image, sbom=b"{}", names=["x"])
    tag = release.referrers[0].subject.replace(":", "-", 1)
    taken = 0
    for data in list(mutants({"mediaType": INDEX, "manifests": [{"digest": "d", "x": 1}]}, random.Random(1)))[::12]:
        home.manifests[f"team/app:{tag}"] = (INDEX, data)
        with contextlib.suppress(RemoteError):
            push(release, [f"{home.host}/team/app:v1"], options=hasty())
            taken += 1
    assert taken


LENGTHS = ["9" * 4400, "²", "-1", "+5", "1_0", ""]


@pytest.mark.parametrize("length", LENGTHS)
def test_a_length_that_is_no_number_is_not_known(home: FakeRegistry, length: str) -> None:
    home.on("HEAD", "/v2/.*/blobs/.*", Reply(200, {"Content-Length": length}))
    options = Access(policy=Policy(tries=1, answer=2))
    with Session(home.host, options) as session, contextlib.suppress(RemoteError):
        size = Repository(session, "team/app").blob_size("sha256:" + "1" * 64)
        assert size is not None
        assert size <= 5


PLACES = ["http://[::1", "http://[::1]:99999999/", "//[", "http://:80", "http://a:²/", "http://\udcff/", "http://" + "a" * 70 + ".b/", "\x00",
          "http://x:" + "9" * 5000, "ftp://x/", "http://a..b/", "%"]  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
def test_a_place_that_is_no_url_is_not_followed(place: str) -> None:
    with contextlib.suppress(RemoteError):
        transport.origin(transport.join(f"{ORIGIN}/", place))


@pytest.mark.parametrize(
    "place", ["http://[::1", "http://127.0.0.1:99999999/", "//[", "http://" + "a" * 70 + ".invalid/"]
)
def test_a_redirect_and_a_realm_that_are_no_url_are_refused(home: FakeRegistry, place: str) -> None:
    home.on("GET", "/v2/team/moved/manifests/v1", Reply(307, {"Location": place}))
    home.on("GET", "/v2/team/asks/manifests/v1", Reply(401, {"WWW-Authenticate": f'Bearer realm="{place}"'}))
    for name in ("moved", "asks"):
        with pytest.raises(RemoteError), RemoteImage(f"{home.host}/team/{name}:v1", hasty()) as image:
            image.top()


@pytest.mark.parametrize(
    "url",
    [
        "https://u:secret@h.example/x",
        "http://u:sec@ret@h/x",
        "http://u:s/secret@h/x",
        "http://u:s?secret@h/",
        "http://secret@h:80/x?t=secret",
    ],
)
def test_a_url_is_shown_without_its_password(url: str) -> None:
    assert "secret" not in faults.shown(url)
    assert "ret@" not in faults.shown(url)


def test_a_url_keeps_its_host_when_only_its_query_has_an_at() -> None:
    assert faults.shown("https://store.example:5000/x?user=a@b") == "https://store.example:5000/x"


@pytest.mark.parametrize("name", ["https://u:secret@h.example/app", "u:secret@h.example/app:1", "u:se/secret@h/app"])
def test_a_name_with_a_password_in_it_is_refused_and_the_password_not_shown(name: str) -> None:
    with pytest.raises(UsageError, match="a URL with a password") as caught:
        reference.parse(name)
    assert "secret" not in caught.value.message


def test_a_proxys_password_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    wire = transport.Wire(frozenset(), Policy(tries=1))
    for proxy in ("http://u:secret@[::1", "socks5://u:secret@h", "http://u:secret@127.0.0.1:1", "http://u:secret@h:²"):
        monkeypatch.setenv("https_proxy", proxy)
        with pytest.raises(RemoteError) as caught:
            wire.send("GET", "https://registry.example.org/v2/", {})
        assert "secret" not in f"{caught.value.message} {caught.value.hint} {caught.value.details}"


def test_a_layer_that_is_longer_than_the_manifest_states_does_not_fill_the_disk(home: FakeRegistry) -> None:
    """S22: what comes after the stated size is not kept."""
    release = releases.release(releases.image([releases.layer(hello=b"x")]), names=["x"])
    push(release, [f"{home.host}/team/app:v1"], options=hasty())
    (layer,) = release.images[0].layers
    home.on("GET", f".*/blobs/{layer.blob.digest}", Reply(200, {}, bytes(64 << 20)), 9)
    with RemoteStore(f"{home.host}/team/app:v1", hasty()) as store:
        (image,) = read_images(store)
        with pytest.raises(RemoteError, match="it is longer than"):
            image.layers[0].open()
        assert os.fstat(store._spool._file.fileno()).st_size < 4 << 20
