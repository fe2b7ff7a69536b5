"""What a run is asked to do and to show: values of the command line in, checked before anything is opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.errors import UsageError
from scratchpack.record import NamedTuple
from scratchpack.sandbox.ask import check_url

if TYPE_CHECKING:
    from collections.abc import Callable


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
    stdin: bytes = b""


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


class Tracing(NamedTuple):
    """What becomes of a trace."""

    minimize: bool = False  # what no trace touched is left out of the image
    to: str | None = None  # a file that takes it
    seccomp: str | None = None  # a file that takes a profile of its system calls
    source: str | None = None  # of an image: the root in which what it lacks is looked for; "/" without it


class Rehearsal(NamedTuple):
    """A program that is run before it is packed."""

    wanted: Expectation
    tracing: Tracing
    show: Callable[[str, bytes], None] | None = None  # gets what the traced run writes
