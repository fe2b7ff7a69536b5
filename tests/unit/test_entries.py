"""One place makes an entry of a node, so whoever asks for a file gets the same one (S15, I17)."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from scratchpack.config import Options
from scratchpack.entries import BYTES_ALONE, file_of
from scratchpack.errors import InputError
from scratchpack.pipeline.plan import plan
from scratchpack.rootfs import Directory, File, Reason, Rootfs
from scratchpack.sysroot.dirroot import DirRoot
from tests.support import build

if TYPE_CHECKING:
    from pathlib import Path

WHY = (Reason("need", "one"),)


def _root(base: Path, mode: int) -> Path:
    """A root with a program, and the files that are asked for by name."""
    (base / "etc").mkdir(parents=True)
    build.cc(base / "app", build.HELLO_C, "-static")
    for name in ("services", "protocols"):
        (base / "etc" / name).write_text("ntp 123/udp\n")
        (base / "etc" / name).chmod(mode)
    return base


@pytest.mark.parametrize(("keep", "expected"), [(False, 0o644), (True, 0o664)])
def test_what_a_need_brings_keeps_its_mode_when_modes_are_kept(keep: bool, expected: int, tmp_path: Path) -> None:
    root = _root(tmp_path, 0o664)

    (made,) = plan(["/app"], Options(root=str(root), need=("services=always",), preserve_modes=keep))

    services = made.rootfs.get("/etc/services")
    assert isinstance(services, File)
    assert services.mode == expected


def test_a_privilege_that_a_need_leaves_behind_is_reported(tmp_path: Path) -> None:
    """S15."""
    root = _root(tmp_path, 0o6755)

    (dropped,) = plan(["/app"], Options(root=str(root), need=("services=always",)))
    (kept,) = plan(["/app"], Options(root=str(root), need=("services=always",), preserve_privileges=True))

    notes = next(need for need in dropped.needs if need.name == "services").notes
    assert "/etc/services: setuid and setgid bits dropped (keep with --preserve-privileges)" in notes
    services = kept.rootfs.get("/etc/services")
    assert isinstance(services, File)
    assert stat.filemode(services.mode) == "?rwsr-sr-x"


def test_a_file_that_one_asker_starts_and_another_reads_is_one_file(tmp_path: Path) -> None:
    (tmp_path / "tool").write_bytes(b"x")
    (tmp_path / "other").write_bytes(b"x")
    root = DirRoot(str(tmp_path))
    node, other = root.lookup("/tool"), root.lookup("/other")
    assert node is not None
    assert other is not None
    reads = file_of(root, node, WHY, runs=False, keep=BYTES_ALONE)
    starts = file_of(root, node, (Reason("need", "two"),), runs=True, keep=BYTES_ALONE)

    for order in ((reads, starts), (starts, reads)):
        (entry,) = Rootfs(order)
        assert isinstance(entry, File)
        assert entry.mode == 0o755
        assert {reason.by for reason in entry.because} == {"one", "two"}
    (place,) = Rootfs([Directory("/tmp", 0o755, because=WHY), Directory("/tmp", 0o1777, because=WHY)])
    assert isinstance(place, Directory)
    assert place.mode == 0o1777
    with pytest.raises(InputError, match="two different things"):
        Rootfs([reads, file_of(root, other, WHY, runs=False, keep=BYTES_ALONE, path="/tool")])
