"""How needs make entries: copied from the root with the links on the way, or written by us."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from scratchpack.entries import BYTES_ALONE, directory_of, dropped, file_of
from scratchpack.needs import places
from scratchpack.rootfs import RANK_GENERATED, Directory, File, Reason, Symlink, inline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from scratchpack.entries import Keep
    from scratchpack.needs.base import Evidence
    from scratchpack.rootfs import Entry
    from scratchpack.sysroot.model import Node, Sysroot


def reasons(need: str, evidence: tuple[Evidence, ...]) -> tuple[Reason, ...]:
    """Why an entry of this need is there: its evidence, or the option that asked for it."""
    if not evidence:
        return (Reason("option", f"--need {need}=always"),)
    return tuple(Reason("need", need, f"{item.by}: {item.because}" if item.by else item.because) for item in evidence)


def node_entry(root: Sysroot, node: Node, because: tuple[Reason, ...], at: str | None = None) -> File:
    """A regular file of the root, at its own path or another; what may be started there may be started in the image."""
    runs = bool(node.mode & 0o111)
    return file_of(root, node, because, runs=runs, keep=_keep(root, node), path=at or "")


def _keep(root: Sysroot, node: Node) -> Keep:
    """What the user wants kept, which a gate knows; what stays behind of this node is written down there."""
    from scratchpack.needs.gate import Gate

    if not isinstance(root, Gate):
        return BYTES_ALONE
    if said := dropped(root, node, root.keep):
        root.dropped[node.canonical] = said
    return root.keep


def copied(root: Sysroot, path: str, because: tuple[Reason, ...]) -> tuple[Entry, ...]:
    """A file of the root and every symbolic link walked to reach it; empty when it is not there."""
    node = root.lookup(path)
    if node is None or node.kind != "file" or node.canonical in places.TABLES_OF_USERS:
        return ()
    return (*(Symlink(link.path, link.target, because) for link in node.links), node_entry(root, node, because))


def tree(
    root: Sysroot,
    path: str,
    because: tuple[Reason, ...],
    keep: Callable[[str], bool] | None = None,
    *,
    enter: Callable[[str], bool] | None = None,
) -> tuple[Entry, ...]:
    """A directory with all below it that ``keep`` (given the path) wants; links are followed as ``copied`` does.

    ``enter`` says of a directory whether there can be anything wanted in it: one that is not entered is not read either.

    Empty when it is not there, or when ``keep`` wants nothing of it: an empty directory would be found by a program that
    takes it for what it once held. A directory that was reached twice (a link back up) is walked once.
    """
    node = root.lookup(path)
    if node is None or node.kind != "directory":
        return copied(root, path, because) if node is not None and (keep is None or keep(path)) else ()
    links = tuple(Symlink(link.path, link.target, because) for link in node.links)
    found = (*links, *_below(root, node, because, keep or (lambda _: True), enter or (lambda _: True), set()))
    if keep is None:
        return found
    return without_empty(found) if any(isinstance(entry, File) for entry in found) else ()


def without_empty(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Entries, less the directories that nothing stands in."""
    entries = tuple(entries)
    filled: set[str] = set()
    for entry in entries:
        parent = entry.path if not isinstance(entry, Directory) else ""
        while (parent := posixpath.dirname(parent)) not in filled and parent not in {"", "/"}:
            filled.add(parent)
    return tuple(entry for entry in entries if not isinstance(entry, Directory) or entry.path in filled)


def _below(
    root: Sysroot,
    node: Node,
    because: tuple[Reason, ...],
    keep: Callable[[str], bool],
    enter: Callable[[str], bool],
    seen: set[str],
) -> Iterator[Entry]:
    if node.canonical in seen:
        return
    seen.add(node.canonical)
    yield directory_of(node, because, keep=_keep(root, node))
    for name in root.list(node):
        path = posixpath.join(node.canonical, name)
        child = root.lookup(path)
        if child is None:
            continue
        yield from (Symlink(link.path, link.target, because) for link in child.links if keep(path))
        if child.kind == "directory":
            if enter(path):
                yield from _below(root, child, because, keep, enter, seen)
        elif child.kind == "file" and keep(path) and child.canonical not in places.TABLES_OF_USERS:
            yield node_entry(root, child, because)


def written(path: str, text: str | bytes, because: tuple[Reason, ...], mode: int = 0o644) -> File:
    """A file of our own making."""
    data = text.encode() if isinstance(text, str) else text
    return File(path, inline(data), mode=mode, because=because, rank=RANK_GENERATED)


def linked(path: str, target: str, because: tuple[Reason, ...]) -> Symlink:
    """A symbolic link of our own making."""
    return Symlink(path, target, because, rank=RANK_GENERATED)


def read(root: Sysroot, path: str, limit: int = 16 << 20) -> bytes | None:
    """A small file's bytes (at most ``limit``); ``None`` when it is not there."""
    node = root.lookup(path)
    if node is None or node.kind != "file":
        return None
    with root.open(node) as stream:
        return stream.read(limit)


def own_text(name: str) -> str:
    """One of the plain files that scratchpack ships below ``templates/``."""
    from scratchpack import templates

    return templates.read(name).decode()


def landing(root: Sysroot, path: str, because: tuple[Reason, ...]) -> tuple[tuple[Symlink, ...], str]:
    """Where a generated file of this name really lies in an image that keeps the root's directory links.

    Returns the links on the way and the canonical path: a root may have /etc/ssl/certs -> ../pki/tls/certs.
    """
    directory, name = posixpath.split(path)
    if directory == "/":
        return (), path
    node = root.lookup(directory)
    if node is not None and node.kind == "directory":
        links = tuple(Symlink(link.path, link.target, because) for link in node.links)
        return links, posixpath.join(node.canonical, name)
    links, parent = landing(root, directory, because)
    return links, posixpath.join(parent, name)
