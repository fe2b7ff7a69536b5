"""A database of the packages whose files were copied, and of those files alone (``--package-db``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.packages import open_database
from scratchpack.sysroot.dirroot import DirRoot
from tests.unit.packages import roots

if TYPE_CHECKING:
    from pathlib import Path

    from scratchpack.packages.model import Packages


def opened(root: Path) -> Packages:
    database = open_database(DirRoot(str(root)))
    assert database is not None
    return database


def cut(database: Packages, *paths: str) -> dict[str, bytes]:
    owned: dict[object, list[str]] = {}
    for path, package in database.owners(paths).items():
        owned.setdefault(package, []).append(path)
    return dict(database.subset(owned))  # type: ignore[arg-type]


def written(root: Path, files: dict[str, bytes]) -> Packages:
    for path, data in files.items():
        roots.write(root, path, data)
    return opened(root)


def test_a_debian_package_is_a_stanza_and_checksums_in_status_d(tmp_path: Path) -> None:
    root = roots.debian(tmp_path / "root")
    sums = "0" * 32 + "  lib/x86_64-linux-gnu/libz.so.1\n" + "1" * 32 + "  usr/share/z\n"
    roots.write(root, "/var/lib/dpkg/info/zlib1g:amd64.md5sums", sums)
    files = cut(opened(root), "/usr/lib/x86_64-linux-gnu/libz.so.1")
    assert list(files) == ["/var/lib/dpkg/status.d/zlib1g", "/var/lib/dpkg/status.d/zlib1g.md5sums"]
    stanza = files["/var/lib/dpkg/status.d/zlib1g"].decode()
    assert stanza.startswith("Package: zlib1g\nMaintainer: Mark")
    assert "Status:" not in stanza
    assert "is not what this line says\n" in stanza
    assert (
        files["/var/lib/dpkg/status.d/zlib1g.md5sums"].decode() == "0" * 32 + "  usr/lib/x86_64-linux-gnu/libz.so.1\n"
    )
    again = written(tmp_path / "image", files).owner("/usr/lib/x86_64-linux-gnu/libz.so.1")
    assert again is not None
    assert (again.name, again.version, again.arch) == ("zlib1g", "1:1.2.13-1", "amd64")


def test_two_architectures_of_a_debian_package_are_two_entries(tmp_path: Path) -> None:
    database = opened(roots.debian(tmp_path))
    files = cut(database, "/usr/lib/x86_64-linux-gnu/libz.so.1", "/lib/i386-linux-gnu/libz.so.1")
    assert list(files) == ["/var/lib/dpkg/status.d/zlib1g", "/var/lib/dpkg/status.d/zlib1g:i386"]


def test_an_alpine_database_keeps_what_was_copied(tmp_path: Path) -> None:
    roots.write(tmp_path / "root", "/lib/apk/db/installed", roots.APK)
    files = cut(opened(tmp_path / "root"), "/lib/ld-musl-x86_64.so.1")
    text = files["/lib/apk/db/installed"].decode()
    assert "P:musl\n" in text
    assert "ssl_client" not in text
    assert text.endswith("F:lib\nR:ld-musl-x86_64.so.1\na:0:0:755\nZ:Q1abc=\n\n")
    database = written(tmp_path / "image", files)
    again = database.owner("/lib/ld-musl-x86_64.so.1")
    assert again is not None
    assert (again.name, again.licence) == ("musl", "MIT")
    assert database.owner("/lib/libc.musl-x86_64.so.1") is None


def test_an_rpm_database_cannot_be_cut_down(tmp_path: Path) -> None:
    assert cut(opened(roots.rpm(tmp_path / "root", tmp_path / "work")), "/usr/lib64/libtiny.so.1") == {}
