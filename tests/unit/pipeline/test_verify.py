"""An image argument is opened once: what is run, or compared with a lock, is what was judged (S10)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.oci.source import read_images
from scratchpack.pipeline.verify import carry_out
from scratchpack.request.model import Request
from scratchpack.verification.image import Verdict
from tests.support import build
from tests.support.images import docker_archive, hello

if TYPE_CHECKING:
    from pathlib import Path

    from scratchpack.oci.store import Store


def test_what_is_run_is_what_was_judged_whatever_takes_its_name_meanwhile(tmp_path: Path) -> None:
    program = build.cc(tmp_path / "hello", build.HELLO_C, "-static").read_bytes()
    release = docker_archive(tmp_path / "a.tar", hello(program))
    docker_archive(tmp_path / "b.tar", hello(b"another program"))

    def run(store: Store) -> Verdict:
        (tmp_path / "b.tar").replace(tmp_path / "a.tar")
        (image,) = read_images(store)
        return Verdict("run", (), (image.digest,))

    verdicts = carry_out(str(tmp_path / "a.tar"), Request("verify-image"), run=run)
    assert verdicts[-1].checked == (release.images[0].manifest_blob.digest,)


def test_an_image_that_is_wrong_is_not_run(tmp_path: Path) -> None:
    docker_archive(tmp_path / "a.tar", compression="none")
    data = bytearray((tmp_path / "a.tar").read_bytes())
    at = data.index(b"hello", 4096)
    data[at] ^= 1
    (tmp_path / "a.tar").write_bytes(data)
    ran: list[Store] = []

    def run(store: Store) -> Verdict:
        ran.append(store)
        return Verdict("run", (), ())

    assert any(verdict.issues for verdict in carry_out(str(tmp_path / "a.tar"), Request("verify-image"), run=run))
    assert ran == []
