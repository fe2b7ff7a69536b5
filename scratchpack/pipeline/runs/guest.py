"""What an image's config says of its start, in a directory: one :class:`~scratchpack.sandbox.model.Guest` out."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from scratchpack.errors import InputError
from scratchpack.images.launch import launch
from scratchpack.sandbox.model import Guest, GuestLimits

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from scratchpack.images.launch import Launch
    from scratchpack.pipeline.runs.expectation import Expectation
    from scratchpack.sysroot.model import Sysroot

_HOSTNAME = "scratchpack"


def start_of(config: Mapping[str, Any], root: Sysroot, words: tuple[str, ...], *, name: str) -> Launch:
    """What is started: ``words`` replace the config's Cmd; ``root`` holds the image's users.

    Raises:
        InputError: nothing is, or an engine would refuse to.
    """
    start = launch(_with_words(config, words), root)
    if not start.argv:
        raise InputError(f"cannot run {name}: it has neither an Entrypoint nor a Cmd", hint="add -- PROGRAM")
    if start.problems:
        raise InputError(f"cannot run {name}: {start.problems[0]}", details=start.problems[1:])
    return start


def _with_words(config: Mapping[str, Any], words: tuple[str, ...]) -> Mapping[str, Any]:
    """As engines do: words behind the image replace its Cmd."""
    run = config.get("config")
    if not words or not isinstance(run, dict):
        return config
    return {**config, "config": {**run, "Cmd": list(words)}}


def guest_of(tree: str, start: Launch, config: Mapping[str, Any], wanted: Expectation) -> Guest:
    """The guest that starts in the directory ``tree``."""
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
