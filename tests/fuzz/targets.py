"""Every reader of foreign bytes as a function of those bytes: it gives an answer or raises a documented error (S5)."""

from __future__ import annotations

import functools
import hashlib
import io
import json
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from scratchpack.elf.budget import RUN, Budget
from scratchpack.elf.dlopen import dlopens, package, unread
from scratchpack.elf.evidence import Elf
from scratchpack.elf.notes import parse_notes
from scratchpack.elf.reader import read_elf
from scratchpack.errors import ScratchpackError
from scratchpack.layers.tarindex import LayerTar
from scratchpack.loader.cache import CacheEntry, read_cache, write_cache
from scratchpack.loader.config import preload_names
from scratchpack.loader.defaults import read_defaults
from scratchpack.loader.hwcaps import processors
from scratchpack.loader.tokens import musl_split
from scratchpack.oci.store import open_store
from scratchpack.packages import open_database
from scratchpack.packages.rpm_header import read_header
from scratchpack.packages.rpm_ndb import blobs as ndb_blobs
from scratchpack.packages.rpm_sqlite import blobs as sqlite_blobs
from scratchpack.sysroot.dirroot import DirRoot
from scratchpack.verification.image import verify_store
from tests.support.hostile_elf import INTERP, note
from tests.unit.elf.forge import NEEDED, RUNPATH, SONAME, forge

if TYPE_CHECKING:
    from collections.abc import Callable

_PROCESSOR = processors("x86_64", (2, 36), frozenset(), "all")[0]


def elf(data: bytes) -> None:
    run = Budget("this run", RUN)
    file = Elf(lambda: io.BytesIO(data), read_elf(io.BytesIO(data), origin="x", budget=run.file("x")), run)
    for view in (
        file.imports,
        file.exports,
        file.notes,
        file.package,
        file.sections,
        file.is_go,
        file.crates,
        file.rustc,
    ):
        try:
            view()
        except ScratchpackError:
            continue
    dlopens(file.notes())
    file.go_functions(("main.main", "net.*"))
    file.scan(("/etc/ssl", ".so"))


def cache(data: bytes) -> None:
    for order in ("little", "big"):
        found = read_cache(io.BytesIO(data), order, Budget("this run", RUN))
        if found is not None:
            for name in ("lib3.so.1", "lib10.so", ""):
                found.lookup(name, frozenset({0x303}), _PROCESSOR)
            found.entries()


def loader(data: bytes) -> None:
    read_defaults(io.BytesIO(data))


def conf(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    preload_names(text)
    musl_split(text)


def notes(data: bytes) -> None:
    for prefix, align in (("<", 4), (">", 8)):
        found = tuple(parse_notes(data, prefix, align))
        dlopens(found)
        package(found)
        unread(found)


def dpkg(data: bytes) -> None:
    _database("var/lib/dpkg/status", data)


def apk(data: bytes) -> None:
    _database("lib/apk/db/installed", data)


def rpm_header(data: bytes) -> None:
    read_header(data, origin="x")


def rpm_ndb(data: bytes) -> None:
    for blob in ndb_blobs(data, origin="x"):
        read_header(blob, origin="x")


def rpm_sqlite(data: bytes) -> None:
    (_root() / "db").write_bytes(data)
    for blob in sqlite_blobs(DirRoot(str(_root())), "/db"):
        read_header(blob, origin="x")


def tar(data: bytes) -> None:
    layer = LayerTar(lambda: io.BytesIO(data), "x", limit=1 << 24)
    try:
        for record in tuple(layer.records()):
            if record.kind == "file" and record.size < 1 << 20:
                layer.open(record).read()
    finally:
        layer.close()


def image(data: bytes) -> None:
    """The documents of an image, a line each: configuration, manifest, index; digests and sizes are made to fit."""
    config, _, rest = data.partition(b"\n")
    manifest, _, index = rest.partition(b"\n")
    home = _root() / "image"
    shutil.rmtree(home, ignore_errors=True)
    (home / "blobs/sha256").mkdir(parents=True)
    manifest = _named(home, config, manifest)
    (home / "index.json").write_bytes(_named(home, manifest, index))
    (home / "oci-layout").write_bytes(b'{"imageLayoutVersion":"1.0.0"}')
    with open_store(str(home)) as store:
        verify_store(store, house=True)


def _named(home: Path, blob: bytes, document: bytes) -> bytes:
    """Write a blob, and put its digest and size where the document leaves room for them."""
    digest = hashlib.sha256(blob).hexdigest()
    (home / "blobs/sha256" / digest).write_bytes(blob)
    return document.replace(b"@digest", b"sha256:" + digest.encode()).replace(b"70707", str(len(blob)).encode())


def _database(path: str, data: bytes) -> None:
    for other in ("var/lib/dpkg/status", "lib/apk/db/installed"):
        (_root() / other).unlink(missing_ok=True)
    (_root() / path).write_bytes(data)
    found = open_database(DirRoot(str(_root())))
    if found is not None:
        found.owners(("/bin/a", "/lib/x"))


@functools.cache
def _root() -> Path:
    home = tempfile.TemporaryDirectory(prefix="scratchpack-fuzz-")
    _kept.append(home)
    for directory in ("etc", "lib/apk/db", "var/lib/dpkg/info", "bin"):
        (Path(home.name) / directory).mkdir(parents=True)
    (Path(home.name) / "var/lib/dpkg/info/a.list").write_text("/.\n/bin\n/bin/a\n")
    (Path(home.name) / "bin/a").write_text("a")
    return Path(home.name)


_kept: list[tempfile.TemporaryDirectory[str]] = []


def _tar() -> bytes:
    import tarfile

    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, kind in (
            ("a", tarfile.REGTYPE),
            ("d", tarfile.DIRTYPE),
            ("l", tarfile.SYMTYPE),
            ("h", tarfile.LNKTYPE),
        ):
            member = tarfile.TarInfo(name if name != "a" else "n" * 200 + "\xe9")
            member.type, member.linkname, member.size = kind, "a", 100 if kind == tarfile.REGTYPE else 0
            member.pax_headers = {"SCHILY.xattr.user.x": "y", "mtime": "1.5"}
            archive.addfile(member, io.BytesIO(bytes(100)))
    return out.getvalue()


def _sqlite() -> bytes:
    import sqlite3

    with tempfile.TemporaryDirectory() as home:
        path = Path(home) / "db"
        table = sqlite3.connect(path)
        table.execute("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB NOT NULL)")
        table.execute("INSERT INTO Packages VALUES (1, ?)", (bytes(64),))
        table.commit()
        table.close()
        return path.read_bytes()


def _notes() -> bytes:
    from scratchpack.elf.dlopen import NOTE_DLOPEN, NOTE_PACKAGE

    said = json.dumps([{"soname": ["libx.so.1", "liby.so"], "priority": "required", "feature": "\ud800"}]).encode()
    return note(NOTE_DLOPEN, said) + note(NOTE_PACKAGE, b'{"type":"deb","name":"x"}') + note(3, bytes(20), b"GNU\0")


TARGETS: dict[str, tuple[Callable[[bytes], None], bytes]] = {
    "elf": (elf, forge(((NEEDED, b"liba.so"), (SONAME, b"x"), (RUNPATH, b"$ORIGIN")), interp=INTERP, notes=_notes())),
    "cache": (cache, write_cache([CacheEntry(f"lib{n}.so.1", f"/x/lib{n}.so.1", 0x303) for n in range(9)], "little")),
    "loader": (loader, b"\0/lib/\0/usr/lib/\0\0/etc/ld.so.cache\0/etc/ld.so.preload\0 (GNU libc) release version 2.36.\0lib\0"),
    "conf": (conf, b"/usr/lib:/opt/a\n# c\n libx.so\tliby.so\r\n"),
    "notes": (notes, _notes()),
    "dpkg": (dpkg, b"Package: a\nStatus: install ok installed\nVersion: 1\nArchitecture: all\nDescription: x\n y\n\n"),
    "apk": (apk, b"P:a\nV:1-r0\nA:x86_64\nL:MIT\no:a\nF:bin\nR:a\nZ:Q1x=\n\n"),
    "rpm_header": (rpm_header, (2).to_bytes(4, "big") + (12).to_bytes(4, "big") + b"".join(n.to_bytes(4, "big") for n in (1000, 6, 0, 1, 1001, 6, 2, 1)) + b"a\x001.0\0padding"),
    "rpm_ndb": (rpm_ndb, b"RpmP" + bytes(60) + b"BlbS" + bytes(60)),
    "rpm_sqlite": (rpm_sqlite, _sqlite()),
    "tar": (tar, _tar()),
    "image": (image, (
        b'{"architecture":"amd64","os":"linux","config":{"Entrypoint":["/x"],"Env":["A=b"],"User":"7:7"},"rootfs":{"type":"layers","diff_ids":[]},"history":[{"created_by":"x","empty_layer":true}]}\n'
        b'{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"@digest","size":70707},"layers":[]}\n'
        b'{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"@digest","size":70707,"platform":{"os":"linux","architecture":"amd64"}}]}'
    )),
}  # fmt: skip
