"""A registry that misbehaves on demand: a real HTTP server in a thread, because a registry that lies cannot be had.

Two of them, on 127.0.0.1 and 127.0.0.2, are two hosts. Every request is kept, so that a test can say what a host was told.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, NamedTuple, Self
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable


class Seen(NamedTuple):
    """One request."""

    method: str
    target: str
    headers: dict[str, str]  # names in lower case
    body: bytes

    @property
    def path(self) -> str:
        """Without the query."""
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, list[str]]:
        """The query's values by name."""
        return parse_qs(urlsplit(self.target).query)

    @property
    def authorization(self) -> str:
        """What it was logged in with."""
        return self.headers.get("authorization", "")


class Reply(NamedTuple):
    """An answer. ``cut``: "half" sends half the body, "close" nothing at all, "silent" nothing and keeps the line."""

    status: int
    headers: dict[str, str] = {}  # noqa: RUF012 - never changed
    body: bytes = b""
    cut: str = ""


Rule = tuple[str, str, "Reply | Callable[[Seen], Reply | None]", list[int]]


class FakeRegistry:
    """An in-memory registry; use it in a ``with``. ``host`` is what a reference starts with."""

    def __init__(self, address: str = "127.0.0.1", *, tls: ssl.SSLContext | None = None) -> None:
        self.seen: list[Seen] = []
        self.blobs: dict[str, bytes] = {}
        self.manifests: dict[str, tuple[str, bytes]] = {}  # "path:tag" or "path@digest"
        self.wants = ""  # the Authorization that /v2/ needs, and …
        self.challenge = ""  # … what it says without
        self.drop_after: int | None = None  # requests that are answered; those that follow lose their connection
        self.referrers_api = False
        self._uploads: dict[str, bytes] = {}
        self._names = itertools.count()
        self._rules: list[Rule] = []
        self._lock = threading.Lock()
        self._ended = threading.Event()
        handler = type("Handler", (_Handler,), {"fake": self})
        self._server = _Server((address, 0), handler)
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.host = f"{address}:{self._server.server_address[1]}"
        self.url = f"{'https' if tls else 'http'}://{self.host}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def on(
        self, method: str, pattern: str, reply: Reply | Callable[[Seen], Reply | None], times: int = 1_000_000
    ) -> None:
        """Answer so, the next ``times`` times that method and path (a regular expression, all of it) fit."""
        self._rules.append((method, pattern, reply, [times]))

    def ask_for_basic(self, authorization: str) -> None:
        """From now on only who sends exactly this is let in."""
        self.wants, self.challenge = authorization, 'Basic realm="fake"'

    def ask_for_token(self, realm: str, token: str = "good-token") -> None:
        """From now on only bearers of the token are let in; it is to be had at the realm."""
        self.wants, self.challenge = f"Bearer {token}", f'Bearer realm="{realm}",service="fake",scope="ignored"'

    def give_tokens(self, path: str = "/token", token: str = "good-token", *, to: str = "") -> None:
        """Be a token server; ``to`` is the Authorization that it wants, anybody's without."""

        def reply(seen: Seen) -> Reply:
            if to and seen.authorization != to:
                return Reply(401, {}, b'{"errors":[{"code":"UNAUTHORIZED","message":"wrong password"}]}')
            return Reply(200, {"Content-Type": "application/json"}, json.dumps({"token": token}).encode())

        self.on("GET", re.escape(path), reply)

    def was_told(self, secret: str) -> bool:
        """Whether any request had this text anywhere in it."""
        return any(
            secret in one.target
            or secret.encode() in one.body
            or any(secret in value for value in one.headers.values())
            for one in self.seen
        )

    def answer(self, seen: Seen) -> Reply:
        """What this request gets."""
        with self._lock:
            self.seen.append(seen)
            if self.drop_after is not None and len(self.seen) > self.drop_after:
                return Reply(0, cut="close")
            for method, pattern, reply, left in self._rules:
                if left[0] and method in {seen.method, "*"} and re.fullmatch(pattern, seen.path):
                    left[0] -= 1
                    found = reply if isinstance(reply, Reply) else reply(seen)
                    if found is not None:
                        return found
            if self.wants and seen.authorization != self.wants and seen.path.startswith("/v2/"):
                return Reply(401, {"WWW-Authenticate": self.challenge}, b"{}")
            return self._registry(seen)

    def wait(self) -> None:
        """Say nothing until the test is over."""
        self._ended.wait(60)

    def _registry(self, seen: Seen) -> Reply:
        if seen.path == "/v2/":
            return Reply(200, {}, b"{}")
        if match := re.fullmatch(r"/v2/(.+)/blobs/uploads/([^/]*)", seen.path):
            return self._upload(seen, match[1], match[2])
        if match := re.fullmatch(r"/v2/.+/blobs/(sha256:[0-9a-f]{64})", seen.path):
            data = self.blobs.get(match[1])
            return Reply(404) if data is None else _part(seen, data)
        if match := re.fullmatch(r"/v2/(.+)/manifests/([^/]+)", seen.path):
            return self._manifest(seen, match[1], match[2])
        return Reply(404)

    def _upload(self, seen: Seen, path: str, name: str) -> Reply:
        if seen.method == "POST":
            name = f"u{next(self._names)}"
            self._uploads[name] = b""
            return Reply(202, {"Location": f"/v2/{path}/blobs/uploads/{name}?_state=s"})
        if name not in self._uploads:
            return Reply(404, {}, b'{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN","message":"no such upload"}]}')
        self._uploads[name] += seen.body
        if seen.method == "PATCH":
            return Reply(202, {"Location": f"/v2/{path}/blobs/uploads/{name}?_state=t"})
        data, digest = self._uploads.pop(name), seen.query["digest"][0]
        if digest != "sha256:" + hashlib.sha256(data).hexdigest():
            return Reply(400, {}, b'{"errors":[{"code":"DIGEST_INVALID","message":"other bytes"}]}')
        self.blobs[digest] = data
        return Reply(201, {"Location": f"/v2/{path}/blobs/{digest}"})

    def _manifest(self, seen: Seen, path: str, pointer: str) -> Reply:
        key = f"{path}@{pointer}" if ":" in pointer else f"{path}:{pointer}"
        if seen.method == "PUT":
            document = json.loads(seen.body)
            needed = [one["digest"] for one in ([*document.get("layers", []), document.get("config")]) if one]
            if not all(digest in self.blobs for digest in needed):
                return Reply(400, {}, b'{"errors":[{"code":"MANIFEST_BLOB_UNKNOWN","message":"a blob is missing"}]}')
            digest = "sha256:" + hashlib.sha256(seen.body).hexdigest()
            stored = (seen.headers["content-type"], seen.body)
            self.manifests[key] = self.manifests[f"{path}@{digest}"] = stored
            subject = document.get("subject") if self.referrers_api else None
            noted = {"OCI-Subject": subject["digest"]} if subject else {}
            return Reply(201, {"Docker-Content-Digest": digest, **noted})
        if key not in self.manifests:
            return Reply(404, {}, b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"no such manifest"}]}')
        kind, data = self.manifests[key]
        return Reply(200, {"Content-Type": kind}, data)


def _part(seen: Seen, data: bytes) -> Reply:
    wanted = re.fullmatch(r"bytes=(\d+)-", seen.headers.get("range", ""))
    if wanted is None:
        return Reply(200, {}, data)
    start = int(wanted[1])
    return Reply(206, {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"}, data[start:])


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away early is what many of these tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    fake: FakeRegistry

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        reply = self.fake.answer(Seen(self.command, self.path, headers, body))
        if reply.cut in {"close", "silent"}:
            if reply.cut == "silent":
                self.fake.wait()
            self.close_connection = True
            return
        self.send_response(reply.status)
        for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body[: len(reply.body) // 2] if reply.cut == "half" else reply.body)
        if reply.cut:
            self.close_connection = True

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 - the names that http.server calls

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """Say nothing."""
