"""A scratch image with ``--probe`` is healthy while its server answers, and unhealthy when it does not: in docker and podman."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from tests.support import build
from tests.support.cli import scratchpack

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.engines import Docker, Podman

# answers every request with the status of its first argument, on a port that it prints
SERVER = r"""
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
int main(int argc, char **argv) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[2])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1, listening = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listening, (struct sockaddr *)&at, sizeof at) || listen(listening, 9)) return perror("listen"), 1;
    for (;;) {
        char request[999];
        int link = accept(listening, 0, 0);
        if (read(link, request, sizeof request) > 0) dprintf(link, "HTTP/1.0 %s x\r\n\r\n", argv[1]);
        close(link);
    }
}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build.cc(tmp_path_factory.mktemp("probe") / "server", SERVER, "-static", "-s")


def _packed(server: Path, place: Path, port: int) -> Path:
    done = scratchpack(
        *(server, "-q", "-t", "probed:1", "--probe", f"--interval=1s --retries=1 http://127.0.0.1:{port}/up"),
        cwd=place,
    )
    assert done.status == 0, done.err
    return place / "server.tar"


@pytest.mark.parametrize(("status", "health", "port"), [("200", "healthy", 28231), ("503", "unhealthy", 28232)])
def test_docker_watches_it(docker: Docker, server: Path, tmp_path: Path, status: str, health: str, port: int) -> None:
    docker.load(_packed(server, tmp_path, port))
    name = f"probed-{status}"
    docker("run", "-d", "--name", name, "--network", "host", "probed:1", status, str(port))
    try:
        for _ in range(300):
            found = json.loads(docker("inspect", name).out)[0]["State"]["Health"]
            if found["Status"] != "starting":
                break
            time.sleep(0.1)
        assert found["Status"] == health, found
        assert status == "200" or found["Log"][0]["Output"] == "probe: it answers 503\n"
    finally:
        docker("rm", "-f", name)


@pytest.mark.parametrize(("status", "code", "port"), [("200", 0, 28233), ("503", 1, 28234)])
def test_podman_asks_it(podman: Podman, server: Path, tmp_path: Path, status: str, code: int, port: int) -> None:
    podman.load(_packed(server, tmp_path, port))
    name = f"probed-{status}"
    limits = ("--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024")
    # podman keeps a health check of Docker's format alone: docs/images.md says to give it again
    check = ("--health-cmd", f'["/.scratchpack/probe", "http://127.0.0.1:{port}/up"]')
    podman("run", "-d", "--name", name, "--network", "host", *check, *limits, "probed:1", status, str(port))
    try:
        assert podman("healthcheck", "run", name, check=False).status == code
    finally:
        podman("rm", "-f", "-t", "0", name)
