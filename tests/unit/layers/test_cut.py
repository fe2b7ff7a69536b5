"""How an image is cut into layers that others share (W10 to W16)."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

import pytest

from scratchpack.layers.cut import THRESHOLD, cut
from scratchpack.oci.layer import build_layer, check_layers, tar_stream
from scratchpack.oci.spool import TemporarySpool
from scratchpack.rootfs import RANK_GENERATED, Directory, File, Rootfs, Source, Symlink, inline

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scratchpack.layers.cut import LayerCut
    from scratchpack.rootfs import Entry

LIB = "/usr/lib/x86_64-linux-gnu"
BIG = 2 * THRESHOLD


def file(
    path: str, size: int = BIG, *, elf: bool = True, inode: int | None = None, rank: int = 1, mode: int = 0o644
) -> File:
    data = (b"\x7fELF" if elf else b"data") + path.encode() + bytes(size)
    source = Source(size, lambda: io.BytesIO(data[:size]), ("test", path, size))
    return File(path, source, mode, inode=None if inode is None else (0, 1, inode), rank=rank)


def layered(*entries: Entry, most: int = 40) -> LayerCut:
    found = cut(Rootfs(entries), {"/p", "/q"}, most=most)
    check_layers((*found.shared, found.top))
    return found


def names(parts: LayerCut) -> list[str]:
    return [next(iter(layer)).path for layer in parts.shared]


def digests(parts: LayerCut) -> dict[str, str]:
    with TemporarySpool() as spool:
        return {next(iter(layer)).path: build_layer(layer, spool=spool).blob.digest for layer in parts.shared}


def members(layer: Rootfs) -> dict[str, tarfile.TarInfo]:
    data = b"".join(bytes(piece) for piece in tar_stream(layer))
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return {f"/{member.name}": member for member in archive}


def test_a_shared_layer_holds_one_file_and_its_parents_alone() -> None:  # W10
    parts = layered(file("/p"), file(f"{LIB}/liba.so.1.0"), Symlink(f"{LIB}/liba.so.1", "liba.so.1.0"))
    (layer,) = parts.shared
    assert [entry.path for entry in layer] == [f"{LIB}/liba.so.1.0"]
    assert list(members(layer)) == ["/usr", "/usr/lib", LIB, f"{LIB}/liba.so.1.0"]
    assert f"{LIB}/liba.so.1" in parts.top


def test_what_else_an_image_has_changes_no_byte_of_a_shared_layer() -> None:  # W10
    libs = [file(f"{LIB}/lib{name}.so") for name in "abc"]
    one = digests(layered(file("/p"), libs[0], libs[1], Directory("/usr", 0o700, 7, 7)))
    other = digests(layered(file("/q", 9), libs[1], libs[2], Symlink(f"{LIB}/libb.so.1", "libb.so"), file("/etc/x", 9)))
    assert one[libs[1].path] == other[libs[1].path]


def test_mode_and_content_are_of_the_file_and_so_they_count() -> None:  # W10
    one = digests(layered(file("/p"), file("/l/a.so")))
    assert one != digests(layered(file("/p"), file("/l/a.so", mode=0o755)))
    assert one != digests(layered(file("/p"), file("/l/a.so", BIG + 1)))


def test_hard_links_are_one_file() -> None:  # W10
    parts = layered(file("/p"), file("/l/a.so", inode=5), file("/l/b.so", inode=5))
    (layer,) = parts.shared
    assert members(layer)["/l/b.so"].islnk()


def test_a_file_that_a_program_is_a_hard_link_of_stays_with_the_program() -> None:
    assert layered(file("/p", inode=5), file("/l/a.so", inode=5)).shared == ()


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        (file("/l/small.so", THRESHOLD - 1), "a layer costs a round trip"),
        (file("/etc/ld.so.cache", rank=RANK_GENERATED), "another image's differs"),
        (file("/q"), "it is a program"),
        (file("/p"), "it is the program"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.path,
)
def test_what_no_other_image_has_goes_to_the_top_layer(entry: File, why: str) -> None:  # W11
    parts = layered(entry, file("/l/large.so", THRESHOLD))
    assert names(parts) == ["/l/large.so"], why
    assert entry.path in parts.top


def test_the_largest_files_win_and_what_overflows_changes_no_other_layer() -> None:  # W12
    libs = [file(f"/l/{number}.so", THRESHOLD + number) for number in range(60)]
    parts, all_of_them = layered(file("/p"), *libs), layered(file("/p"), *libs, most=125)
    assert len(parts.shared) == 39
    assert set(names(parts)) == {one.path for one in libs[21:]}
    assert all(one.path in parts.top for one in libs[:21])
    assert digests(parts).items() <= digests(all_of_them).items()
    assert len(all_of_them.shared) == 60


def test_one_layer_is_a_number_of_layers() -> None:
    parts = layered(file("/p"), file("/l/a.so"), most=1)
    assert parts.shared == ()
    assert "/l/a.so" in parts.top


@pytest.mark.parametrize(
    ("loader", "libc"),
    [
        (f"{LIB}/ld-linux-x86-64.so.2", f"{LIB}/libc.so.6"),
        ("/lib/ld-2.28.so", "/lib/libc-2.28.so"),
        ("/lib/ld-musl-aarch64.so.1", "/usr/lib/libc.musl-aarch64.so.1"),
        ("/lib64/ld64.so.2", "/lib64/libc.so.6"),
    ],
)
def test_layers_have_one_order(loader: str, libc: str) -> None:  # W13
    entries = [
        file("/p"), file("/usr/share/zone", 8 * BIG, elf=False), file("/l/a.so", 2 * BIG), file("/l/z.so", 4 * BIG), file("/l/b.so", 2 * BIG + 1),
        file(libc), file(loader),
    ]  # fmt: skip
    expected = [loader, libc, "/l/z.so", "/l/a.so", "/l/b.so", "/usr/share/zone"]
    assert names(layered(*entries)) == expected
    assert names(layered(*reversed(entries))) == expected


def test_two_images_put_what_they_share_in_one_order() -> None:  # W13
    libs = [
        file(f"/l/{name}.so", size)
        for name, size in zip("abcdef", (5, 9, 3, 8, 9, 2), strict=True)
        for size in [size * BIG]
    ]
    one, other = names(layered(file("/p"), *libs)), names(layered(file("/q"), *libs[1::2]))
    assert [path for path in one if path in other] == other


def test_a_shared_layer_states_plain_directories_and_the_top_layer_the_real_ones() -> None:  # W14
    parts = layered(file("/p"), file("/data/x/big"), Directory("/data", 0o1777, 7, 8))
    below, above = members(parts.shared[0]), members(parts.top)
    assert [(m.mode, m.uid, m.gid, m.mtime) for m in (below["/data"], below["/data/x"])] == [(0o755, 0, 0, 0)] * 2
    assert (above["/data"].mode, above["/data"].uid, above["/data"].gid) == (0o1777, 7, 8)
    assert (above["/data/x"].mode, above["/data/x"].uid) == (0o755, 0)


def test_no_layer_deletes_anything() -> None:  # W15
    parts = layered(file("/p"), file("/l/a.so"), file("/etc/x", 3))
    layers: Iterable[Rootfs] = (*parts.shared, parts.top)
    assert not any("/.wh." in path for layer in layers for path in members(layer))


def test_data_is_the_same_layer_beside_programs_of_any_machine() -> None:  # W16
    bundle = File("/etc/ssl/certs/ca-certificates.crt", inline(b"-----BEGIN" * BIG), rank=2)
    one = digests(layered(file("/p"), bundle, file("/lib64/libc.so.6")))
    other = digests(layered(file("/q", 70), bundle, file("/lib/ld-musl-aarch64.so.1")))
    assert one[bundle.path] == other[bundle.path]
