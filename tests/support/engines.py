"""Engines and registries for the tests, each with data of its own: started when first asked for, ended by their pid.

A pytest plugin (`tests/conftest.py` names it). Fixtures, one a session and worker: ``docker``, ``podman``, ``buildah``,
``containerd``, ``skopeo``, ``umoci``, ``registry``, ``registry_with_password``. Nothing is shared with engines that run already,
and nothing stays: data, sockets and mounts live below one short directory (socket names may have 107 bytes) that goes
away at the end.
"""

from __future__ import annotations

import itertools
import os
import re
import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.support import tools

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_START_SECONDS = 30
_STOP_SECONDS = 20

USER, PASSWORD = "gopher", "open sesame"
_HTPASSWD = f"{USER}:$2b$04$37FZn.mpbk5//NlB4mmOzeuJCNBQGMYSnpzKo7KPVLULWkhyjPfeG\n"


class Run(NamedTuple):
    """What an engine's command gave back."""

    status: int
    out: str
    err: str


class Engine:
    """A command with the options that keep it in a place of its own; call it with the words that follow those."""

    def __init__(self, home: Path, *command: str) -> None:
        self.home = home
        self.command = command
        self.env = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("DOCKER_", "CONTAINER"))},
            "HOME": str(home),
            "XDG_RUNTIME_DIR": str(home),
            "TMPDIR": str(home),
            "LC_ALL": "C",
        }

    def __call__(
        self,
        *words: str | Path,
        check: bool = True,
        stdin: bytes | None = None,
        cwd: Path | None = None,
        env: dict[str, str] | None = None,
        timeout: float = 120,
    ) -> Run:
        """Run one command of the engine; with ``check`` a failure is the test's, with everything that was printed."""
        command = [*self.command, *[str(word) for word in words]]
        done = subprocess.run(
            command,
            input=stdin if stdin is not None else b"",
            capture_output=True,
            cwd=cwd,
            env={**self.env, **(env or {})},
            timeout=timeout,
            check=False,
        )
        run = Run(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))
        if check:
            assert run.status == 0, f"{' '.join(command)}: exit {run.status}\n{run.out}{run.err}"
        return run


class Docker(Engine):
    """dockerd 20.10: the strictest on diff_ids, history and tags."""

    @property
    def host(self) -> str:
        """What DOCKER_HOST has to say to reach it."""
        return f"unix://{self.home}/docker.sock"

    def load(self, archive: Path) -> str:
        """`docker load`; what it printed."""
        return self("load", "-i", archive).out

    def run_image(self, reference: str, *words: str, options: tuple[str, ...] = (), check: bool = True) -> Run:
        """`docker run` without a network; the container is removed."""
        return self("run", "--rm", "--network", "none", *options, reference, *words, check=check)


class Podman(Engine):
    """podman 4.3 over runc: the strictest on names."""

    def load(self, archive: Path) -> str:
        """`podman load`; what it printed."""
        return self("load", "-i", archive).out

    def run_image(self, reference: str, *words: str, options: tuple[str, ...] = (), check: bool = True) -> Run:
        """`podman run` without a network; the container is removed."""
        limits = ("--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024")
        return self("run", "--rm", "--network", "none", *limits, *options, reference, *words, check=check)


class Containerd(Engine):
    """containerd 1.6 through `ctr`; the native snapshotter works on every filesystem."""

    _count = itertools.count()

    @property
    def address(self) -> str:
        """The socket, as `ctr --address` takes it."""
        return f"{self.home}/containerd.sock"

    def load(self, archive: Path) -> str:
        """`ctr images import`; what it printed."""
        return self("images", "import", "--snapshotter", "native", archive).out

    def run_image(self, reference: str, *words: str, options: tuple[str, ...] = (), check: bool = True) -> Run:
        """`ctr run`; the reference is a full one, with its registry's host. Both streams come back as ``out``.

        containerd writes them to a file. Through ctr's own pipes the output of a short program is lost now and then: ctr gives up
        opening a pipe that it has not opened yet when the program has ended.
        """
        name = f"sp-{os.getpid()}-{next(self._count)}"  # runc keeps its containers in one place for all of a machine
        log = self.home / f"{name}.log"
        snapshots = ("--snapshotter", "native", "--runc-binary", tools.need("runc", package="runc"))
        done = self(
            "run", "--rm", "--log-uri", f"file://{log}", *snapshots, *options, reference, name, *words, check=check
        )
        return done._replace(out=log.read_text())


class Registry(NamedTuple):
    """A running registry of distribution 2.8 on the loopback."""

    host: str  # "127.0.0.1:41234", as in a reference
    home: Path  # holds data/, config.yml and log

    @property
    def url(self) -> str:
        """What an HTTP client wants."""
        return f"http://{self.host}"


@contextmanager
def place(name: str) -> Iterator[Path]:
    """A short directory, gone afterwards together with whatever was mounted below it."""
    home = Path(tempfile.mkdtemp(prefix=f"sp-{name}-", dir="/tmp"))
    try:
        yield home
    finally:
        _unmount_below(home)
        shutil.rmtree(home)


def _unmount_below(home: Path) -> None:
    mounts = Path("/proc/self/mounts")
    if not mounts.exists():
        return
    points = [line.split()[1] for line in mounts.read_text().splitlines()]
    for point in sorted((point for point in points if point.startswith(f"{home}/")), reverse=True):
        subprocess.run(["umount", "--lazy", point], check=False)


@contextmanager
def daemon(home: Path, command: list[str], ready: Callable[[str], bool]) -> Iterator[subprocess.Popen[bytes]]:
    """Run a daemon until the block ends; ``ready`` is asked with its log so far. One that cannot start here is a missing tool.

    The kernel ends it too when the test process is killed (setpriv's parent-death signal).
    """
    log = home / "log"
    guard = tools.find("setpriv")
    words = [guard, "--pdeathsig", "TERM", *command] if guard else command
    with log.open("wb") as stream:
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            cwd=home,
            env={**os.environ, "HOME": str(home), "TMPDIR": str(home)},
        )
    try:
        deadline = time.monotonic() + _START_SECONDS
        while not ready(log.read_text(errors="replace")):
            if process.poll() is not None or time.monotonic() > deadline:
                tools.missing(f"{Path(command[0]).name} does not start here: {log.read_text(errors='replace')[-600:]}")
            time.sleep(0.05)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def need_root(what: str) -> None:
    """Most engines of this list need root to run a container."""
    if os.geteuid() != 0:
        tools.missing(f"{what} runs as root in these tests")


@contextmanager
def serve_registry(*, htpasswd: str | None = None) -> Iterator[Registry]:
    """A registry on a free port of the loopback, with filesystem storage; ``htpasswd`` asks for basic auth."""
    program = tools.need("docker-registry", package="docker-registry")
    with place("reg") as home:
        auth = ""
        if htpasswd is not None:
            (home / "htpasswd").write_text(htpasswd)
            auth = f"auth: {{htpasswd: {{realm: test, path: {home}/htpasswd}}}}\n"
        (home / "config.yml").write_text(
            "version: 0.1\n"
            f"storage: {{filesystem: {{rootdirectory: {home}/data}}, delete: {{enabled: true}}}}\n"
            "http: {addr: '127.0.0.1:0', secret: test}\n" + auth
        )
        listening = re.compile(r"listening on (127\.0\.0\.1:\d+)")
        with daemon(home, [program, "serve", f"{home}/config.yml"], lambda log: bool(listening.search(log))):
            found = listening.search((home / "log").read_text())
            assert found
            yield Registry(found[1], home)


@contextmanager
def start_docker() -> Iterator[Docker]:
    """A dockerd of our own; the vfs driver works on every filesystem, and containers have no network but the host's."""
    need_root("dockerd")
    program = tools.need("dockerd", package="docker.io")
    client = tools.need("docker", package="docker.io")
    with place("docker") as home:
        (home / "daemon.json").write_text("{}")  # the machine's own settings stay out of it
        engine = Docker(home, client, "--host", f"unix://{home}/docker.sock")
        places = ("data-root", "exec-root", "pidfile")
        command = [
            program,
            *[f"--{name}={home}/{name}" for name in places],
            f"--config-file={home}/daemon.json",
            f"--host={engine.host}",
            "--iptables=false",
            "--bridge=none",
            "--storage-driver=vfs",
        ]
        with daemon(home, command, lambda log: "API listen on" in log):
            yield engine


@pytest.fixture(scope="session")
def podman() -> Iterator[Podman]:
    """Podman with storage of its own."""
    need_root("podman")
    program = tools.need("podman", package="podman")
    runtime = tools.need("runc", package="runc")
    with place("podman") as home:
        yield Podman(
            home,
            program,
            *("--root", f"{home}/root", "--runroot", f"{home}/run", "--tmpdir", f"{home}/tmp"),
            *("--storage-driver", "vfs", "--cgroup-manager", "cgroupfs", "--events-backend", "file"),
            *("--runtime", runtime, "--runtime-flag", f"root={home}/runc"),
        )


@contextmanager
def start_buildah() -> Iterator[Engine]:
    """Buildah with storage of its own: `buildah("bud", "--isolation", "chroot", …)` builds."""
    need_root("buildah")
    program = tools.need("buildah", package="buildah")
    with place("buildah") as home:
        yield Engine(home, program, "--root", f"{home}/root", "--runroot", f"{home}/run", "--storage-driver", "vfs")


@pytest.fixture(scope="session")
def containerd() -> Iterator[Containerd]:
    """A containerd of our own, and `ctr` that talks to it."""
    need_root("containerd")
    program = tools.need("containerd", package="containerd")
    client = tools.need("ctr", package="containerd")
    with place("ctr") as home:
        engine = Containerd(home, client, "--address", f"{home}/containerd.sock")
        (home / "config.toml").write_text(
            "version = 2\n"
            f'root = "{home}/root"\nstate = "{home}/state"\n'
            'disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt"]\n'
            f'[grpc]\naddress = "{engine.address}"\n[ttrpc]\naddress = "{engine.address}.ttrpc"\n'
        )
        command = [program, "--config", f"{home}/config.toml"]
        with daemon(home, command, lambda log: "containerd successfully booted" in log):
            yield engine


@pytest.fixture(scope="session")
def docker() -> Iterator[Docker]:
    """A dockerd for the session."""
    with start_docker() as engine:
        yield engine


@pytest.fixture(scope="session")
def buildah() -> Iterator[Engine]:
    """Buildah for the session."""
    with start_buildah() as engine:
        yield engine


@pytest.fixture(scope="session")
def skopeo() -> Iterator[Engine]:
    """Skopeo: `skopeo("inspect", "docker-archive:…")`."""
    program = tools.need("skopeo", package="skopeo")
    with place("skopeo") as home:
        yield Engine(home, program, "--insecure-policy", "--tmpdir", str(home))


@pytest.fixture(scope="session")
def umoci() -> Iterator[Engine]:
    """Umoci: `umoci("unpack", "--image", "layout:tag", bundle)`."""
    program = tools.need("umoci", package="umoci")
    with place("umoci") as home:
        yield Engine(home, program)


@pytest.fixture(scope="session")
def registry() -> Iterator[Registry]:
    """An open registry."""
    with serve_registry() as running:
        yield running


@pytest.fixture(scope="session")
def registry_with_password() -> Iterator[Registry]:
    """A registry that wants USER and PASSWORD."""
    with serve_registry(htpasswd=_HTPASSWD) as running:
        yield running


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With `--dist loadgroup` all tests of dockerd, the one that starts slowly, go to the same worker."""
    for item in items:
        if "docker" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("docker"))
