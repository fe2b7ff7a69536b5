"""Rows, search paths and packages: what the needs for companion data share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.elf.reader import read_elf
from scratchpack.loader.model import FoundBy, Resolution
from scratchpack.needs.base import Evidence, NeedOptions, Seen, Subject, Wants
from scratchpack.needs.companion import base as companion
from scratchpack.needs.companion.base import Companion
from scratchpack.packages import open_database
from scratchpack.rootfs import Reason
from scratchpack.sysroot.dirroot import DirRoot
from tests.unit.packages import roots

if TYPE_CHECKING:
    from pathlib import Path


WHY = (Reason("need", "test"),)


def test_only_a_string_that_is_a_path_or_a_search_path_names_places() -> None:
    runs = ("/etc/magic:/usr/share/misc/magic", "see /etc/x for more", "/usr/share/%s/x", "/a//b/", "relative/x")
    assert list(companion.paths(runs, "/")) == ["/etc/magic", "/usr/share/misc/magic", "/a/b"]
    assert list(companion.paths((".:/usr/share/awk", "x:/usr/share/y"), "/awk")) == ["/usr/share/awk"]  # gawk's AWKPATH


def test_of_a_search_path_only_the_parts_that_hold_the_fragment_were_asked_for() -> None:
    runs = ("/home/u/.ssh/id_rsa:/x/mime.types", "/x/mime.types/../../home/u/key")
    assert list(companion.paths(runs, "/mime.types")) == ["/x/mime.types"]


def test_a_shared_directory_gives_only_what_one_source_put_there(tmp_path: Path) -> None:
    root = roots.debian(tmp_path)
    roots.write(root, "/usr/share/perl/x", "perl's")
    roots.write(root, "/usr/share/perl/stranger", "nobody's")
    database = open_database(DirRoot(str(root)))
    assert database is not None
    found = companion.owned(DirRoot(str(root)), database, "perl", ["/usr/share/perl"], WHY)
    assert [entry.path for entry in found] == ["/usr/share/perl/x"]


def test_an_elf_file_of_a_tree_becomes_a_root_of_its_own(tmp_path: Path) -> None:
    roots.write(tmp_path, "/plugins/a.so", b"\x7fELF rest")
    roots.write(tmp_path, "/plugins/list.so.txt", "text")
    brought = companion.bring(DirRoot(str(tmp_path)), "/plugins", WHY, "/bin/x")
    assert [item.name for item in brought.elf_roots] == ["/plugins/a.so"]
    assert [entry.path for entry in brought.files] == ["/plugins", "/plugins/list.so.txt"]


def test_a_program_of_a_tree_is_named_and_left_out(tmp_path: Path) -> None:
    """N28."""
    for name in ("tool", "other"):
        roots.write(tmp_path, f"/data/{name}", b"\x7fELF rest")
        (tmp_path / "data" / name).chmod(0o755)
    brought = companion.bring(DirRoot(str(tmp_path)), "/data", WHY, "/bin/x")
    assert [entry.path for entry in brought.files] == ["/data"]
    assert brought.elf_roots == ()
    assert brought.notes == ("programs of /data are left out (other, tool): --include those used",)

    brought = companion.bring(DirRoot(str(tmp_path)), "/data", WHY, "/bin/x", programs=True)
    assert [item.name for item in brought.elf_roots if item.program] == ["/data/other", "/data/tool"]
    assert "/data/tool" in {entry.path for entry in brought.files}


def _pam(root: Path, *services: str) -> tuple[list[str], list[str], tuple[str, ...]]:
    from scratchpack.elf.reader import read_elf
    from scratchpack.loader.model import FoundBy, Resolution
    from scratchpack.needs.companion.pam import NEED

    view = DirRoot(str(root))
    with open("/bin/true", "rb") as stream:
        facts = read_elf(stream, origin="true")

    def seen(path: str, **strings: tuple[str, ...]) -> Seen:
        node = view.lookup(path)
        assert node is not None
        return Seen(
            path,
            path.rpartition("/")[2],
            "a",
            Resolution("", path, node, view, FoundBy.ROOT, "", facts),
            strings=strings,
        )

    library = seen("/lib/libpam.so.0")._replace(strings={"/security": ("/lib/security",)})
    program = seen("/bin/login")
    subject = Subject(program, (program, library), facts, "glibc", None, {})
    evidence = (Evidence("pam", "a", "imports pam_start", "/bin/login"),)
    brought = NEED.provide(view, evidence, NeedOptions(services=services), subject)
    return [entry.path for entry in brought.files], [item.name for item in brought.elf_roots], brought.notes


def test_pam_reads_the_service_of_the_programs_own_name_and_what_it_includes(tmp_path: Path) -> None:
    """N10."""
    for path, text in {
        "/bin/login": "x",
        "/lib/libpam.so.0": "x",
        "/lib/security/pam_unix.so": "x",
        "/lib/security/pam_env.so": "x",
        "/lib/security/pam_unused.so": "x",
        "/etc/pam.d/login": "auth [success=1 default=ignore] pam_unix.so nullok\n@include common\n-session optional pam_gone.so\n",
        "/etc/pam.d/common": "session required pam_env.so # pam_unused.so\nsession required pam_lost.so\n",
    }.items():
        roots.write(tmp_path, path, text)
    files, modules, notes = _pam(tmp_path)
    assert files == ["/etc/pam.d/login", "/etc/pam.d/common"]
    assert modules == ["/lib/security/pam_unix.so", "/lib/security/pam_env.so"]
    assert notes == (f"PAM: the module pam_lost.so is not in {tmp_path}",)


def test_pam_asks_for_a_service_that_it_cannot_guess(tmp_path: Path) -> None:
    """N10."""
    roots.write(tmp_path, "/bin/login", "x")
    roots.write(tmp_path, "/lib/libpam.so.0", "x")
    assert "--service" in _pam(tmp_path)[2][0]


def test_a_tree_that_was_filtered_has_no_empty_directory(tmp_path: Path) -> None:
    """Python would take one for a package, and a program for a directory of what it once held."""
    for path in ("/data/a/keep.x", "/data/a/b/drop.y", "/data/c/d/drop.y", "/data/e/f/g/keep.x"):
        roots.write(tmp_path, path, "text")
    (tmp_path / "data/h").mkdir()
    root = DirRoot(str(tmp_path))

    found = companion.bring(root, "/data", WHY, "/bin/x", lambda path: path.endswith(".x"))

    assert [entry.path for entry in found.files] == [
        *("/data", "/data/a", "/data/a/keep.x", "/data/e", "/data/e/f", "/data/e/f/g", "/data/e/f/g/keep.x"),
    ]
    assert companion.bring(root, "/data", WHY, "/bin/x", lambda path: path.endswith(".z")).files == ()
    assert "/data/h" in {entry.path for entry in companion.bring(root, "/data", WHY, "/bin/x").files}


def test_a_plugin_that_a_need_brought_counts_as_the_program_and_its_libraries_do_not() -> None:
    """librsvg, which a loader of gdk-pixbuf loads, names all of GIO's functions and calls for no TLS."""
    need = Companion()
    need.name, need.wants = "x", Wants(symbols=("x_init",))
    with open("/bin/true", "rb") as stream:
        facts = read_elf(stream, origin="true")

    def seen(path: str, tier: str, *, brought: bool, imports: tuple[str, ...] = ("x_init",)) -> Seen:
        found = Resolution(path, path, None, None, FoundBy.PATH, "", facts)  # type: ignore[arg-type]
        return Seen(path, path.rpartition("/")[2], tier, found, imports=frozenset(imports), brought=brought)

    program = seen("/usr/bin/app", "a", brought=False, imports=())
    objects = (program, seen("/usr/lib/plugin.so", "b", brought=True), seen("/usr/lib/libfar.so", "c", brought=True))

    found = need.detect(Subject(program, objects, facts, "glibc", None, {}))

    assert [(item.by, item.tier) for item in found] == [("/usr/lib/plugin.so", "a"), ("/usr/lib/libfar.so", "c")]
