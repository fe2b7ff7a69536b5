"""Logging in: challenges, bearer tokens, and which host may see the user's password (S21).

The password goes to the registry's own origin and to token servers that are known to be that registry's own; any other realm
is asked for an anonymous token. A credential stored for the realm's own host is not used either: the token it buys
would be handed to the registry that pointed there.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlencode

from scratchpack import foreign
from scratchpack.errors import RemoteError
from scratchpack.oci.registry import retry, transport
from scratchpack.oci.registry.faults import Refusal, refused, words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from urllib3.response import BaseHTTPResponse

    from scratchpack.oci.credentials import Credential
    from scratchpack.oci.registry.transport import Origin, Wire

TOKEN_CAP = 1 << 20  # bytes (S22)
# Registries whose token server stands on another host, run by the same people.
TOKEN_SERVERS = {
    "registry-1.docker.io": frozenset({"auth.docker.io"}),
    "registry.gitlab.com": frozenset({"gitlab.com"}),
}

_PART = re.compile(r"""[\s,]*([^\s,="]+)(?:\s*=\s*("(?:[^"\\]|\\.)*"|[^\s,"]*))?""")
_TOKEN = re.compile(r"[\x21-\x7e]+")


class Challenge(NamedTuple):
    """One way to log in that the registry offers. ``scheme`` and the names of parameters are in lower case."""

    scheme: str
    parameters: dict[str, str]


def challenges(headers: Iterable[str]) -> list[Challenge]:
    """Read ``WWW-Authenticate`` headers (RFC 9110, 11.6.1)."""
    found: list[Challenge] = []
    for header in headers:
        for match in _PART.finditer(header[:8192]):
            name, value = match.group(1).lower(), match.group(2)
            if value is None:
                found.append(Challenge(name, {}))
            elif found:
                text = re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value
                found[-1].parameters.setdefault(name, text)
    return found


@dataclass
class Login:
    """The state of one registry's login; safe to share between threads."""

    home: Origin
    wire: Wire
    find: Callable[[], Credential | None]
    token_servers: frozenset[str] = frozenset()  # further hosts that may see the password, named by the user
    notes: list[str] = field(default_factory=list)  # why a login was not as full as it could have been
    _headers: dict[tuple[str, ...], str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _looked: bool = False
    _credential: Credential | None = None

    @property
    def credential(self) -> Credential | None:
        """The user's credential, looked up when first needed."""
        if not self._looked:
            self._credential, self._looked = self.find(), True
        return self._credential

    def header(self, scope: tuple[str, ...]) -> str | None:
        """The ``Authorization`` for these scopes, once there is one. It is for ``home`` alone."""
        return self._headers.get(scope)

    def answer(self, scope: tuple[str, ...], offered: list[Challenge], refused_header: str | None) -> bool:
        """Meet a challenge; whether there is now another header to try.

        Raises:
            RemoteError: the token server refused, or may not be asked.
        """
        with self._lock:
            if self._headers.get(scope) != refused_header:
                return True  # another thread has been here
            new = self._meet(scope, {one.scheme: one.parameters for one in reversed(offered)})
            if new is None or new == refused_header:
                return False
            self._headers[scope] = new
            return True

    def redact(self, text: str) -> str:
        """The text without any secret that this login knows."""
        secrets = [header.partition(" ")[2] for header in self._headers.values()]
        if self._credential is not None:
            secrets += self._credential.secrets
        for secret in sorted(filter(None, secrets), key=len, reverse=True):
            text = text.replace(secret, "***")
        return text

    def advice(self) -> str:
        """What to do about a 401 or 403."""
        if self.notes:
            return "; ".join(self.notes)
        if self._credential is None:
            return f"no credentials for {self.home.netloc} were found: log in first (docker login {self.home.netloc})"
        return f"the credentials come from {self._credential.source}: log in again (docker login {self.home.netloc})"

    def _meet(self, scope: tuple[str, ...], offered: dict[str, dict[str, str]]) -> str | None:
        credential = self.credential
        if "bearer" in offered:
            if credential is not None and credential.registry_token:
                return f"Bearer {credential.registry_token}"
            return f"Bearer {self._token(scope, offered['bearer'])}"
        if "basic" in offered and credential is not None and credential.password:
            return credential.basic
        return None

    def _token(self, scope: tuple[str, ...], parameters: Mapping[str, str]) -> str:
        realm = parameters.get("realm", "")
        server = transport.origin(realm)
        if self.home.scheme == "https" and server.scheme != "https":
            raise RemoteError(
                f"cannot log in to {self.home.netloc}: it sends to {server} for a token, which is not https",
                hint="nothing was sent there; the registry's settings (its token realm) are wrong",
            )
        credential = self.credential
        if credential is not None and not self._may_see(server):
            note = (
                f"{self.home.netloc} asks for the password to be sent to another host, {server.netloc}; it was not. If that is "
                f"its token server, say so: --token-server {server.netloc}"
            )
            self.notes[:] = [note]
            credential = None
        response = retry.with_retries(
            self.wire.policy, lambda: self._ask(realm, parameters.get("service", ""), scope, credential)
        )
        if response.status != 200:
            said = self.redact(words(transport.finish(response)))
            what = f"get a token for {self.home.netloc} from {server.netloc}"
            hint = self.advice() if response.status in {400, 401, 403} else None
            raise refused(what, Refusal(response.status, said), hint=hint)
        return _read_token(transport.read(response, TOKEN_CAP, f"the token from {server.netloc}"), server)

    def _may_see(self, server: Origin) -> bool:
        if server == self.home:
            return True
        safe = server.scheme == "https" or transport.is_loopback(server.host) or self.wire.is_insecure(server)
        known = self.token_servers | TOKEN_SERVERS.get(self.home.netloc, frozenset())
        return safe and server.netloc in known

    def _ask(self, realm: str, service: str, scope: tuple[str, ...], credential: Credential | None) -> BaseHTTPResponse:
        asked = [("service", service)] if service else []
        asked += [("scope", one) for one in scope]
        if credential is not None and credential.identity_token:
            # OAuth2 (distribution's "Token Authentication Specification", oauth2): one scope parameter, words apart
            form = {
                "grant_type": "refresh_token",
                "refresh_token": credential.identity_token,
                "client_id": "scratchpack",
            }
            data = urlencode({**form, "service": service, "scope": " ".join(scope)}).encode()
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            return self.wire.send("POST", realm, headers, transport.body(data, "the login"))
        headers = {"Authorization": credential.basic} if credential is not None and credential.password else {}
        bare = realm.partition("#")[0]
        return self.wire.send("GET", bare + ("&" if "?" in bare else "?") + urlencode(asked), headers)


def _read_token(data: bytes, server: Origin) -> str:
    def fault(why: str) -> RemoteError:
        return RemoteError(f"cannot use the token from {server.netloc}: {why}")

    answer = foreign.json_document(data, fault)
    token = answer.get("token").text() or answer.get("access_token").text()
    if not _TOKEN.fullmatch(token):
        raise fault("the answer holds none")
    return token
