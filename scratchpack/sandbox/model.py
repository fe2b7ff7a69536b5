"""What is to be run and what it may use, in; how it ended, out. Plain values: nothing here starts anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.errors import CheckError
from scratchpack.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

MIB = 1 << 20

# What engines leave to the root user of a container, without the right to make devices, open raw sockets, write the
# audit log, change file capabilities, or chroot. Any other user starts with none, as in an engine.
ROOT_CAPABILITIES = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "NET_BIND_SERVICE")


class SandboxError(CheckError):
    """The sandbox could not be built, or the program not started in it."""


class GuestLimits(NamedTuple):
    """What a run may use at most; each holds for the whole of it, however many processes it has.

    ``memory`` counts resident memory. The kernel also refuses a single process more private writable memory than that
    (RLIMIT_DATA and not RLIMIT_AS: V8, Go and the JVM reserve address space that they never touch).
    """

    seconds: float = 60.0
    memory: int = 2048 * MIB  # bytes
    processes: int = 512  # processes and threads
    disk: int = 512 * MIB  # bytes of everything it writes, all of it in memory
    output: int = 8 * MIB  # bytes of stdout and stderr together


class Guest(NamedTuple):
    """A program in a root directory. Paths are those of the root; ``root`` is the one path of this machine.

    The directory itself is never written to: what the program writes lies in memory and is thrown away.
    """

    root: str
    argv: tuple[str, ...]  # a first word without a slash is looked up in env's PATH
    env: Mapping[str, str]
    cwd: str = "/"
    uid: int = 0
    gid: int = 0
    groups: tuple[int, ...] = ()
    writable: bool = False  # the whole root
    scratch: tuple[
        str, ...
    ] = ()  # directories that stay writable under a read-only root, made where they are not there
    whole: bool = False  # the root with all that is mounted in it, as "/" is; never writable but for ``scratch``
    over: str = ""  # a directory of this machine whose tree lies over the root, read-only as it
    network: bool = False  # this machine's network; else a loopback device of its own
    hostname: str = "scratchpack"
    stop_signal: int = 15
    limits: GuestLimits = GuestLimits()


class Isolation(NamedTuple):
    """By what right the sandbox was built, and what it therefore cannot show (W33)."""

    how: str  # "root" | "subordinate ids" | "one id"
    uid_map: str  # lines of "inside outside count", as in user_namespaces(7)
    gid_map: str
    notes: tuple[str, ...] = ()


class Ended(NamedTuple):
    """How a run ended."""

    status: int  # exit status, or minus the number of the signal that ended it
    reason: str  # "exited" | "killed" | "stopped" (asked to) | "time" | "memory" | "processes" | "output"
    out: bytes
    err: bytes
    seconds: float
    isolation: Isolation
