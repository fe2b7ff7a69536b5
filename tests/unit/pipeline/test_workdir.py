"""``--workdir`` is a directory of the image (I17): every output has it, and none leaves its mode to an engine."""

from __future__ import annotations

import pytest

from scratchpack.pipeline.include import with_workdir
from scratchpack.rootfs import Directory, File, Rootfs, Symlink, inline


@pytest.mark.parametrize(("path", "mode"), [("/srv/data", 0o755), ("/tmp", 0o1777), ("/var/tmp", 0o1777)])
def test_a_working_directory_becomes_an_entry(path: str, mode: int) -> None:
    entry = with_workdir(Rootfs(), path).get(path)
    assert isinstance(entry, Directory)
    assert entry.mode == mode
    assert entry.because[0].by == f"--workdir {path}"


@pytest.mark.parametrize("path", ["/", "relative", "/a/../b", "/kept", "/file/below", "/link/below"])
def test_what_stands_there_or_above_stays_as_it_is(path: str) -> None:
    rootfs = Rootfs([Directory("/kept", 0o700, 7, 7), File("/file", inline(b"")), Symlink("/link", "kept")])
    assert list(with_workdir(rootfs, path)) == list(rootfs)
