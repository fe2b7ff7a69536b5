"""Who the user is at a registry, as docker and podman have stored it.

The order is the image rules' ("Pushing"): docker's config (credential helpers included), ``$REGISTRY_AUTH_FILE``,
``$XDG_RUNTIME_DIR/containers/auth.json``, nobody. The first file that knows the host answers.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from scratchpack.errors import RemoteError, UsageError
from scratchpack.oci.reference import DOCKER_HUB

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

HUB_KEY = "https://index.docker.io/v1/"
_HELPER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_HELPER_SECONDS = 60
_FILE_CAP = 4 << 20  # bytes of a configuration file


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
    home = env.get("HOME") or "~"
    docker = env.get("DOCKER_CONFIG")
    yield (Path(docker) if docker else Path(home).expanduser() / ".docker") / "config.json"
    if named := env.get("REGISTRY_AUTH_FILE"):
        yield Path(named)
    if runtime := env.get("XDG_RUNTIME_DIR"):
        yield Path(runtime) / "containers" / "auth.json"


def _read(file: Path) -> dict[str, Any] | None:
    try:
        with file.open("rb") as stream:
            data = stream.read(_FILE_CAP)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise UsageError(f"cannot read the credentials in {file}: {error.strerror}") from None
    try:
        config = json.loads(data or b"{}")
    except (ValueError, RecursionError):
        config = None
    if not isinstance(config, dict):
        raise UsageError(f"cannot read the credentials in {file}: it is not a JSON object")
    return config


def _table(config: dict[str, Any], name: str, file: Path) -> dict[str, Any]:
    value = config.get(name) or {}
    if not isinstance(value, dict):
        raise UsageError(f"cannot read the credentials in {file}: {name!r} is not an object")
    return value


def _look(config: dict[str, Any], file: Path, host: str, path: str) -> Credential | None:
    helpers = {_key(key): (key, name) for key, name in _table(config, "credHelpers", file).items()}
    names = _names(host, path)
    server = HUB_KEY if host == DOCKER_HUB else host
    for name in names:
        if name in helpers:
            key, helper = helpers[name]
            return _ask(helper, server if host == DOCKER_HUB else key, file)
    if store := config.get("credsStore"):
        for asked in dict.fromkeys((server, f"https://{host}")):
            if (found := _ask(store, asked, file)) is not None:
                return found
    entries = {_key(key): entry for key, entry in _table(config, "auths", file).items()}
    for name in names:
        if name in entries and (found := _entry(entries[name], name, file)) is not None:
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


def _entry(entry: object, name: str, file: Path) -> Credential | None:
    where = f"{name} in {file}"
    if not isinstance(entry, dict):
        raise UsageError(f"cannot read the credentials for {where}: not an object")
    fields = {key: entry.get(key) or "" for key in ("auth", "username", "password", "identitytoken", "registrytoken")}
    if not all(isinstance(value, str) for value in fields.values()):
        raise UsageError(f"cannot read the credentials for {where}: a value is not a text")
    username, password = fields["username"], fields["password"]
    if fields["auth"]:
        try:
            pair = base64.b64decode(fields["auth"], validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            raise UsageError(f"cannot read the credentials for {where}: 'auth' is not base64") from None
        username, colon, password = pair.partition(":")
        if not colon:
            raise UsageError(f"cannot read the credentials for {where}: 'auth' holds no user:password")
        password = password.strip("\0")
    found = Credential(username, password, fields["identitytoken"], fields["registrytoken"], str(file))
    return found if found.secrets else None


def _ask(helper: object, server: str, file: Path) -> Credential | None:
    """Docker's protocol: the server's name on stdin of ``docker-credential-NAME get``, a JSON object on stdout."""
    if not isinstance(helper, str) or not _HELPER.fullmatch(helper):
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
    try:
        answer = json.loads(said)
        username, secret = answer["Username"], answer["Secret"]
    except (ValueError, KeyError, TypeError):
        raise RemoteError(f"cannot get the credentials for {server}: {program} did not answer as helpers do") from None
    if not isinstance(username, str) or not isinstance(secret, str):
        raise RemoteError(f"cannot get the credentials for {server}: {program} did not answer as helpers do")
    if not secret:
        return None
    if username == "<token>":
        return Credential(identity_token=secret, source=program)
    return Credential(username, secret, source=program)
