"""N50: directories below /run and /var that a package keeps for its service, and whose they are in the image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scratchpack.elf.reader import read_elf
from scratchpack.loader.model import FoundBy, Resolution
from scratchpack.needs.base import Contribution, Evidence, NeedOptions, Seen, Subject
from scratchpack.needs.system.stated import parse_unit, tmpfiles
from scratchpack.needs.system.writable import NEED
from scratchpack.rootfs import Directory, Symlink
from scratchpack.sysroot.dirroot import DirRoot
from tests.unit.packages import roots

if TYPE_CHECKING:
    from pathlib import Path

UNIT = """[Unit]
ExecStart=/usr/bin/db-client
[Service]
# ExecStart=/usr/bin/db-client
ExecStart=-/usr/sbin/dbd --foreground \\
  --more
User=db
RuntimeDirectory=db db/%i
RuntimeDirectoryMode=2750
StateDirectory=db:old
ReadWritePaths=-/var/log/db -/home/db
"""
PACKAGES = {  # name: (source, depends, what it installed)
    "dbd": ("db", "libc6 (>= 2), db-data | other", "/usr/sbin/dbd\n/lib/systemd/system/dbd.service\n/var/cache/db\n"),
    "db-client": ("db", "libc6", "/usr/bin/db-client\n"),
    "db-data": ("db", "db-common", "/usr/share/db\n"),
    "db-common": ("defaults", "", "/usr/lib/tmpfiles.d/common.conf\n/var/lib/sessions\n/var/lib/sessions/new\n"),
    "stranger": ("stranger", "", "/usr/lib/tmpfiles.d/stranger.conf\n/var/lib/stranger\n"),
}
FILES = {
    "/usr/sbin/dbd": "x",
    "/usr/bin/db-client": "x",
    "/lib/systemd/system/dbd.service": UNIT,
    "/usr/lib/tmpfiles.d/common.conf": "d /run/common 0775 root db - -\nd /run/common/own - - - -\n",
    "/usr/lib/tmpfiles.d/stranger.conf": "d /run/stranger 0777 root root\n",
    "/etc/passwd": "root:x:0:0::/:/bin/sh\ndb:x:105:106::/:/bin/false\n",
}


def _brought(
    root: Path, program: str, *named: str, listens: bool = False, user: str = "65532:65532", go: bool = False
) -> Contribution:
    """What the need brings for a program of these strings, on a root of these packages."""
    for path, text in FILES.items():
        roots.write(root, path, text)
    stanzas = [
        f"Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nSource: {source}\nVersion: 1\nDepends: {depends}\n"
        for name, (source, depends, _) in PACKAGES.items()
    ]
    roots.write(root, "/var/lib/dpkg/status", "\n".join(stanzas))
    for name, (_, _, listed) in PACKAGES.items():
        roots.write(root, f"/var/lib/dpkg/info/{name}.list", listed)
    for path, mode in {"cache/db": 0o755, "lib/sessions/new": 0o1733, "lib/stranger": 0o777, "log/db": 0o700}.items():
        (root / "var" / path).mkdir(parents=True)
        (root / "var" / path).chmod(mode)
    view = DirRoot(str(root))
    node = view.lookup(program)
    assert node is not None
    with open("/bin/true", "rb") as stream:
        facts = read_elf(stream, origin="true")
    seen = Seen(
        program,
        "program",
        "a",
        Resolution("", program, node, view, FoundBy.ROOT, "", facts),
        imports=frozenset({"listen"} if listens else ()),
        strings={
            "/run/": tuple(x for x in named if "/run/" in x),
            "/var/lib/": tuple(x for x in named if "/lib/" in x),
        },
    )
    subject = Subject(seen, (seen,), facts, "glibc", None, {}, is_go=go)
    return NEED.provide(view, NEED.detect(subject), NeedOptions(user=user), subject)


def _lines(found: Contribution) -> dict[str, tuple[int, int, int]]:
    return {entry.path: (entry.mode, entry.uid, entry.gid) for entry in found.files if isinstance(entry, Directory)}


def test_a_service_gets_what_its_unit_and_its_package_state_and_its_own_users_become_the_images(tmp_path: Path) -> None:
    assert _lines(_brought(tmp_path, "/usr/sbin/dbd", listens=True)) == {
        "/run/db": (0o2750, 65532, 65532),
        "/var/lib/db": (0o755, 65532, 65532),
        "/var/log/db": (0o700, 65532, 65532),  # with the mode that the root has, for the unit states none
        "/var/cache/db": (0o755, 0, 0),
    }


def test_a_program_of_the_same_package_that_no_unit_starts_and_that_names_nothing_gets_nothing(tmp_path: Path) -> None:
    assert _brought(tmp_path, "/usr/bin/db-client", listens=True) == Contribution()


def test_a_named_directory_comes_with_its_bits_from_a_package_that_the_program_depends_on(tmp_path: Path) -> None:
    """PHP names /var/lib/php/sessions, which php-common keeps with mode 1733: everybody may write, and root owns it."""
    found = _brought(tmp_path, "/usr/sbin/dbd", "/var/lib/sessions/new")

    assert {path: line for path, line in _lines(found).items() if "sessions" in path} == {
        "/var/lib/sessions": (0o755, 0, 0),
        "/var/lib/sessions/new": (0o1733, 0, 0),
    }


def test_a_sibling_that_does_not_depend_on_the_package_gets_nothing_of_it(tmp_path: Path) -> None:
    """psql names the directory of the server's socket, and is no server."""
    assert _brought(tmp_path, "/usr/bin/db-client", "/var/lib/sessions/new", "/run/common/x") == Contribution()


@pytest.mark.parametrize("named", ["/run/stranger", "/var/lib/stranger/file", "/var/lib", "/var/lib/unknown", "/run"])
def test_what_a_stranger_keeps_or_everybody_fills_does_not_come(tmp_path: Path, named: str) -> None:
    assert named not in _lines(_brought(tmp_path, "/usr/sbin/dbd", named))
    assert "/var/lib/stranger" not in _lines(_brought(tmp_path / "again", "/usr/sbin/dbd", named))


def test_a_directory_of_the_services_group_belongs_to_the_group_of_the_image(tmp_path: Path) -> None:
    found = _brought(tmp_path, "/usr/sbin/dbd", "/var/run/common/pid")

    assert _lines(found)["/run/common"] == (0o775, 0, 65532)
    assert Symlink("/var/run", "/run") in [entry._replace(because=(), rank=1) for entry in found.files]


def test_a_name_of_go_ends_where_a_stated_directory_does(tmp_path: Path) -> None:
    found = _brought(tmp_path, "/usr/sbin/dbd", "timeout/var/lib/sessions/new/2006-01-02Monday", go=True)

    assert "/var/lib/sessions/new" in _lines(found)


def test_root_keeps_all_of_it_where_the_image_runs_as_root(tmp_path: Path) -> None:
    assert set(_lines(_brought(tmp_path, "/usr/sbin/dbd", listens=True, user="0")).values()) >= {(0o2750, 0, 0)}


def test_the_notes_say_which_volume_and_which_tmpfs(tmp_path: Path) -> None:
    notes = _brought(tmp_path, "/usr/sbin/dbd", "/var/lib/sessions/new", listens=True).notes

    assert notes == (
        "writable: what is written to /var/lib/db, /var/lib/sessions/new stays with --volume /var/lib/db --volume /var/lib/sessions/new",
        "writable: with a read-only root, /run/db, /var/log/db want a volume or a tmpfs",
    )


def test_a_configuration_that_names_it_is_as_good_as_a_string(tmp_path: Path) -> None:
    _brought(tmp_path, "/usr/sbin/dbd")
    view = DirRoot(str(tmp_path))
    node = view.lookup("/usr/sbin/dbd")
    assert node is not None
    with open("/bin/true", "rb") as stream:
        facts = read_elf(stream, origin="true")
    seen = Seen("/usr/sbin/dbd", "dbd", "a", Resolution("", "/usr/sbin/dbd", node, view, FoundBy.ROOT, "", facts))
    told = (Evidence("writable", "a", "names /run/common/x.sock", "/etc/db.conf:3", ("/run/common/x.sock",)),)

    found = NEED.provide(view, told, NeedOptions(), Subject(seen, (seen,), facts, "glibc", None, {}))

    assert "/run/common" in _lines(found)


def test_only_directories_of_tmpfiles_d_below_run_and_var_are_read() -> None:
    text = "# d /run/no\nf /run/file 0644\nD! /run/a 1777\nd /etc/x\nd /run/%b/x\nd /run/../etc/y\nL /run/link\nd\nd /var/run/b ~2755 db -\n"

    assert [(place.path, place.mode, place.service) for place in tmpfiles(text, "x")] == [
        ("/run/a", 0o1777, False),
        ("/run/b", 0o2755, True),
    ]


def test_a_damaged_unit_states_nothing() -> None:
    unit = parse_unit('[Service]\nExecStart="unclosed\nStateDirectory=../../etc\nRuntimeDirectory="x\nUser=0\n')

    assert unit.commands == ()
    assert list(unit.places("x")) == []
    assert not unit.service
