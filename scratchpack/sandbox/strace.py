"""Debian's strace as the tracer, and its output as text: lines in, a :class:`~scratchpack.sandbox.trace.Trace` out (W32, W34).

All texts are asked for in hexadecimal (-xx), so that no file name can look like something else. Output that others made
with ``strace -f -y`` is read too; without -y a path relative to a directory is left out.
"""

from __future__ import annotations

import errno
import os
import re
from typing import TYPE_CHECKING

from scratchpack.sandbox import numbers
from scratchpack.sandbox.trace import CALLS, Call, Collector, absolute
from scratchpack.sandbox.tracer import ring_remark

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from scratchpack.sandbox.trace import Trace

_LINE = re.compile(r"(?:\[pid +)?(?P<pid>\d+)?\]? *(?:\d+[:.][\d:.]+ )?(?P<rest>\S.*)")
_UNFINISHED = " <unfinished ...>"
_RESUMED = re.compile(r"<\.\.\. (\w+) resumed>")
_CALL = re.compile(r"(\w+)\((.*)\) += (-?\d+|0x[0-9a-f]+|\?)(.*)")
_CREATED = re.compile(r"(?:(\d+) /\* (\d+) in strace's PID NS \*/|(\d+))")
_REPLACED = re.compile(r"\+\+\+ superseded by execve in pid (\d+)(?: /\* (\d+) in strace's PID NS \*/)? \+\+\+")
_NUMBER = re.compile(r"\(errno (\d+)\)")
_ESCAPE = re.compile(rb"\\(x[0-9a-f]{2}|[0-7]{1,3}|.)")
_LETTERS = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"v": b"\v", b"f": b"\f"}
_FLAGS = {name: getattr(os, name, 0) for name in ("O_WRONLY", "O_RDWR", "O_CREAT", "O_PATH", "O_DIRECTORY")}
_FORKS = ("fork", "vfork", "clone", "clone3")
# What every C library, and Go, calls before its first file: traced only so that they may get lost (see _Reader._replaced).
_EARLY = ("brk", "arch_prctl", "set_thread_area", "set_tid_address", "sched_getaffinity")
_EARLY_ELSEWHERE = (96, 123, 214)  # set_tid_address, sched_getaffinity and brk in the table of aarch64 and riscv64


def words(output: str, *, every: bool) -> list[str]:
    """The command before the program's own words; with ``every``, each system call is listed."""
    calls = ",".join(f"?{name}" for name in (*CALLS, *_FORKS, *_EARLY, "fchdir"))
    return [
        *("strace", "-f", "-qq", "-y", "--decode-pids=pidns", "-xx", "-s", "4096", "-o", output),
        *(("--seccomp-bpf", "-e", f"trace={calls}") if not every else ()),
        *("-e", "signal=none", "-e", "inject=io_uring_setup:error=ENOSYS", "--"),
    ]


def read(lines: Iterable[str], *, mark: str | None = None, names: bool = False) -> Trace:
    """Read strace's output. With ``mark``, only what the process does that looked at this path last, and its children."""
    return _Reader(mark, names).read(lines)


class _Reader:
    def __init__(self, mark: str | None, names: bool) -> None:
        self._collector = Collector()
        self._mark = mark
        self._names = names
        self._roots: set[str] = set()  # processes that are the guest's, before they start anything
        self._others: set[str] = set()  # processes that were there before the guest
        self._program: dict[str, str] = {}
        self._forking: list[str] = []  # processes inside a fork whose result is not there yet
        self._open: dict[str, str] = {}
        self._superseded: set[str] = set()  # processes that a thread's exec has taken over, its result not there yet
        self._directory: dict[str, str] = {}  # of a process, as far as its calls show it

    def read(self, lines: Iterable[str]) -> Trace:
        for pid, text in self._whole(lines):
            found = _CALL.fullmatch(text)
            if found is None:
                continue
            name, arguments, result, rest = found.groups()
            self._one(pid, name, list(_split(arguments)), result, rest)
        return self._collector.trace()

    def _whole(self, lines: Iterable[str]) -> Iterator[tuple[str, str]]:
        """Each call in one piece: what another process interrupted is put together again."""
        for line in lines:
            found = _LINE.fullmatch(line.rstrip("\n"))
            if found is None:
                continue
            pid, text = found["pid"] or "", found["rest"]
            self._adopt(pid)
            if text.endswith(_UNFINISHED):
                self._open[pid] = text.removesuffix(_UNFINISHED)
                if text.partition("(")[0] in _FORKS:
                    self._forking.append(pid)
                continue
            if replaced := _REPLACED.fullmatch(text):  # a thread became the whole process, under that one's number
                self._open[pid] = self._open.pop(replaced[2] or replaced[1], "")
                self._superseded.add(pid)
                continue
            if resumed := _RESUMED.match(text):
                text = self._open.pop(pid, "") + text[resumed.end() :]
                if pid in self._superseded:
                    self._superseded.discard(pid)
                    text = self._replaced(text)
            yield pid, text

    def _replaced(self, text: str) -> str:
        """The exec of a thread, which succeeded: the thread got its process's number only thereby.

        strace 6.1 with its seccomp filter goes on as the process's former first thread would have: where that one was in
        no call that is traced, the end of the exec passes unseen, and the stop at the new program's first call is taken
        for it. The number of that call then stands where the result should, and the call itself nowhere.
        """
        found = _CALL.fullmatch(text)
        if found is None or found[3] == "0":
            return text
        value = _NUMBER.search(found[4]) if found[3] == "-1" else None
        number = -int(value[1]) & 0xFFFF if value else int(found[3].replace("?", "-1"), 0)
        if number != -1 and not _is_early(number):
            self._collector.remark(
                "a thread started another program, and strace did not show the first call of that one"
            )
        return f"{text[: found.end(2)]}) = 0"

    def _adopt(self, pid: str) -> None:
        """A process that is seen before its parent's fork is over is that parent's."""
        if not self._roots and self._mark is not None:
            self._others.add(pid)
        elif pid not in self._program and pid not in self._others and self._forking:
            parent = self._forking[-1]
            self._inherit(pid, parent)

    def _inherit(self, pid: str, parent: str) -> None:
        if parent in self._program:
            self._program.setdefault(pid, self._program[parent])
        if parent in self._directory:
            self._directory.setdefault(pid, self._directory[parent])

    def _one(self, pid: str, name: str, arguments: list[str], result: str, rest: str) -> None:
        self._call(pid, name, arguments, result, rest)
        if name in {"chdir", "fchdir"} and result == "0" and arguments:
            moved = _path(
                Call("look", 0) if name == "chdir" else Call("look", None, 0), arguments, self._directory.get(pid, "")
            )
            self._directory[pid] = moved or ""

    def _call(self, pid: str, name: str, arguments: list[str], result: str, rest: str) -> None:
        if name in _FORKS:
            if pid in self._forking:
                self._forking.remove(pid)
            if born := _CREATED.match(result + rest):
                self._inherit(born[2] or born[3] or "", pid)
        call = CALLS.get(name)
        if self._names and pid in self._program:
            self._collector.called(name)
        if call is None:
            return
        if call.what == "ring":
            if pid in self._program:
                self._collector.remark(ring_remark(self._program[pid]))
            return
        if result == "?":
            return
        for each in arguments:
            if each.startswith("AT_FDCWD<"):
                self._directory[pid] = _unquoted(each[len("AT_FDCWD<") : -1])
        path = _path(call, arguments, self._directory.get(pid, ""))
        if path is None:
            return
        if self._mark is not None and path == self._mark:
            self._roots = {pid}
            self._others.discard(pid)
            return
        value = (
            -getattr(errno, rest.split(maxsplit=1)[0], errno.EIO) if result == "-1" and rest.split() else int(result, 0)
        )
        started = call.what == "execute" and value >= 0 and (self._mark is None or pid in self._roots)
        if pid in self._program or started:
            self._collector.note(call, path, _flags(call, name, arguments), value, self._program.get(pid, ""))
        if call.what == "execute" and value >= 0 and (pid in self._program or started):
            self._program[pid] = path


def _is_early(number: int) -> bool:
    """Whether a system call of this number, in any of this machine's tables, is one of those that may get lost."""
    if os.uname().machine != "x86_64":
        return number in _EARLY_ELSEWHERE
    return any(numbers.names(each).get(number) in _EARLY for each in (numbers.AUDIT_X86_64, numbers.AUDIT_I386))


def _split(text: str) -> Iterator[str]:
    """The arguments of a call: at commas outside of quotes and brackets."""
    depth, start, quoted, at = 0, 0, False, 0
    while at < len(text):
        letter = text[at]
        if quoted:
            if letter == "\\":
                at += 1
            elif letter == '"':
                quoted = False
        elif letter == '"':
            quoted = True
        elif letter in "([{<":
            depth += 1
        elif letter in ")]}>" and not (letter == ">" and text[at - 1] == "-"):
            depth -= 1
        elif letter == "," and depth == 0:
            yield text[start:at].strip()
            start = at + 1
        at += 1
    if text[start:].strip():
        yield text[start:].strip()


def _path(call: Call, arguments: list[str], working: str) -> str | None:
    directory = working if call.directory is None else ""
    if call.directory is not None and call.directory < len(arguments):
        _, _, behind = arguments[call.directory].partition("<")
        directory = (
            _unquoted(behind.removesuffix(">"))
            if behind
            else working
            if "AT_FDCWD" in arguments[call.directory]
            else ""
        )
    if call.path is None:
        return absolute(directory, "") if directory.startswith("/") else None
    if call.path >= len(arguments) or not arguments[call.path].startswith('"'):
        return None
    path = _unquoted(arguments[call.path].removeprefix('"').rpartition('"')[0])
    return absolute(path, directory) if path else None


def _unquoted(text: str) -> str:
    def plain(found: re.Match[bytes]) -> bytes:
        word = found[1]
        if word[:1] == b"x":
            return bytes.fromhex(word[1:].decode())
        return bytes([int(word, 8) & 255]) if word.isdigit() else _LETTERS.get(word, word)

    return os.fsdecode(_ESCAPE.sub(plain, text.encode("utf-8", "surrogateescape")))


def _flags(call: Call, name: str, arguments: list[str]) -> int:
    at = call.flags if call.flags is not None else 2 if name == "openat2" else None
    if at is None or at >= len(arguments):
        return 0
    return sum(value for flag, value in _FLAGS.items() if re.search(rf"\b{flag}\b", arguments[at]))
