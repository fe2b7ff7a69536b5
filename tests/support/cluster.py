"""A Dask scheduler and its workers as processes of their own on the loopback, each ended by its id."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from typing import TYPE_CHECKING, NamedTuple

from tests.support import tools
from tests.support.cli import HOME

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SECONDS = 60


class Cluster(NamedTuple):
    """A running scheduler, and its workers."""

    address: str
    workers: list[subprocess.Popen[bytes]]

    def kill_one(self) -> None:
        """As the kernel does where memory runs out."""
        self.workers[0].send_signal(signal.SIGKILL)
        self.workers[0].wait()


@contextlib.contextmanager
def start(home: Path, workers: int) -> Iterator[Cluster]:
    """Start them; they are ended when the block is left."""
    if find_spec("distributed") is None:
        tools.missing("dask's distributed is not installed (PyPI package: distributed)")
    running: list[subprocess.Popen[bytes]] = []
    try:
        address = _started(running, home, "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
        for _ in range(workers):
            _started(
                running,
                home,
                "worker",
                address,
                "--no-dashboard",
                "--no-nanny",
                "--nthreads",
                "1",
                "--host",
                "127.0.0.1",
            )
        yield Cluster(address, running[1:])
    finally:
        for process in reversed(running):
            process.kill()
            process.wait()


def _started(running: list[subprocess.Popen[bytes]], home: Path, kind: str, *words: str) -> str:
    """One process, once it says where it listens."""
    log = home / f"{kind}-{len(running)}.log"
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "distributed.cli.dask_" + kind, *words],
            stdout=stream, stderr=stream, cwd=home, env={**os.environ, "PYTHONPATH": str(HOME), "DASK_TEMPORARY_DIRECTORY": str(home)},
        )  # fmt: skip
    running.append(process)
    until = time.monotonic() + _SECONDS
    said = r"Scheduler at: +(tcp://\S+)" if kind == "scheduler" else r"Registered to: +(tcp://\S+)"
    while not (found := re.search(said, log.read_text(errors="replace"))):
        assert process.poll() is None, log.read_text(errors="replace")
        assert time.monotonic() < until, log.read_text(errors="replace")
        time.sleep(0.1)
    return found[1]
