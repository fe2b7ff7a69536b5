"""A value that can be opened ends with its owner: it raises, and never gives bytes of another file of the process."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, BinaryIO

import pytest

import scratchpack
from scratchpack.errors import InputError
from scratchpack.oci.spool import TemporarySpool
from scratchpack.oci.store import open_store
from scratchpack.sinks.archive import Archive
from scratchpack.sinks.layout import OciLayout
from tests.support import build
from tests.support.images import docker_archive, hello, image, noise

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from scratchpack.oci.spool import Spool


@pytest.fixture
def others(tmp_path: Path) -> Iterator[Callable[[], None]]:
    """Opens many other files: the numbers of closed descriptors are theirs then."""
    (tmp_path / "secret").write_bytes(b"bytes of another file" * 1000)
    opened: list[BinaryIO] = []
    yield lambda: opened.extend((tmp_path / "secret").open("rb") for _ in range(100))
    for stream in opened:
        stream.close()


SPOOLS: dict[str, Callable[[Path], Spool]] = {
    "archive": lambda place: Archive(str(place / "out")),
    "pipe": lambda place: Archive("/dev/null"),
    "layout": lambda place: OciLayout(str(place / "out")),
    "temporary": lambda place: TemporarySpool(),
}


@pytest.mark.parametrize("kind", SPOOLS)
def test_a_layer_cannot_be_read_once_its_output_is_closed(
    kind: str, tmp_path: Path, others: Callable[[], None]
) -> None:
    with SPOOLS[kind](tmp_path) as spool:  # type: ignore[attr-defined]
        blob = image(spool, hello(noise(100_000))).layers[0].blob
        stream = blob.open()
        assert stream.read(2) == b"\x1f\x8b"
    others()
    for read in (blob.open, lambda: stream.seek(50_000) and stream.read()):
        with pytest.raises(InputError, match="it is closed"):
            read()


@pytest.mark.parametrize("output", ["type=docker,dest=out", "type=oci,dest=out", "type=oci,tar=false,dest=out"])
def test_what_pack_returns_does_not_read_other_files(
    output: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, others: Callable[[], None]
) -> None:
    program = build.cc(tmp_path / "hello", build.HELLO_C, "-static")
    monkeypatch.chdir(tmp_path)
    packed = scratchpack.pack([str(program)], scratchpack.Options(output=(output,)))
    others()
    assert packed.release is not None
    layer = packed.release.images[0].layers[0].blob
    with pytest.raises(InputError, match="it is closed") as caught:
        layer.open()
    assert "open the output" in (caught.value.hint or "")
    assert packed.release.images[0].config_blob.open().read(1) == b"{"  # small documents are values of their own


def test_a_file_of_an_archive_that_was_closed_says_so(tmp_path: Path, others: Callable[[], None]) -> None:
    docker_archive(tmp_path / "a.tar", hello(noise(100_000)))
    with open_store(str(tmp_path / "a.tar")) as store:
        stream = store.open("index.json")
    others()
    for read in (stream.read, lambda: store.open("index.json")):
        with pytest.raises(InputError, match="it is closed"):
            read()


def test_nothing_stays_open_after_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    program = build.cc(tmp_path / "hello", build.HELLO_C, "-static")
    before = set(os.listdir("/proc/self/fd"))
    scratchpack.pack([str(program)], scratchpack.Options(output=("type=docker,dest=a", "type=oci,tar=false,dest=b")))
    assert set(os.listdir("/proc/self/fd")) <= before
