"""What may be taken from a root: judged where a path ends, by owner, place, mode, and the program's own tree."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from scratchpack.errors import InputError
from scratchpack.needs.gate import Gate, withheld_line
from scratchpack.sysroot.dirroot import DirRoot
from tests.unit.packages.roots import write

if TYPE_CHECKING:
    from pathlib import Path

PASSWD = (
    "root:x:0:0::/root:/bin/sh\nu:x:1000:1000::/data/u:\nwww:x:33:33::/var/www:\nnobody:x:65534:65534::/nonexistent:\n"
)


def made(
    base: Path, files: dict[str, int], owned: tuple[str, ...] | None = (), links: dict[str, str] | None = None
) -> Path:
    """A root with these files and modes; ``owned`` are in a package's list, ``None`` for a root without packages."""
    write(base, "/etc/passwd", PASSWD)
    for path, mode in files.items():
        write(base, path, "text")
        (base / path[1:]).chmod(mode)
    for path, target in (links or {}).items():
        (base / path[1:]).parent.mkdir(parents=True, exist_ok=True)
        (base / path[1:]).symlink_to(target)
    if owned is not None:
        write(
            base, "/var/lib/dpkg/status", "Package: p\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n"
        )
        write(base, "/var/lib/dpkg/info/p.list", "".join(f"{path}\n" for path in ("/.", "/usr", "/usr/share", *owned)))
    return base


def taken(base: Path, *paths: str, programs: tuple[str, ...] = ()) -> dict[str, str]:
    """For each path "" where it may be taken, else the reason."""
    gate = Gate(DirRoot(str(base)), programs)
    found = {}
    for path in paths:
        gate.withheld.clear()
        node = gate.lookup(path)
        found[path] = "" if node is not None else next(iter(gate.withheld.values()), "not there")
    return found


def test_what_a_package_owns_and_what_stands_at_a_standard_place_may_be_taken_and_nothing_else(tmp_path: Path) -> None:
    files = dict.fromkeys(
        (
            "/usr/share/p/data",
            "/etc/p.conf",
            "/etc/ssl/certs/x.pem",
            "/usr/share/other/x",
            "/etc/o.conf",
            "/srv/x",
            "/opt/x/y",
        ),
        0o644,
    )
    base = made(tmp_path, files, owned=("/usr/share/p", "/usr/share/p/data", "/etc/p.conf"))
    assert taken(base, *files) == {
        "/usr/share/p/data": "",
        "/etc/p.conf": "",
        "/etc/ssl/certs/x.pem": "",
        "/usr/share/other/x": "no package owns it",
        "/etc/o.conf": "no package owns it",
        "/srv/x": "no package owns it",
        "/opt/x/y": "no package owns it",
    }


def test_without_a_package_database_the_systems_own_directories_count(tmp_path: Path) -> None:
    files = dict.fromkeys(("/usr/share/p/data", "/usr/lib/x/y", "/etc/o.conf", "/srv/x", "/root/x", "/data/u/x"), 0o644)
    base = made(tmp_path, files, owned=None)
    assert [path for path, why in taken(base, *files).items() if not why] == ["/usr/share/p/data", "/usr/lib/x/y"]


@pytest.mark.parametrize(
    "path",
    ["/root/x", "/home/v/x", "/data/u/deep/x", "/run/secrets/x", "/proc/1/environ", "/sys/x", "/dev/shm/x"],
)
def test_homes_and_the_running_system_give_nothing_even_where_a_package_owns_it(tmp_path: Path, path: str) -> None:
    base = made(tmp_path, {path: 0o644}, owned=(path,))
    assert "home directory" in taken(base, path)[path]


def test_what_others_may_not_read_is_not_taken_whoever_owns_it(tmp_path: Path) -> None:
    files = {"/usr/share/p/open": 0o644, "/usr/share/p/group": 0o640, "/usr/share/p/shut/x": 0o644}
    base = made(tmp_path, files, owned=tuple(files))
    (base / "usr/share/p/shut").chmod(0o700)
    assert taken(base, *files) == {
        "/usr/share/p/open": "",
        "/usr/share/p/group": "others may not read it",
        "/usr/share/p/shut/x": "others may not read it",
    }


def test_known_secrets_are_not_taken_from_a_root_whose_modes_were_lost(tmp_path: Path) -> None:
    files = dict.fromkeys(
        ("/etc/shadow", "/etc/ssl/private/k", "/etc/security/opasswd", "/etc/ssh/ssh_host_rsa_key"), 0o644
    )
    base = made(tmp_path, files, owned=tuple(files))
    assert set(taken(base, *files).values()) == {"it holds secrets"}


def test_a_path_is_judged_where_its_links_and_dots_end(tmp_path: Path) -> None:
    base = made(
        tmp_path,
        {"/root/key": 0o644, "/usr/share/p/x": 0o644},
        owned=("/usr/share/p/x", "/usr/share/p/way", "/usr/share/p/key"),
        links={"/usr/share/p/way": "../../../root", "/usr/share/p/key": "/root/key", "/root/in": "/usr/share/p"},
    )
    assert taken(base, "/usr/share/p/../p/x")["/usr/share/p/../p/x"] == ""
    for path in ("/usr/share/p/way/key", "/usr/share/p/key", "/usr/share/p/../../../root/key", "/root/in/x"):
        assert "home directory" in taken(base, path)[path], path


def test_an_unowned_file_behind_an_owned_link_is_not_taken(tmp_path: Path) -> None:
    base = made(tmp_path, {"/srv/x": 0o644}, owned=("/usr/share/p/x",), links={"/usr/share/p/x": "/srv/x"})
    assert taken(base, "/usr/share/p/x") == {"/usr/share/p/x": "no package owns it"}


def test_the_directory_that_holds_the_program_is_its_own_below_a_home_too(tmp_path: Path) -> None:
    files = {"/home/u/app/leak": 0o755, "/home/u/app/data/x": 0o644, "/home/u/app/key": 0o600, "/home/u/x": 0o644}
    files |= {"/home/u/app/.env": 0o644, "/home/u/app/.git/config": 0o644, "/home/u/app/.libs/p.so": 0o755}
    base = made(tmp_path, files, links={"/home/u/app/out": "/home/u/x"})
    (base / "home/u").chmod(0o700)  # a home is; its programs are packed all the same
    found = taken(base, *files, "/home/u/app/out", programs=("/home/u/app/leak",))
    assert [path for path, why in found.items() if not why] == [
        "/home/u/app/leak", "/home/u/app/data/x", "/home/u/app/.libs/p.so",
    ]  # fmt: skip


@pytest.mark.parametrize("home", ["/home/u", "/root", "/data/u", "/tmp", "/usr/bin", "/", "/srv", "/usr/local/bin"])
def test_a_home_or_a_directory_of_everybody_is_no_programs_own_tree(tmp_path: Path, home: str) -> None:
    program, other = os.path.join(home, "leak"), os.path.join(home, "other")
    base = made(tmp_path, {program: 0o755, other: 0o644})
    assert taken(base, other, programs=(program,))[other] != ""


def test_a_directory_that_anybody_may_write_is_no_programs_own_tree(tmp_path: Path) -> None:
    base = made(tmp_path, {"/srv/drop/leak": 0o755, "/srv/drop/other": 0o644})
    (base / "srv/drop").chmod(0o1777)
    assert taken(base, "/srv/drop/other", programs=("/srv/drop/leak",)) == {"/srv/drop/other": "no package owns it"}


@pytest.mark.parametrize(
    "mark",
    [
        "pyvenv.cfg",
        "package.json",
        "lib/python3.12/os.py",
        "lib/modules",
        "conda-meta/history",
        "lib/perl5/5.36/strict.pm",
    ],
)
def test_a_landmark_proves_the_prefix_above_the_program(tmp_path: Path, mark: str) -> None:
    files = {
        "/home/u/env/bin/tool": 0o755,
        f"/home/u/env/{mark}": 0o644,
        "/home/u/env/share/x": 0o644,
        "/home/u/x": 0o644,
    }
    found = taken(made(tmp_path, files), "/home/u/env/share/x", "/home/u/x", programs=("/home/u/env/bin/tool",))
    assert found["/home/u/env/share/x"] == ""
    assert "home directory" in found["/home/u/x"]


def test_of_a_shared_prefix_only_the_landmarks_own_directory_belongs_to_the_program(tmp_path: Path) -> None:
    files = {"/usr/local/bin/python3.12": 0o755, "/usr/local/lib/python3.12/os.py": 0o644, "/usr/local/share/x": 0o644}
    found = taken(made(tmp_path, files), *files, programs=("/usr/local/bin/python3.12",))
    assert found["/usr/local/lib/python3.12/os.py"] == ""
    assert found["/usr/local/share/x"] == "no package owns it"


def test_a_landmark_in_a_home_itself_opens_no_home(tmp_path: Path) -> None:
    files = {"/home/u/bin/tool": 0o755, "/home/u/package.json": 0o644, "/home/u/notes": 0o644}
    assert "home directory" in taken(made(tmp_path, files), *files, programs=("/home/u/bin/tool",))["/home/u/notes"]


def test_a_directory_that_every_package_fills_lists_nothing(tmp_path: Path) -> None:
    base = made(tmp_path, {"/usr/share/p/x": 0o644}, owned=("/usr/share/p", "/usr/share/p/x"))
    gate = Gate(DirRoot(str(base)))
    listed = {
        path: gate.list(node) for path in ("/", "/usr", "/usr/share", "/usr/share/p") if (node := gate.lookup(path))
    }
    assert listed == {"/": (), "/usr": (), "/usr/share": (), "/usr/share/p": ("x",)}


def test_a_node_of_the_root_behind_does_not_open_through_the_gate(tmp_path: Path) -> None:
    root = DirRoot(str(made(tmp_path, {"/root/key": 0o644})))
    node = root.lookup("/root/key")
    assert node is not None
    with pytest.raises(InputError, match="home directory"):
        Gate(root).open(node)


def test_the_report_names_what_was_not_taken_and_the_option_that_adds_it() -> None:
    line = withheld_line({f"/root/{name}": "it is private" for name in "abcdef"})
    assert "/root/a (it is private)" in line
    assert "2 more" in line
    assert "--include" in line
