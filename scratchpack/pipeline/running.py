"""``verify --run``: an image goes in, is started as its config says in a sandbox, and a verdict on how it ended comes out (W30, W33).

This is the one step of ``verify`` that executes anything of the image (S1).
"""

from __future__ import annotations

import os
import signal
import tempfile
from typing import TYPE_CHECKING

from scratchpack.errors import CheckError, InputError, UsageError
from scratchpack.images.launch import launch
from scratchpack.oci.source import read_images
from scratchpack.record import NamedTuple
from scratchpack.sandbox.ask import check_url, request, wait_tcp
from scratchpack.sandbox.model import Guest, GuestLimits
from scratchpack.sandbox.runner import Running
from scratchpack.sandbox.tree import fill
from scratchpack.sysroot.layerroot import LayerRoot
from scratchpack.verification.image import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from scratchpack.images.launch import Launch
    from scratchpack.oci.source import StoredImage
    from scratchpack.oci.store import Store
    from scratchpack.sandbox.model import Ended

_ARCHITECTURES = {  # uname's name of a machine to the image specification's
    "x86_64": "amd64",
    "aarch64": "arm64",
    "riscv64": "riscv64",
    "ppc64le": "ppc64le",
    "s390x": "s390x",
}
_HOSTNAME = "scratchpack"
_REASONS = {
    "time": "it was still running after {0.seconds:g} s",
    "memory": "it used more than {0.memory} bytes of memory",
    "processes": "it had more than {0.processes} processes",
    "output": "it wrote more than {0.output} bytes",
}


class Expectation(NamedTuple):
    """What a run is asked to show."""

    words: tuple[str, ...] = ()  # the entrypoint's, in place of the image's Cmd
    exit: int | None = None  # None: 0, and anything of a server that was stopped
    output: str | None = None  # a text that stdout holds
    timeout: float = 60.0  # seconds
    network: bool = False
    writable: bool = False
    wait_tcp: tuple[int, ...] = ()
    request: tuple[str, ...] = ()


def check_expectation(wanted: Expectation) -> None:
    """Refuse what cannot be asked, before anything is opened.

    Raises:
        UsageError: a URL of another host, a port or time that does not exist.
    """
    for url in wanted.request:
        check_url(url)
    for port in wanted.wait_tcp:
        if not 0 < port < 65536:
            raise UsageError(f"cannot wait for port {port}: ports are 1 to 65535")
    if not 0 < wanted.timeout <= 86400:
        raise UsageError(f"cannot use a timeout of {wanted.timeout:g} seconds: it is more than 0, and a day at most")


def run_image(store: Store, wanted: Expectation, *, show: Callable[[str, bytes], None] | None) -> Verdict:
    """Run an image's own entrypoint in a sandbox.

    Args:
        store: the image, open and found right.
        wanted: what is expected of the run.
        show: gets ("out" or "err", bytes) as they come.

    Raises:
        UsageError: there is no image for this machine.
        InputError, RemoteError: it cannot be read.
        SandboxError: the sandbox cannot be built here, or the program not be started in it.
    """
    image = _for_this_machine(store)
    name = f"{', '.join(image.references) or image.digest} ({image.platform})"
    with (
        LayerRoot([layer.open for layer in image.layers], name=name) as root,
        tempfile.TemporaryDirectory(prefix="scratchpack-run-", ignore_cleanup_errors=True) as home,
    ):
        start = launch(_with_words(image.config, wanted.words), root)
        if not start.argv:
            raise InputError(f"cannot run {name}: it has neither an Entrypoint nor a Cmd", hint="add -- PROGRAM")
        if start.problems:
            raise InputError(f"cannot run {name}: {start.problems[0]}", details=start.problems[1:])
        tree = os.path.join(home, "root")
        os.mkdir(tree)
        try:
            left_out = fill(tree, root.history)
        except OSError as error:
            raise CheckError(f"cannot unpack {name} to run it: {error.strerror}", hint="set TMPDIR") from None
        guest = _guest(tree, start, image.config, wanted)
        return _judged(f"run of {' '.join(start.argv)}", guest, wanted, show, left_out)


def _for_this_machine(store: Store) -> StoredImage:
    images = read_images(store)
    architecture = _ARCHITECTURES.get(os.uname().machine)
    for image in images:
        if image.platform.architecture == architecture:
            return image
    others = ", ".join(str(image.platform) for image in images)
    raise UsageError(
        f"cannot run {store.name} here: it is for {others or 'no machine'}, and this is {os.uname().machine}"
    )


def _with_words(config: Mapping[str, Any], words: tuple[str, ...]) -> Mapping[str, Any]:
    """As engines do: words behind the image replace its Cmd."""
    run = config.get("config")
    if not words or not isinstance(run, dict):
        return config
    return {**config, "config": {**run, "Cmd": list(words)}}


def _guest(tree: str, start: Launch, config: Mapping[str, Any], wanted: Expectation) -> Guest:
    run = config.get("config") or {}
    volumes = run.get("Volumes") or {}
    return Guest(
        root=tree,
        argv=start.argv,
        env={"HOME": start.user.home, "HOSTNAME": _HOSTNAME, **dict(start.env)},  # engines set both
        cwd=start.cwd,
        uid=start.user.uid,
        gid=start.user.gid,
        groups=start.user.groups,
        writable=wanted.writable,
        scratch=tuple(path for path in volumes if path.startswith("/")) if isinstance(volumes, dict) else (),
        network=wanted.network,
        hostname=_HOSTNAME,
        stop_signal=_signal(run.get("StopSignal")),
        limits=GuestLimits(seconds=wanted.timeout),
    )


def _signal(text: object) -> int:
    """A StopSignal: a name with or without SIG, or a number; SIGTERM where there is none that we know."""
    if not isinstance(text, str) or not text:
        return signal.SIGTERM
    if text.isascii() and text.isdigit() and 0 < int(text[:4]) < signal.NSIG:
        return int(text)
    name = text.upper() if text.upper().startswith("SIG") else f"SIG{text.upper()}"
    return getattr(signal.Signals, name, signal.SIGTERM)


def _judged(
    subject: str,
    guest: Guest,
    wanted: Expectation,
    show: Callable[[str, bytes], None] | None,
    left_out: tuple[str, ...],
) -> Verdict:
    issues: list[str] = []
    checked: list[str] = []
    with Running(guest, show=show) as running:
        serving = bool(wanted.wait_tcp or wanted.request)
        try:
            for port in wanted.wait_tcp:
                wait_tcp(running, port, timeout=wanted.timeout)
                checked.append(f"it listened on port {port}")
            for url in wanted.request:
                answer = request(running, url)
                (checked if answer.status < 400 else issues).append(f"{url} answered {answer.status} {answer.reason}")
        except CheckError as error:
            issues.append(error.message)
        ended = running.stop() if serving else running.wait()
    issues += _wrong(ended, guest.limits, wanted)
    how = (
        f"user {guest.uid}:{guest.gid}",
        "a writable root" if guest.writable else "a read-only root",
        "the network of this machine" if guest.network else "no network",
        f"isolated by {ended.isolation.how}",
    )
    checked.append(f"it ended with status {_status(ended)} after {ended.seconds:.1f} s: {', '.join(how)}")
    return Verdict(subject, tuple(issues), tuple(checked), (*left_out, *ended.isolation.notes))


def _status(ended: Ended) -> int:
    """As a shell says it: 128 and the signal's number."""
    return ended.status if ended.status >= 0 else 128 - ended.status


def _wrong(ended: Ended, limits: GuestLimits, wanted: Expectation) -> list[str]:
    found = []
    if ended.reason in _REASONS:
        found.append(_REASONS[ended.reason].format(limits) + ", and was killed")
    else:
        expected = wanted.exit if wanted.exit is not None else None if ended.reason == "stopped" else 0
        if expected is not None and _status(ended) != expected:
            found.append(f"it ended with status {_status(ended)}, expected was {expected}")
    if wanted.output is not None and wanted.output not in ended.out.decode("utf-8", "replace"):
        found.append(f"its output does not hold {wanted.output!r}")
    return found
