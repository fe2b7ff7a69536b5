"""Docker through its HTTP interface on the socket; through its command where only that knows the way (ssh, contexts)."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import socket
import ssl
import threading
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode, urlsplit

from scratchpack import foreign
from scratchpack.engines.archive import archive
from scratchpack.errors import InputError, RemoteError
from scratchpack.oci import reference

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import BinaryIO

    from scratchpack.engines.model import Progress
    from scratchpack.oci.model import Image, Release
    from scratchpack.proc import Done

_PASSWORD = re.compile(r"//.*@", re.DOTALL)  # which may hold a slash as well
_SOCKET = "/var/run/docker.sock"
_ASK_SECONDS = 10  # of silence
_ANSWER_SECONDS = 30  # for one answer whole, however it drips
_LOAD_SECONDS = 3600  # an engine may work long on a large layer before it says anything
_LOOKED_AT = 200  # images that are asked for their layers, the newest first
_WORTHWHILE = 4 << 20  # bytes of layers from which asking is cheaper than sending
_ANSWER_CAP = 16 << 20
_PIECE = 1 << 20


class _RefusedError(Exception):
    """The engine refused, or its answer is none that an engine gives; the message has its words."""


_FAULTS = (OSError, http.client.HTTPException, _RefusedError)


class Docker:
    """The daemon of ``DOCKER_HOST``, or of the default socket."""

    def __init__(self) -> None:
        self._host = os.environ.get("DOCKER_HOST") or f"unix://{_SOCKET}"
        self._shown = _PASSWORD.sub("//***@", self._host)  # a password in a URL stays out of messages
        self._by_command = self._host.startswith("ssh://") or (not os.environ.get("DOCKER_HOST") and _has_context())

    def answers(self) -> str | None:
        """``None`` when it is there, else why it is not."""
        if self._by_command:
            from scratchpack.engines import command

            return command.answers(["docker", "version"])
        try:
            self._ask("GET", "/_ping")
        except _FAULTS as error:
            return f"{self._shown}: {_why(error)}"
        return None

    def load(self, release: Release, progress: Progress) -> None:
        """Give names to what is there, or send what is lacking; in doubt, everything.

        Raises:
            RemoteError: it refused.
        """
        if self._by_command:
            from scratchpack.engines import command

            command.feed(["docker", "load", "-q"], archive(release, progress), "docker")
            return
        image = release.images[0]  # I5: the one platform that docker gets
        try:
            if self._name(image, release):
                return
            present = self._present(image)
            if present:
                try:
                    self._send(archive(release, progress, without=present))
                except _RefusedError:  # an image went away in between, or the store needs whole archives
                    self._send(archive(release, progress))
            else:
                self._send(archive(release, progress))
        except _FAULTS as error:
            raise RemoteError(f"cannot load into docker at {self._shown}: {_why(error)}") from None

    def save(self, reference: str, output: BinaryIO) -> None:
        """The archive of `docker save`, streamed from the daemon into ``output``.

        Raises:
            RemoteError: it has no such image, refused, or the answer broke off.
        """
        if self._by_command:
            from scratchpack.engines import command

            command.write(["docker", "save", "--", reference], reference, output, "docker")
            return
        try:
            connection = self._connect(_LOAD_SECONDS)
            try:
                connection.request("GET", "/images/get?" + urlencode({"names": reference}))
                response = connection.getresponse()
                if response.status != 200:
                    raise _RefusedError(_message(response.read(_ANSWER_CAP)) or f"status {response.status}")
                while piece := response.read(_PIECE):
                    output.write(piece)
            finally:
                connection.close()
        except _FAULTS as error:
            raise RemoteError(
                f"cannot get {reference} from docker at {self._shown}: {_why(error)}",
                hint="see that the engine runs and has the image",
            ) from None

    def run(self, reference: str, words: Sequence[str], *, timeout: float) -> Done:
        """`docker run`, without a network.

        Raises:
            RemoteError: as :func:`scratchpack.engines.command.start`.
        """
        from scratchpack.engines import command

        return command.start(["docker", "run", "--rm", "--network=none", reference, *words], reference, timeout)

    def _name(self, image: Image, release: Release) -> bool:
        """Where docker has this very image, only its names are missing."""
        try:
            found = self._ask("GET", f"/images/{quote(image.config_blob.digest)}/json")
            if found is None or found["Id"].text() != image.config_blob.digest:
                return False
        except _RefusedError:
            return False
        for name in release.references:
            parsed = reference.parse(name)
            query = urlencode({"repo": parsed.repository, "tag": parsed.tag or "latest"})
            self._ask("POST", f"/images/{quote(image.config_blob.digest)}/tag?{query}")
        return True

    def _present(self, image: Image) -> frozenset[str]:
        """Blobs of the layers that docker has already: the longest beginning shared with an image of its own."""
        if sum(layer.blob.size for layer in image.layers) < _WORTHWHILE:
            return frozenset()
        wanted = [layer.diff_id for layer in image.layers]
        best = 0
        try:
            images = self._ask("GET", "/images/json")
            for one in islice(images.items(), _LOOKED_AT) if images is not None else ():
                found = self._ask("GET", f"/images/{quote(one['Id'].text(), safe='')}/json")
                layers = () if found is None else found["RootFS"].get("Layers").texts()
                shared = next(
                    (at for at, pair in enumerate(zip(wanted, layers, strict=False)) if pair[0] != pair[1]), None
                )
                best = max(best, min(len(wanted), len(layers)) if shared is None else shared)
        except _RefusedError:
            return frozenset()
        kept = {layer.blob.digest for layer in image.layers[best:]}
        return frozenset(layer.blob.digest for layer in image.layers[:best]) - kept

    def _send(self, pieces: Iterator[bytes]) -> None:
        connection = self._connect(_LOAD_SECONDS)
        try:
            headers = {"Content-Type": "application/x-tar", "Transfer-Encoding": "chunked"}
            connection.request("POST", "/images/load?quiet=1", body=pieces, headers=headers, encode_chunked=True)
            response = connection.getresponse()
            said = response.read(_ANSWER_CAP)
        finally:
            connection.close()
        if response.status != 200:
            raise _RefusedError(_message(said) or f"status {response.status}")
        for line in said.splitlines():  # a failure after the first byte comes inside the answer
            if (error := _message(line, "error")) is not None:
                raise _RefusedError(error)

    def _ask(self, method: str, path: str) -> foreign.Value | None:
        """The document that answers; ``None`` where the answer is none, as that of /_ping.

        Raises:
            _RefusedError: the engine refused, or what it answers is not JSON.
            OSError, http.client.HTTPException: no answer.
        """
        connection = self._connect(_ASK_SECONDS)
        over = threading.Event()  # the timer's own flag is set after the cut, when the answer has already seemed to end
        late = threading.Timer(_ANSWER_SECONDS, _cut, (connection, over))
        late.daemon = True
        try:
            late.start()
            connection.request(method, path, headers={"Content-Length": "0"} if method == "POST" else {})
            response = connection.getresponse()
            said = response.read(_ANSWER_CAP)
            if over.is_set():
                raise TimeoutError(f"still answering after {_ANSWER_SECONDS} s")
        finally:
            late.cancel()
            connection.close()
        if response.status >= 300:
            raise _RefusedError(_message(said) or f"status {response.status}")
        if response.headers.get_content_type() != "application/json":
            return None
        return foreign.json_document(said, _no_answer, limit=_ANSWER_CAP)

    def _connect(self, timeout: float) -> http.client.HTTPConnection:
        try:
            where = urlsplit(self._host)
            host, port = where.hostname or "", where.port
            host.encode("idna")  # as connecting would, with an error that nobody expects there
        except ValueError:  # http://[::1, a port that is no number, a name that is too long
            raise _RefusedError(f"DOCKER_HOST is {self._shown}, which is not a URL") from None
        if where.scheme == "unix":
            return _UnixConnection(where.path, timeout)
        if where.scheme not in {"tcp", "http", "https"} or not host:
            raise _RefusedError(f"DOCKER_HOST is {self._shown}, which is neither unix://, tcp:// nor ssh://")
        if where.scheme == "https" or os.environ.get("DOCKER_TLS_VERIFY"):
            return http.client.HTTPSConnection(host, port or 2376, timeout=timeout, context=_tls())
        return http.client.HTTPConnection(host, port or 2375, timeout=timeout)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def _tls() -> ssl.SSLContext:
    """The certificates of docker's own command: ca.pem, cert.pem and key.pem of DOCKER_CERT_PATH."""
    home = Path(os.environ.get("DOCKER_CERT_PATH") or Path.home() / ".docker")
    context = ssl.create_default_context(cafile=str(home / "ca.pem"))
    context.load_cert_chain(home / "cert.pem", home / "key.pem")
    return context


def _has_context() -> bool:
    """Whether docker's command would go elsewhere than to the default socket."""
    if chosen := os.environ.get("DOCKER_CONTEXT"):
        return chosen != "default"
    home = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")
    try:
        data = foreign.file(home / "config.json")
        chosen = "" if data is None else foreign.json_document(data).get("currentContext").text()
    except InputError:
        return False
    return bool(chosen) and chosen != "default"


def _no_answer(why: str) -> _RefusedError:
    return _RefusedError(f"it does not answer as docker does: {why}")


def _cut(connection: http.client.HTTPConnection, over: threading.Event) -> None:
    """End a connection under the thread that reads from it: that gets the end of the answer, or an error, and sees ``over``."""
    over.set()
    with contextlib.suppress(OSError):
        if connection.sock is not None:
            connection.sock.shutdown(socket.SHUT_RDWR)


def _message(said: bytes, key: str = "message") -> str | None:
    try:
        return " ".join(foreign.json_document(said, limit=_ANSWER_CAP)[key].text().split())
    except InputError:
        return None


def _why(error: Exception) -> str:
    if isinstance(error, OSError):
        return error.strerror or str(error) or "no answer"
    return str(error) or type(error).__name__
