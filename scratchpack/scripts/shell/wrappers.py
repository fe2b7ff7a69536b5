"""Commands that start other commands: their words go in, where the inner command stands comes out.

One row a command, from its manual: the options that take a word of their own, and how many operands stand before the command.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scratchpack.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scratchpack.scripts.shell.words import Constant


class Wrapper(NamedTuple):
    """How a wrapper's command line is read."""

    valued: str = ""  # the short options with a value
    long: frozenset[str] = frozenset()  # the long options whose value is the next word
    operands: int = 0  # words before the command
    assignments: bool = False  # NAME=value words before the command
    here: bool = True  # the command comes from this filesystem


_W = Wrapper
WRAPPERS = {
    "env": _W("uC", frozenset({"--unset", "--chdir"}), assignments=True),
    "sudo": _W("ugCcDhpRrTtU", frozenset({"--user", "--group", "--chdir", "--host", "--prompt"}), assignments=True),
    "doas": _W("uC"),
    "nice": _W("n", frozenset({"--adjustment"})),
    "ionice": _W("cnptPu", frozenset({"--class", "--classdata"})),
    "nohup": _W(),
    "setsid": _W(),
    "timeout": _W("sk", frozenset({"--signal", "--kill-after"}), operands=1),
    "xargs": _W("IEdLnPsa", frozenset({"--arg-file", "--delimiter", "--max-args", "--max-procs", "--replace", "--max-lines", "--max-chars"})),
    "exec": _W("a"),
    "command": _W(),
    "time": _W("fo", frozenset({"--format", "--output"})),
    "stdbuf": _W("ioe", frozenset({"--input", "--output", "--error"})),
    "chrt": _W("TPD", operands=1),
    "taskset": _W(operands=1),
    "flock": _W("wE", frozenset({"--wait", "--timeout", "--conflict-exit-code"}), operands=1),
    "chroot": _W("", frozenset(), operands=1, here=False),
    "runuser": _W("ugG", frozenset({"--user", "--group"})),
    "setpriv": _W("", frozenset({"--reuid", "--regid", "--groups", "--bounding-set", "--inh-caps", "--ambient-caps"})),
    "su-exec": _W(operands=1),
    "gosu": _W(operands=1),
    "setuidgid": _W(operands=1),
    "chpst": _W("uUenolmdprstfcPb"),
    "watch": _W("nq", frozenset({"--interval", "--equexit"})),
    "strace": _W("eopsaEPuIbSX", frozenset({"--output", "--trace"})),
    "ltrace": _W("eopsaulnxF"),
    "fakeroot": _W("lfsi"),
    "fakechroot": _W(),
    "xvfb-run": _W("nsefpl", frozenset({"--server-num", "--server-args"})),
    "dbus-run-session": _W(),
    "dbus-launch": _W(),
    "eatmydata": _W(),
    "catchsegv": _W(),
    "tini": _W("pe"),
    "dumb-init": _W("r"),
    "script": _W("c"),
    "coproc": _W(),
}  # fmt: skip

SHELLS = frozenset({"sh", "bash", "dash", "ash", "ksh", "mksh", "zsh", "rbash"})
_FIND = frozenset({"-exec", "-execdir", "-ok", "-okdir"})
_DAEMON = frozenset({"--exec", "-x", "--startas", "-a"})  # start-stop-daemon
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")


class Inner(NamedTuple):
    """An inner command: ``position`` is the index of its word; ``is_text`` where that word is shell text, ``here`` as in :class:`Wrapper`."""

    position: int
    is_text: bool = False
    here: bool = True


def inner(name: str, words: Sequence[Constant | None]) -> tuple[Inner, ...]:
    """Where the commands stand that ``name`` starts; ``words`` are its arguments, ``None`` for one that is not constant."""
    if name in SHELLS:
        return _of_shell(words)
    if name == "find":
        return tuple(Inner(i + 1) for i, word in enumerate(words[:-1]) if word and word.text in _FIND)
    if name == "start-stop-daemon":
        return tuple(Inner(i + 1) for i, word in enumerate(words[:-1]) if word and word.text in _DAEMON)
    if name == "eval":
        return (Inner(0, is_text=True),) if words else ()
    if name == "trap":
        first = words[0] if words else None
        return () if not words or (first and first.text in {"", "-", "-l", "-p"}) else (Inner(0, is_text=True),)
    if name in {"su", "runuser", "script", "flock", "watch"} and (text := _after_c(words)) is not None:
        return (Inner(text, is_text=True),)
    row = WRAPPERS.get(name)
    index = _command(row, words) if row else None
    return () if row is None or index is None else (Inner(index, here=row.here),)


def _command(row: Wrapper, words: Sequence[Constant | None]) -> int | None:
    """The index of the first word after the options, assignments and operands; ``None`` where that cannot be known."""
    index, operands, options = 0, row.operands, True
    while index < len(words):
        word = words[index]
        if word is None or word.base:
            if not operands:
                return index
            operands -= 1
        elif options and word.text == "--":
            options = False
        elif options and word.text.startswith("--"):
            index += word.text in row.long
        elif options and len(word.text) > 1 and word.text.startswith("-"):
            index += word.text[-1] in row.valued and _only_last_is_valued(word.text[1:], row.valued)
        elif row.assignments and _ASSIGNMENT.match(word.text):
            pass
        elif operands:
            operands -= 1
            options = False
        else:
            return index
        index += 1
    return None


def _only_last_is_valued(letters: str, valued: str) -> bool:
    """``-n 1`` takes the next word, ``-n1`` has its value already."""
    return not any(letter in valued for letter in letters[:-1])


def _of_shell(words: Sequence[Constant | None]) -> tuple[Inner, ...]:
    text = _after_c(words)
    return () if text is None else (Inner(text, is_text=True),)


def _after_c(words: Sequence[Constant | None]) -> int | None:
    """The word after a cluster of options that ends with or has ``c``: ``-c``, ``-ec``, ``-lc``."""
    for index, word in enumerate(words[:-1]):
        if word is None or word.base or not word.text.startswith(("-", "+")):
            return None
        if word.text == "--command" or ("c" in word.text[1:] and not word.text.startswith("--")):
            return index + 1
    return None
