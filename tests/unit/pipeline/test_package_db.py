"""``--package-db`` on this machine's curl: entries that dpkg itself reads, licences that are there, and only when asked."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import pytest

from scratchpack.config import Options
from scratchpack.packages import open_database
from scratchpack.pipeline.pack import pack
from scratchpack.pipeline.plan import plan
from scratchpack.sysroot.dirroot import DirRoot
from tests.support import build, tools
from tests.unit.packages import roots


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file tree of curl's image."""
    curl = tools.need("curl", package="curl")
    tools.need("dpkg-query", package="dpkg")
    home = tmp_path_factory.mktemp("package-db") / "tree"
    pack([curl], Options(package_db=True, output=(f"type=local,dest={home}",)), environ={})
    return home


def test_dpkg_reads_the_entries_as_the_versions_installed_here(tree: Path, tmp_path: Path) -> None:
    """dpkg has no status.d: each entry is given to it as the stanza of its own database that it came from."""
    entries = [path for path in sorted((tree / "var/lib/dpkg/status.d").iterdir()) if path.suffix != ".md5sums"]
    texts = [path.read_text().replace("\n", "\nStatus: install ok installed\n", 1) for path in entries]
    (tmp_path / "status").write_text("\n".join(texts))
    query = [tools.need("dpkg-query", package="dpkg"), "--show", "--showformat=${Package} ${Version} ${Architecture}\n"]
    ours = subprocess.run([*query, f"--admindir={tmp_path}"], capture_output=True, text=True, check=True).stdout
    theirs = subprocess.run(query, capture_output=True, text=True, check=True).stdout
    names = {line.split()[0] for line in ours.splitlines()}
    assert {"curl", "libc6", "libcurl4", "zlib1g"} <= names
    assert len(names) == len(entries)
    assert set(ours.splitlines()) <= set(theirs.splitlines())


def test_each_checksum_is_of_a_file_that_is_there(tree: Path) -> None:
    lists = list((tree / "var/lib/dpkg/status.d").glob("*.md5sums"))
    lines = [line.split("  ") for path in lists for line in path.read_text().splitlines()]
    assert len(lines) > 10
    for digest, name in lines:
        assert hashlib.md5((tree / name).read_bytes(), usedforsecurity=False).hexdigest() == digest, name


def test_our_own_reader_finds_the_owners_in_the_image(tree: Path) -> None:
    database = open_database(DirRoot(str(tree)))
    assert database is not None
    libc = database.owner("/usr/lib/x86_64-linux-gnu/libc.so.6")
    assert libc is not None
    assert libc.name == "libc6"
    assert libc.purl.startswith("pkg:deb/debian/libc6@")


def test_os_release_and_licences_travel_with_the_links_to_them(tree: Path) -> None:
    assert (tree / "etc/os-release").readlink() == Path("../usr/lib/os-release")
    assert "ID=debian" in (tree / "etc/os-release").read_text()
    for name in ("curl", "libc6", "libgcc-s1"):
        assert (tree / "usr/share/doc" / name / "copyright").read_text().strip(), name
    assert "GNU" in (tree / "usr/share/common-licenses/LGPL-2.1").read_text()


def test_every_entry_says_which_option_brought_it_and_exclude_still_counts() -> None:
    curl = tools.need("curl", package="curl")
    plain = {entry.path for entry in plan([curl], Options(), environ={})[0].rootfs}
    assert not any("dpkg" in path or "os-release" in path or "/doc/" in path for path in plain)
    options = Options(package_db=True, exclude=("/usr/share/common-licenses/*", "zlib1g*"))
    rootfs = plan([curl], options, environ={})[0].rootfs
    added = [entry for entry in rootfs if entry.path not in plain]
    assert {reason.by for entry in added for reason in entry.because} == {"--package-db"}
    assert {reason.kind for entry in added for reason in entry.because} == {"option", "link", "parent"}
    paths = {entry.path for entry in added}
    assert not any(path.startswith("/usr/share/common-licenses/") for path in paths)
    assert "/var/lib/dpkg/status.d/libc6" in paths
    assert "/var/lib/dpkg/status.d/zlib1g" not in paths


def test_what_cannot_be_said_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    build.cc(tmp_path / "hello", build.HELLO_C, "-static")
    (tmp_path / "empty").mkdir()
    options = Options(package_db=True)
    (bare,) = plan(["./hello"], options._replace(root=str(tmp_path / "empty")), environ={})
    assert "no package database that is known here" in bare.warnings[-1]
    (nobodys,) = plan(["./hello"], options, environ={})
    assert "no package of / owns a file of this image" in nobodys.warnings[-1]


def test_of_an_rpm_root_the_licences_travel_and_a_warning_says_the_rest(tmp_path: Path) -> None:
    root = roots.rpm(tmp_path / "root", tmp_path / "work")
    build.cc(root / "usr/lib64/libtiny.so.1", build.HELLO_C, "-static")
    (tiny,) = plan(["/usr/lib64/libtiny.so.1"], Options(package_db=True, root=str(root)), environ={})
    assert "/etc/os-release" in tiny.rootfs
    assert [text for text in tiny.warnings if "--package-db" in text] == [
        f"--package-db: no licence text of tiny in {root}",
        "--package-db: the rpm database cannot be cut down to these packages, so scanners will not see them",
    ]
