"""``#!`` scripts: the chain of interpreters that the kernel, and ``env``, would start (R16)."""

from __future__ import annotations

import os
import posixpath
import re
from typing import TYPE_CHECKING, NamedTuple

from scratchpack.errors import ConfinementError, InputError
from scratchpack.loader.model import Problem
from scratchpack.loader.resolve import Placed

if TYPE_CHECKING:
    from scratchpack.loader.objects import Objects
    from scratchpack.sysroot.model import Sysroot

BUFFER = 256  # BINPRM_BUF_SIZE: the kernel reads no more of the first line
MAX_DEPTH = 5  # the kernel's limit on interpreters of interpreters
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class FirstLine(NamedTuple):
    """What follows ``#!``: a path and, as one word, the rest."""

    interpreter: str
    argument: str | None


class Chain(NamedTuple):
    """What a script starts, in order: its interpreter, what ``env`` looks up, and theirs; each travels."""

    programs: tuple[Placed, ...]
    problems: tuple[Problem, ...]


def first_line(data: bytes) -> FirstLine | None:
    """The kernel's reading of a ``#!`` line; ``None`` where it names nothing or is cut off within the path."""
    if not data.startswith(b"#!"):
        return None
    line, newline, _ = data[2:BUFFER].partition(b"\n")
    text = line.strip(b" \t")
    if not text:
        return None
    interpreter, argument = ([*re.split(rb"[ \t]+", text, maxsplit=1), b""])[:2]
    if not newline and len(data) >= BUFFER and not argument:
        return None
    return FirstLine(os.fsdecode(interpreter), os.fsdecode(argument) or None)


def interpreters(
    script: Placed, root: Sysroot, objects: Objects, *, search_path: str = DEFAULT_PATH, cwd: str = "/"
) -> Chain:
    """The interpreters of a script, each looked up in ``root``; ``search_path`` is the image's PATH, for ``env``.

    Raises:
        InputError: the script itself is not there or cannot be read.
    """
    return _Walk(root, objects, search_path, cwd).run(script)


class _Walk:
    def __init__(self, root: Sysroot, objects: Objects, search_path: str, cwd: str) -> None:
        self._root, self._objects, self._path, self._cwd = root, objects, search_path, cwd
        self._programs: dict[Placed, None] = {}
        self._problems: list[Problem] = []

    def run(self, script: Placed) -> Chain:
        node = self._objects.lookup(script.root, script.path)
        if node is None:
            raise InputError(f"cannot read {script.path}: it is not there in {script.root.name}")
        with script.root.open(node) as stream:
            line = first_line(stream.read(BUFFER))
        if line is None:
            raise InputError(
                f"cannot pack {script.path}: its #! line names no interpreter",
                hint=f"the kernel reads the first {BUFFER} bytes: #!, a path, and perhaps one argument",
            )
        self._follow(script.path, line, 1)
        return Chain(tuple(self._programs), tuple(self._problems))

    def _follow(self, asker: str, line: FirstLine, depth: int) -> None:
        if not self._start(asker, line.interpreter, depth):
            return
        if posixpath.basename(line.interpreter) == "env":
            self._env(asker, line, depth)

    def _start(self, asker: str, path: str, depth: int) -> bool:
        if depth > MAX_DEPTH:
            self._problem(asker, path, f"more than {MAX_DEPTH} interpreters of interpreters")
            return False
        try:
            node = self._objects.lookup(self._root, path, self._cwd)
        except ConfinementError as error:
            self._problem(asker, path, error.message)
            return False
        if node is None or node.kind != "file":
            self._problem(asker, path, "it is not there" if node is None else f"it is a {node.kind}")
            return False
        placed = Placed(self._root, posixpath.normpath(posixpath.join(self._cwd, path)) if path[0] != "/" else path)
        if placed in self._programs:
            return True
        self._programs[placed] = None
        with self._root.open(node) as stream:
            line = first_line(stream.read(BUFFER))
        if line is not None:
            self._follow(placed.path, line, depth + 1)
        return True

    def _env(self, asker: str, line: FirstLine, depth: int) -> None:
        words = env_words(line.argument or "")
        name = env_program(words)
        if name is None:
            self._problem(asker, line.interpreter, f"env is given no program in {line.argument!r}")
        elif "/" in name:
            self._start(asker, name, depth)
        else:
            tried = [posixpath.join(directory or ".", name) for directory in self._path.split(":")]
            for path in tried:
                if self._executable(path):
                    self._start(asker, path, depth)
                    return
            self._problem(asker, name, f"env does not find it in PATH ({self._path})")

    def _executable(self, path: str) -> bool:
        try:
            node = self._objects.lookup(self._root, path, self._cwd)
        except ConfinementError:
            return False
        return node is not None and node.kind == "file" and bool(node.mode & 0o111)

    def _problem(self, asker: str, name: str, detail: str) -> None:
        self._problems.append(Problem("interp", "error", asker, name, detail))


_SPLIT = re.compile(r"""\s+|'((?:[^'\\]|\\['\\])*)'|"((?:[^"\\]|\\.)*)"|\\(.)|(\#.*)|([^\s'"\\]+)""", re.DOTALL)
_ESCAPES = {"f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "_": " "}


def env_words(argument: str) -> tuple[str, ...]:
    """The words that ``env`` sees of the one argument the kernel passes: split only after ``-S``."""
    match = re.match(r"-[iv0]*S\s*(.*)|--split-string[= ]\s*(.*)", argument, re.DOTALL)
    if match is None:
        return (argument,) if argument else ()
    flags = "-i" if match[1] is not None and "i" in argument.partition("S")[0] else None
    words = _split(match[1] if match[1] is not None else match[2])
    return (flags, *words) if flags else words


def _split(text: str) -> tuple[str, ...]:
    r"""GNU ``env -S``: quotes, backslash escapes, ``#`` comments at the start of a word, ``\\c`` ends the text."""
    words: list[str] = []
    current: str | None = None
    for match in _SPLIT.finditer(text):
        single, double, escape, comment, plain = match.groups()
        if comment is not None and current is None:
            break
        if escape == "c":
            break
        if escape == "_" or (match[0].isspace()):
            if current is not None:
                words.append(current)
            current = None
        elif single is not None:
            current = (current or "") + re.sub(r"\\(['\\])", r"\1", single)
        elif double is not None:
            current = (current or "") + re.sub(r"\\(.)", lambda m: _ESCAPES.get(m[1], m[1]), double, flags=re.DOTALL)
        elif escape is not None:
            current = (current or "") + _ESCAPES.get(escape, escape)
        else:
            current = (current or "") + (plain or comment or "")
    return (*words, *(() if current is None else (current,)))


_WITH_VALUE = {"-u", "--unset", "-C", "--chdir"}


def env_program(words: tuple[str, ...]) -> str | None:
    """The program that ``env`` starts: after its options and the variables it sets."""
    at = 0
    while at < len(words):
        word = words[at]
        if word == "--":
            at += 1
            break
        if not word.startswith("-"):
            break
        at += 2 if word in _WITH_VALUE else 1
    rest = list(words[at:])
    while rest and "=" in rest[0]:
        rest.pop(0)
    return rest[0] if rest else None
