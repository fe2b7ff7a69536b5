"""A registry that refuses, breaks or lies: a clear message, exit 8, bounded tries; and the push can be run again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from scratchpack.errors import InputError, RemoteError, UsageError
from scratchpack.oci.model import Blob
from scratchpack.oci.registry import transport
from scratchpack.oci.registry.auth import challenges
from scratchpack.oci.registry.client import Repository
from scratchpack.oci.registry.policy import Policy
from scratchpack.oci.registry.pull import RemoteImage, choose
from scratchpack.oci.registry.push import push
from scratchpack.oci.registry.session import Access, Session
from scratchpack.sinks import registry as sink
from tests.support import releases
from tests.support.fake_registry import FakeRegistry, Reply, Seen
from tests.unit.oci.registry.conftest import hasty

if TYPE_CHECKING:
    from pathlib import Path

RELEASE = releases.small()


def push_to(fake: FakeRegistry, options: Access | None = None) -> None:
    push(RELEASE, [f"{fake.host}/team/app:v1"], options=options or hasty())


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (400, "400, the registry calls the request wrong"),
        (401, "401, not logged in"),
        (403, "403, this user may not do that"),
        (404, "404, not found there"),
        (405, "405, the registry does not offer this"),
        (413, "413, too large for this registry"),
        (418, "418, not an answer we know"),
        (429, "429, too many requests"),
        (500, "500, the registry failed"),
        (503, "503, the registry failed"),
    ],
)
@pytest.mark.parametrize(
    "where", ["HEAD .*/blobs/.*", "POST .*", "PATCH .*", "PUT .*/uploads/.*", "PUT .*/manifests/v1"]
)
def test_a_refusal_is_explained(home: FakeRegistry, status: int, says: str, where: str) -> None:
    method, pattern = where.split()
    body = b'{"errors":[{"code":"WHY","message":"because"}]}'
    home.on(method, pattern, Reply(status, {}, b"" if method == "HEAD" else body))
    if (method, status) == ("HEAD", 404):
        push_to(home)  # it only means that the blob is missing
        return
    with pytest.raises(RemoteError) as caught:
        push_to(home)
    assert caught.value.exit_code == 8
    assert says in caught.value.message
    assert caught.value.message.startswith("cannot ")
    assert method == "HEAD" or "WHY: because" in caught.value.message
    assert "team/app:v1" not in home.manifests


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
@pytest.mark.parametrize("where", ["HEAD .*", "POST .*", "PATCH .*", "PUT .*/uploads/.*", "PUT .*/manifests/.*"])
def test_trouble_that_passes_is_waited_out(home: FakeRegistry, status: int, where: str) -> None:
    method, pattern = where.split()
    home.on(method, pattern, Reply(status), times=2)
    push_to(home)
    assert "team/app:v1" in home.manifests


def test_there_are_three_tries_and_no_more(home: FakeRegistry) -> None:
    home.on("PUT", ".*/manifests/v1", Reply(503))
    with pytest.raises(RemoteError, match=r"503.*tried 3 times"):
        push_to(home)
    assert len([one for one in home.seen if one.path.endswith("/manifests/v1")]) == 3


@pytest.mark.parametrize(
    ("asked", "least", "most"),
    [("0", 0.0, 0.0), ("7", 7.0, 7.0), ("86400", 10.0, 10.0), ("9" * 400, 10.0, 10.0), ("soon", 0.4, 0.6), ("-5", 0.4, 0.6),
     ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0, 0.0), ("Wed, 21 Oct 9999 07:28:00 GMT", 10.0, 10.0), ("", 0.4, 0.6)],
)  # fmt: skip
def test_retry_after_is_obeyed_within_bounds(home: FakeRegistry, asked: str, least: float, most: float) -> None:
    slept: list[float] = []
    home.on("PUT", ".*/manifests/v1", Reply(429, {"Retry-After": asked}), times=1)
    push_to(home, Access(policy=Policy(sleep=slept.append)))
    assert len(slept) == 1
    assert least <= slept[0] <= most


def test_the_pause_grows(home: FakeRegistry) -> None:
    slept: list[float] = []
    home.on("PUT", ".*/manifests/v1", Reply(500), times=2)
    push_to(home, Access(policy=Policy(sleep=slept.append)))
    assert slept[0] < slept[1]


@pytest.mark.parametrize("cut", ["close", "silent"])
@pytest.mark.parametrize("where", ["HEAD .*", "POST .*", "PATCH .*", "PUT .*/uploads/.*", "PUT .*/manifests/v1"])
def test_a_registry_that_says_nothing_is_given_up(home: FakeRegistry, cut: str, where: str) -> None:
    method, pattern = where.split()
    home.on(method, pattern, Reply(0, cut=cut))
    options = Access(policy=Policy(sleep=lambda _: None, answer=0.3 if cut == "silent" else 5.0))
    with pytest.raises(RemoteError, match=r"cannot reach http://127\.0\.0\.1:.*tried 3 times") as caught:
        push_to(home, options)
    assert caught.value.exit_code == 8


def test_nobody_listening_is_said_so() -> None:
    with FakeRegistry() as gone:
        pass
    with pytest.raises(RemoteError, match=r"cannot reach http://127\.0\.0\.1:.*Connection refused"):
        push_to(gone)


def test_a_push_cut_off_at_any_request_can_be_run_again() -> None:
    with FakeRegistry() as whole:
        push(releases.release(RELEASE.images[0], sbom=b"{}"), [f"{whole.host}/team/app:v1"], options=hasty())
        requests = len(whole.seen)
    assert requests > 12
    once = Access(policy=Policy(tries=1, sleep=lambda _: None))
    for answered in range(requests):
        with FakeRegistry() as fake:
            release, names = releases.release(RELEASE.images[0], sbom=b"{}"), [f"{fake.host}/team/app:v1"]
            fake.drop_after = answered
            with pytest.raises(RemoteError):
                push(release, names, options=once)
            assert "team/app:v1" not in fake.manifests or answered == requests - 1
            fake.drop_after = None
            push(release, names, options=once)
            assert fake.manifests["team/app:v1"][1] == release.top.open().read()
            assert len([key for key in fake.manifests if key.startswith("team/app:sha256-")]) == 1


def test_a_registry_that_forgets_an_upload_is_sent_it_again(home: FakeRegistry) -> None:
    home.on("PUT", ".*/uploads/.*", Reply(404, {}, b'{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN"}]}'), times=1)
    push_to(home)
    assert "team/app:v1" in home.manifests


@pytest.mark.parametrize("status", [400, 404, 405, 500])
def test_where_mounting_fails_the_blob_is_uploaded(home: FakeRegistry, status: int) -> None:
    def refuse(seen: Seen) -> Reply | None:
        assert ("mount" in seen.query) == ("from" in seen.query)
        return Reply(status) if "mount" in seen.query else None

    home.on("POST", ".*/uploads/", refuse)
    home.on("HEAD", "/v2/b/.*", Reply(404))
    pushed = push(RELEASE, [f"{home.host}/a/app:v1", f"{home.host}/b/app:v1"], options=hasty())
    assert pushed[1].blobs == {"present": 0, "mounted": 0, "uploaded": 3}


def test_one_patch_carries_a_blob(home: FakeRegistry) -> None:
    push_to(home)
    blobs = {one.blob.digest for one in RELEASE.images[0].layers} | {RELEASE.images[0].config_blob.digest}
    assert len([one for one in home.seen if one.method == "PATCH"]) == len(blobs) == 3
    assert all(not one.body for one in home.seen if one.method == "PUT" and "uploads" in one.path)


def test_manifests_come_after_blobs_and_tags_last(home: FakeRegistry) -> None:
    release = releases.release(
        releases.image([releases.layer(a=b"a")]), releases.image([releases.layer(b=b"b")], releases.ARM64), sbom=b"{}"
    )
    push(release, [f"{home.host}/team/app:v1", f"{home.host}/team/app:v2"], options=hasty())
    puts = [one.path for one in home.seen if one.method == "PUT"]
    last_blob = max(at for at, path in enumerate(puts) if "/uploads/" in path)
    wanted = [
        *[one.manifest_blob.digest for one in release.images],
        release.top.digest,
        release.referrers[0].manifest_blob.digest,
        release.top.digest.replace(":", "-"),
        "v1",
        "v2",
    ]
    assert [path.rpartition("/")[2] for path in puts[last_blob + 1 :]] == wanted


def test_a_registry_with_the_referrers_api_needs_no_fallback_tag(home: FakeRegistry) -> None:
    home.referrers_api = True
    push(releases.release(RELEASE.images[0], sbom=b"{}"), [f"{home.host}/team/app:v1"], options=hasty())
    assert not [key for key in home.manifests if ":sha256-" in key]


def test_a_fallback_tag_that_is_something_else_is_left_alone(home: FakeRegistry) -> None:
    release = releases.release(RELEASE.images[0], sbom=b"{}")
    key = f"team/app:{release.top.digest.replace(':', '-')}"
    home.manifests[key] = ("application/vnd.oci.image.manifest.v1+json", b'{"layers":[]}')
    with pytest.raises(RemoteError, match="is something else"):
        push(release, [f"{home.host}/team/app:v1"], options=hasty())
    assert home.manifests[key][1] == b'{"layers":[]}'


def test_a_registry_that_rewrites_a_manifest_is_found_out(home: FakeRegistry) -> None:
    home.on("PUT", ".*/manifests/v1", Reply(201, {"Docker-Content-Digest": "sha256:" + "0" * 64}))
    with pytest.raises(RemoteError, match="stored it as sha256:0000"):
        push_to(home)


def test_a_layer_that_changed_under_way_is_our_fault_and_is_not_retried(home: FakeRegistry) -> None:
    """S10."""
    one = RELEASE.images[0].layers[0].blob
    for wrong in (-1, 1):
        blob = Blob(one.media_type, one.digest, one.size + wrong, one.open)
        with Session(home.host, hasty()) as session, pytest.raises(InputError, match="is not the"):
            Repository(session, "team/app", write=True).upload(blob)


def test_a_layer_that_cannot_be_read_is_said_so(home: FakeRegistry, tmp_path: Path) -> None:
    one = RELEASE.images[0].layers[0].blob
    blob = Blob(one.media_type, one.digest, one.size, lambda: (tmp_path / "gone").open("rb"))
    with Session(home.host, hasty()) as session, pytest.raises(InputError, match="No such file"):
        Repository(session, "team/app", write=True).upload(blob)


# Reading: S22.


@pytest.fixture
def stocked(home: FakeRegistry) -> FakeRegistry:
    push_to(home)
    home.seen.clear()
    return home


LAYER = RELEASE.images[0].layers[0].blob


def test_half_a_manifest_is_asked_for_again(stocked: FakeRegistry) -> None:
    kind, data = stocked.manifests["team/app:v1"]
    stocked.on("GET", ".*/manifests/v1", Reply(200, {"Content-Type": kind}, data, cut="half"), times=2)
    with RemoteImage(f"{stocked.host}/team/app:v1", hasty()) as remote:
        assert remote.top().data == data


def test_half_a_manifest_each_time_is_given_up(stocked: FakeRegistry) -> None:
    kind, data = stocked.manifests["team/app:v1"]
    stocked.on("GET", ".*/manifests/v1", Reply(200, {"Content-Type": kind}, data, cut="half"))
    with RemoteImage(f"{stocked.host}/team/app:v1", hasty()) as remote, pytest.raises(RemoteError, match="cannot read"):
        remote.top()
    assert len([one for one in stocked.seen if "manifests" in one.path]) == 3


@pytest.mark.parametrize("ranges", [True, False])
def test_a_blob_that_breaks_off_is_taken_up_where_it_was(stocked: FakeRegistry, *, ranges: bool) -> None:
    data = LAYER.open().read()
    stocked.on("GET", ".*/blobs/.*", Reply(200, {}, data, cut="half"), times=1)
    if not ranges:
        stocked.on("GET", ".*/blobs/.*", Reply(200, {}, data))
    with RemoteImage(f"{stocked.host}/team/app:v1", hasty()) as remote, remote.open(LAYER.digest, LAYER.size) as stream:
        assert stream.read() == data
    assert stocked.seen[-1].headers["range"] == f"bytes={len(data) // 2}-"


def test_a_blob_that_breaks_off_each_time_is_given_up(stocked: FakeRegistry) -> None:
    stocked.on("GET", ".*/blobs/.*", Reply(200, {"Content-Length": "1000"}, b"x", cut="half"))
    with (
        RemoteImage(f"{stocked.host}/team/app:v1", hasty()) as remote,
        remote.open(LAYER.digest) as stream,
        pytest.raises(RemoteError, match="the connection broke"),
    ):
        stream.read()


def test_the_end_of_a_blob_stays_the_end(stocked: FakeRegistry) -> None:
    with RemoteImage(f"{stocked.host}/team/app:v1", hasty()) as remote, remote.open(LAYER.digest) as stream:
        assert stream.read() == LAYER.open().read()
        assert stream.read() == stream.read(1) == b""
    assert len([one for one in stocked.seen if "/blobs/" in one.path]) == 1


@pytest.mark.parametrize(
    ("sent", "size", "why"),
    [
        (b"other bytes", None, "its digest is"),
        (b"x", LAYER.size, "1 bytes long, not"),
        (b"x" * 9999, LAYER.size, "longer than"),
    ],
)
def test_a_blob_that_is_not_what_its_name_says_is_refused(
    stocked: FakeRegistry, sent: bytes, size: int | None, why: str
) -> None:
    stocked.on("GET", ".*/blobs/.*", Reply(200, {}, sent))
    with (
        RemoteImage(f"{stocked.host}/team/app:v1", hasty()) as remote,
        remote.open(LAYER.digest, size) as stream,
        pytest.raises(RemoteError, match=why),
    ):
        stream.read()


def test_a_manifest_that_is_not_what_its_digest_says_is_refused(stocked: FakeRegistry) -> None:
    stocked.on("GET", ".*/manifests/.*", Reply(200, {"Content-Type": "x"}, b'{"other":1}'))
    name = f"{stocked.host}/team/app@{RELEASE.top.digest}"
    with RemoteImage(name, hasty()) as remote, pytest.raises(RemoteError, match="sent other bytes"):
        remote.top()


def test_a_manifest_over_four_mib_is_refused(stocked: FakeRegistry) -> None:
    stocked.on("GET", ".*/manifests/.*", Reply(200, {}, b" " * ((4 << 20) + 1)))
    with (
        RemoteImage(f"{stocked.host}/team/app:v1", hasty()) as remote,
        pytest.raises(RemoteError, match="more than 4 MiB"),
    ):
        remote.top()


def test_a_token_over_one_mib_is_refused(home: FakeRegistry) -> None:
    home.ask_for_token(f"{home.url}/token")
    home.give_tokens(token="x" * (1 << 20))
    with pytest.raises(RemoteError, match="more than 1 MiB"):
        push_to(home)


def test_a_packed_answer_is_not_unpacked(stocked: FakeRegistry) -> None:
    """S25: nobody asked for gzip, and a small answer cannot become a large one."""
    stocked.on("GET", ".*/manifests/.*", Reply(200, {"Content-Encoding": "gzip"}, b"\x1f\x8b not gzip"))
    with RemoteImage(f"{stocked.host}/team/app:v1", hasty()) as remote:
        assert remote.top().data == b"\x1f\x8b not gzip"


def test_a_drip_is_cut_off(stocked: FakeRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "DOCUMENT_SECONDS", -1)
    with RemoteImage(f"{stocked.host}/team/app:v1", hasty()) as remote, pytest.raises(RemoteError, match="cannot read"):
        remote.top()


@pytest.mark.parametrize(
    "digest", ["sha256:../../../etc/passwd", "sha256:" + "A" * 64, "md5:00", "", "sha256:" + "a" * 64 + "/x"]
)
def test_a_digest_that_is_none_never_becomes_a_path(home: FakeRegistry, digest: str) -> None:
    """S22."""
    with Session(home.host, hasty()) as session:
        repository = Repository(session, "team/app")
        for ask in (repository.has_blob, repository.open_blob, repository.manifest):
            with pytest.raises(RemoteError, match="not sha256"):
                ask(digest)
    assert not home.seen


@pytest.mark.parametrize(
    "index", [b"", b"[]", b"{}", b'{"manifests":[{}]}', b'{"manifests":3}', b'{"manifests":[]}', b"[" * 99999]
)
def test_an_index_that_is_none_is_refused(index: bytes) -> None:
    with pytest.raises(RemoteError, match="cannot"):
        choose(index, None, "x")


def test_an_attestation_in_an_index_is_no_platform() -> None:
    entries = [
        {"digest": "sha256:a", "platform": {"os": "linux", "architecture": "amd64"}},
        {"digest": "sha256:b", "platform": {"os": "unknown", "architecture": "unknown"}},
    ]
    assert choose(json.dumps({"manifests": entries}).encode(), None, "x") == "sha256:a"


def test_the_exact_variant_wins() -> None:
    entries = [
        {"digest": f"sha256:{variant}", "platform": {"os": "linux", "architecture": "arm", "variant": variant}}
        for variant in ("v6", "v7")
    ]
    index = json.dumps({"manifests": entries}).encode()
    assert choose(index, releases.ARM64._replace(architecture="arm", variant="v7"), "x") == "sha256:v7"
    with pytest.raises(RemoteError, match=r"linux/arm/v6, linux/arm/v7"):
        choose(index, releases.ARM64._replace(architecture="arm", variant="v5"), "x")


# Names.


def test_a_push_needs_a_name() -> None:
    with pytest.raises(UsageError, match="without a name"):
        sink.RegistrySink([]).write(RELEASE)


def test_a_push_to_a_digest_is_refused() -> None:
    with pytest.raises(UsageError, match="a digest follows from the content"):
        push(RELEASE, [f"127.0.0.1:1/x@{RELEASE.top.digest}"])


def test_challenges_are_read_as_they_come() -> None:
    header = 'Bearer realm="https://a/t",service="s, \\"x\\"", scope="a:b:c,d", Basic realm=plain'
    bearer, basic = challenges([header])
    assert bearer == ("bearer", {"realm": "https://a/t", "service": 's, "x"', "scope": "a:b:c,d"})
    assert basic == ("basic", {"realm": "plain"})
    assert challenges(["", "=,=", "Negotiate"]) == [("negotiate", {})]


def test_progress_ends_at_the_whole_and_never_beyond(home: FakeRegistry) -> None:
    home.on("PUT", ".*/uploads/.*", Reply(500), times=1)
    told: list[tuple[str, int, int]] = []
    push(RELEASE, [f"{home.host}/team/app:v1"], options=hasty(), progress=lambda *step: told.append(step))
    total = sum(one.blob.size for one in RELEASE.images[0].layers) + RELEASE.images[0].config_blob.size
    assert told[-1] == (f"pushing to {home.host}/team/app", total, total)
    assert all(done <= total for _, done, _ in told)


def test_when_one_blob_fails_the_others_stop(home: FakeRegistry) -> None:
    layers = [releases.layer(data=bytes([number])) for number in range(20)]
    home.on("POST", ".*", Reply(403))
    with pytest.raises(RemoteError, match="403"):
        push(releases.release(releases.image(layers)), [f"{home.host}/team/app:v1"], options=hasty())
    assert len([one for one in home.seen if one.method == "POST"]) < 20
