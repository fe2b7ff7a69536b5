"""Servers from Debian do their work from their image: nginx in a real engine as an ordinary user, redis-server alone."""

from __future__ import annotations

import socket
import subprocess
import time
import urllib.request
from contextlib import closing
from typing import TYPE_CHECKING

from tests.support import tools
from tests.support.cli import scratchpack

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.engines import Docker

ALPINE = 15_000_000  # bytes: what an image on Alpine's base comes to
NGINX = """daemon off;
pid /tmp/nginx.pid;
error_log /dev/stderr;
events {}
http {
  access_log off;
  client_body_temp_path /tmp/body;
  proxy_temp_path /tmp/proxy;
  fastcgi_temp_path /tmp/fastcgi;
  uwsgi_temp_path /tmp/uwsgi;
  scgi_temp_path /tmp/scgi;
  server { listen 127.0.0.1:PORT; root /srv; }
}
"""


def free_port() -> int:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def connected(port: int, seconds: float = 20) -> socket.socket:
    """A connection, as soon as somebody listens."""
    end = time.monotonic() + seconds
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=5)
        except OSError:
            assert time.monotonic() < end, f"nobody listens on {port}"
            time.sleep(0.05)


def test_nginx_serves_a_page_as_an_ordinary_user(tmp_path: Path, docker: Docker) -> None:
    nginx, port = tools.need("nginx", package="nginx-light"), free_port()
    (tmp_path / "nginx.conf").write_text(NGINX.replace("PORT", str(port)))
    (tmp_path / "srv").mkdir()
    (tmp_path / "srv/index.html").write_text("<h1>packed</h1>\n")
    ran = scratchpack(
        *("pack", nginx, "--include", "./nginx.conf:/etc/nginx/nginx.conf", "--include", "./srv:/srv"),
        *("--need", "tmp=always", "-o", "type=docker,dest=nginx.tar"),
        cwd=tmp_path,
    )
    assert ran.status == 0, ran.err
    docker("load", "-i", tmp_path / "nginx.tar")
    assert int(docker("image", "inspect", "--format", "{{.Size}}", "localhost/nginx:latest").out) < ALPINE
    assert (
        docker("image", "inspect", "--format", "{{.Config.User}}", "localhost/nginx:latest").out.strip()
        == "65532:65532"
    )
    name = f"page-{port}"
    docker("run", "-d", "--rm", "--name", name, "--network", "host", "localhost/nginx:latest")
    try:
        connected(port).close()
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as answer:
            assert answer.read() == b"<h1>packed</h1>\n"
            assert answer.headers["Server"].startswith("nginx")
    finally:
        docker("stop", "-t", "2", name, check=False)


def _packed(program: str, tree: Path) -> list[str]:
    """Pack with no option into a tree; how to run it in there, on this machine's network."""
    bwrap = tools.need("bwrap", package="bubblewrap")
    ran = scratchpack("pack", program, "-o", f"type=local,dest={tree}", cwd=tree.parent)
    assert ran.status == 0, ran.err
    return [bwrap, "--bind", str(tree), "/", "--proc", "/proc", "--dev", "/dev", "--die-with-parent", program]


def test_redis_keeps_what_its_own_client_gives_it(tmp_path: Path) -> None:
    server = _packed(tools.need("redis-server", package="redis-server"), tmp_path / "server")
    client = _packed(tools.need("redis-cli", package="redis-tools"), tmp_path / "client")
    port = str(free_port())
    commands = (
        ("SET", "answer", "41"),
        ("INCR", "answer"),
        ("EVAL", "return redis.call('GET','answer')", "0"),
        ("GET", "nothing"),
    )
    running = subprocess.Popen(
        [*server, "--port", port, "--save", "", "--bind", "127.0.0.1"], stdout=subprocess.DEVNULL
    )
    try:
        connected(int(port)).close()
        answers = [
            subprocess.run([*client, "-p", port, *words], capture_output=True, text=True, timeout=60, check=True).stdout
            for words in commands
        ]
        assert answers == ["OK\n", "42\n", "42\n", "\n"]
    finally:
        running.terminate()
        running.wait(timeout=10)
