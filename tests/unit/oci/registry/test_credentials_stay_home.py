"""S21: the user's password and the registry's token go to the configured host alone; honest redirects still work.

Two hosts, 127.0.0.1 (configured) and 127.0.0.2. After each scenario, everything the other host was told is searched.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from scratchpack.errors import RemoteError
from scratchpack.oci.registry.pull import RemoteImage
from scratchpack.oci.registry.push import push
from tests.support import releases
from tests.support.fake_registry import FakeRegistry, Reply, Seen
from tests.unit.oci.registry.conftest import BASIC, SECRET, hasty

if TYPE_CHECKING:
    from collections.abc import Callable

    from scratchpack.oci.registry.session import Access

TOKEN = "good-token"
SECRETS = (SECRET, BASIC.removeprefix("Basic "), TOKEN, "refresh-me")
LogIn = "Callable[..., None]"


def push_to(fake: FakeRegistry, options: Access | None = None, path: str = "team/app:v1") -> None:
    push(releases.small(), [f"{fake.host}/{path}"], options=options or hasty())


def nothing_leaked(other: FakeRegistry) -> None:
    for secret in SECRETS:
        assert not other.was_told(secret), f"{secret} reached {other.host}: {other.seen}"
    assert not any(one.authorization for one in other.seen)


@pytest.fixture
def stocked(home: FakeRegistry) -> FakeRegistry:
    """The configured host, holding the image."""
    push_to(home)
    home.seen.clear()
    return home


LAYER = releases.small().images[0].layers[0].blob


# --- logging in to the host itself


def test_01_basic_credentials_go_to_the_configured_host(home: FakeRegistry, log_in: Callable[..., None]) -> None:
    log_in(home.host)
    home.ask_for_basic(BASIC)
    push_to(home)
    assert "team/app:v1" in home.manifests


def test_02_nothing_is_sent_before_the_host_asks(home: FakeRegistry, log_in: Callable[..., None]) -> None:
    log_in(home.host)
    push_to(home)
    assert not home.was_told(SECRET)
    assert not any(one.authorization for one in home.seen)


def test_03_a_token_of_the_host_itself_is_bought_with_the_password(
    home: FakeRegistry, log_in: Callable[..., None]
) -> None:
    log_in(home.host)
    home.ask_for_token(f"{home.url}/token")
    home.give_tokens(to=BASIC)
    push_to(home)
    asked = [one for one in home.seen if one.path == "/token"]
    assert len(asked) == 1, "one token serves a whole push"
    assert asked[0].query == {"service": ["fake"], "scope": ["repository:team/app:pull,push"]}


def test_04_an_identity_token_goes_to_the_token_server_in_a_form(
    home: FakeRegistry, log_in: Callable[..., None]
) -> None:
    log_in(home.host, identitytoken="refresh-me")
    home.ask_for_token(f"{home.url}/token")
    home.on("POST", "/token", Reply(200, {}, b'{"access_token":"good-token"}'))
    push_to(home)
    forms = [one.body for one in home.seen if one.path == "/token"]
    assert len(forms) == 1
    assert b"grant_type=refresh_token&refresh_token=refresh-me" in forms[0]


def test_05_a_ready_registry_token_is_used_as_it_is(home: FakeRegistry, log_in: Callable[..., None]) -> None:
    log_in(home.host, registrytoken=TOKEN)
    home.ask_for_token(f"{home.url}/token")
    push_to(home)
    assert not [one for one in home.seen if one.path == "/token"]


def test_06_a_token_that_ran_out_is_renewed(home: FakeRegistry, log_in: Callable[..., None]) -> None:
    log_in(home.host)
    home.ask_for_token(f"{home.url}/token", "first")
    home.give_tokens(token="first", to=BASIC)

    def expire(seen: Seen) -> None:
        home.ask_for_token(f"{home.url}/token", "second")
        home._rules.pop(0)
        home.give_tokens(token="second", to=BASIC)

    home.on("PUT", ".*/manifests/v1", expire, times=1)
    push_to(home)
    assert "team/app:v1" in home.manifests


def test_07_somebody_elses_entry_is_not_used(
    home: FakeRegistry, other: FakeRegistry, log_in: Callable[..., None]
) -> None:
    log_in(other.host)
    home.ask_for_basic(BASIC)
    with pytest.raises(RemoteError, match="401"):
        push_to(home)
    assert not home.was_told(SECRET)


def test_08_an_entry_for_one_team_is_not_used_for_another(home: FakeRegistry, log_in: Callable[..., None]) -> None:
    log_in(f"{home.host}/team")
    home.ask_for_basic(BASIC)
    with pytest.raises(RemoteError, match="401"):
        push_to(home, path="others/app:v1")
    assert not home.was_told(SECRET)
    push_to(home)
    assert "team/app:v1" in home.manifests


# --- token realms


def test_09_a_realm_on_another_host_gets_no_password(
    home: FakeRegistry, other: FakeRegistry, log_in: Callable[..., None]
) -> None:
    log_in(home.host)
    home.ask_for_token(f"{other.url}/token")
    other.give_tokens(to=BASIC)
    with pytest.raises(RemoteError, match="401") as caught:
        push_to(home)
    assert other.seen, "it was asked, as nobody"
    nothing_leaked(other)
    assert f"--token-server {other.host}" in (caught.value.hint or "")


def test_10_an_anonymous_token_from_another_host_works(home: FakeRegistry, other: FakeRegistry) -> None:
    home.ask_for_token(f"{other.url}/token")
    other.give_tokens()
    push_to(home)
    assert "team/app:v1" in home.manifests
    assert not any(one.authorization for one in other.seen)


def test_11_a_realm_that_the_user_named_gets_the_password(
    home: FakeRegistry, other: FakeRegistry, log_in: Callable[..., None]
) -> None:
    log_in(home.host)
    home.ask_for_token(f"{other.url}/token")
    other.give_tokens(to=BASIC)
    push_to(home, hasty(token_servers={other.host}))
    assert "team/app:v1" in home.manifests


def test_12_the_same_address_on_another_port_is_another_host(home: FakeRegistry, log_in: Callable[..., None]) -> None:
    log_in(home.host)
    with FakeRegistry("127.0.0.1") as neighbour:
        home.ask_for_token(f"{neighbour.url}/token")
        neighbour.give_tokens(to=BASIC)
        with pytest.raises(RemoteError, match="401"):
            push_to(home)
        nothing_leaked(neighbour)


def test_13_a_realm_on_another_host_gets_no_identity_token(
    home: FakeRegistry, other: FakeRegistry, log_in: Callable[..., None]
) -> None:
    log_in(home.host, identitytoken="refresh-me")
    home.ask_for_token(f"{other.url}/token")
    other.on("*", "/token", Reply(401))
    with pytest.raises(RemoteError, match="401"):
        push_to(home)
    nothing_leaked(other)


def test_14_a_password_stored_for_the_realms_host_buys_no_token_for_another_registry(
    home: FakeRegistry, other: FakeRegistry, log_in: Callable[..., None]
) -> None:
    """Else a registry could have a token of ghcr.io bought, and handed to itself."""
    log_in(other.host)
    home.ask_for_token(f"{other.url}/token?service=other&scope=repository:private/app:pull")
    other.give_tokens(to=BASIC)
    with pytest.raises(RemoteError, match="401"):
        push_to(home)
    nothing_leaked(other)
    assert not home.was_told(SECRET)


def test_15_a_realm_with_a_user_name_in_it_is_not_asked(
    home: FakeRegistry, other: FakeRegistry, log_in: Callable[..., None]
) -> None:
    log_in(home.host)
    home.ask_for_token(f"http://{home.host}@{other.host}/token")
    with pytest.raises(RemoteError, match="not a plain http or https URL"):
        push_to(home)
    assert not other.seen


def test_16_a_realm_that_parsers_read_differently_is_not_asked(
    home: FakeRegistry, other: FakeRegistry, log_in: Callable[..., None]
) -> None:
    log_in(home.host)
    for realm in (f"http://{other.host}\\\\@{home.host}/token", "ftp://127.0.0.2/token", "/token", "http:///token"):
        home.ask_for_token(realm)
        with pytest.raises(RemoteError, match="cannot follow"):
            push_to(home)
    assert not other.seen
    assert not home.was_told(SECRET)


def test_17_a_token_server_that_redirects_is_not_followed(
    home: FakeRegistry, other: FakeRegistry, log_in: Callable[..., None]
) -> None:
    log_in(home.host)
    home.ask_for_token(f"{home.url}/token")
    home.on("GET", "/token", Reply(307, {"Location": f"{other.url}/token"}))
    with pytest.raises(RemoteError, match="307"):
        push_to(home)
    assert not other.seen


def test_18_the_scope_is_ours_whatever_the_challenge_says(home: FakeRegistry, log_in: Callable[..., None]) -> None:
    log_in(home.host)
    home.ask_for_token(f"{home.url}/token")
    home.give_tokens(to=BASIC)
    push_to(home)
    assert not home.was_told("ignored")


# --- redirects


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_19_a_blob_on_other_storage_is_read_as_nobody(
    stocked: FakeRegistry, other: FakeRegistry, log_in: Callable[..., None], status: int
) -> None:
    log_in(stocked.host)
    stocked.ask_for_basic(BASIC)
    data = LAYER.open().read()

    def away(seen: Seen) -> Reply | None:
        return Reply(status, {"Location": f"{other.url}/storage?sig=1"}) if seen.authorization == BASIC else None

    stocked.on("GET", ".*/blobs/.*", away)
    other.on("GET", "/storage", Reply(200, {}, data))
    with RemoteImage(f"{stocked.host}/team/app:v1", hasty()) as remote, remote.open(LAYER.digest) as stream:
        assert stream.read() == data
    assert [one.query for one in other.seen] == [{"sig": ["1"]}]
    nothing_leaked(other)


def test_20_the_storage_may_not_ask_for_the_password(
    stocked: FakeRegistry, other: FakeRegistry, log_in: Callable[..., None]
) -> None:
    log_in(stocked.host)
    stocked.on("GET", ".*/blobs/.*", Reply(307, {"Location": f"{other.url}/storage"}))
    other.on("GET", "/storage", Reply(401, {"WWW-Authenticate": 'Basic realm="x"'}))
    with (
        RemoteImage(f"{stocked.host}/team/app:v1", hasty()) as remote,
        remote.open(LAYER.digest) as stream,
        pytest.raises(RemoteError, match="401"),
    ):
        stream.read()
    nothing_leaked(other)


def test_21_a_manifest_elsewhere_is_read_as_nobody(
    stocked: FakeRegistry, other: FakeRegistry, log_in: Callable[..., None]
) -> None:
    log_in(stocked.host)
    stocked.ask_for_basic(BASIC)
    kind, data = stocked.manifests["team/app:v1"]
    away = Reply(307, {"Location": f"{other.url}/m"})
    stocked.on("GET", ".*/manifests/v1", lambda seen: away if seen.authorization else None)
    other.on("GET", "/m", Reply(200, {"Content-Type": kind}, data))
    with RemoteImage(f"{stocked.host}/team/app:v1", hasty()) as remote:
        assert remote.top().data == data
    nothing_leaked(other)


def test_22_a_redirect_within_the_host_keeps_the_login(stocked: FakeRegistry, log_in: Callable[..., None]) -> None:
    log_in(stocked.host)
    stocked.ask_for_basic(BASIC)
    stocked.on("GET", "/v2/team/app/blobs/.*", Reply(307, {"Location": "/v2/moved/app/blobs/" + LAYER.digest}))
    with RemoteImage(f"{stocked.host}/team/app:v1", hasty()) as remote, remote.open(LAYER.digest) as stream:
        assert stream.read() == LAYER.open().read()


def test_23_a_circle_of_redirects_ends(stocked: FakeRegistry, other: FakeRegistry) -> None:
    stocked.on("GET", ".*/blobs/.*", Reply(307, {"Location": f"{other.url}/back"}))
    other.on("GET", "/back", Reply(307, {"Location": f"{stocked.url}/v2/team/app/blobs/{LAYER.digest}"}))
    with (
        RemoteImage(f"{stocked.host}/team/app:v1", hasty()) as remote,
        remote.open(LAYER.digest) as stream,
        pytest.raises(RemoteError, match="more than 5"),
    ):
        stream.read()


def test_24_a_redirect_to_the_other_host_and_back_is_logged_in_at_home_alone(
    stocked: FakeRegistry, other: FakeRegistry, log_in: Callable[..., None]
) -> None:
    log_in(stocked.host)
    stocked.ask_for_basic(BASIC)
    stocked.on("GET", "/v2/team/app/blobs/.*", Reply(307, {"Location": f"{other.url}/back"}))
    other.on("GET", "/back", Reply(307, {"Location": f"{stocked.url}/v2/moved/app/blobs/{LAYER.digest}"}))
    with RemoteImage(f"{stocked.host}/team/app:v1", hasty()) as remote, remote.open(LAYER.digest) as stream:
        assert stream.read() == LAYER.open().read()
    nothing_leaked(other)


@pytest.mark.parametrize(
    "location", ["file:///etc/passwd", "gopher://127.0.0.2/", "http://u:p@127.0.0.2/", "http://a b/"]
)
def test_25_a_redirect_to_no_web_address_is_refused(stocked: FakeRegistry, location: str) -> None:
    stocked.on("GET", ".*/blobs/.*", Reply(307, {"Location": location}))
    with (
        RemoteImage(f"{stocked.host}/team/app:v1", hasty()) as remote,
        remote.open(LAYER.digest) as stream,
        pytest.raises(RemoteError, match="cannot follow"),
    ):
        stream.read()


def test_26_a_head_request_elsewhere_is_sent_as_nobody(
    home: FakeRegistry, other: FakeRegistry, log_in: Callable[..., None]
) -> None:
    log_in(home.host)
    home.ask_for_basic(BASIC)
    away = Reply(307, {"Location": f"{other.url}/there"})
    home.on("HEAD", ".*/blobs/.*", lambda seen: away if seen.authorization else None)
    other.on("HEAD", "/there", Reply(404))
    push_to(home)
    assert {one.method for one in other.seen} == {"HEAD"}
    nothing_leaked(other)


# --- uploads


def test_27_an_upload_that_goes_elsewhere_goes_as_nobody(
    home: FakeRegistry, other: FakeRegistry, log_in: Callable[..., None]
) -> None:
    log_in(home.host)
    home.ask_for_basic(BASIC)

    def begin(seen: Seen) -> Reply | None:
        return Reply(202, {"Location": f"{other.url}/put/here?state=1"}) if seen.authorization else None

    def store(seen: Seen) -> Reply:
        for data in [one.body for one in other.seen if one.method == "PATCH"]:
            home.blobs[releases.blob("", data).digest] = data
        return Reply(201)

    home.on("POST", ".*/uploads/", begin)
    other.on("PATCH", "/put/here", Reply(202, {"Location": "/put/here?state=2"}))
    other.on("PUT", "/put/here", store)
    push_to(home)
    assert "team/app:v1" in home.manifests
    assert next(one for one in other.seen if one.method == "PUT").query.keys() == {"state", "digest"}
    nothing_leaked(other)


def test_28_an_upload_place_that_wants_the_password_is_refused_it(
    home: FakeRegistry, other: FakeRegistry, log_in: Callable[..., None]
) -> None:
    log_in(home.host)
    home.ask_for_basic(BASIC)
    away = Reply(202, {"Location": f"{other.url}/put"})
    home.on("POST", ".*/uploads/", lambda seen: away if seen.authorization else None)
    other.on("*", "/put", Reply(401, {"WWW-Authenticate": f'Bearer realm="{other.url}/token"'}))
    with pytest.raises(RemoteError, match=re.escape(other.host)) as caught:
        push_to(home)
    assert "not sent there" in (caught.value.hint or "")
    nothing_leaked(other)


def test_29_an_upload_that_moves_after_the_patch_ends_as_nobody(
    home: FakeRegistry, other: FakeRegistry, log_in: Callable[..., None]
) -> None:
    log_in(home.host)
    home.ask_for_basic(BASIC)
    away = Reply(202, {"Location": f"{other.url}/end"})
    home.on("PATCH", ".*", lambda seen: away if seen.authorization else None)
    other.on("PUT", "/end", Reply(403))
    with pytest.raises(RemoteError, match=re.escape(other.host)):
        push_to(home)
    nothing_leaked(other)


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT"])
def test_30_a_write_is_not_redirected(
    home: FakeRegistry, other: FakeRegistry, log_in: Callable[..., None], method: str
) -> None:
    log_in(home.host)
    home.ask_for_basic(BASIC)
    away = Reply(307, {"Location": f"{other.url}/elsewhere"})
    home.on(method, ".*", lambda seen: away if seen.authorization else None)
    with pytest.raises(RemoteError, match="307"):
        push_to(home)
    assert not other.seen


# --- what people get to see


def test_31_what_the_registry_echoes_is_shown_without_the_secret(
    home: FakeRegistry, log_in: Callable[..., None]
) -> None:
    log_in(home.host)
    home.ask_for_basic(BASIC)
    echo = f'{{"errors":[{{"code":"DENIED","message":"{BASIC} is {SECRET}\\u001b[2J"}}]}}'.encode()
    home.on("POST", ".*", lambda seen: Reply(403, {}, echo) if seen.authorization else None)
    with pytest.raises(RemoteError, match="403") as caught:
        push_to(home)
    text = f"{caught.value.message} {caught.value.hint} {caught.value.details} {caught.value!r}"
    assert "***" in text
    assert "\x1b" not in text
    assert not any(secret in text for secret in SECRETS)


def test_32_a_failing_token_server_is_shown_without_the_secret(home: FakeRegistry, log_in: Callable[..., None]) -> None:
    log_in(home.host)
    home.ask_for_token(f"{home.url}/token?key=inner")
    echo = f'{{"errors":[{{"code":"X","message":"you said {SECRET}"}}]}}'.encode()
    home.on("GET", "/token", Reply(403, {}, echo))
    with pytest.raises(RemoteError, match="cannot get a token") as caught:
        push_to(home)
    assert not any(secret in f"{caught.value.message} {caught.value.hint}" for secret in (*SECRETS, "inner"))


def test_33_a_token_that_would_break_the_header_is_refused(home: FakeRegistry) -> None:
    home.ask_for_token(f"{home.url}/token")
    home.give_tokens(token="a\r\nX-Evil: 1")
    with pytest.raises(RemoteError, match="cannot use the token"):
        push_to(home)
