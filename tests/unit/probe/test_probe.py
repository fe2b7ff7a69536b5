"""The probe ends with 0 for a server that answers, 1 for one that does not, 2 for what is no address; and is a few kilobytes."""

from __future__ import annotations

import platform
import socket
import subprocess
import threading
from typing import TYPE_CHECKING

import pytest

from scratchpack.elf.reader import read_elf
from scratchpack.errors import UsageError
from scratchpack.probe import probe
from scratchpack.probe.build import build
from scratchpack.probe.machines import TARGETS
from tests.support import tools

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

QEMU = {"armhf": "arm", "armel": "arm"}


@pytest.fixture
def server() -> Iterator[tuple[int, list[bytes]]]:
    """A port that answers one request after the other with what its path says; the requests it saw."""
    seen: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(20)

        def serve() -> None:
            while True:
                try:
                    link, _ = listening.accept()
                except OSError:
                    return
                with link:
                    request = link.recv(4096)
                    seen.append(request)
                    path = request.split(b" ")[1] if b" " in request else b""
                    link.sendall(
                        {b"/ok": b"HTTP/1.0 204 No\r\n\r\n", b"/moved": b"HTTP/1.1 301 M\r\n\r\n"}.get(path, path[1:])
                    )

        thread = threading.Thread(target=serve)
        thread.start()
        yield listening.getsockname()[1], seen
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()


def _asks(command: list[str], address: str) -> tuple[int, str]:
    done = subprocess.run([*command, address], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == ""
    return done.returncode, done.stderr


def _answers(command: list[str], port: int) -> None:
    assert _asks(command, f"http://127.0.0.1:{port}/ok") == (0, "")
    assert _asks(command, f"http://localhost:{port}/moved") == (0, "")
    assert _asks(command, f"http://:{port}/HTTP/1.1%20%20%20") == (1, "probe: the answer is not HTTP\n")
    assert _asks(command, f"http://:{port}/HTTP") == (1, "probe: it does not answer\n")
    assert _asks(command, f"tcp://:{port}") == (0, "")
    assert _asks(command, "tcp://127.0.0.1:1") == (1, "probe: nothing listens there\n")


def test_it_asks_as_it_is_told(server: tuple[int, list[bytes]], tmp_path: Path) -> None:
    program = tmp_path / "probe"
    program.write_bytes(probe(platform.machine()))
    program.chmod(0o755)
    assert program.stat().st_size < 12_000
    port, seen = server
    _answers([str(program)], port)
    assert seen[0] == (
        f"GET /ok HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\nUser-Agent: scratchpack-probe\r\nConnection: close\r\n\r\n".encode()
    )
    for wrong in ("https://127.0.0.1/", "http://example.org/", "http://1.2.3/", "http://1.2.3.256/", "tcp://127.0.0.1", "tcp://:70000", "http://:8x/"):  # fmt: skip
        assert _asks([str(program)], wrong)[0] == 2, wrong


@pytest.mark.parametrize(
    "machine", ["aarch64", *(pytest.param(one, marks=pytest.mark.campaign) for one in TARGETS if one != "aarch64")]
)
def test_on_another_machine_as_well(machine: str, server: tuple[int, list[bytes]], tmp_path: Path) -> None:
    """Built twice with zig, the bytes are the same, and they are of that machine and static."""
    pytest.importorskip("ziglang")
    name = f"qemu-{QEMU.get(machine, machine)}-static"
    emulator = tools.need(name, package="qemu-user-static")
    program = tmp_path / "probe"
    program.write_bytes(build(machine, portable=True))
    program.chmod(0o755)
    assert program.read_bytes() == build(machine, portable=True)
    with program.open("rb") as stream:
        facts = read_elf(stream, origin="probe")
    assert facts.machine in ({"armhf", "armel"} if name.startswith("qemu-arm-") else {machine})
    assert facts.linkage.value == "static"
    _answers([emulator, str(program)], server[0])


def test_a_machine_without_one_is_refused() -> None:
    with pytest.raises(UsageError, match="no probe for that machine"):
        probe("mips64")
