"""What an engine saved, read independently of scratchpack: the root filesystem entry by entry, and the configuration."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

DEFAULT_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"  # builders add it, engines too


class Found(NamedTuple):
    """One entry; ``links`` are all names of a file with hard links."""

    kind: str
    mode: int
    uid: int
    gid: int
    content: str  # sha256, or a symlink's target
    links: tuple[str, ...] = ()
    xattrs: tuple[tuple[str, str], ...] = ()


class Saved(NamedTuple):
    """An image."""

    entries: dict[str, Found]
    config: dict[str, Any]


def read(archive: Path) -> Saved:
    """A docker archive, as ``docker save`` and ``buildah push docker-archive:`` write it."""
    with tarfile.open(archive) as outer:

        def part(name: str) -> bytes:
            stream = outer.extractfile(name)
            assert stream is not None
            return stream.read()

        (manifest,) = json.loads(part("manifest.json"))
        layers = [part(name) for name in manifest["Layers"]]
        return Saved(entries(layers), json.loads(part(manifest["Config"])))


def entries(layers: Iterable[bytes]) -> dict[str, Found]:
    """Every entry of the root filesystem that the layers make, by absolute path; no whiteouts are expected."""
    found: dict[str, Found] = {}
    group: dict[str, str] = {}
    for layer in layers:
        with tarfile.open(fileobj=io.BytesIO(layer)) as inner:
            for entry in inner:
                path = "/" + entry.name.strip("/").removeprefix("./")
                assert "/.wh." not in path, path
                if path in {"/", "/."}:
                    continue
                group.pop(path, None)
                if entry.islnk():
                    first = "/" + entry.linkname.lstrip("./")
                    found[path] = found[first]
                    group[first] = group.get(first, first)
                    group[path] = group[first]
                    continue
                found[path] = _found(inner, entry)
    for path, first in group.items():
        names = tuple(sorted(name for name, other in group.items() if other == first))
        found[path] = found[path]._replace(links=names)
    return found


def _found(inner: tarfile.TarFile, entry: tarfile.TarInfo) -> Found:
    xattrs = tuple(sorted((k, v) for k, v in entry.pax_headers.items() if k.startswith("SCHILY.xattr.")))
    if entry.isdir():
        return Found("directory", entry.mode & 0o7777, entry.uid, entry.gid, "", (), xattrs)
    if entry.issym():
        return Found("symlink", 0o777, entry.uid, entry.gid, entry.linkname)
    assert entry.isreg(), entry.name
    stream = inner.extractfile(entry)
    assert stream is not None
    digest = hashlib.sha256(stream.read()).hexdigest()
    return Found("file", entry.mode & 0o7777, entry.uid, entry.gid, digest, (), xattrs)


def run_config(saved: Saved) -> dict[str, Any]:
    """The part of the configuration that says how the image runs, without the builders' own additions."""
    wanted = ("User", "ExposedPorts", "Env", "Entrypoint", "Cmd", "Volumes", "WorkingDir", "Labels", "StopSignal")
    config = {name: saved.config["config"].get(name) for name in (*wanted, "Healthcheck")}
    config["Env"] = [item for item in config["Env"] or [] if item != DEFAULT_PATH]
    config["WorkingDir"] = config["WorkingDir"] or "/"
    config["Labels"] = {k: v for k, v in (config["Labels"] or {}).items() if k != "io.buildah.version"}
    kept = {name: value for name, value in config.items() if value}
    return {
        **kept,
        **{name: saved.config.get(name) for name in ("architecture", "os", "author") if saved.config.get(name)},
    }
