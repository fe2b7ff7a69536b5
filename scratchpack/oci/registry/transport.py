"""Requests over urllib3: TLS, deadlines, streamed bodies, capped answers. Knows nothing of credentials."""

from __future__ import annotations

import io
import ipaddress
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import urllib3

from scratchpack.errors import InputError, RemoteError
from scratchpack.oci.registry.faults import BrokenError, UnreachedError, clean, shown

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping

    from urllib3.response import BaseHTTPResponse

    from scratchpack.oci.registry.policy import Policy

DOCUMENT_SECONDS = 60  # for the whole of a small answer, so that a slow drip ends
_ERROR_CAP = 64 << 10  # bytes of an error's body that are read
_PIECE = 256 << 10  # bytes a read and a send
_UNREACHED = (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError)
_CERTIFICATES = ("/etc/docker/certs.d", "/etc/containers/certs.d")


class Origin(NamedTuple):
    """Scheme, host and port: what a credential belongs to."""

    scheme: str
    host: str
    port: int

    @property
    def netloc(self) -> str:
        """Host and port as a reference writes them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == {"https": 443, "http": 80}[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.netloc}"


def origin(url: str) -> Origin:
    """The origin of an absolute URL, read by the very parser that will connect.

    Raises:
        RemoteError: not http(s), with a user's name in it, or with characters that parsers disagree on.
    """
    if any(letter <= " " or letter in "\\\x7f" for letter in url):
        raise RemoteError(f"cannot follow {shown(url)!r}: not a URL")
    try:
        parsed = urllib3.util.parse_url(url)
    except urllib3.exceptions.LocationParseError:
        raise RemoteError(f"cannot follow {shown(url)!r}: not a URL") from None
    if parsed.scheme not in {"http", "https"} or not parsed.host or parsed.auth is not None:
        raise RemoteError(f"cannot follow {shown(url)!r}: not a plain http or https URL")
    port = parsed.port or (443 if parsed.scheme == "https" else 80)
    return Origin(parsed.scheme, parsed.host.strip("[]").lower(), port)


def join(base: str, place: str) -> str:
    """A place that a registry named, beside the URL that was asked.

    Raises:
        RemoteError: not a URL (``http://[::1``).
    """
    from urllib.parse import urljoin

    try:
        return urljoin(base, place)
    except ValueError:
        raise RemoteError(f"cannot follow {shown(place)!r}: not a URL") from None


def is_loopback(host: str) -> bool:
    """Whether plain http to this host leaves the machine not at all."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class Body:
    """Bytes to send, opened anew for each try. ``told`` hears of each piece, and may raise to end the sending."""

    size: int
    open: Callable[[], BinaryIO]
    name: str
    told: Callable[[int], None] = lambda _: None


class _Sender:
    """A request's body: reads exactly the promised size, and tells a fault of our file from one of the network."""

    def __init__(self, body: Body) -> None:
        self._body, self._left = body, body.size
        try:
            self._stream = body.open()
        except OSError as error:
            raise InputError(f"cannot read {body.name}: {error.strerror or error}") from None

    def read(self, size: int = -1) -> bytes:
        try:
            piece = self._stream.read(min(_PIECE if size < 0 else size, self._left) if self._left else 1)
        except OSError as error:
            raise InputError(f"cannot read {self._body.name}: {error.strerror or error}") from None
        if bool(piece) != bool(self._left):
            raise InputError(f"cannot send {self._body.name}: it is not the {self._body.size} bytes it was")
        self._left -= len(piece)
        self._body.told(len(piece))
        return piece

    def close(self) -> None:
        self._stream.close()


class Wire:
    """Connections. ``insecure`` names the origins' hosts (``host`` or ``host:port``) whose certificate is not checked."""

    def __init__(self, insecure: frozenset[str], policy: Policy) -> None:
        self.insecure, self.policy = insecure, policy
        self._pools: dict[Origin, urllib3.PoolManager] = {}
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close every kept connection."""
        for pool in self._pools.values():
            pool.clear()

    def is_insecure(self, where: Origin) -> bool:
        """Whether the user named this host with ``--insecure-registry``."""
        return not self.insecure.isdisjoint({where.host, where.netloc, f"{where.host}:{where.port}"})

    def send(
        self, method: str, url: str, headers: Mapping[str, str], body: Body | None = None, wait: float | None = None
    ) -> BaseHTTPResponse:
        """One request, one answer, no redirect followed; the answer's body is still to be read.

        Raises:
            BrokenError: no answer came.
            RemoteError: the host's certificate cannot be trusted.
            InputError: the body could not be read, or is not as long as promised.
        """
        where = origin(url)
        sender = None if body is None else _Sender(body)
        sent = {"User-Agent": "scratchpack", "Accept-Encoding": "identity", **headers}
        if body is not None:
            sent["Content-Length"] = str(body.size)
        # urllib3 holds each send of a new connection to the time for connecting: a registry may stop to store what it has
        connect = self.policy.connect if body is None else max(self.policy.connect, self.policy.answer)
        timeout = urllib3.Timeout(connect=connect, read=wait or self.policy.answer)
        try:
            return self._pool(where).urlopen(
                method,
                url,
                body=sender,
                headers=sent,
                timeout=timeout,
                retries=False,
                redirect=False,
                preload_content=False,
                decode_content=False,
            )
        except urllib3.exceptions.SSLError as error:
            raise self._untrusted(where, error) from None
        except (urllib3.exceptions.HTTPError, OSError) as error:
            kind = UnreachedError if isinstance(error, _UNREACHED) else BrokenError
            raise kind(f"cannot reach {where}: {_reason(error)}", hint=_hint(error)) from None
        except ValueError as error:  # a header that cannot be sent
            raise RemoteError(f"cannot ask {where}: {clean(str(error).partition(':')[0])}") from None
        finally:
            if sender is not None:
                sender.close()

    def _pool(self, where: Origin) -> urllib3.PoolManager:
        with self._lock:
            if where not in self._pools:
                self._pools[where] = self._connect(where)
            return self._pools[where]

    def _connect(self, where: Origin) -> urllib3.PoolManager:
        options: dict[str, Any] = {"maxsize": 8, "blocksize": _PIECE}
        if where.scheme == "https":
            options["ssl_context"] = _tls(where, unchecked=self.is_insecure(where))
        proxy = self._proxy(where)
        try:
            return urllib3.ProxyManager(proxy, **options) if proxy else urllib3.PoolManager(**options)
        except (urllib3.exceptions.HTTPError, ValueError):  # its text would show the proxy's password
            raise RemoteError(
                f"cannot reach {where}: the proxy that the environment names is no http or https URL",
                hint=f"check {where.scheme.upper()}_PROXY",
            ) from None

    def _proxy(self, where: Origin) -> str | None:
        from urllib.request import getproxies, proxy_bypass

        if is_loopback(where.host) or proxy_bypass(where.netloc):
            return None
        return getproxies().get(where.scheme) or None

    def _untrusted(self, where: Origin, error: urllib3.exceptions.SSLError) -> RemoteError:
        text = str(error)
        if "CERTIFICATE_VERIFY_FAILED" in text or "doesn't match" in text:
            return RemoteError(
                f"cannot trust {where}: {clean(text.partition('CERTIFICATE_VERIFY_FAILED]')[2] or text)}",
                hint=f"put its authority's certificate in {_CERTIFICATES[0]}/{where.netloc}/ca.crt or name a file of "
                f"them in SSL_CERT_FILE; --insecure-registry {where.netloc} does without the check",
            )
        return BrokenError(
            f"cannot speak TLS with {where}: {clean(text)}",
            hint=f"if it speaks plain http: --insecure-registry {where.netloc}",
        )


def _tls(where: Origin, *, unchecked: bool) -> ssl.SSLContext:
    """The system's authorities, and those that docker and podman keep for this one host."""
    import ssl

    context = ssl.create_default_context()
    for directory in _CERTIFICATES:
        for file in sorted(Path(directory, where.netloc).glob("*.crt")):
            context.load_verify_locations(file)
    if unchecked:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)  # the user has just said so
    return context


def _reason(error: Exception) -> str:
    if isinstance(error, urllib3.exceptions.NameResolutionError):
        return "its name is not known (DNS)"
    if isinstance(error, (urllib3.exceptions.ReadTimeoutError, TimeoutError)):
        return "it took the request and then said nothing (time-out)"
    if isinstance(error, urllib3.exceptions.NewConnectionError):
        return clean(str(error).rpartition(": ")[2])
    if isinstance(error, urllib3.exceptions.ConnectTimeoutError):
        return "it does not answer (time-out while connecting)"
    return clean(f"the connection broke ({str(error).strip('()') or type(error).__name__})")


def _hint(error: Exception) -> str:
    if isinstance(error, _UNREACHED):
        return "check the registry's name and port, and the network (HTTPS_PROXY, where there is a proxy)"
    return "run it again: what has arrived is not sent twice"


def read(response: BaseHTTPResponse, cap: int, what: str) -> bytes:
    """A small answer's whole body; the connection is free again.

    Raises:
        BrokenError: it ended early, or dripped for longer than ``DOCUMENT_SECONDS``.
        RemoteError: more than ``cap`` bytes (S22).
    """
    data, deadline = bytearray(), time.monotonic() + DOCUMENT_SECONDS
    try:
        while piece := response.read1(_PIECE):
            data += piece
            if len(data) > cap:
                response.close()
                raise RemoteError(f"cannot read {what}: more than {cap >> 20} MiB, the most that is taken")
            if time.monotonic() > deadline:
                raise TimeoutError
    except (urllib3.exceptions.HTTPError, OSError) as error:
        response.close()
        raise BrokenError(f"cannot read {what}: {_reason(error)}", hint=_hint(error)) from None
    response.release_conn()
    return bytes(data)


def finish(response: BaseHTTPResponse) -> bytes:
    """What an answer nobody needs in full says, as far as it goes; the connection is freed or closed."""
    try:
        return read(response, _ERROR_CAP, "the answer")
    except RemoteError:
        return b""


def body(data: bytes, name: str) -> Body:
    """A small body that is in memory already."""
    return Body(len(data), lambda: io.BytesIO(data), name)
