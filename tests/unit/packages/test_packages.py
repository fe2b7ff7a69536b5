"""Who owns a file, asked of databases that dpkg and rpm wrote, and of apk's and ndb's formats."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from scratchpack.errors import InputError
from scratchpack.packages import open_database
from scratchpack.sysroot.dirroot import DirRoot
from tests.support import tools
from tests.unit.packages import roots

if TYPE_CHECKING:
    from pathlib import Path

    from scratchpack.packages.model import Package, Packages


def opened(root: Path) -> Packages:
    database = open_database(DirRoot(str(root)))
    assert database is not None
    return database


def owner(database: Packages, path: str) -> Package:
    package = database.owner(path)
    assert package is not None, path
    return package


def test_a_root_without_a_database_has_none(tmp_path: Path) -> None:
    assert open_database(DirRoot(str(tmp_path))) is None


def test_dpkg_knows_a_file_under_both_its_merged_names(tmp_path: Path) -> None:
    database = opened(roots.debian(tmp_path))
    package = owner(database, "/usr/lib/x86_64-linux-gnu/libz.so.1")
    assert package == owner(database, "/lib/x86_64-linux-gnu/libz.so.1")
    assert (package.name, package.version, package.arch) == ("zlib1g", "1:1.2.13-1", "amd64")
    assert (package.source, package.source_version) == ("zlib", "1:1.2.13-0")
    assert package.copyright == "/usr/share/doc/zlib1g/copyright"
    assert package.maintainer == "Mark <mark@example.org>"
    assert package.purl == "pkg:deb/debian/zlib1g@1:1.2.13-1?arch=amd64&distro=debian-12"


def test_an_unmerged_root_keeps_lib_and_usr_lib_apart(tmp_path: Path) -> None:
    roots.debian(tmp_path)
    (tmp_path / "lib").unlink()
    (tmp_path / "lib").mkdir()
    assert opened(tmp_path).owner("/usr/lib/x86_64-linux-gnu/libz.so.1") is None


def test_dpkg_tells_the_architectures_of_one_package_apart(tmp_path: Path) -> None:
    assert owner(opened(roots.debian(tmp_path)), "/lib/i386-linux-gnu/libz.so.1").arch == "i386"


def test_a_diverted_file_belongs_to_who_put_it_there(tmp_path: Path) -> None:
    database = opened(roots.debian(tmp_path))
    assert owner(database, "/usr/bin/perl").name == "perl-wrap"
    perl = owner(database, "/usr/bin/perl.real")
    assert perl.name == "perl"
    assert database.files(perl) == ("/usr/bin/perl.real", "/usr/share/perl/x")


def test_the_packages_of_one_source_are_known(tmp_path: Path) -> None:
    database = opened(roots.debian(tmp_path))
    assert {package.arch for package in database.built_from("zlib")} == {"amd64"}
    assert [package.name for package in database.built_from("perl")] == ["perl"]
    assert database.built_from("gone") == ()


def test_a_removed_package_owns_nothing(tmp_path: Path) -> None:
    assert opened(roots.debian(tmp_path)).owner("/etc/gone.conf") is None


def test_the_files_of_a_package_come_without_the_directories_above_them(tmp_path: Path) -> None:
    database = opened(roots.debian(tmp_path))
    package = owner(database, "/lib/x86_64-linux-gnu/libz.so.1")
    assert database.files(package) == ("/lib/x86_64-linux-gnu/libz.so.1", "/usr/share/z")


def test_an_image_with_one_stanza_a_file_is_read_too(tmp_path: Path) -> None:
    roots.write(tmp_path, "/var/lib/dpkg/status.d/tzdata", "Package: tzdata\nVersion: 2024a\nArchitecture: all\n")
    roots.write(tmp_path, "/var/lib/dpkg/status.d/tzdata.md5sums", f"{'0' * 32}  usr/share/zoneinfo/UTC\n")
    package = owner(opened(tmp_path), "/usr/share/zoneinfo/UTC")
    assert (package.name, package.version) == ("tzdata", "2024a")


def test_dpkg_itself_gives_the_same_answers_on_this_machine() -> None:
    query = tools.need("dpkg-query", package="dpkg")
    database = opened_host()
    asked = ["/bin/bash", "/usr/bin/env", "/etc/protocols", "/lib/x86_64-linux-gnu/libc.so.6"]
    owned = 0
    for path in asked:
        done = subprocess.run([query, "-S", path], capture_output=True, text=True, check=False)
        names = done.stdout.rpartition(": ")[0].split(", ") if done.returncode == 0 else []
        package = database.owner(path)
        expected = names[0].partition(":")[0] if names else None
        assert (package.name if package else None) == expected, path
        owned += package is not None
    assert owned > 1


def opened_host() -> Packages:
    database = open_database(DirRoot("/"))
    assert database is not None
    if database.kind != "dpkg":
        tools.missing("this machine is not kept by dpkg")
    return database


def test_apk_is_read_from_its_text(tmp_path: Path) -> None:
    roots.write(tmp_path, "/lib/apk/db/installed", roots.APK)
    roots.write(tmp_path, "/etc/os-release", "ID=alpine\nVERSION_ID=3.19.1\n")
    database = opened(tmp_path)
    musl, client = owner(database, "/lib/ld-musl-x86_64.so.1"), owner(database, "/usr/bin/ssl_client")
    assert (musl.licence, musl.maintainer) == ("MIT", "Timo <timo@example.org>")
    assert musl.purl == "pkg:apk/alpine/musl@1.2.4-r2?arch=x86_64&distro=alpine-3.19.1"
    assert (client.source, client.source_version) == ("busybox", "1.36.1-r5")
    assert database.files(musl) == ("/lib/ld-musl-x86_64.so.1", "/lib/libc.musl-x86_64.so.1")
    assert database.owners(["/usr/bin/ssl_client", "/nowhere"]) == {"/usr/bin/ssl_client": client}


def test_a_database_that_rpm_wrote_is_read(tmp_path: Path) -> None:
    database = opened(roots.rpm(tmp_path / "root", tmp_path / "work"))
    tiny = owner(database, "/usr/lib64/libtiny.so.1")
    assert (tiny.name, tiny.version, tiny.licence) == ("tiny", "1:1.2-3", "MIT")
    assert (tiny.source, tiny.source_version) == ("tiny", "1:1.2-3")
    assert tiny.maintainer == "A. Packager <a@example.org>"
    assert tiny.purl.startswith("pkg:rpm/fedora/tiny@1.2-3?arch=")
    assert "epoch=1" in tiny.purl
    assert database.files(tiny) == ("/usr/lib64/libtiny.so.1", "/usr/share/tiny/data")
    assert database.problems == ()


def test_what_a_write_ahead_log_still_holds_is_read(tmp_path: Path) -> None:
    home = roots.rpm(tmp_path / "root", tmp_path / "work") / "usr/lib/sysimage/rpm"
    with closing(sqlite3.connect(home / "rpmdb.sqlite")) as writer:
        writer.execute("PRAGMA wal_autocheckpoint = 0")
        writer.execute("DELETE FROM Packages")
        writer.commit()
        left = tmp_path / "left/usr/lib/sysimage/rpm"
        shutil.copytree(home, left)
    assert (left / "rpmdb.sqlite-wal").stat().st_size
    assert opened(tmp_path / "left").owner("/usr/lib64/libtiny.so.1") is None
    (left / "rpmdb.sqlite-wal").unlink()
    assert opened(tmp_path / "left").owner("/usr/lib64/libtiny.so.1") is not None


def test_rpms_own_format_is_read(tmp_path: Path) -> None:
    home = roots.rpm(tmp_path / "made", tmp_path / "work") / "usr/lib/sysimage/rpm"
    with closing(sqlite3.connect(home / "rpmdb.sqlite")) as reader:
        (blob,) = reader.execute("SELECT blob FROM Packages").fetchone()
    roots.write(tmp_path, "/root/var/lib/rpm/Packages.db", roots.ndb(blob))
    assert owner(opened(tmp_path / "root"), "/usr/share/tiny/data").name == "tiny"


def test_berkeley_db_is_recognised_and_reported(tmp_path: Path) -> None:
    roots.write(tmp_path, "/var/lib/rpm/Packages", bytes(12) + b"\x61\x15\x06\x00" + bytes(4080))
    database = opened(tmp_path)
    assert database.owner("/bin/sh") is None
    assert "BerkeleyDB" in database.problems[0]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("rpmdb.sqlite", b"not a database" * 100),
        ("rpmdb.sqlite", b"SQLite format 3\0" + bytes(4080)),
        ("Packages.db", b"RpmP" + bytes(4092)),
        ("Packages.db", roots.ndb(b"\0\0\xff\xff\0\0\0\0")),
        ("Packages.db", roots.ndb(b"short")),
    ],
)
def test_a_damaged_rpm_database_is_one_clear_error(tmp_path: Path, name: str, data: bytes) -> None:
    roots.write(tmp_path, f"/var/lib/rpm/{name}", data)
    with pytest.raises(InputError, match="cannot read"):
        opened(tmp_path).owner("/bin/sh")
