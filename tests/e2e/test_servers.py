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
    assert int(docker("image", "inspect", "--format", "{{.Size}}", "nginx:latest").out) < ALPINE
    assert docker("image", "inspect", "--format", "{{.Config.User}}", "nginx:latest").out.strip() == "65532:65532"
    name = f"page-{port}"
    docker("run", "-d", "--rm", "--name", name, "--network", "host", "nginx:latest")
    try:
        connected(port).close()
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as answer:
            assert answer.read() == b"<h1>packed</h1>\n"
            assert answer.headers["Server"].startswith("nginx")
    finally:
        docker("stop", "-t", "2", name, check=False)


def test_redis_keeps_what_it_is_given(tmp_path: Path) -> None:
    redis, bwrap = tools.need("redis-server", package="redis-server"), tools.need("bwrap", package="bubblewrap")
    ran = scratchpack("pack", redis, "-o", f"type=local,dest={tmp_path / 'root'}", cwd=tmp_path)
    assert ran.status == 0, ran.err
    port = free_port()
    inside = [bwrap, "--bind", str(tmp_path / "root"), "/", "--proc", "/proc", "--dev", "/dev", "--die-with-parent"]
    server = subprocess.Popen(
        [*inside, redis, "--port", str(port), "--save", "", "--bind", "127.0.0.1"], stdout=subprocess.DEVNULL
    )
    try:
        with connected(port) as wire:
            wire.sendall(b"SET answer 42\r\nEVAL \"return redis.call('GET','answer')\" 0\r\n")
            answer = b""
            while answer.count(b"\r\n") < 3:
                answer += wire.recv(100)
            assert answer == b"+OK\r\n$2\r\n42\r\n"
    finally:
        server.terminate()
        server.wait(timeout=10)
