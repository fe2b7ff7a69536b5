"""Configuration, the argument list and variables as evidence (N49): a request goes in; evidence for needs comes out.

Once the files of the image are known, what was named and is not among them comes out as warnings, each with the option
that mends it. Nothing that is read here is executed, and what it names comes from the root through the needs' gate alone.
"""

from __future__ import annotations

import fnmatch
import posixpath
import re
from typing import TYPE_CHECKING

from scratchpack.configuration.model import GROUP, PATH, RELATIVE, Named
from scratchpack.needs import places
from scratchpack.needs.base import A, Evidence
from scratchpack.pattern import pattern
from scratchpack.rootfs import Directory

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from scratchpack.needs.gate import Gate
    from scratchpack.pipeline.include import Included
    from scratchpack.pipeline.loading import Loading
    from scratchpack.request.model import Request
    from scratchpack.rootfs import Rootfs
    from scratchpack.sysroot.model import Node, Sysroot

_MAX_TEXTS, _MAX_BYTES = 400, 4 << 20  # of one run that are read; a hostile megabyte takes some seconds
_MAX_DEPTH = 8  # files that include files
_MAX_WARNINGS = 20
_ENGINES = ("/dev", "/proc", "/sys", "/etc/resolv.conf", "/etc/hosts", "/etc/hostname", "/etc/mtab")
_TEMPORARY = ("/tmp", "/var/tmp")  # noqa: S108 - paths of the image
_ACCOUNTS = ("/etc/passwd", "/etc/group")  # never the root's own: the need writes them
_STATE = (
    "/run",
    "/var/run",
    "/var/log",
    "/var/cache",
    "/var/spool",
    "/var/lib",
    "/var/lock",
    "/var/db",
    "/data",
    *_TEMPORARY,
)
# A directive with such a word in its name is about what the program makes itself.
_WRITES = pattern(
    r"(?:^|[._-])(?:\w*pid(?:file)?|\w*logs?(?:file|dir|path)?|\w*sock(?:et)?s?|cache|datadir|data|tmpdir|temp|tmp|spool|state|lock|dump"
    r"|dbfilename|persistence\w*|storage|store|journal|TMPDIR|HOME)(?:$|[._-])",
    re.IGNORECASE,
)
_INCLUDES = pattern(
    r"[!%.]?include\w*|source|import|conf-file|conf-dir|c|f|conf|config|cfg|ini|[\w.-]*config[_-]?file|defaults-(?:extra-)?file",
    re.IGNORECASE,
)


class Configured:
    """What the texts of one run name, read once.

    Args:
        asked: the request, with what it includes, the argument list and the variables.
        loading: the programs, and the root that their files come from.
        included: what ``--include`` brings, by path in the image.
    """

    def __init__(self, asked: Request, loading: Loading, included: Mapping[str, Included]) -> None:
        self._asked = asked
        self._loading = loading
        self._read: set[str] = set()
        self._bytes = self._unread = 0
        self._included = included
        self._named: dict[Named, tuple[str, ...]] = {}  # with the paths that it means in the image
        words = (*(asked.entrypoint or ())[1:], *asked.cmd)
        if words:
            from scratchpack.configuration.arguments import read_arguments

            self._add(read_arguments(words, "--cmd", dict(asked.env)), 0)
        if any("/" in value or name.endswith(("_RUN_USER", "_RUN_GROUP")) for name, value in asked.env):
            from scratchpack.configuration.arguments import read_variables

            self._add(read_variables(dict(asked.env)), 0)
        for path, one in included.items():
            # a tree of /usr is what packages made, and no configuration of this service
            of_a_package = not one.by_itself and places.is_system(one.laid.node.canonical)
            if one.laid.node.kind == "file" and not of_a_package:
                self._text(*one.laid, path, 0, by_itself=one.by_itself)

    def _gate(self) -> Gate:
        from scratchpack.needs.gate import gate_of

        return gate_of(self._loading.root, self._loading.program(0))

    def _text(self, root: Sysroot, node: Node, path: str, depth: int, *, by_itself: bool) -> None:
        from scratchpack.configuration.formats import LIMIT
        from scratchpack.configuration.reader import read

        if node.size > LIMIT or path in self._read:
            return
        if len(self._read) >= _MAX_TEXTS or self._bytes + node.size > _MAX_BYTES:
            self._unread += 1
            return
        self._read.add(path)
        self._bytes += node.size
        with root.open(node) as stream:
            data = stream.read(LIMIT + 1)
        self._add(read(data, path, dict(self._asked.env), by_itself=by_itself), depth)

    def _add(self, found: tuple[Named, ...], depth: int) -> None:
        """Keep names; read on where one is an ``include`` of a file that the root has."""
        for named in found:
            if named in self._named:
                continue
            self._named[named] = ()
            if named.kind not in {PATH, RELATIVE} or _below(named.value, _ENGINES):
                continue
            meant = tuple(self._meant(named))
            self._named[named] = meant
            if not _INCLUDES.fullmatch(named.key) or depth >= _MAX_DEPTH:
                continue
            gate = self._gate()
            for path in meant:
                node = gate.lookup(path)
                if node is not None and node.kind == "file":
                    self._text(gate, node, path, depth + 1, by_itself=True)

    def _meant(self, named: Named) -> Iterator[str]:
        """The paths that a name stands for: itself, what a pattern matches in the root, what lies beside its text."""
        pattern = named.value
        if named.kind == RELATIVE:
            if not named.file.startswith("/"):
                return
            pattern = posixpath.join(posixpath.dirname(named.file), pattern)
        if any(sign in pattern for sign in "*?"):
            yield from _matching(self._gate(), pattern)
        elif named.kind == PATH or self._gate().lookup(pattern) is not None:
            yield pattern

    def evidence(self) -> tuple[Evidence, ...]:
        """For the needs: files for ``configuration``, accounts for ``users``, directories for ``tmp``."""
        found = []
        for named, meant in self._named.items():
            because = f"names {named.value}"
            if named.kind == RELATIVE and not meant:
                found.append(Evidence("configuration", A, because, named.where, (named.value,)))
            for path in meant:
                if path in self._included:
                    continue
                if path in _ACCOUNTS:
                    found.append(Evidence("users", A, because, named.where))
                elif _below(path, _TEMPORARY):
                    top = next(top for top in _TEMPORARY if places.within(path, top))
                    found.append(Evidence("tmp", A, because, named.where, (top,)))
                elif not _below(path, _STATE) or self._is_packaged(path):
                    found.append(Evidence("configuration", A, because, named.where, (path,)))
                else:
                    found.append(Evidence("writable", A, because, named.where, (path,)))
            if named.kind not in {PATH, RELATIVE}:
                name = f":{named.value}" if named.kind == GROUP else named.value
                found.append(Evidence("users", A, f"names the account {named.value}", named.where, (name,)))
        return tuple(dict.fromkeys(found))

    def _is_packaged(self, path: str) -> bool:
        node = self._gate().lookup(path)
        return node is not None and node.kind == "file"

    def warnings(self, rootfs: Rootfs) -> list[str]:
        """What was named and is not in the image, and what the program will write where its user may not."""
        missing: dict[str, str] = {}
        written: dict[str, str] = {}
        tops = {
            "/".join(entry.path.split("/")[:count]) for entry in rootfs for count in range(2, entry.path.count("/") + 2)
        }
        for named, meant in self._named.items():
            for path in meant or ((named.value,) if named.kind == RELATIVE else ()):
                if path in tops or _below(path, _ENGINES) or _below(path, (*self._asked.volume, *_TEMPORARY)):
                    continue
                if named.kind == RELATIVE and self._has_ending(tops, named.value):
                    continue
                if _below(path, _STATE) or _WRITES.search(named.key):
                    if not self._writable(path, rootfs):
                        written.setdefault(path, named.where)
                else:
                    missing.setdefault(path, named.where)
        shown = [self._missing(path, where) for path, where in missing.items()]
        shown += _listed(written, self._asked.account)
        if len(shown) > _MAX_WARNINGS:
            shown[_MAX_WARNINGS:] = [
                f"{len(shown) - _MAX_WARNINGS} more names of the configuration are not in the image"
            ]
        if self._unread:
            shown.append(
                f"{self._unread} included texts were not read for what they name: over {_MAX_TEXTS} texts or 4 MiB"
            )
        return shown

    @staticmethod
    def _has_ending(tops: set[str], name: str) -> bool:
        return any(fnmatch.fnmatchcase(path, f"*/{name}") for path in tops)

    def _missing(self, path: str, where: str) -> str:
        there = path.startswith("/") and self._loading.root.lookup(path) is not None
        remedy = f"--include {path}" if there else f"--include FILE:{path if path.startswith('/') else '/PATH/' + path}"
        above = posixpath.dirname(path)
        mounted = not there and path.startswith("/") and not places.is_shared(above)
        mount = f", or --volume {above} where it comes at run time" if mounted else ""
        return f"{where} names {path}, which is not in the image: add it with {remedy}{mount}"

    def _writable(self, path: str, rootfs: Rootfs) -> bool:
        """Whether the image's user may make this path: the nearest directory that the image has is theirs, or everybody's."""
        user = (self._asked.account).partition(":")[0]
        while path != "/":
            path = posixpath.dirname(path)
            entry = rootfs.get(path)
            if isinstance(entry, Directory):
                return user in {"0", "root", str(entry.uid)} or bool(entry.mode & 0o002)
        return user in {"0", "root"} or (self._asked.workdir is not None and path == self._asked.workdir)


def _listed(written: dict[str, str], user: str) -> list[str]:
    """One line on everything that will be written, with the volumes for it."""
    if not written:
        return []
    directories = dict.fromkeys(
        path
        if "." not in posixpath.basename(path) and path.count("/") > 2 and not path.endswith("pid")
        else posixpath.dirname(path)
        for path in written
    )
    tops = [
        path for path in directories if not any(path != other and places.within(path, other) for other in directories)
    ]
    names = ", ".join(f"{path} ({where})" for path, where in written.items())
    options = " ".join(f"--volume {path}" for path in tops)
    return [
        f"the program will write {names}, where user {user} may not in the image: give {options}, or mount a tmpfs there"
    ]


def _below(path: str, tops: tuple[str, ...]) -> bool:
    return any(places.within(path, top) for top in tops)


def _matching(gate: Gate, pattern: str) -> Iterator[str]:
    """What a pattern of a configuration matches in the root: only the last parts may hold signs, and no name that starts with a dot."""
    found = ["/"]
    for part in pattern.strip("/").split("/"):
        if not any(sign in part for sign in "*?"):
            found = [posixpath.join(path, part) for path in found]
            continue
        nodes = ((path, gate.lookup(path)) for path in found)
        found = [
            posixpath.join(path, name)
            for path, node in nodes
            if node is not None and node.kind == "directory"
            for name in gate.list(node)
            if fnmatch.fnmatchcase(name, part) and not name.startswith(".")
        ]
    yield from (path for path in found if gate.lookup(path) is not None)
