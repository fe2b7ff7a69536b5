"""What the tar writer writes, GNU tar, Go and Python read back the same (S11, S16)."""

from __future__ import annotations

import io
import json
import os
import subprocess
import tarfile
from typing import TYPE_CHECKING

import pytest

from scratchpack.oci import tar
from scratchpack.oci.layer import tar_stream
from scratchpack.rootfs import File, Rootfs, Source, Symlink, inline
from tests.support import build, tools

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import BinaryIO

    Listed = tuple[bytes, int, bytes, int, int]

GO_LIST = """package main

import (
	"archive/tar"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
)

func main() {
	reader := tar.NewReader(os.Stdin)
	found := [][]any{}
	for {
		header, err := reader.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			panic(err)
		}
		found = append(found, []any{hex.EncodeToString([]byte(header.Name)), header.Size, hex.EncodeToString([]byte(header.Linkname)), header.Uid, header.ModTime.Unix()})
	}
	json.NewEncoder(os.Stdout).Encode(found)
}
"""

NAMES = [
    b"a",
    b"n" * 100,
    b"n" * 101,
    b"d" * 154 + b"/" + b"n" * 100,
    b"d" * 155 + b"/" + b"n" * 100,
    b"d" * 156 + b"/" + b"n" * 99,
    b"long/" * 60 + b"n" * 255,
    b"\xff\xfe",
    b"\xff" * 120 + b"/" + b"\xfe" * 120,
    "é".encode() * 90,
    b"new\nline" * 20,
    b"with = equals" * 12,
]
LINKS = [b"t", b"t" * 100, b"t" * 101, b"\xff" * 150, b"../" * 60]


def archive() -> bytes:
    out = [tar.header(tar.Member(name, mtime=7)) for name in NAMES]
    out += [
        tar.header(tar.Member(b"l%d" % number, tar.SYMLINK, mode=0o777, link=link)) for number, link in enumerate(LINKS)
    ]
    out += [tar.header(tar.Member(b"u", uid=3_000_000, gid=2_500_000)), tar.header(tar.Member(b"m", mtime=1 << 34))]
    return b"".join([*out, tar.END])


WANTED = (
    [(name, 0, b"", 0, 7) for name in NAMES]
    + [(b"l%d" % number, 0, link, 0, 0) for number, link in enumerate(LINKS)]
    + [(b"u", 0, b"", 3_000_000, 0), (b"m", 0, b"", 0, 1 << 34)]
)  # fmt: skip


def test_python_reads_every_name_number_and_link() -> None:
    with tarfile.open(fileobj=io.BytesIO(archive()), errors="surrogateescape") as found:
        assert [
            (os.fsencode(entry.name), entry.size, os.fsencode(entry.linkname), entry.uid, entry.mtime)
            for entry in found
        ] == WANTED


def test_go_reads_every_name_number_and_link(go_list: Callable[[bytes | BinaryIO], list[Listed]]) -> None:
    assert go_list(archive()) == WANTED


@pytest.fixture(scope="module")
def go_list(tmp_path_factory: pytest.TempPathFactory) -> Callable[[bytes | BinaryIO], list[Listed]]:
    program = build.go(tmp_path_factory.mktemp("go") / "list", GO_LIST)

    def listing(source: bytes | BinaryIO) -> list[Listed]:
        given = {"input": source} if isinstance(source, bytes) else {"stdin": source}
        done = subprocess.run([program], stdout=subprocess.PIPE, check=True, **given)
        rows = json.loads(done.stdout)
        return [(bytes.fromhex(row[0]), row[1], bytes.fromhex(row[2]), row[3], row[4]) for row in rows]

    return listing


def test_gnu_tar_unpacks_every_name_and_link(tmp_path: Path) -> None:
    program = tools.need("tar", package="tar")
    subprocess.run(
        [program, "-x", "--no-same-owner", "-C", tmp_path],
        input=archive(),
        check=True,
        env={"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"},
    )
    root = os.fsencode(tmp_path)
    for name in NAMES:
        assert os.path.lexists(root + b"/" + name), name
    for number, link in enumerate(LINKS):
        assert os.readlink(root + b"/l%d" % number) == link


@pytest.mark.parametrize("size", [0o77777777777, 0o77777777777 + 1, 20 << 30])
def test_sizes_around_8_gib_are_read_back(
    tmp_path: Path, size: int, go_list: Callable[[bytes | BinaryIO], list[Listed]]
) -> None:
    """S16: in a layer as a PAX record, in the outer archive in base 256; the content is a hole."""
    for number, head in enumerate((tar.header(tar.Member(b"big", size=size)), tar.outer_header("big", size, 0))):
        path = tmp_path / f"{number}.tar"
        with path.open("wb") as stream:
            stream.write(head)
            stream.truncate(len(head) + size + -size % 512)
            stream.seek(0, os.SEEK_END)
            stream.write(tar.header(tar.Member(b"after", mtime=7)) + tar.END)
        with tarfile.open(path) as found:
            assert [(entry.name, entry.size) for entry in found] == [("big", size), ("after", 0)]
        listed = subprocess.run(
            [tools.need("tar", package="tar"), "-tvf", path], capture_output=True, text=True, check=True
        ).stdout
        assert [line.split()[2] for line in listed.splitlines()] == [str(size), "0"]
        with path.open("rb") as stream:
            assert go_list(stream)[0][:2] == (b"big", size)
        path.unlink()


def test_only_what_ustar_cannot_say_gets_a_pax_record() -> None:
    assert len(tar.header(tar.Member(b"n" * 100))) == 512
    assert len(tar.header(tar.Member(b"d" * 155 + b"/" + b"n" * 100))) == 512
    assert len(tar.header(tar.Member(b"n" * 101))) == 3 * 512
    assert len(tar.outer_header("blobs/sha256/" + "0" * 64, 1 << 40, 0)) == 512


@pytest.mark.parametrize("length", range(85, 115))
def test_a_record_counts_its_own_digits(length: int) -> None:
    """99 and 100 bytes are where a length grows a digit."""
    record = tar._record(b"path", b"x" * length)
    assert int(record.partition(b" ")[0]) == len(record)


def test_a_sparse_source_is_packed_with_its_holes_as_zeroes(tmp_path: Path) -> None:
    """S16."""
    sparse = tmp_path / "sparse"
    with sparse.open("wb") as stream:
        stream.truncate(3_000_000)
        stream.seek(2_000_000)
        stream.write(b"data")
    source = Source(3_000_000, lambda: sparse.open("rb"), ("sparse",))
    data = b"".join(bytes(piece) for piece in tar_stream(Rootfs([File("/s", source), Symlink("/t", "s")])))
    with tarfile.open(fileobj=io.BytesIO(data)) as found:
        entry = found.getmember("s")
        assert not entry.issparse()
        assert found.extractfile(entry).read() == sparse.read_bytes()  # type: ignore[union-attr]


def test_a_name_that_is_not_utf8_keeps_its_bytes() -> None:
    """S11."""
    name = os.fsdecode(b"/caf\xe9")
    data = b"".join(bytes(piece) for piece in tar_stream(Rootfs([File(name, inline(b""))])))
    assert data.startswith(b"caf\xe9\0")
