"""What a run touched: calls go in as a tracer reports them, records of files come out; one vocabulary for every tracer, and the table of system calls (W31, W34).

A tracer reports each call that names a file as (call, path, flags, result); :meth:`Trace.note` makes of it what a reader
wants to know. Paths are those of the guest's root, absolute; links in them are as the program wrote them.
"""

from __future__ import annotations

import errno
import json
import os
import re
from typing import TYPE_CHECKING

from scratchpack.errors import InputError
from scratchpack.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

KINDS = ("opened", "written", "mapped", "executed", "stat", "listed", "refused", "unwritable", "absent")
_ABSENT = (errno.ENOENT, errno.ENOTDIR)
_REFUSED = (errno.EACCES, errno.EPERM, errno.EROFS)
_RESTARTED = range(512, 517)  # ERESTARTSYS and its kin, which no program sees: the kernel makes the call again
_PROCESS = re.compile(r"^/proc/(?:\d+|thread-self)(?=/|$)")
_TASK = re.compile(r"^/proc/self/task/\d+(?=/|$)")
_LINE_CAP = 1 << 16  # characters of one line of a trace file


class Call(NamedTuple):
    """How a system call names a file: which argument is a directory's descriptor, which the path, which the flags."""

    what: str  # "open" | "execute" | "look" | "change" | "list" | "map" | "ring"
    path: int | None  # the argument that holds the path; None: ``directory`` is the file itself
    directory: int | None = None
    flags: int | None = None


CALLS: dict[str, Call] = {
    "open": Call("open", 0, None, 1),
    "openat": Call("open", 1, 0, 2),
    "openat2": Call("open", 1, 0, None),
    "creat": Call("change", 0),
    "execve": Call("execute", 0),
    "execveat": Call("execute", 1, 0),
    "getdents": Call("list", None, 0),
    "getdents64": Call("list", None, 0),
    "mmap": Call("map", None, 4),
    "mmap2": Call("map", None, 4),
    "io_uring_setup": Call("ring", None),
    **{
        name: Call("look", 0)
        for name in (
            "stat", "lstat", "stat64", "lstat64", "oldstat", "oldlstat", "access", "readlink", "statfs", "statfs64", "chdir", "getxattr", "lgetxattr",
            "listxattr", "llistxattr", "chroot",
        )
    },
    **{
        name: Call("look", 1, 0)
        for name in ("newfstatat", "fstatat64", "statx", "faccessat", "faccessat2", "readlinkat", "name_to_handle_at")
    },
    "inotify_add_watch": Call("look", 1),
    **{
        name: Call("change", 0)
        for name in (
            "mkdir", "rmdir", "unlink", "truncate", "truncate64", "chmod", "chown", "lchown", "chown32", "lchown32", "mknod", "utime", "utimes",
            "setxattr", "lsetxattr", "rename", "link",
        )
    },
    **{
        name: Call("change", 1, 0)
        for name in (
            "mkdirat", "unlinkat", "mknodat", "fchmodat", "fchmodat2", "fchownat", "utimensat", "utimensat_time64", "futimesat", "renameat",
            "renameat2", "linkat",
        )
    },
    "symlink": Call("change", 1),
    "symlinkat": Call("change", 2, 1),
}  # fmt: skip


class TraceRecord(NamedTuple):
    """One file and one thing that was done with it."""

    path: str
    kind: str  # one of KINDS
    by: str  # the program that did it, as it was executed


class Trace(NamedTuple):
    """All of a run, or of several merged: sorted, each record once."""

    records: tuple[TraceRecord, ...] = ()
    notes: tuple[str, ...] = ()  # what could not be seen, one sentence each
    syscalls: tuple[str, ...] = ()  # names, where they were asked for

    def paths(self, *kinds: str) -> frozenset[str]:
        """The paths to which one of these happened."""
        return frozenset(record.path for record in self.records if record.kind in kinds)

    def merged(self, *others: Trace) -> Trace:
        """This and others as one."""
        every = (self, *others)
        return Trace(
            tuple(sorted({record for each in every for record in each.records})),
            tuple(sorted({note for each in every for note in each.notes})),
            tuple(sorted({name for each in every for name in each.syscalls})),
        )

    def lines(self) -> Iterator[str]:
        """As a file that can be committed: a line of JSON each; no times, no host's names (W34)."""
        yield json.dumps({"schema": 1})
        for record in self.records:
            yield json.dumps(record._asdict())
        for note in self.notes:
            yield json.dumps({"note": note})
        if self.syscalls:
            yield json.dumps({"syscalls": self.syscalls})


def read_lines(lines: Iterable[str], *, origin: str) -> Trace:
    """What :meth:`Trace.lines` wrote.

    Raises:
        InputError: something else.
    """
    records, notes, syscalls = set(), set(), set()
    for number, line in enumerate(lines, 1):
        try:
            found = json.loads(line) if len(line) <= _LINE_CAP else None
        except (ValueError, RecursionError):
            found = None
        match found:
            case {"path": str(path), "kind": str(kind), "by": str(by)} if kind in KINDS and path.startswith("/"):
                records.add(TraceRecord(path, kind, by))
            case {"note": str(note)}:
                notes.add(note)
            case {"syscalls": [*names]} if all(isinstance(name, str) for name in names):
                syscalls.update(names)
            case {"schema": 1} if number == 1:
                continue
            case _:
                raise InputError(f"cannot read the trace {origin}: line {number} is not one of ours")
    return Trace(tuple(sorted(records)), tuple(sorted(notes)), tuple(sorted(syscalls)))


class Collector:
    """Takes reports of calls, gives a :class:`Trace`."""

    def __init__(self) -> None:
        self._records: set[TraceRecord] = set()
        self._notes: set[str] = set()
        self._syscalls: set[str] = set()

    def note(self, call: Call, path: str, flags: int, result: int, by: str) -> None:
        """One call that is over: ``result`` as the kernel gives it, negative for an error; ``path`` from :func:`absolute`."""
        kind = _kind(call, flags, result)
        if kind:
            self._records.add(TraceRecord(path, kind, by))

    def remark(self, sentence: str) -> None:
        """Something that could not be seen."""
        self._notes.add(sentence)

    def called(self, name: str) -> None:
        """A system call by its name, for a profile."""
        self._syscalls.add(name)

    def trace(self) -> Trace:
        """What came so far."""
        return Trace(tuple(sorted(self._records)), tuple(sorted(self._notes)), tuple(sorted(self._syscalls)))


def _kind(call: Call, flags: int, result: int) -> str:
    if result < 0:
        if call.what in {"list", "map"} or -result in _RESTARTED:
            return ""
        if -result in _ABSENT:
            return "" if call.what == "change" else "absent"
        if -result in _REFUSED:
            writes = call.what == "change" or (call.what == "open" and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
            return "unwritable" if writes else "refused"
        return (
            ""
            if call.what == "change" or -result in {errno.EINTR, errno.EFAULT, errno.EINVAL, errno.ENOSYS}
            else "stat"
        )
    match call.what:
        case "open":
            if flags & getattr(os, "O_PATH", 0):
                return "stat"
            return "written" if flags & os.O_ACCMODE == os.O_WRONLY or flags & os.O_CREAT else "opened"
        case "execute":
            return "executed"
        case "look":
            return "stat"
        case "change":
            return "written"
        case "list":
            return "listed"
        case _:
            return "mapped"


def absolute(path: str, directory: str) -> str | None:
    """A path as the root sees it; ``None`` for what is no file (a pipe, a socket, memory without a name).

    ``..`` stays: only who can read links may take it away. A process's own directory in /proc is that of "self".
    """
    if not path.startswith("/"):
        if not directory.startswith("/"):
            return None
        path = f"{directory}/{path}"
    path = "/" + "/".join(part for part in path.split("/") if part not in {"", "."})
    path = _PROCESS.sub("/proc/self", path)
    path = _TASK.sub("/proc/self", path)
    if path.endswith(" (deleted)") or path.startswith("/memfd:"):
        return None
    return path
