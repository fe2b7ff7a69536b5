"""A registry that misbehaves, at the command line: exit 8, a message for people, bounded tries; and a second run arrives."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support import build
from tests.support.cli import Run, scratchpack
from tests.support.fake_registry import FakeRegistry, Reply

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def hello(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build.cc(tmp_path_factory.mktemp("refusals") / "hello", build.HELLO_C, "-static", "-s")


def _push(program: Path, fake: FakeRegistry, place: Path) -> Run:
    env = {"DOCKER_CONFIG": str(place), "REGISTRY_AUTH_FILE": "", "XDG_RUNTIME_DIR": ""}
    return scratchpack("-q", program, "-t", f"{fake.host}/team/app:v1", "--push", cwd=place, env=env)


@pytest.mark.parametrize("answer", ["401", "403", "404", "429", "500", "close"])
def test_a_refusal_ends_with_8_and_says_what_was_answered(hello: Path, tmp_path: Path, answer: str) -> None:
    reply = Reply(0, cut=answer) if answer == "close" else Reply(int(answer))
    with FakeRegistry() as fake:
        fake.on("POST", ".*/uploads/", reply)
        done = _push(hello, fake, tmp_path)
        posts = sum(seen.method == "POST" for seen in fake.seen)
    assert (done.status, done.out) == (8, "")
    assert done.err.startswith("scratchpack: cannot ")
    assert fake.host in done.err
    assert answer in done.err or answer == "close"
    assert "Traceback" not in done.err
    assert posts <= 2 * 3 + 1, "two blobs, three tries each, and what a second challenge may cost"


def test_a_push_that_broke_off_is_run_again(hello: Path, tmp_path: Path) -> None:
    with FakeRegistry() as fake:
        fake.drop_after = 5
        assert _push(hello, fake, tmp_path).status == 8
        assert not fake.manifests
        fake.drop_after = None
        again = _push(hello, fake, tmp_path)
        assert again.status == 0, again.err
        assert "team/app:v1" in fake.manifests
        assert again.out == f"{fake.host}/team/app@{again.out.strip().partition('@')[2]}\n"


def test_a_push_has_the_compression_that_it_was_given_beside_an_archive_of_another(hello: Path, tmp_path: Path) -> None:
    """And the archive's own, where nothing was said of it: one digest then."""
    env = {"DOCKER_CONFIG": str(tmp_path), "REGISTRY_AUTH_FILE": "", "XDG_RUNTIME_DIR": ""}
    with FakeRegistry() as fake:
        for tag, compression in (("plain", ""), ("zstd", ",compression=zstd")):
            words = ("-o", f"type=docker,dest={tmp_path}/a.tar", "-o", f"type=registry{compression}")
            done = scratchpack("-q", hello, "-t", f"{fake.host}/team/app:{tag}", *words, cwd=tmp_path, env=env)
            assert done.status == 0, done.err
        kinds = {
            tag: json.loads(fake.manifests[f"team/app:{tag}"][1])["layers"][0]["mediaType"].rpartition("+")[2]
            for tag in ("plain", "zstd")
        }
    assert kinds == {"plain": "gzip", "zstd": "zstd"}
