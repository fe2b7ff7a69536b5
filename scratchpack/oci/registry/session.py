"""One registry host: which scheme it speaks, who the user is there, and where a redirect may lead (S21)."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Self

from scratchpack.errors import RemoteError
from scratchpack.oci import credentials
from scratchpack.oci.reference import DOCKER_HUB
from scratchpack.oci.registry import transport
from scratchpack.oci.registry.auth import Login, challenges
from scratchpack.oci.registry.faults import BrokenError, Refusal, UnreachedError, refused, shown, words
from scratchpack.oci.registry.policy import Policy
from scratchpack.oci.registry.retry import RETRIED
from scratchpack.oci.registry.transport import Body, Origin, Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from urllib3.response import BaseHTTPResponse

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_HOPS = 5


@dataclass(frozen=True, slots=True)
class Access:
    """What the user said of registries."""

    insecure: frozenset[str] = frozenset()  # --insecure-registry: host or host:port; plain http, unchecked certificates
    token_servers: frozenset[str] = frozenset()  # --token-server: further hosts that may see the password
    policy: Policy = field(default_factory=Policy)


class Session:
    """Authorised requests to one registry host. Safe to share between threads; close it, or use it in a ``with``."""

    def __init__(self, host: str, options: Access, path: str = "") -> None:
        self.host, self.options = host, options
        self.wire = Wire(options.insecure, options.policy)
        self._path = path
        self._lock = threading.Lock()
        self._login: Login | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.wire.close()

    @property
    def login(self) -> Login:
        """Who we are at the host, whose scheme is found out now if it was not before."""
        with self._lock:
            if self._login is None:
                self._login = Login(
                    self._origin(),
                    self.wire,
                    lambda: credentials.find(self.host, self._path),
                    self.options.token_servers,
                )
            return self._login

    def _origin(self) -> Origin:
        name = "registry-1.docker.io" if self.host == DOCKER_HUB else self.host
        secure = transport.origin(f"https://{name}")
        plain = transport.origin(f"http://{name}")
        if transport.is_loopback(secure.host):
            return plain if self._speaks(plain) else secure
        if not (self.wire.is_insecure(secure) or self.wire.is_insecure(plain)):
            return secure  # S21: never http without being told
        return secure if self._speaks(secure) else plain

    def _speaks(self, where: Origin) -> bool:
        """Whether the host answers as a registry over this scheme. A TLS server answers plain http with 400, or not at all."""
        try:
            response = self.wire.send("GET", f"{where}/v2/", {})
        except UnreachedError:
            return where.scheme == "http"  # over https there is nobody either: let the answer name what was tried last
        except BrokenError:
            return False
        transport.finish(response)
        return response.status != 400

    def call(
        self,
        method: str,
        target: str,
        scope: tuple[str, ...],
        *,
        headers: Mapping[str, str] | None = None,
        body: Body | None = None,
        wait: float | None = None,
    ) -> BaseHTTPResponse:
        """One try of one request, logged in where it is for the host itself. GET and HEAD follow redirects.

        Args:
            method: of HTTP.
            target: a path on the host, or an absolute URL that the host gave.
            scope: what the token has to allow.
            headers: further ones, without a secret: they go along to other hosts.
            body: what is sent.
            wait: seconds of silence to bear, where not the policy's.

        Raises:
            BrokenError: no answer.
            RemoteError: a redirect that may not be followed, a login that failed.
        """
        home = self.login.home
        url = transport.join(f"{home}/", target)
        for _ in range(_HOPS + 1):
            self.check(url)
            send = partial(self.wire.send, method, url, body=body, wait=wait)
            if transport.origin(url) == home:
                response = self._authorised(scope, headers or {}, send)
            else:
                response = send(headers or {})  # S21: as nobody
            if response.status not in _REDIRECTS or method not in {"GET", "HEAD"}:
                return response
            location = response.headers.get("Location", "")
            transport.finish(response)
            if not location:
                raise RemoteError(f"cannot follow a redirect from {shown(url)}: it names no place")
            url = transport.join(url, location)
        raise RemoteError(f"cannot follow the redirects from {shown(target)}: more than {_HOPS}")

    def check(self, url: str) -> None:
        """Refuse a URL that the registry gave and that would leave TLS (S21)."""
        where = transport.origin(url)
        if self.login.home.scheme == "https" and where.scheme != "https":
            raise RemoteError(
                f"cannot follow {self.host} to {shown(url)}: it leads from https to plain http",
                hint="a proxy before the registry has to tell it X-Forwarded-Proto: https",
            )

    def _authorised(
        self, scope: tuple[str, ...], headers: Mapping[str, str], send: Callable[[Mapping[str, str]], BaseHTTPResponse]
    ) -> BaseHTTPResponse:
        for last in (False, False, True):  # an old token, a new one, the answer
            known = self.login.header(scope)
            sent = {**headers, "Authorization": known} if known else headers
            response = send(sent)
            if response.status != 401 or last:
                return response
            offered = challenges(response.headers.getlist("WWW-Authenticate"))
            try:
                if not self.login.answer(scope, offered, known):
                    return response
            except BaseException:
                response.close()
                raise
            transport.finish(response)
        raise AssertionError("the loop returns at its last turn")

    def refusal(self, what: str, response: BaseHTTPResponse) -> RemoteError:
        """The error for this answer, with what the registry said and what to do."""
        said = self.login.redact(words(transport.finish(response)))
        tries = self.options.policy.tries if response.status in RETRIED else 1
        hint = self.login.advice() if response.status == 401 or (response.status == 403 and self.login.notes) else None
        return refused(what, Refusal(response.status, said), tries=tries, hint=hint)
