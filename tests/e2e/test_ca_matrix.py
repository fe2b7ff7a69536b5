"""N6-N8: which client finds a bundle where. A private authority, a real HTTPS server, real clients."""

from __future__ import annotations

import functools
import http.server
import json
import shutil
import ssl
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.support import build, tools
from tests.support.cli import scratchpack

if TYPE_CHECKING:
    from collections.abc import Iterator

APPS = Path(__file__).parent.parent.parent / "sample_apps" / "need_ca_certificates"
ANSWER = "trusted"

USUAL = "etc/ssl/certs/ca-certificates.crt"
PLACES = {
    "none": None,
    "usual": USUAL,
    "openssldir": "usr/lib/ssl/cert.pem",  # Debian's libcrypto was built so
    "pki": "etc/pki/tls/certs/ca-bundle.crt",
    "cert.pem": "etc/ssl/cert.pem",
    "SSL_CERT_FILE": "x.pem",
}


class Client(NamedTuple):
    """How a client is run against the server, and at which places alone it finds a bundle."""

    program: str
    args: tuple[str, ...]
    finds: frozenset[str]


CLIENTS = {
    "curl": Client("/usr/bin/curl", ("-sS", "https://localhost:{port}/"), frozenset({"usual", "SSL_CERT_FILE"})),
    "wget": Client("/usr/bin/wget", ("-qO-", "https://localhost:{port}/"), frozenset({"usual"})),
    "libssl": Client("libssl", ("localhost:{port}",), frozenset({"openssldir", "SSL_CERT_FILE"})),
    # by address: the engine would mount the /etc/hosts that Go wants for "localhost", this sandbox does not
    "go": Client("go", ("https://127.0.0.1:{port}/",), frozenset({"usual", "pki", "cert.pem", "SSL_CERT_FILE"})),
    "zig": Client("zig", (), frozenset({"usual", "pki", "cert.pem"})),
    "uv": Client(  # Rust: rustls-native-certs, and openssl-probe's list of places
        "uv",
        (
            *("python", "list", "--no-cache", "--system-certs", "--only-downloads", "--show-urls"),
            *("--python-downloads-json-url", "https://127.0.0.1:{port}/python.json"),
        ),
        frozenset({"usual", "pki", "cert.pem", "SSL_CERT_FILE"}),
    ),
    "nim": Client("nim", ("https://127.0.0.1:{port}/",), frozenset({"usual", "pki"})),  # 1.6
    "d": Client("d", ("https://127.0.0.1:{port}/",), frozenset({"usual"})),  # libcurl alone, as std.net.curl opens it
}
_COMPILED_IN_CAMPAIGNS = ("nim", "d")


# What uv reads of a Python that it could fetch; it prints the address, and fetches nothing.
_PYTHON = {
    "name": "cpython",
    "major": 3,
    "minor": 12,
    "patch": 0,
    "prerelease": "",
    "variant": None,
    "build": None,
    "os": "linux",
    "libc": "gnu",
    "arch": {"family": "x86_64", "variant": None},
    "sha256": None,
    "url": f"https://localhost/{ANSWER}.tar.gz",
}


class Server(NamedTuple):
    port: int
    bundle: Path


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server on the loopback whose certificate only our own authority vouches for."""
    openssl = tools.need("openssl", package="openssl")
    home = tmp_path_factory.mktemp("ca")
    (home / "www").mkdir()
    (home / "www" / "index.html").write_text(ANSWER)
    (home / "www" / "python.json").write_text(json.dumps({"cpython-3.12.0-linux-x86_64-gnu": _PYTHON}))
    new = [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    build.run([*new, "-subj", "/CN=our own authority", "-keyout", home / "ca.key", "-out", home / "ca.pem"])
    build.run(
        [
            *(*new, "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
            *("-addext", "basicConstraints=critical,CA:FALSE", "-CA", home / "ca.pem", "-CAkey", home / "ca.key"),
            *("-keyout", home / "key.pem", "-out", home / "cert.pem"),
        ]
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(home / "cert.pem", home / "key.pem")
    handler = functools.partial(_Quiet, directory=str(home / "www"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as served:
        served.socket = context.wrap_socket(served.socket, server_side=True)
        served.handle_error = lambda *_: None  # type: ignore[method-assign]  # refusals are what is tested
        thread = threading.Thread(target=served.serve_forever)
        thread.start()
        yield Server(served.server_address[1], home / "ca.pem")
        served.shutdown()
        thread.join()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        """Say nothing."""


def _program(name: str, home: Path) -> Path:
    client = CLIENTS[name]
    if client.program.startswith("/"):
        return Path(tools.need(name, package=name))
    if name == "libssl":
        return build.cc(home / "libssl", (APPS / "client.c").read_text(), "-lssl", "-lcrypto")
    if name == "go":
        return build.go(home / "go", (APPS / "client.go").read_text())
    if name == "uv":
        return Path(tools.need("uv", package="uv"))
    if name == "nim":
        nim = [tools.need("nim", package="nim"), "compile", "--hints:off", "-d:ssl", f"--nimcache:{home}/cache"]
        build.run([*nim, f"-o:{home / 'nim'}", APPS / "client.nim"])
        return home / "nim"
    if name == "d":
        build.run([tools.need("ldc2", package="ldc"), f"-of={home / 'd'}", f"-od={home}", APPS / "client.d"])
        return home / "d"
    return _zig(home)


def _zig(home: Path) -> Path:
    """A static Zig program; its build needs the compiler of the ziglang wheel."""
    try:
        import ziglang  # noqa: F401
    except ImportError:
        tools.missing("zig is not installed (PyPI package: ziglang)")
    out = home / "zig"
    source = APPS / "client.zig"
    words = ("build-exe", "-target", "x86_64-linux-musl", "-O", "ReleaseSmall", source, f"-femit-bin={out}")
    build.run([sys.executable, "-m", "ziglang", *words], cwd=home)
    return out


def _works(tree: Path, program: str, client: Client, port: int, env: dict[str, str]) -> bool:
    bwrap = tools.need("bwrap", package="bubblewrap")
    words = [word for name, value in env.items() for word in ("--setenv", name, value)]
    done = subprocess.run(
        [
            *(bwrap, "--unshare-pid", "--unshare-ipc", "--clearenv", *words, "--bind", str(tree), "/"),
            *("--proc", "/proc", "--dev", "/dev", program, *(word.format(port=port) for word in client.args)),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode == 0 and (not client.args or ANSWER in done.stdout)


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.campaign if name in _COMPILED_IN_CAMPAIGNS else ()) for name in CLIENTS],
)
def test_each_client_finds_the_bundle_that_scratchpack_places(name: str, server: Server, tmp_path: Path) -> None:
    client = CLIENTS[name]
    program = _program(name, tmp_path)
    inside = client.program if client.program.startswith("/") else f"/{program.name}"
    bare, full = tmp_path / "bare", tmp_path / "full"

    for tree, mode in ((bare, "never"), (full, "auto")):
        words = ("--need", f"ca-certificates={mode}", "--ca-bundle", server.bundle)
        run = scratchpack(program, "-q", "-o", f"type=local,dest={tree}", *words)
        assert run.status == 0, run.err

    assert _works(full, inside, client, server.port, {})  # the links alone, without SSL_CERT_FILE
    assert _works(full, inside, client, server.port, {"SSL_CERT_FILE": f"/{USUAL}"})  # as the image says
    found = set()
    for place, path in PLACES.items():
        tree = tmp_path / place.replace(".", "_")
        shutil.copytree(bare, tree, symlinks=True)
        env = {"SSL_CERT_FILE": f"/{path}"} if place == "SSL_CERT_FILE" else {}
        if path is not None:
            (tree / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(server.bundle, tree / path)
        if _works(tree, inside, client, server.port, env):
            found.add(place)
    assert found == client.finds  # the measured matrix, 3.1


def test_a_root_without_a_bundle_is_refused_with_a_way_out(tmp_path: Path) -> None:
    program = build.cc(tmp_path / "client", (APPS / "client.c").read_text(), "-lssl", "-lcrypto")
    root = tmp_path / "root"
    packed = scratchpack(program, "-q", "-o", f"type=local,dest={root}", "--need", "ca-certificates=never")
    assert packed.status == 0, packed.err

    run = scratchpack("/client", "--root", root, "-o", f"type=local,dest={tmp_path / 'out'}")

    assert run.status == 5
    for fragment in ("ca-certificates", "--ca-bundle", "--need ca-certificates=never"):
        assert fragment in run.err
    assert not (tmp_path / "out").exists()
