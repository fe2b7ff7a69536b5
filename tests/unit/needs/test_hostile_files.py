"""Files of a stranger's root that a need reads: bounded in total, and no other error than ours (S4, S5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scratchpack.needs.system import openssl
from scratchpack.needs.system.users import accounts
from scratchpack.rootfs import Reason
from scratchpack.sysroot.dirroot import DirRoot

if TYPE_CHECKING:
    from pathlib import Path

BECAUSE = (Reason("need", "openssl", "a test"),)


def put(root: Path, path: str, data: bytes) -> None:
    place = root / path.lstrip("/")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(data)


def configuration(root: Path) -> set[str]:
    return {entry.path for entry in openssl._configuration(DirRoot(str(root)), "/etc/ssl/openssl.cnf", BECAUSE)}


def test_a_configuration_that_includes_itself_is_taken_once(tmp_path: Path) -> None:
    """Each file includes all files a hundred times: four levels of that were 10^8 readings."""
    names = [f"/etc/ssl/{number}.cnf" for number in range(200)]
    text = "".join(f".include = {name}\n" for name in ["/etc/ssl/openssl.cnf", *names] * 100).encode()
    for name in ["/etc/ssl/openssl.cnf", *names]:
        put(tmp_path, name, text)
    found = configuration(tmp_path)
    assert "/etc/ssl/openssl.cnf" in found
    assert len({path for path in found if path.endswith(".cnf")}) == 64


def test_an_include_whose_name_is_no_utf8_is_taken(tmp_path: Path) -> None:
    put(tmp_path, "/etc/ssl/openssl.cnf", b".include /etc/ssl/\xff.cnf\n.include /none\xfe\n")
    put(tmp_path, "/etc/ssl/\udcff.cnf", b"")
    assert "/etc/ssl/\udcff.cnf" in configuration(tmp_path)


@pytest.mark.parametrize(
    "line",
    [
        "app",
        "app:",
        "app:x:1",
        "app:x:1:²:J:/:/sh",
        "app:x:1:2:J\\xf6rg:/:/sh",
        "app:x:1:" + "9" * 4400 + "::/:/sh",
        "\0",
    ],
)
@pytest.mark.parametrize("user", ["app", "app:app", "²", "²:٣", "0"])
def test_a_passwd_that_is_short_or_strange_is_read_or_passed_over(line: str, user: str, tmp_path: Path) -> None:
    for name in ("passwd", "group"):
        put(tmp_path, f"/etc/{name}", line.encode("unicode_escape").replace(b"\\\\xf6", b"\xf6"))
    passwd, group = accounts(DirRoot(str(tmp_path)), user)
    (passwd + group).encode()
    assert all(row.count(":") == 6 for row in passwd.splitlines())
    assert all(row.count(":") == 3 for row in group.splitlines())


def test_a_user_of_the_root_is_taken_with_all_fields(tmp_path: Path) -> None:
    put(tmp_path, "/etc/passwd", b"app:x:1\napp:x:7:8:J\xf6rg:/home:/sh\n")
    put(tmp_path, "/etc/group", b"")
    passwd, group = accounts(DirRoot(str(tmp_path)), "app")
    assert "app:x:7:8:J\\xf6rg:/home:/sh\n" in passwd
    assert "group8:x:8:\n" in group
