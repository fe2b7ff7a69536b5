"""What the three readers share: a root and a path go in; file contents within bounds, spellings of a path on a merged /usr, and package URLs come out."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, cast
from urllib.parse import quote

from scratchpack.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scratchpack.sysroot.model import Sysroot

MAX_DATABASE = 512 << 20  # bytes; the largest real one seen is under 200 MB (S4)
MAX_PATH = 4096  # characters (PATH_MAX)
MAX_PATHS, MAX_PATHS_BYTES = 1_200_000, 64 << 20  # of one database; 3,000 packages have some 400,000 in 20 MB
_MERGED = ("bin", "sbin", "lib", "lib32", "lib64", "libx32", "libo32")


def read(root: Sysroot, path: str, *, limit: int = MAX_DATABASE) -> bytes | None:
    """The whole of a regular file of the root, ``None`` where it is not there.

    Raises:
        InputError: more than ``limit`` bytes.
    """
    node = root.lookup(path)
    if node is None or node.kind != "file":
        return None
    if node.size > limit:
        raise InputError(f"cannot read the package database {path} of {root.name}: {node.size} bytes, limit {limit}")
    with root.open(node) as stream:
        return stream.read(min(limit, node.size + 1))  # a buffer of the limit's size costs as much as the file


class Total:
    """Counts what a database takes while it is read: its parts may share bytes, and so be more than the whole (S4)."""

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._paths, self._bytes = 0, 0

    def path(self, path: str) -> str:
        """One more path of a file.

        Raises:
            InputError: it is longer than Linux takes, or one too many.
        """
        self._paths += 1
        self._bytes += len(path)
        if len(path) > MAX_PATH or self._paths > MAX_PATHS or self._bytes > MAX_PATHS_BYTES:
            raise InputError(
                f"cannot read the package database {self._origin}: a path of over {MAX_PATH} characters, over {MAX_PATHS} "
                f"paths, or over {MAX_PATHS_BYTES >> 20} MiB of them"
            )
        return path


def spellings(root: Sysroot, path: str) -> tuple[str, ...]:
    """The path, and its other name where this root has /lib as a link to /usr/lib and the like."""
    parts = path.split("/")
    if len(parts) > 3 and parts[1] == "usr" and parts[2] in _MERGED:
        other, top = "/" + "/".join(parts[2:]), parts[2]
    elif len(parts) > 2 and parts[1] in _MERGED:
        other, top = "/usr" + path, parts[1]
    else:
        return (path,)
    merged = cast("dict[str, bool]", root.kept.setdefault(__name__, {}))
    if top not in merged:
        node = root.lookup("/" + top, follow=False)
        merged[top] = node is not None and node.kind == "symlink"
    return (path, other) if merged[top] else (path,)


def without_parents(paths: Iterable[str]) -> tuple[str, ...]:
    """The paths, less the directories that others of them lie in."""
    kept = list(dict.fromkeys(paths))
    parents = {posixpath.dirname(path) for path in kept}
    return tuple(path for path in kept if path not in parents and path != "/")


def distribution(root: Sysroot) -> tuple[str, str]:
    """ID and VERSION_ID of os-release; each empty where the file does not have it."""
    text = read(root, "/etc/os-release", limit=1 << 16) or read(root, "/usr/lib/os-release", limit=1 << 16) or b""
    fields: dict[str, str] = {}
    for line in text.decode("utf-8", "replace").splitlines():
        key, _, value = line.partition("=")
        fields[key.strip()] = value.strip().strip("\"'")
    return fields.get("ID", ""), fields.get("VERSION_ID", "")


def purl(kind: str, distro: tuple[str, str], name: str, version: str, **qualifiers: str) -> str:
    """A package URL: ``pkg:deb/debian/zlib1g@1:1.2.13?arch=amd64&distro=debian-12``; empty qualifiers are left out."""
    identity, release = distro
    known = {**qualifiers, "distro": f"{identity}-{release}" if identity and release else identity}
    tail = "&".join(f"{key}={_quoted(value, ':')}" for key, value in sorted(known.items()) if value)
    namespace = f"{_quoted(identity.lower())}/" if identity else ""
    return f"pkg:{kind}/{namespace}{_quoted(name)}@{_quoted(version, ':~')}" + (f"?{tail}" if tail else "")


def _quoted(text: str, safe: str = "") -> str:
    """Percent-encoded; a field that is not UTF-8 keeps its bytes (S5, S11)."""
    return quote(text, safe=safe, errors="surrogateescape")
