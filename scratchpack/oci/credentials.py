"""Who the user is at a registry, as docker and podman have stored it.

The order is the image rules' ("Pushing"): docker's config (credential helpers included), ``$REGISTRY_AUTH_FILE``,
``$XDG_RUNTIME_DIR/containers/auth.json``, nobody. The first file that knows the host answers.
"""

from __future__ import annotations

import base64
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from scratchpack import foreign
from scratchpack.errors import RemoteError, UsageError
from scratchpack.oci.reference import DOCKER_HUB

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

HUB_KEY = "https://index.docker.io/v1/"
_HELPER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_HELPER_SECONDS = 60


class Credential(NamedTuple):
    """What proves the user to one registry. Its text never shows a secret (S21)."""

    username: str = ""
    password: str = ""
    identity_token: str = ""  # an OAuth2 refresh token, for the token server alone
    registry_token: str = ""  # a ready bearer token
    source: str = ""  # the file or helper it came from

    def __repr__(self) -> str:
        return f"Credential(username={self.username!r}, source={self.source!r})"

    def __str__(self) -> str:
        return repr(self)

    @property
    def basic(self) -> str:
        """The value of an ``Authorization: Basic`` header."""
        return "Basic " + base64.b64encode(f"{self.username}:{self.password}".encode()).decode()

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every text that must not be shown."""
        words = (self.password, self.identity_token, self.registry_token)
        encoded = self.basic.removeprefix("Basic ") if self.password else ""
        return tuple(word for word in (*words, encoded) if word)


def find(host: str, path: str = "", env: Mapping[str, str] | None = None) -> Credential | None:
    """The user's credential for one repository, ``None`` for nobody.

    Args:
        host: as in a reference, with its port; ``docker.io`` for Docker Hub.
        path: the repository; a key with a path (``ghcr.io/team``) is for the repositories below it alone.
        env: the environment to look in.

    Raises:
        UsageError: a file that cannot be read, or is not what docker or podman writes.
        RemoteError: a credential helper that fails.
    """
    for file in _files(os.environ if env is None else env):
        config = _read(file)
        if config is not None and (found := _look(config, file, host, path)) is not None:
            return found
    return None


def _files(env: Mapping[str, str]) -> Iterator[Path]:
    home = env.get("HOME") or os.path.expanduser("~")  # Path.home raises where there is none
    docker = env.get("DOCKER_CONFIG")
    yield (Path(docker) if docker else Path(home) / ".docker") / "config.json"
    if named := env.get("REGISTRY_AUTH_FILE"):
        yield Path(named)
    if runtime := env.get("XDG_RUNTIME_DIR"):
        yield Path(runtime) / "containers" / "auth.json"


def _read(file: Path) -> foreign.Value | None:
    def fault(why: str) -> UsageError:
        return UsageError(f"cannot read the credentials in {file}: {why}")

    data = foreign.file(file, fault)
    return None if data is None else foreign.json_document(data or b"{}", fault)


def _look(config: foreign.Value, file: Path, host: str, path: str) -> Credential | None:
    helpers = {_key(key): (key, name) for key, name in config.get("credHelpers").members()}
    names = _names(host, path)
    server = HUB_KEY if host == DOCKER_HUB else host
    for name in names:
        if name in helpers:
            key, helper = helpers[name]
            return _ask(helper.text(), server if host == DOCKER_HUB else key, file)
    if store := config.get("credsStore").text():
        for asked in dict.fromkeys((server, f"https://{host}")):
            if (found := _ask(store, asked, file)) is not None:
                return found
    entries = {_key(key): entry for key, entry in config.get("auths").members()}
    for name in names:
        if name in entries and (found := _entry(entries[name], file)) is not None:
            return found
    return None


def _names(host: str, path: str) -> list[str]:
    """The keys that stand for a repository, the narrowest first."""
    words = path.split("/") if path else []
    return ["/".join((host, *words[:count])) for count in range(len(words), -1, -1)]


def _key(text: str) -> str:
    """A key as docker (a URL with /v1/) and podman (host, or host and path) write it, in one form."""
    _, scheme, rest = text.rpartition("://")
    rest = rest.rstrip("/")
    name = rest.partition("/")[0] if scheme else re.sub(r"/v[12]$", "", rest)
    host, slash, path = name.partition("/")
    host = DOCKER_HUB if host in {"index.docker.io", "registry-1.docker.io"} else host
    return host + slash + path


def _entry(entry: foreign.Value, file: Path) -> Credential | None:
    username, password = entry.get("username").text(), entry.get("password").text()
    identity, registry = entry.get("identitytoken").text(), entry.get("registrytoken").text()
    if auth := entry.get("auth").text():
        try:
            pair = base64.b64decode(auth, validate=True).decode()
        except ValueError:  # not ASCII, not base64, not UTF-8 inside
            raise entry.wrong("'auth' is not base64") from None
        username, colon, password = pair.partition(":")
        if not colon:
            raise entry.wrong("'auth' holds no user:password")
        password = password.strip("\0")
    found = Credential(username, password, identity, registry, str(file))
    return found if found.secrets else None


def _ask(helper: str, server: str, file: Path) -> Credential | None:
    """Docker's protocol: the server's name on stdin of ``docker-credential-NAME get``, a JSON object on stdout."""
    if not _HELPER.fullmatch(helper):
        raise UsageError(f"cannot use the credential helper {helper!r} of {file}: not a name")
    from scratchpack import proc
    from scratchpack.errors import ScratchpackError

    program = f"docker-credential-{helper}"
    try:
        done = proc.run([program, "get"], input=server.encode(), timeout=_HELPER_SECONDS)
    except ScratchpackError as error:
        raise RemoteError(
            f"cannot get the credentials for {server}: {error.message}", hint=f"{file} names it"
        ) from None
    said = done.out.decode(errors="replace").strip()
    if done.status != 0:
        if "credentials not found" in said or "credentials not found" in done.err.decode(errors="replace"):
            return None
        raise RemoteError(
            f"cannot get the credentials for {server}: {program} ended with status {done.status}",
            details=(ascii(said.splitlines()[0][:200] if said else done.complaint[:200]),),
        )
    answer = foreign.json_document(
        done.out,
        lambda why: RemoteError(
            f"cannot get the credentials for {server}: {program} did not answer as helpers do: {why}"
        ),
    )
    username, secret = answer["Username"].text(), answer["Secret"].text()
    if not secret:
        return None
    if username == "<token>":
        return Credential(identity_token=secret, source=program)
    return Credential(username, secret, source=program)
