"""A docker daemon that answers nonsense, over a real socket: a RemoteError, soon, and without the password of DOCKER_HOST (S5, S21)."""

from __future__ import annotations

import contextlib
import json
import random
import socket
import socketserver
import threading
import time
from typing import TYPE_CHECKING

import pytest

from scratchpack.engines import docker as engine_docker
from scratchpack.engines.docker import Docker
from scratchpack.errors import RemoteError
from tests.support import releases
from tests.support.mutants import mutants

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from scratchpack.oci.model import Release

_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"


class Daemon(socketserver.ThreadingUnixStreamServer):
    """Answers each request with the bytes set for its path, and closes."""

    daemon_threads = True

    def __init__(self, path: str) -> None:
        super().__init__(path, _Handler)
        self.answers: dict[str, bytes] = {}
        self.drip = 0.0  # seconds before each byte
        self.dripped = 0  # bytes that a client has waited for

    def say(self, path: str, document: bytes) -> None:
        """This document, properly framed."""
        self.answers[path] = _HEAD + b"Content-Length: %d\r\n\r\n" % len(document) + document


class _Handler(socketserver.StreamRequestHandler):
    server: Daemon

    def handle(self) -> None:
        with contextlib.suppress(OSError):
            method, path, _ = self.rfile.readline().decode().split(" ")
            while self.rfile.readline().strip():
                pass
            answer = self.server.answers.get(
                path.split("?")[0], b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}"
            )
            if not self.server.drip:
                self.wfile.write(answer)
            for byte in answer if self.server.drip else b"":
                time.sleep(self.server.drip)
                self.wfile.write(bytes([byte]))
                self.server.dripped += 1
            self.request.shutdown(socket.SHUT_WR)
            if method == "POST":
                while self.rfile.read1(1 << 20):  # what is being sent
                    pass


@pytest.fixture
def daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Daemon]:
    server = Daemon(str(tmp_path / "s"))
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/s")
    yield server
    server.shutdown()
    server.server_close()


def large() -> Release:
    """An image that is worth asking about: over 4 MiB of layers."""
    image = releases.image([releases.layer(data=random.Random(1).randbytes(5 << 20)), releases.layer(hello=b"x")])
    return releases.release(image, names=["docker.io/library/x:1"])


def test_every_mutant_of_an_answer_is_refused_or_asked_no_further(daemon: Daemon) -> None:
    release = large()
    image = release.images[0]
    layers = [layer.diff_id for layer in image.layers]
    identity = image.config_blob.digest
    seed = random.Random(5)
    about = {"Id": "sha256:" + "1" * 64, "RootFS": {"Type": "layers", "Layers": layers[:1]}}
    docker = Docker()
    daemon.say("/images/json", json.dumps([{"Id": "one"}]).encode())
    daemon.say("/images/one/json", json.dumps(about).encode())
    assert docker._present(image), "the answers that are mutated are those that are understood"
    for data in list(mutants([{"Id": "one", "Labels": None}], seed))[::2]:
        daemon.say("/images/json", data)
        assert docker._present(image) <= {layer.blob.digest for layer in image.layers}
    daemon.say("/images/json", json.dumps([{"Id": "one"}]).encode())
    for data in list(mutants(about, seed))[::2]:
        daemon.say("/images/one/json", data)
        assert docker._present(image) <= {layer.blob.digest for layer in image.layers}
    for data in list(mutants({"Id": identity}, seed))[::2]:
        daemon.say(f"/images/{identity.replace(':', '%3A')}/json", data)
        with contextlib.suppress(engine_docker._RefusedError):
            docker._name(image, release)


@pytest.mark.parametrize(
    "answer",
    [
        b"", b"\0" * 100, b"HTTP/1.1\r\n\r\n", b"HTTP/1.1 abc OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 4400 + b"\r\n\r\n", _HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        _HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 5000 + b"\r\n", b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nx: " + b"a" * 70_000 + b"\r\n\r\n", _HEAD + b"Content-Length: 9\r\n\r\n{", _HEAD + b"Content-Length: 1\r\n\r\n{",
        _HEAD + b"Content-Length: 10000\r\n\r\n" + b"[" * 10_000, b"HTTP/1.1 500 no\r\n\r\n" + b"[" * 10_000,
        b'HTTP/1.1 500 no\r\nContent-Type: \xff\r\n\r\n{"message": ["\\ud800"]}', b'HTTP/1.1 200 OK\r\n\r\n{"error": 3}\n{"error": "\\ud800"}',
    ],
)  # fmt: skip
def test_an_answer_that_is_no_http_or_no_json_is_a_remote_error(daemon: Daemon, answer: bytes) -> None:
    release = releases.release(releases.image([releases.layer(hello=b"x")]), names=["docker.io/library/x:1"])
    identity = release.images[0].config_blob.digest
    for path in ("/_ping", f"/images/{identity.replace(':', '%3A')}/json", "/images/load"):
        daemon.answers[path] = answer
    docker = Docker()
    why = docker.answers()
    assert why is None or "\x1b" not in why
    with contextlib.suppress(RemoteError):
        docker.load(release, lambda *_: None)


def test_an_answer_that_drips_ends(daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    """S4: a byte now and then is never silence, so the whole answer has its own bound."""
    monkeypatch.setattr(engine_docker, "_ANSWER_SECONDS", 0.3)
    daemon.drip = 0.02
    daemon.answers["/_ping"] = b"HTTP/1.1 200 OK\r\nx: " + b"a" * 10_000
    assert Docker().answers() is not None
    assert daemon.dripped < 10_000, "it waited for the last byte of the header, 200 seconds"


@pytest.mark.parametrize(
    "host",
    ["tcp://u:secret@127.0.0.1:1", "tcp://u:sec/secret@127.0.0.1:1", "http://[::1", "http://u:secret@[::1", "tcp://u:secret@h:²", "tcp://h:99999999",
     "tcp://" + "a" * 70 + ".x", "tcp://a..b", "x://u:secret@h", "secret", "unix://" + "/x" * 200, "tcp://u:secret@h\x1b[2J:1"],
)  # fmt: skip
def test_a_host_that_cannot_be_is_a_reason_without_its_password(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", host)
    docker = Docker()
    assert host == "secret" or "secret" not in str(docker.answers())
    with pytest.raises(RemoteError) as caught:
        docker.load(releases.small(), lambda *_: None)
    assert host == "secret" or "secret" not in caught.value.message
