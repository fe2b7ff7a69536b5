"""Where credentials come from: docker's config and helpers, then podman's files, then nobody (image rules, "Pushing")."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import random
from typing import TYPE_CHECKING, Any

import pytest

from scratchpack.errors import RemoteError, UsageError
from scratchpack.oci import credentials
from tests.support import mutants

if TYPE_CHECKING:
    from pathlib import Path

HUB = "docker.io"


def entry(user: str, password: str = "pw") -> dict[str, str]:
    return {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}


class Places:
    """The three files, and a PATH of its own for helpers."""

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.home = home
        self.env = {
            "HOME": str(home),
            "REGISTRY_AUTH_FILE": str(home / "auth.json"),
            "XDG_RUNTIME_DIR": str(home / "run"),
        }
        (home / "bin").mkdir()
        monkeypatch.setenv("PATH", f"{home}/bin:/usr/bin:/bin")

    def docker(self, **config: Any) -> None:
        self.write(".docker/config.json", config)

    def write(self, name: str, config: Any) -> None:
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(config if isinstance(config, str) else json.dumps(config))

    def helper(self, name: str, script: str) -> None:
        path = self.home / "bin" / f"docker-credential-{name}"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def user(self, host: str, path: str = "") -> str | None:
        found = credentials.find(host, path, self.env)
        return found and found.username


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    return Places(tmp_path, monkeypatch)


def test_without_a_file_one_is_nobody(places: Places) -> None:
    assert places.user("ghcr.io") is None


def test_the_files_are_asked_in_order(places: Places) -> None:
    for name, user in (
        ("run/containers/auth.json", "third"),
        ("auth.json", "second"),
        (".docker/config.json", "first"),
    ):
        places.write(name, {"auths": {"ghcr.io": entry(user)}})
        assert places.user("ghcr.io") == user


def test_a_file_that_does_not_know_the_host_leaves_it_to_the_next(places: Places) -> None:
    places.docker(auths={"quay.io": entry("me")})
    places.write("auth.json", {"auths": {"ghcr.io": entry("you")}})
    assert places.user("ghcr.io") == "you"


def test_docker_config_names_a_directory(places: Places) -> None:
    places.docker(auths={"ghcr.io": entry("home")})
    places.write("elsewhere/config.json", {"auths": {"ghcr.io": entry("elsewhere")}})
    places.env["DOCKER_CONFIG"] = str(places.home / "elsewhere")
    assert places.user("ghcr.io") == "elsewhere"


@pytest.mark.parametrize(
    "key", ["https://index.docker.io/v1/", "index.docker.io", "docker.io", "https://index.docker.io"]
)
def test_docker_hub_goes_by_its_old_name(places: Places, key: str) -> None:
    places.docker(auths={key: entry("me")})
    assert places.user(HUB, "library/hello") == "me"
    assert places.user("ghcr.io") is None


@pytest.mark.parametrize("key", ["ghcr.io", "https://ghcr.io", "https://ghcr.io/v2/", "ghcr.io/v1/", "http://ghcr.io/"])
def test_a_key_may_be_written_as_a_url(places: Places, key: str) -> None:
    places.docker(auths={key: entry("me")})
    assert places.user("ghcr.io") == "me"


@pytest.mark.parametrize("host", ["ghcr.io:443", "sub.ghcr.io", "ghcr.io.example.com", "hcr.io", "GHCR.IO"])
def test_a_host_that_only_looks_alike_gets_nothing(places: Places, host: str) -> None:
    places.docker(auths={"ghcr.io": entry("me")})
    assert places.user(host) is None


def test_the_narrowest_entry_wins(places: Places) -> None:
    places.write(
        "auth.json", {"auths": {"q.io": entry("all"), "q.io/team": entry("team"), "q.io/team/app": entry("app")}}
    )
    assert [places.user("q.io", path) for path in ("x", "team/x", "team/app", "teams")] == ["all", "team", "app", "all"]


def test_a_password_may_hold_colons(places: Places) -> None:
    places.docker(auths={"ghcr.io": entry("me", "a:b:c")})
    found = credentials.find("ghcr.io", env=places.env)
    assert found is not None
    assert found.password == "a:b:c"


def test_user_and_password_may_stand_apart(places: Places) -> None:
    places.docker(auths={"ghcr.io": {"username": "me", "password": "pw"}})
    assert places.user("ghcr.io") == "me"


def test_an_empty_entry_is_none(places: Places) -> None:
    """Docker leaves ``{}`` behind where a credential store has the password."""
    places.docker(auths={"ghcr.io": {}})
    places.write("auth.json", {"auths": {"ghcr.io": entry("you")}})
    assert places.user("ghcr.io") == "you"


def test_the_text_of_a_credential_shows_no_secret() -> None:
    one = credentials.Credential("me", "pw-secret", "id-secret", "token-secret", "here")
    assert "secret" not in f"{one} {one!r}"


# Helpers.

SAYS = 'read -r server; printf \'{"ServerURL":"%s","Username":"%s","Secret":"pw"}\' "$server" "$server"'
KNOWS_NOTHING = "echo 'credentials not found in native keychain'; exit 1"


def test_a_helper_is_asked_for_its_host_alone(places: Places) -> None:
    places.helper("mine", SAYS)
    places.docker(credHelpers={"ghcr.io": "mine"})
    assert places.user("ghcr.io") == "ghcr.io"
    assert places.user("quay.io") is None


def test_the_store_is_asked_for_every_host(places: Places) -> None:
    places.helper("store", SAYS)
    places.docker(credsStore="store")
    assert places.user("quay.io") == "quay.io"
    assert places.user(HUB) == credentials.HUB_KEY


def test_where_the_store_knows_nothing_the_file_answers(places: Places) -> None:
    places.helper("store", KNOWS_NOTHING)
    places.docker(credsStore="store", auths={"ghcr.io": entry("file")})
    assert places.user("ghcr.io") == "file"


def test_a_helper_may_give_an_identity_token(places: Places) -> None:
    places.helper("mine", """echo '{"Username":"<token>","Secret":"refresh"}'""")
    places.docker(credHelpers={"ghcr.io": "mine"})
    found = credentials.find("ghcr.io", env=places.env)
    assert found is not None
    assert (found.username, found.password, found.identity_token) == ("", "", "refresh")


def test_a_helper_that_fails_is_named(places: Places) -> None:
    places.helper("mine", "echo 'the keyring is locked'; exit 1")
    places.docker(credHelpers={"ghcr.io": "mine"})
    with pytest.raises(RemoteError, match="docker-credential-mine ended with status 1") as caught:
        places.user("ghcr.io")
    assert caught.value.details == ("'the keyring is locked'",)


def test_a_helper_that_is_missing_is_named(places: Places) -> None:
    places.docker(credsStore="gone")
    with pytest.raises(RemoteError, match="cannot run docker-credential-gone: No such file"):
        places.user("ghcr.io")


@pytest.mark.parametrize("said", ["", "no json", "[]", '{"Username":"x"}', '{"Username":1,"Secret":2}'])
def test_a_helper_that_talks_nonsense_is_named_and_not_quoted(places: Places, said: str) -> None:
    places.helper("mine", f"echo '{said}'")
    places.docker(credHelpers={"ghcr.io": "mine"})
    with pytest.raises(RemoteError, match="docker-credential-mine did not answer as helpers do") as caught:
        places.user("ghcr.io")
    assert not said or said not in caught.value.message


@pytest.mark.parametrize("name", ["../../tmp/evil", "a/b", "", "-x", ".x"])
def test_a_helpers_name_is_only_a_name(places: Places, name: object) -> None:
    places.docker(credHelpers={"ghcr.io": name})
    with pytest.raises(UsageError, match="not a name"):
        places.user("ghcr.io")


@pytest.mark.parametrize(
    "text",
    ["{", "[]", '"x"', '{"credHelpers":{"ghcr.io":3}}', '{"auths":[1]}', '{"auths":{"ghcr.io":3}}', '{"auths":{"ghcr.io":{"auth":"%%"}}}', '{"credHelpers":"x"}',
     '{"auths":{"ghcr.io":{"auth":"bm9jb2xvbg=="}}}', '{"auths":{"ghcr.io":{"auth":7}}}', "[" * 50000],
)  # fmt: skip
def test_a_broken_file_is_named(places: Places, text: str) -> None:
    places.write(".docker/config.json", text)
    with pytest.raises(UsageError, match=r"cannot read the credentials .*config\.json"):
        places.user("ghcr.io")


FULL = {
    "auths": {"ghcr.io": {**entry("u"), "username": "x", "password": "y", "identitytoken": "i", "registrytoken": "r"}, HUB: {}},
    "credHelpers": {"quay.io": "none"},
    "credsStore": "",
    "currentContext": "default",
}  # fmt: skip


def test_every_mutant_of_a_configuration_is_read_or_named(places: Places) -> None:
    """S5: wrong kinds, lone surrogates, depth, digits, anywhere in docker's config."""
    for data in mutants.mutants(FULL, random.Random(10)):
        (places.home / "auth.json").write_bytes(data)
        with contextlib.suppress(RemoteError, UsageError):
            found = credentials.find("ghcr.io", "team", places.env)
            assert found is None or found.basic


def test_every_mutant_of_a_helpers_answer_is_read_or_named(places: Places) -> None:
    answer = places.home / "answer"
    places.helper("mine", f"cat '{answer}'")
    places.docker(credHelpers={"ghcr.io": "mine"})
    for data in list(mutants.mutants({"Username": "u", "Secret": "s"}, random.Random(10)))[::2]:
        answer.write_bytes(data)
        with contextlib.suppress(RemoteError):
            found = credentials.find("ghcr.io", "", places.env)
            assert found is None or found.secrets


def test_a_fifo_as_configuration_is_refused_and_not_waited_for(places: Places) -> None:
    """S6."""
    os.mkfifo(places.home / "auth.json")
    with pytest.raises(UsageError, match="not a regular file"):
        places.user("ghcr.io")


def test_without_a_home_one_is_nobody(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOME")
    monkeypatch.setattr("os.path.expanduser", lambda path: path)  # what it does for a user id without an entry
    assert credentials.find("ghcr.io", "", {}) is None
