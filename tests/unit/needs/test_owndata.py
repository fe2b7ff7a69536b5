"""What a packaged program's own strings name, and its package installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.elf.reader import read_elf
from scratchpack.loader.model import FoundBy, Resolution
from scratchpack.needs.base import NeedOptions, Seen, Subject
from scratchpack.needs.companion.owndata import NEED
from scratchpack.sysroot.dirroot import DirRoot
from tests.unit.packages import roots

if TYPE_CHECKING:
    from pathlib import Path

PACKAGES = {  # name: (source, what it installed)
    "db-client": ("db", "/usr/bin/db\n/usr/bin/db.so\n/etc/db.cfg\n"),
    "db-common": ("db", "/etc/db/main.cnf\n/usr/share/db-1/schema\n"),
    "db-defaults": ("defaults", "/etc/db/conf.d/x.cnf\n/etc/db/idle.d/y.cnf\n/etc/stranger.conf\n"),
}
FILES = {
    "/usr/bin/db": "x",
    "/usr/bin/db.so": "module",
    "/usr/bin/mine.so": "nobody's",
    "/etc/db.cfg": "text",
    "/etc/db/main.cnf": "# !includedir /etc/db/idle.d\n!includedir /etc/db/conf.d/\nsecrets = /etc/shadow\n",
    "/etc/db/conf.d/x.cnf": "text",
    "/etc/db/conf.d/password.cnf": "the administrator's",
    "/etc/db/idle.d/y.cnf": "text",
    "/etc/stranger.conf": "text",
    "/etc/shadow": "x",
    "/usr/share/db-1/schema": "data",
    "/usr/share/other/x": "a stranger's",
}


def _brought(root: Path, language: str = "c", /, **strings: tuple[str, ...]) -> list[str]:
    for path, text in FILES.items():
        roots.write(root, path, text)
    stanzas = [
        f"Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nSource: {source}\nVersion: 1\n"
        for name, (source, _) in PACKAGES.items()
    ]
    roots.write(root, "/var/lib/dpkg/status", "\n".join(stanzas))
    for name, (_, listed) in PACKAGES.items():
        roots.write(root, f"/var/lib/dpkg/info/{name}.list", listed)
    (root / "etc/alternatives").mkdir()
    (root / "etc/alternatives/my.cnf").symlink_to("/etc/db/main.cnf")
    (root / "etc/db/my.cnf").symlink_to("/etc/alternatives/my.cnf")
    (root / "etc/db/mine.cnf").symlink_to("/etc/shadow")
    view = DirRoot(str(root))
    node = view.lookup("/usr/bin/db")
    assert node is not None
    with open("/bin/true", "rb") as stream:
        facts = read_elf(stream, origin="true")
    program = Seen(
        "/usr/bin/db",
        "db",
        "a",
        Resolution("", "/usr/bin/db", node, view, FoundBy.ROOT, "", facts),
        strings={key.replace("_", "/"): runs for key, runs in strings.items()},
    )
    subject = Subject(program, (program,), facts, "glibc", None, {}, is_go=language == "go")
    found = NEED.provide(view, NEED.detect(subject), NeedOptions(), subject)
    return sorted(entry.path for entry in found.files)


def test_a_configuration_directory_comes_with_its_links_and_what_it_includes(tmp_path: Path) -> None:
    assert _brought(tmp_path, _etc_=("/etc/db/",)) == [
        "/etc/alternatives/my.cnf",
        "/etc/db/conf.d",
        "/etc/db/conf.d/x.cnf",
        "/etc/db/main.cnf",
        "/etc/db/my.cnf",
    ]


def test_the_name_of_a_configuration_file_alone_is_found_where_its_own_package_put_it(tmp_path: Path) -> None:
    assert _brought(tmp_path, **{".cfg": ("db.cfg", "see db.cfg"), ".conf": ("stranger.conf",)}) == ["/etc/db.cfg"]


def test_a_line_of_a_configuration_that_is_compiled_in_names_a_file_and_prose_does_not(tmp_path: Path) -> None:
    lines = ("schema /usr/share/db-1/schema", "other = /usr/share/other/x")
    assert _brought(tmp_path / "1", **{"/usr/share/": lines}) == ["/usr/share/db-1/schema"]
    prose = ("cannot open /usr/share/db-1/schema", "use --schema=/usr/share/db-1/schema or nothing")
    assert _brought(tmp_path / "2", **{"/usr/share/": prose}) == []


def test_a_module_beside_the_program_comes_where_the_program_names_it_and_its_package_put_it(tmp_path: Path) -> None:
    assert _brought(tmp_path, **{".so": ("db.so", "mine.so", "libc.so")}) == ["/usr/bin/db.so"]


def test_a_string_of_a_go_program_ends_where_the_longest_path_of_its_package_does(tmp_path: Path) -> None:
    """Literals stand without a sign between them, as Go's and Rust's linkers put them."""
    run = "accept/etc/db/main.cnfadvertise/etc/db-of-others/x"

    assert _brought(tmp_path, "go", _etc_=(run,)) == ["/etc/db/main.cnf"]


def test_a_rust_program_is_read_like_a_go_program_and_one_in_c_is_not(tmp_path: Path) -> None:
    run = "accept/etc/db/main.cnfadvertise"

    assert _brought(tmp_path / "rust", _etc_=(run,), _library_core_src_=("x",)) == ["/etc/db/main.cnf"]
    assert _brought(tmp_path / "c", _etc_=(run,)) == []


def test_a_directory_that_a_go_program_names_comes_as_its_package_filled_it(tmp_path: Path) -> None:
    assert "/etc/db/main.cnf" in _brought(tmp_path, "go", _etc_=("accept/etc/db//v2/apps",))


def test_a_place_that_the_program_puts_its_own_prefix_before_comes_where_its_package_filled_it(tmp_path: Path) -> None:
    """As cmake names /share/cmake-3.25; a stranger's place and one that climbs out bring nothing."""
    strings = ("/share/db-1", "/share/other", "/share/../etc/db", "/share/db-1/%s")
    assert _brought(tmp_path, _share_=strings) == ["/usr/share/db-1/schema"]
