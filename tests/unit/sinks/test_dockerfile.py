"""The Dockerfile of a context: nothing untrusted outside a JSON array or quotes (S12), old or new (S17)."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import dockerfile_parse
import pytest

from scratchpack.errors import InputError, OutputError
from scratchpack.oci.model import Healthcheck, ImageConfig
from scratchpack.rootfs import File, Rootfs, inline
from scratchpack.sinks import dockerfile
from scratchpack.sinks.dockerfile import DockerfileContext
from tests.support import table
from tests.support.hostile import HOSTILE_NAMES
from tests.support.images import AMD64, ARM64, hello

if TYPE_CHECKING:
    from pathlib import Path

NOT_UTF8 = "a\udcff"


def steps(text: str) -> list[tuple[str, str]]:
    parser = dockerfile_parse.DockerfileParser(fileobj=io.BytesIO(text.encode()))
    return [(line["instruction"], line["value"]) for line in parser.structure if line["instruction"] != "COMMENT"]


def test_a_plain_program_needs_four_instructions() -> None:
    text = dockerfile.dockerfile(ImageConfig(ARM64, entrypoint=("/hello",)))
    assert steps(text) == [
        ("FROM", "--platform=linux/arm64/v8 scratch"),
        ("ADD", "rootfs.tar /"),
        ("USER", "65532:65532"),
        ("ENTRYPOINT", '["/hello"]'),
    ]


@pytest.mark.parametrize("name", [name for name in HOSTILE_NAMES if name != NOT_UTF8])
def test_a_hostile_name_leaves_the_instruction_list_unchanged(name: str) -> None:
    """S12."""
    plain = ImageConfig(AMD64, entrypoint=("/x",), cmd=("x",), volumes=("/x",))
    hostile = ImageConfig(AMD64, entrypoint=("/" + name,), cmd=(name,), volumes=("/" + name,))
    found, expected = steps(dockerfile.dockerfile(hostile)), steps(dockerfile.dockerfile(plain))
    assert [step for step, _ in found] == [step for step, _ in expected]
    values = dict(found)
    assert json.loads(values["ENTRYPOINT"]) == ["/" + name]
    assert json.loads(values["CMD"]) == [name]


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_hostile_value_stays_in_its_quotes_or_is_refused(name: str) -> None:
    """S12."""
    config = ImageConfig(AMD64, entrypoint=("/x",), env=(("A", name),), labels=(("a", name),), working_dir="/" + name)
    if not name.isprintable():
        with pytest.raises(OutputError, match="cannot say this image in a Dockerfile") as caught:
            dockerfile.dockerfile(config)
        assert len(caught.value.details) == 3
        return
    found = steps(dockerfile.dockerfile(config))
    assert [step for step, _ in found] == ["FROM", "WORKDIR", "ADD", "ENV", "LABEL", "USER", "ENTRYPOINT"]


def test_everything_that_cannot_be_said_is_named_at_once() -> None:
    config = ImageConfig(
        AMD64,
        entrypoint=(NOT_UTF8,),
        user="a b",
        env=(("A B", "1"),),
        exposed_ports=("80 90",),
        stop_signal="$X",
        healthcheck=Healthcheck(("CMD-SHELL", "[x\\")),
    )
    with pytest.raises(OutputError) as caught:
        dockerfile.dockerfile(config)
    assert [detail.split()[0] for detail in caught.value.details] == [
        "env", "expose", "stop-signal", "healthcheck", "user", "entrypoint",
    ]  # fmt: skip
    assert "--at" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("check", "text"),
    [
        (Healthcheck(("NONE",)), "NONE"),
        (Healthcheck(("CMD", "/x", "a b"), retries=3), '--retries=3 CMD ["/x", "a b"]'),
        (Healthcheck(("CMD-SHELL", "x || exit 1"), 90 * 10**9, 1), "--interval=90s --timeout=1ns CMD x || exit 1"),
        (Healthcheck(("CMD", "/x"), 3600 * 10**9, start_period=1500 * 10**6),
         '--interval=1h --start-period=1500ms CMD ["/x"]'),
    ],
)  # fmt: skip
def test_a_health_check_is_written_as_dockerfiles_do(check: Healthcheck, text: str) -> None:
    config = ImageConfig(AMD64, entrypoint=("/x",), healthcheck=check)
    assert dict(steps(dockerfile.dockerfile(config)))["HEALTHCHECK"] == text


def test_the_context_holds_a_dockerfile_and_the_root_filesystem(tmp_path: Path) -> None:
    receipt = DockerfileContext(str(tmp_path / "context")).write(hello(), ImageConfig(AMD64, entrypoint=("/hello",)))
    assert (receipt.type, receipt.dest) == ("dockerfile", str(tmp_path / "context"))
    assert sorted(path.name for path in (tmp_path / "context").iterdir()) == ["Dockerfile", "rootfs.tar"]
    assert table.of_tar(tmp_path / "context" / "rootfs.tar") == {"/hello": "file 0755"}


def test_a_directory_that_holds_something_is_replaced_only_with_force(tmp_path: Path) -> None:
    """S17."""
    context = tmp_path / "context"
    context.mkdir()
    (context / "mine").write_text("mine")
    config = ImageConfig(AMD64, entrypoint=("/hello",))
    with pytest.raises(OutputError, match="not empty"):
        DockerfileContext(str(context)).write(hello(), config)
    assert [path.name for path in context.iterdir()] == ["mine"]
    DockerfileContext(str(context), force=True).write(hello(), config)
    assert sorted(path.name for path in context.iterdir()) == ["Dockerfile", "rootfs.tar"]
    assert [path.name for path in tmp_path.iterdir()] == ["context"]


def test_nothing_is_left_where_the_root_filesystem_cannot_be_an_image(tmp_path: Path) -> None:
    """S17, I16."""
    with pytest.raises(InputError, match="cannot put these files in an image"):
        DockerfileContext(str(tmp_path / "context")).write(Rootfs([File("/.wh.x", inline(b""))]), ImageConfig(AMD64))
    assert not list(tmp_path.iterdir())


def test_two_runs_write_the_same_bytes(tmp_path: Path) -> None:
    config = ImageConfig(AMD64, entrypoint=("/hello",), env=(("A", "1"), ("B", "2")))
    for name in ("one", "two"):
        DockerfileContext(str(tmp_path / name)).write(hello(), config)
    for file in ("Dockerfile", "rootfs.tar"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
