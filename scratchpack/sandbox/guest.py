"""The last steps before the program: limits, user and capabilities are set; then this process becomes it.

Runs in a process that was just forked in the sandbox and has no other thread.
"""

from __future__ import annotations

import errno
import os
import resource
import signal
from typing import TYPE_CHECKING, Any

from scratchpack.sandbox import kernel

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping

_ABSENT = (errno.ENOENT, errno.ENOTDIR, errno.EACCES)


def become(guest: Mapping[str, Any], report: int, meeting: socket.socket | None) -> None:
    """Start the program, or write why not to the descriptor ``report``; never returns.

    At ``meeting`` a tracer takes hold of this process first: the kernel says there who we are, in its numbers.
    """
    try:
        if meeting is not None:
            kernel.set_dumpable(True)  # who is not may not be traced; nobody else is in here yet
            meeting.sendall(b"h")
            meeting.recv(1)
            meeting.close()
        os.setsid()  # no controlling terminal: /dev/tty of who started us is out of reach
        _limit(guest["limits"])
        for descriptor in range(3):
            _own(descriptor, guest["uid"], guest["gid"])
        for number in range(1, signal.NSIG):
            if number not in {signal.SIGKILL, signal.SIGSTOP}:
                try:
                    signal.signal(number, signal.SIG_DFL)
                except (OSError, ValueError):
                    continue  # the C library keeps two for itself
        os.umask(0o022)
        _drop(guest)
        os.chdir(guest["cwd"])
        if guest["filter"] or guest["mark"]:
            kernel.set_dumpable(True)  # the change of user took it away, and the tracer reads our words
        if guest["filter"]:
            kernel.install_filter(bytes.fromhex(guest["filter"]))
        if guest["mark"]:
            os.access(guest["mark"], os.F_OK)  # strace's output says by this where the guest begins
        _execute(guest["argv"], guest["env"])
    except OSError as error:
        number = error.errno or errno.EIO
        text = f"{number} {error.filename or guest['argv'][0]}: {error.strerror or error}"
        os.write(report, text.encode("utf-8", "surrogateescape")[:2048])
    except Exception as error:  # noqa: BLE001 - whatever it is, the program was not started
        os.write(report, f"{errno.EINVAL} {type(error).__name__}: {error}".encode(errors="replace")[:2048])
    finally:
        os._exit(127)


def _own(descriptor: int, uid: int, gid: int) -> None:
    """Give a pipe to the guest's user: a server opens /dev/stderr, which opens the pipe anew (engines do the same)."""
    try:
        os.fchown(descriptor, uid, gid)
    except OSError:
        return  # one id: it is theirs already


def _limit(limits: Mapping[str, Any]) -> None:
    largest = max(limits["disk"], limits["memory"])  # of one file; a memfd is one
    for kind, wished in (
        (resource.RLIMIT_DATA, limits["memory"]),
        (resource.RLIMIT_NPROC, limits["processes"]),
        (resource.RLIMIT_FSIZE, largest),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(kind)
        value = wished if hard == resource.RLIM_INFINITY else min(wished, hard)
        resource.setrlimit(kind, (value, value))


def _drop(guest: Mapping[str, Any]) -> None:
    kept = sum(1 << kernel.CAPABILITIES[name] for name in guest["capabilities"])
    kernel.leave_keyring()
    kernel.bound_capabilities(kept)
    if guest["set_groups"]:
        os.setgroups(guest["groups"])
    os.setresgid(guest["gid"], guest["gid"], guest["gid"])
    os.setresuid(guest["uid"], guest["uid"], guest["uid"])
    kernel.set_capabilities(kept if guest["uid"] == 0 else 0)
    kernel.no_new_privileges()
    if guest["network"]:
        kernel.scope_to_descendants()


def _execute(argv: list[str], env: Mapping[str, str]) -> None:
    """As execvp(3) would, with the PATH of the guest."""
    name = argv[0]
    places = [name] if "/" in name else [os.path.join(part or ".", name) for part in env.get("PATH", "").split(":")]
    refused: OSError | None = None
    for place in places:
        try:
            os.execve(place, argv, env)  # noqa: S606 - this is what the room is for
        except OSError as error:
            if error.errno not in _ABSENT or "/" in name:
                raise OSError(error.errno, error.strerror, place) from None
            if error.errno == errno.EACCES:
                refused = error
    raise refused or FileNotFoundError(errno.ENOENT, "not found in PATH", name)
