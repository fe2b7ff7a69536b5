"""Images made to do harm end in a typed error or a finding, within bounds, and need no disk (S4, S5, S22, S25)."""

from __future__ import annotations

import contextlib
import gzip
import json
import random
import sys
import tarfile
import tempfile
from typing import TYPE_CHECKING, Any

import pytest

from scratchpack import proc
from scratchpack.errors import ScratchpackError, UsageError
from scratchpack.images.integrity import survey
from scratchpack.oci.budget import UnpackBudget, size
from scratchpack.oci.source import find_images
from scratchpack.oci.store import open_store
from scratchpack.verification.image import verify_store
from tests.support.cli import HOME
from tests.support.layouts import Layout
from tests.support.mutants import mutants

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

MEMORY = 256 << 20  # S4, of address space: what is mapped of Python itself counts too
SECONDS = 20  # of processor time; S4 says 2, and this machine may be busy
END = bytes(1024)


def entry(name: str, length: int = 0, kind: bytes = tarfile.REGTYPE) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.type, info.mode = length, kind, 0o755
    return info.tobuf(tarfile.GNU_FORMAT)


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 512)


def pax(*records: tuple[str, bytes]) -> bytes:
    body = b""
    for key, value in records:
        rest = f" {key}=".encode() + value + b"\n"
        length = len(rest) + 1
        while len(str(length)) + len(rest) != length:
            length = len(str(length)) + len(rest)
        body += str(length).encode() + rest
    return entry("pax", len(body), tarfile.XHDTYPE) + padded(body)


def lying(length: int) -> bytes:
    """A header whose size stands in binary, as GNU tar writes what octal digits cannot say."""
    head = bytearray(entry("x"))
    head[124:136] = (b"\xff" if length < 0 else b"\x80") + length.to_bytes(11, "big", signed=True)
    head[148:156] = b"        "
    head[148:156] = b"%06o\0 " % sum(head)
    return bytes(head)


def equal_entries() -> bytes:
    return gzip.compress(entry("a") * 40_000, 1) * 100  # a gzip file may have many members


def zeroes() -> bytes:
    return gzip.compress(entry("big", 1500 << 20)) + gzip.compress(bytes(100 << 20)) * 15


def sparse_spans() -> Iterator[bytes]:
    spans = ",".join(f"{number * 2},1" for number in range(60_000)).encode()
    version = (("GNU.sparse.major", b"0"), ("GNU.sparse.minor", b"1"), ("GNU.sparse.size", b"120000"))
    yield pax(*version, ("GNU.sparse.name", b"x"), ("GNU.sparse.map", spans))
    yield entry("sparse", 60_000) + padded(b"\x7f" * 60_000)


def endless_map() -> Iterator[bytes]:
    yield pax(
        ("GNU.sparse.major", b"1"), ("GNU.sparse.minor", b"0"), ("GNU.sparse.name", b"x"), ("GNU.sparse.realsize", b"9")
    )
    yield entry("sparse", 100 << 20)
    for _ in range(100):
        yield b"1" * (1 << 20)


LAYERS: dict[str, Iterable[bytes] | Callable[[], bytes]] = {
    "four million equal entries": equal_entries,
    "1.5 GB in 1.5 MB": zeroes,
    "sixty thousand spans": sparse_spans(),
    "a sparse map without an end": endless_map(),
    "twenty thousand pax headers": [pax(("a", b"b")) * 20_000, entry("a")],
    "pax records over each other": [entry("pax", 500_001, tarfile.XHDTYPE), padded(b"2 " * 250_000 + b"="), entry("a")],
    "a pax record of 900,000 digits": [pax(("comment", b"1" * 900_000)), entry("a")],
    "a size below zero": [lying(-512)],
    "a size of 2^62": [lying(1 << 62)],
    "a size of 2^40": [lying(1 << 40)],
    "an extended header of 5 GB": [entry("x", 5 << 30, tarfile.XHDTYPE)],
    "a chain of long names": [
        (entry("././@LongLink", 10, tarfile.GNUTYPE_LONGNAME) + padded(b"name")) * 3000,
        entry("a"),
    ],
    "a name with a NUL": [pax(("path", b"a\0b")), entry("a")],
    "an owner that is no number": [pax(("uid", b"9" * 5000), ("mtime", b"nan")), entry("a")],
    "a name out of the root": [entry("../../etc/passwd")],
    "text": [b"text" * 1000],
}


@pytest.mark.parametrize("what", LAYERS)
def test_a_layer_made_to_do_harm_ends_within_bounds(what: str, tmp_path: Path) -> None:
    """S4, S5, S25: in a process of little memory and time, which may write no file."""
    layout = Layout(tmp_path / "layout")
    given = LAYERS[what]
    path = layout.finish([layout.image(given() if callable(given) else [*given, END], Cmd=["/x"])])
    done = proc.run(
        [sys.executable, "-m", "scratchpack", "verify", path],
        timeout=120,
        limits=proc.Limits(memory=MEMORY, cpu=SECONDS),
        cwd=HOME,
    )
    assert done.status == 6, done.err.decode()
    assert b"FAILED:" in done.out
    assert done.err == b""


def test_what_unpacks_to_too_much_needs_no_disk_and_more_can_be_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "TemporaryFile", None)
    layout = Layout(tmp_path / "layout")
    layout.finish([layout.image([entry("big", 40 << 20), bytes(40 << 20), END])])
    with open_store(str(layout.path)) as store:
        assert survey(store, UnpackBudget("x")).issues == ()
        (issue,) = survey(store, UnpackBudget("x", 30 << 20)).issues
        assert "--max-unpacked" in str(issue) or "unpack to more than" in str(issue)
        (whole, image) = verify_store(store, unpacked=30 << 20)
    assert "unpack to more than" in whole.issues[0]
    assert image.unchecked == ("what it starts was not resolved: its layers could not be read to their end",)


def test_an_archive_compressed_as_a_whole_is_bounded_too(tmp_path: Path) -> None:
    (tmp_path / "a.tar.gz").write_bytes(gzip.compress(b"".join([entry("x", 50 << 20), bytes(50 << 20), END])))
    with (
        pytest.raises(ScratchpackError, match="unpack to more than"),
        open_store(str(tmp_path / "a.tar.gz"), unpacked=1 << 20),
    ):
        pass
    with open_store(str(tmp_path / "a.tar.gz")) as store:
        assert store.size("x") == 50 << 20


def test_an_index_that_names_one_child_many_times_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """S22: sixty times, three deep, are 216,000 ways to one image."""
    layout = Layout(tmp_path / "layout")
    below = layout.image([END])
    for _ in range(3):
        below = layout.index([below] * 60)
    path = layout.finish([below] * 60)
    reads: list[str] = []
    with open_store(str(path)) as store:
        read = store.document

        def counted(name: str) -> bytes:
            reads.append(name)
            return read(name)

        monkeypatch.setattr(store, "document", counted)
        found = survey(store, UnpackBudget("x"))
        assert found.issues == ()
        assert len(found.images) == 1
        assert len(find_images(store).found) == 1
    assert len(reads) < 20


def test_indexes_too_deep_and_too_many_are_said(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "layout")
    below = layout.image([END])
    for _ in range(5):
        below = layout.index([below])
    path = layout.finish([below])
    with open_store(str(path)) as store:
        assert any("nested" in str(issue) for issue in survey(store, UnpackBudget("x")).issues)
        assert find_images(store).faults
    layout.finish([layout.index([below] * 9000), layout.index([below] * 9001)])
    with open_store(str(path)) as store:
        assert any("name over" in str(issue) for issue in survey(store, UnpackBudget("x")).issues)


@pytest.mark.parametrize("document", ["index", "manifest", "config", "docker"])
def test_every_mutant_of_a_document_is_judged_or_refused(document: str, tmp_path: Path) -> None:
    """S5: wrong kinds, lone surrogates, 4,301 digits, depth: never another exception."""
    layout = Layout(tmp_path / "layout")
    run: dict[str, Any] = {"Cmd": ["/x"], "Env": ["A=b"], "User": "7:7", "WorkingDir": "/"}
    descriptor = layout.image([entry("x"), END], **run)
    path = layout.finish([descriptor])
    blobs = layout.path / "blobs/sha256"
    manifest = json.loads((blobs / descriptor["digest"][7:]).read_text())
    config = json.loads((blobs / manifest["config"]["digest"][7:]).read_text())
    config |= {"created": "2024-01-01T00:00:00Z", "history": [{"created_by": "x", "empty_layer": False}]}
    docker = [
        {"Config": "c.json", "RepoTags": ["a:1"], "Layers": [f"blobs/sha256/{manifest['layers'][0]['digest'][7:]}"]}
    ]
    names = {"index": "index.json", "docker": "manifest.json"}
    trees: dict[str, Any] = {
        "index": {"schemaVersion": 2, "manifests": [descriptor | {"platform": {"os": "linux", "architecture": "amd64"}}]},
        "manifest": manifest, "config": config, "docker": docker,
    }  # fmt: skip
    if document == "docker":
        (path / "index.json").unlink()
        (path / "c.json").write_text(json.dumps(config))
    count = 0
    for data in mutants(trees[document], random.Random(5)):
        count += 1
        if document in names:
            (path / names[document]).write_bytes(data)
        elif document == "manifest":
            layout.finish([layout.put(descriptor["mediaType"], data)])
        else:
            changed = manifest | {"config": layout.put(manifest["config"]["mediaType"], data)}
            layout.finish([layout.put(descriptor["mediaType"], changed)])
        with contextlib.suppress(ScratchpackError), open_store(str(path)) as store:
            for verdict in verify_store(store, house=True):
                json.dumps([verdict.issues, verdict.unchecked])
    assert count > 200


@pytest.mark.parametrize(
    ("text", "amount"), [("1500000", 1_500_000), ("512M", 512 << 20), ("20g", 20 << 30), ("1KiB", 1024)]
)
def test_a_size_is_read_as_people_write_it(text: str, amount: int) -> None:
    assert size(text) == amount


@pytest.mark.parametrize("text", ["", "G", "-1", "1.5G", "9" * 5000, "²", "20X"])
def test_what_is_no_size_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError):
        size(text)
