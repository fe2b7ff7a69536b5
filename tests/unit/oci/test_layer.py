"""A layer is a tar with the same bytes every time, hashed in the pass that writes it (I9, I10, I11, S10, S14)."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import tarfile
from typing import TYPE_CHECKING

import pytest
import zstandard

from scratchpack.errors import InputError, UsageError
from scratchpack.oci.layer import COMPRESSOR, build_layer, check_layers, tar_stream
from scratchpack.oci.spool import TemporarySpool
from scratchpack.rootfs import Directory, File, Rootfs, Source, Symlink, inline
from tests.support import table
from tests.support.images import hello, noise

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

    from scratchpack.oci.model import Layer


@pytest.fixture
def spool() -> Iterator[TemporarySpool]:
    with TemporarySpool() as spool:
        yield spool


def stored(layer: Layer) -> bytes:
    with layer.blob.open() as stream:
        return stream.read()


def raw(rootfs: Rootfs, mtime: int = 0) -> bytes:
    return b"".join(bytes(piece) for piece in tar_stream(rootfs, mtime=mtime))


def members(rootfs: Rootfs, mtime: int = 0) -> list[tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(raw(rootfs, mtime))) as archive:
        return archive.getmembers()


def test_a_static_binary_makes_a_layer_of_exactly_one_entry() -> None:
    (only,) = members(hello(b"x" * 1000))
    assert (only.name, only.mode, only.uid, only.gid, only.mtime, only.size) == ("hello", 0o755, 0, 0, 0, 1000)
    assert (only.uname, only.gname) == ("", "")
    assert len(raw(hello(b"x" * 1000))) == 512 + 1024 + 1024


def test_parents_come_before_children_and_only_once() -> None:
    """I10: a parent that nobody asked for is a 0755 directory of root."""
    rootfs = Rootfs(
        [
            File("/usr/lib/a.so", inline(b"a")),
            File("/usr/lib/b.so", inline(b"b")),
            File("/usr-x", inline(b"")),
            Directory("/tmp", 0o1777),
            Directory("/home/nonroot", 0o700, 65532, 65532),
            Symlink("/lib", "usr/lib"),
        ]
    )
    found = table.of_tar(raw(rootfs))
    assert found == {
        "/home": "dir 0755",
        "/home/nonroot": "dir 0700 65532:65532",
        "/lib": "symlink usr/lib",
        "/tmp": "dir 1777",
        "/usr": "dir 0755",
        "/usr-x": "file 0644",
        "/usr/lib": "dir 0755",
        "/usr/lib/a.so": "file 0644",
        "/usr/lib/b.so": "file 0644",
    }
    order = list(found)
    assert [
        name for name in order if "/" in name[1:] and order.index(name.rpartition("/")[0]) > order.index(name)
    ] == []


def test_the_root_directory_has_no_entry() -> None:
    """I11: a root of 0700 would lock every user out, so it is left to the engine."""
    assert [entry.name for entry in members(Rootfs([Directory("/", 0o700), File("/a", inline(b""))]))] == ["a"]


def test_hard_links_follow_the_file_that_carries_the_bytes() -> None:
    """S14: the first in order is the file; another mode makes a file of its own."""
    data = inline(b"shared")
    found = raw(
        Rootfs(
            [
                File("/b", data, inode=(1, 7)),
                File("/a", data, inode=(1, 7)),
                File("/c", data, inode=(1, 8)),
                File("/d", data, mode=0o755, inode=(1, 7)),
            ]
        )
    )
    assert table.of_tar(found) == {"/a": "file 0644", "/b": "same as /a", "/c": "file 0644", "/d": "file 0755"}


def test_capabilities_travel_as_pax_records() -> None:
    """S15: no silent loss of xattrs."""
    value = b"\x01\x00\x00\x02\x00\x04\x00\x00\x00\x00\x00\x00=\n\x00\xff\x00\x00\x00\x00"
    with tarfile.open(
        fileobj=io.BytesIO(raw(Rootfs([File("/p", inline(b"x"), xattrs=(("security.capability", value),))])))
    ) as archive:
        (entry,) = archive.getmembers()
        kept = entry.pax_headers["SCHILY.xattr.security.capability"].encode("utf-8", "surrogateescape")
    assert kept == value


def test_every_time_is_the_one_given() -> None:
    rootfs = Rootfs([File("/usr/bin/a", inline(b"")), Symlink("/b", "a"), Directory("/tmp", 0o1777)])
    assert {entry.mtime for entry in members(rootfs, 1_700_000_000)} == {1_700_000_000}


@pytest.mark.parametrize("compression", ["gzip", "zstd", "none"])
@pytest.mark.parametrize("size", [0, 1, 262_144 - 512, 262_145, 3_000_000])
def test_digest_and_diff_id_are_of_the_very_bytes(spool: TemporarySpool, compression: str, size: int) -> None:
    """I9."""
    rootfs = hello(noise(size))
    layer = build_layer(rootfs, spool=spool, compression=compression)
    data = stored(layer)
    match compression:
        case "gzip":
            plain = gzip.decompress(data)
        case "zstd":
            plain = zstandard.ZstdDecompressor().decompressobj().decompress(data)
        case _:
            plain = data
    assert plain == raw(rootfs)
    assert layer.blob.digest == "sha256:" + hashlib.sha256(data).hexdigest()
    assert layer.diff_id == "sha256:" + hashlib.sha256(plain).hexdigest()
    assert (layer.blob.size, layer.uncompressed_size) == (len(data), len(plain))
    assert layer.blob.media_type.endswith({"gzip": ".tar+gzip", "zstd": ".tar+zstd", "none": ".tar"}[compression])


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
@pytest.mark.parametrize("level", [1, None, 6, 9])
def test_the_compressed_bytes_do_not_depend_on_the_number_of_threads(
    spool: TemporarySpool, compression: str, level: int | None
) -> None:
    rootfs = hello(noise(5_000_000))
    digests = {
        build_layer(rootfs, spool=spool, compression=compression, level=level, threads=threads).blob.digest
        for threads in (1, 2, 4, 7)
    }
    assert len(digests) == 1


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_the_compressor_signs_its_layer(spool: TemporarySpool, compression: str) -> None:
    layer = build_layer(hello(), spool=spool, compression=compression, level=4)
    (name, identity), *_ = layer.annotations
    assert name == COMPRESSOR
    assert "level 4" in identity
    assert any(digit.isdigit() for digit in identity.partition(",")[0])


def test_the_gzip_of_blocks_is_about_as_small_as_one_piece(spool: TemporarySpool) -> None:
    from zlib_ng import zlib_ng

    data = noise(4_000_000)
    layer = build_layer(hello(data), spool=spool)
    assert layer.blob.size < 1.01 * len(zlib_ng.compress(data, 2))


@pytest.mark.parametrize(("compression", "level"), [("gzip", 0), ("gzip", 10), ("zstd", 23), ("none", 1), ("xz", None)])
def test_an_unknown_compression_or_level_is_refused(spool: TemporarySpool, compression: str, level: int | None) -> None:
    with pytest.raises(UsageError, match="cannot compress"):
        build_layer(hello(), spool=spool, compression=compression, level=level)


def test_progress_counts_every_byte_of_the_tar(spool: TemporarySpool) -> None:
    seen: list[int] = []
    layer = build_layer(hello(noise(2_500_000)), spool=spool, on_progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == layer.uncompressed_size


def _file(path: Path, before_read: object = None) -> Source:
    size = path.stat().st_size

    def opened() -> BinaryIO:
        return path.open("rb")

    return Source(size, opened, (str(path),))


@pytest.mark.parametrize("change", ["grow", "shrink", "touch", "rewrite and put the time back"])
def test_a_file_that_changes_while_it_is_packed_is_an_error(tmp_path: Path, spool: TemporarySpool, change: str) -> None:
    """S10."""
    source = tmp_path / "program"
    source.write_bytes(noise(3_000_000))

    def meddle(done: int) -> None:
        if 1_000_000 < done < 2_500_000:
            match change:
                case "grow":
                    with source.open("ab") as stream:
                        stream.write(b"more")
                case "shrink":
                    os.truncate(source, 2_000_000)
                case "touch":
                    os.utime(source, (1, 1))
                case _:
                    status = source.stat()
                    with source.open("r+b") as stream:
                        stream.write(b"other")
                    os.utime(source, ns=(status.st_atime_ns, status.st_mtime_ns))

    with pytest.raises(InputError, match=r"cannot pack /program: the file changed"):
        build_layer(Rootfs([File("/program", _file(source))]), spool=spool, on_progress=meddle)


def test_an_entry_that_no_image_can_carry_is_refused(spool: TemporarySpool) -> None:
    """I16."""
    with pytest.raises(InputError) as caught:
        build_layer(Rootfs([File("/etc/.wh.passwd", inline(b""))]), spool=spool)
    assert ".wh." in caught.value.details[0]


def test_layers_are_cut_so_that_every_engine_stacks_them_alike() -> None:
    """I12, I19."""
    data = inline(b"x")
    good = [Rootfs([File("/a", data, inode=(1, 1)), File("/b", data, inode=(1, 1))]), Rootfs([File("/c/d", data)])]
    check_layers(good)
    bad = [
        Rootfs([Symlink("/lib", "usr/lib"), File("/a", data, inode=(1, 1)), File("/x", data)]),
        Rootfs([File("/lib/b", data), File("/b", data, inode=(1, 1)), Directory("/x")]),
    ]
    with pytest.raises(InputError) as caught:
        check_layers(bad)
    assert len(caught.value.details) == 3
    check_layers([Rootfs()] * 125)
    with pytest.raises(InputError, match="cut the layers"):
        check_layers([Rootfs()] * 126)
