"""Asking a server in the sandbox: a port or a URL goes in; whether it listens, and what it answers, comes out. Asked from outside, over the sandbox's network."""

from __future__ import annotations

import http.client
import socket
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from scratchpack.errors import UsageError
from scratchpack.record import NamedTuple
from scratchpack.sandbox.model import SandboxError

if TYPE_CHECKING:
    from scratchpack.sandbox.runner import Running

_BODY = 1 << 20  # bytes of an answer that are kept
_PAUSE = 0.02  # seconds between two tries
_PATIENCE = 30.0  # seconds for one answer


class Answer(NamedTuple):
    """What a server answered."""

    status: int
    reason: str
    body: bytes  # its first MiB


def wait_tcp(running: Running, port: int, *, timeout: float) -> None:
    """Wait until somebody listens on a port of the sandbox's loopback, IPv4 or IPv6.

    Raises:
        SandboxError: the program ended before, or nobody listened in time.
    """
    end = time.monotonic() + timeout
    while True:
        for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
            try:
                with _connected(running, family, host, port):
                    return
            except OSError:
                continue
            except SandboxError:
                raise SandboxError(f"cannot reach port {port}: the program has ended") from None
        if time.monotonic() > end:
            raise SandboxError(f"cannot reach port {port}: nobody listens after {timeout:g} s")
        time.sleep(_PAUSE)


def request(running: Running, url: str) -> Answer:
    """GET a URL of the sandbox; ``http://127.0.0.1:8080/health``, or ``localhost`` or ``[::1]`` as the host.

    Redirections are answers as any other. https is spoken without a look at the certificate: it names another host.

    Raises:
        UsageError: no such URL can be asked.
        SandboxError: no answer, or one that is not HTTP.
    """
    host, port, secure, path = check_url(url)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        connection = http.client.HTTPConnection(host, port, timeout=_PATIENCE)
        connection.sock = _connected(running, family, host, port)
        try:
            if secure:
                import ssl

                context = ssl.create_default_context()
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
                connection.sock = context.wrap_socket(connection.sock, server_hostname="localhost")
            connection.request("GET", path, headers={"Host": urlsplit(url).netloc, "Connection": "close"})
            answer = connection.getresponse()
            return Answer(answer.status, answer.reason, answer.read(_BODY))
        finally:
            connection.close()
    except (OSError, http.client.HTTPException) as error:
        raise SandboxError(f"cannot get {url}: {error or type(error).__name__}") from None


def check_url(url: str) -> tuple[str, int, bool, str]:
    """Host, port, whether it is https, path with query; checked before anything is started.

    Raises:
        UsageError: not http or https, or another host than the sandbox itself.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise UsageError(f"cannot ask for {url!r}: {error}") from None
    host = {"localhost": "127.0.0.1"}.get(parts.hostname or "", parts.hostname or "")
    if parts.scheme not in {"http", "https"} or not (host.startswith("127.") or host == "::1"):
        raise UsageError(
            f"cannot ask for {url!r}: it is not a URL of the sandbox itself",
            hint="write it as http://127.0.0.1:8080/path, or with localhost or [::1] as the host",
        )
    secure = parts.scheme == "https"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if any(ord(letter) <= 32 or ord(letter) > 126 for letter in path):
        raise UsageError(f"cannot ask for {url!r}: write what is not ASCII as %XX")
    return host, port or (443 if secure else 80), secure, path


def _connected(running: Running, family: socket.AddressFamily, host: str, port: int) -> socket.socket:
    made = running.socket(family)
    try:
        made.settimeout(_PATIENCE)
        made.connect((host, port))
    except BaseException:
        made.close()
        raise
    return made
