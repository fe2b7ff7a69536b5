"""I21: what ``--workdir``, ``--volume`` and ``--directory`` name is a directory of the image, and its user may write there."""

from __future__ import annotations

import pytest

from scratchpack.errors import UsageError
from scratchpack.pipeline.directories import with_directories
from scratchpack.request.model import MadeDirectory, Request
from scratchpack.rootfs import RANK_OPTION, Directory, Entry, File, Rootfs, Symlink, inline

PASSWD = File("/etc/passwd", inline(b"redis:x:101:102::/:/bin/false\n"))
GROUP = File("/etc/group", inline(b"adm:x:4:\n"))


def line(rootfs: Rootfs, path: str) -> str:
    entry = rootfs.get(path)
    assert isinstance(entry, Directory), path
    return f"{entry.mode:04o} {entry.uid}:{entry.gid}"


@pytest.mark.parametrize(
    ("asked", "path", "expected"),
    [
        (Request(workdir="/srv/data"), "/srv/data", "0755 65532:65532"),
        (Request(volume=("/data",)), "/data", "0755 65532:65532"),
        (Request(volume=("/data/",), user="7"), "/data", "0755 7:7"),
        (Request(volume=("/data",), user="redis"), "/data", "0755 101:102"),
        (Request(volume=("/data",), user="redis:adm"), "/data", "0755 101:4"),
        (Request(workdir="/srv", directory=(MadeDirectory("/srv", 0o700, "5:6"),)), "/srv", "0700 5:6"),
        (Request(directory=(MadeDirectory("/spool", 0o1733),)), "/spool", "1733 65532:65532"),
        (Request(directory=(MadeDirectory("/spool", 0o750, "redis:adm"),)), "/spool", "0750 101:4"),
        (Request(workdir="/tmp"), "/tmp", "1777 0:0"),
        (Request(volume=("/var/tmp",)), "/var/tmp", "1777 0:0"),
        (Request(directory=(MadeDirectory("/tmp", 0o700),)), "/tmp", "0700 65532:65532"),
        (Request(volume=("/var/run/redis",)), "/run/redis", "0755 65532:65532"),  # a link above it is followed
        (Request(volume=("/included",)), "/included", "0750 65532:65532"),
        (Request(volume=("/etc",)), "/etc", "0755 65532:65532"),  # a volume is written to, whatever else stands there
        (Request(), "/tmp", "1777 0:0"),  # however it came to be there
    ],
)
def test_a_directory_that_was_asked_for_belongs_to_the_images_user(asked: Request, path: str, expected: str) -> None:
    """I21."""
    entries: list[Entry] = [PASSWD, GROUP, Symlink("/var/run", "/run"), Directory("/run")]
    entries += [Directory("/included", 0o750, rank=RANK_OPTION), File("/tmp/socket", inline(b""))]
    if path == "/tmp" and asked != Request():
        entries.pop()
    rootfs = with_directories(Rootfs(entries), asked)
    assert line(rootfs, path) == expected
    rootfs.check()


@pytest.mark.parametrize("path", ["/", "/etc", "/kept"])
def test_a_working_directory_of_the_root_stays_the_roots(path: str) -> None:
    """Who works in /etc is not to own the image's passwd."""
    rootfs = Rootfs([PASSWD, Directory("/kept", 0o700, 7, 7)])
    assert list(with_directories(rootfs, Request(workdir=path))) == list(rootfs)


@pytest.mark.parametrize("path", ["/etc/passwd", "/etc/passwd/below", "/dangling", "/dangling/below"])
def test_what_is_no_directory_cannot_become_one(path: str) -> None:
    with pytest.raises(UsageError, match="something else"):
        with_directories(Rootfs([PASSWD, Symlink("/dangling", "gone")]), Request(volume=(path,)))


@pytest.mark.parametrize("owner", ["nobody", "redis:wheel"])
def test_an_owner_that_the_image_does_not_name_is_refused(owner: str) -> None:
    with pytest.raises(UsageError, match=owner):
        with_directories(Rootfs([PASSWD, GROUP]), Request(directory=(MadeDirectory("/data", 0o755, owner),)))
