"""What launchers start: a shell script goes in, one line with the ``--include`` of what was installed for it comes out (N43, N47).

``exec "$BINDIR/erlexec"``, or a class path made in a loop, says nothing that can be read. The package that installed the script says
more: what it put into directories of its own is what its launcher starts. It is offered and not taken, for it may be large, and nothing
proves which of it runs.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from scratchpack.elf.kind import Kind, sniff
from scratchpack.errors import InputError
from scratchpack.needs import places
from scratchpack.packages import open_database
from scratchpack.pattern import pattern
from scratchpack.scripts.shell.program import shell_program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from scratchpack.pipeline.scripting.model import Script
    from scratchpack.scripts.model import Command
    from scratchpack.scripts.shell.program import ShellProgram
    from scratchpack.sysroot.model import Node, Sysroot

_MAX_BINARY = 16 << 20  # bytes of an interpreter that are looked through
_TEMPLATE = pattern(rb"(/[\w./+-]+)/\?\.(?:lua|so)")
_MAX = 20  # launchers that launchers run
_OWN = pattern(r"((?:/usr(?:/local)?)?/(?:lib|lib64|libexec|share)(?:/[^/]+-linux-[^/]+)?/[^/]+|/opt/[^/]+)/.+")
# Directories that packages fill for others: documentation, what a running system reads, and the libraries of a language.
_OTHERS = pattern(
    r".*/(?:doc|doc-base|man|info|locale|lintian|systemd|tmpfiles\.d|sysusers\.d|sysctl\.d|udev|modules-load\.d|init"
    r"|initramfs-tools|bash-completion|zsh|fish|applications|icons|pixmaps|metainfo|menu|mime|mime-info|dbus-1|polkit-1|apport"
    r"|reportbug|bug|ocf|nagios|vim|emacs|site-lisp|pkgconfig|cmake|help|fonts|java|maven-repo|perl5|python\d?(?:\.\d+)?|ruby|vendor_ruby|nodejs|php)"
)


def launched(script: Script, found: ShellProgram, path_of: Callable[[Command], str | None]) -> str:
    """A line for this script and the shell scripts that it certainly runs, where they start what cannot be read; empty for others."""
    if not script.is_here or (database := open_database(script.root)) is None:
        return ""
    directories: dict[str, None] = {}
    launchers: dict[str, None] = {}
    for path, program in _chain(script, found, path_of):
        owner = database.owner(path) if program.unknown else None
        own = () if owner is None else _own_directories(database.files(owner), frozenset(program.files))
        directories |= dict.fromkeys(own)
        launchers |= dict.fromkeys([path] if own else [])
    if not directories:
        return ""
    names = ", ".join(launchers)
    options = " ".join(f"--include {directory}" for directory in directories)
    return f"{names}: what is started there is named only at run time, and the same packages installed {', '.join(directories)}: add with {options}"


def offered(script: Script) -> str:
    """For a script that no reader knows: the directories of its own package, and those that its interpreter searches for modules."""
    if not script.is_here:
        return ""
    database = open_database(script.root)
    owner = None if database is None else database.owner(script.path)
    found = dict.fromkeys(_own_directories(database.files(owner), frozenset()) if database and owner else ())
    found |= dict.fromkeys(_searched(script))
    return f", first of all --include {' --include '.join(found)}" if found else ""


def _searched(script: Script) -> Iterator[str]:
    """The directories of Lua's search path, which its interpreter or library has as strings (``/usr/share/lua/5.4/?.lua``)."""
    for node in (script.interpreter.node, *(item.node for item in script.closure.resolved)):
        if node.size > _MAX_BINARY or not posixpath.basename(node.canonical).startswith(("lua", "liblua", "tarantool")):
            continue
        with script.root.open(node) as stream:
            for match in _TEMPLATE.finditer(stream.read(_MAX_BINARY)):
                path = match[1].decode("ascii")
                place = script.root.lookup(path)
                if place is not None and place.kind == "directory" and not places.is_shared(path):
                    yield path


def _own_directories(files: tuple[str, ...], read: frozenset[str]) -> tuple[str, ...]:
    """The directories of its own that a package filled with more than what was read of it already."""
    found: dict[str, None] = {}
    for path in files:
        match = _OWN.fullmatch(path)
        if match and path not in read and not _OTHERS.fullmatch(match[1]) and not places.is_shared(match[1]):
            found[match[1]] = None
    return tuple(found)


def _chain(
    script: Script, found: ShellProgram, path_of: Callable[[Command], str | None]
) -> Iterator[tuple[str, ShellProgram]]:
    """The script, then the shell scripts among its certain commands, theirs, and so on; each by its real path."""
    yield script.path, found
    seen = {script.path}
    ahead = [found]
    while ahead and len(seen) <= _MAX:
        for command in ahead.pop().commands:
            path = path_of(command) if command.certain else None
            node = None if path is None else script.root.lookup(path)
            if node is None or node.canonical in seen or len(seen) > _MAX:
                continue
            inner = _shell(script.root, node)
            if inner is not None:
                seen.add(node.canonical)
                ahead.append(inner)
                yield node.canonical, inner


def _shell(root: Sysroot, node: Node) -> ShellProgram | None:
    """A file read as a shell script; ``None`` for anything else, and for one that cannot be read."""
    with root.open(node) as stream:
        first = stream.readline(256) if sniff(stream, node.canonical) is Kind.SCRIPT else b""
    words = first.removeprefix(b"#!").split()
    name = (
        posixpath.basename(words[-1 if words[0].endswith(b"/env") else 0].decode("utf-8", "replace")) if words else ""
    )
    if name not in {"sh", "dash", "bash", "ksh", "zsh"}:
        return None
    try:
        return shell_program(root, node, name)
    except InputError:
        return None
