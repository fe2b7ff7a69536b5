"""Every image option lands in the image, from the command line, from SCRATCHPACK_* and from scratchpack.toml."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import archives, build
from tests.support.cli import HOME, scratchpack

if TYPE_CHECKING:
    from pathlib import Path

_OPTIONS = {
    "entrypoint": '["/hello", "a b"]',
    "cmd": "--flag 'c d'",
    "env": "NAME=value",
    "user": "1000:2000",
    "workdir": "/srv",
    "expose": "8080",
    "volume": "/data",
    "label": "who=me",
    "stop-signal": "SIGINT",
    "healthcheck": "--interval=1m30s --retries=3 /hello --check",
    "created": "2026-01-31T12:00:00Z",
}
_SECOND = 10**9
_CONFIG = {
    "Entrypoint": ["/hello", "a b"],
    "Cmd": ["--flag", "c d"],
    "Env": ["NAME=value"],
    "User": "1000:2000",
    "WorkingDir": "/srv",
    "ExposedPorts": {"8080/tcp": {}},
    "Volumes": {"/data": {}},
    "Labels": {"who": "me"},
    "StopSignal": "SIGINT",
    "Healthcheck": {"Test": ["CMD", "/hello", "--check"], "Interval": 90 * _SECOND, "Retries": 3},
}


@pytest.fixture(scope="module")
def hello(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build.cc(tmp_path_factory.mktemp("options") / "hello", build.HELLO_C, "-static", "-s")


def _given(source: str, place: Path) -> tuple[list[str], dict[str, str]]:
    """The options as words, or as variables, or as a file of the working directory."""
    if source == "words":
        return [f"--{name}={value}" for name, value in _OPTIONS.items()], {}
    if source == "environment":
        quoted = {"env", "expose", "volume", "label"}
        names = {name: "SCRATCHPACK_" + name.upper().replace("-", "_") for name in _OPTIONS}
        return [], {names[name]: f"'{value}'" if name in quoted else value for name, value in _OPTIONS.items()}
    lines = [f"{name} = {json.dumps(value)}" for name, value in _OPTIONS.items()]
    lines[0] = f"entrypoint = {_OPTIONS['entrypoint']}"
    head = ["[tool.scratchpack]"] if source == "pyproject.toml" else []
    (place / source).write_text("\n".join([*head, *lines]))
    return [], {}


@pytest.mark.parametrize("source", ["words", "environment", "scratchpack.toml", "pyproject.toml"])
def test_every_option_of_the_image_lands_in_its_config(hello: Path, tmp_path: Path, source: str) -> None:
    words, env = _given(source, tmp_path)
    done = scratchpack(hello, *words, cwd=tmp_path, env=env)
    assert done.status == 0, done.err
    config = archives.read(tmp_path / "hello.tar").config
    assert config["config"] == _CONFIG
    assert config["created"] == "2026-01-31T12:00:00Z"


def _layout(place: Path) -> tuple[dict[str, Any], ...]:
    """The document the name points at, and the manifests below it."""

    def blob(digest: str) -> dict[str, Any]:
        document: dict[str, Any] = json.loads((place / "blobs" / digest.replace(":", "/")).read_bytes())
        return document

    top = blob(json.loads((place / "index.json").read_bytes())["manifests"][0]["digest"])
    return top, *[blob(entry["digest"]) for entry in top.get("manifests", ())]


def test_annotations_go_where_their_scope_says(hello: Path, tmp_path: Path) -> None:
    """One platform has no index of its own; with two, ``index:`` is the index's and the rest is each manifest's."""
    other = build.foreign(tmp_path / "hello-arm64")
    words = ("--annotation", "plain=1", "--annotation", "manifest:said=2", "--annotation", "index:top=3")
    done = scratchpack(hello, other, *words, "-o", "type=oci,tar=false,dest=two", cwd=tmp_path)
    assert done.status == 0, done.err
    index, *manifests = _layout(tmp_path / "two")
    assert index["annotations"] == {"top": "3"}
    assert [manifest["annotations"] for manifest in manifests] == [{"plain": "1", "said": "2"}] * 2
    assert [entry["platform"]["architecture"] for entry in index["manifests"]] == ["amd64", "arm64"]


@pytest.mark.parametrize("user", ["root", "nobody", "nonroot", "nobody:root"])
def test_a_user_by_name_brings_the_file_that_names_it(hello: Path, tmp_path: Path, user: str) -> None:
    """I15, and the reason of the file is the option."""
    done = scratchpack(hello, "--user", user, cwd=tmp_path)
    assert done.status == 0, done.err
    assert f"--user {user}" in done.err
    image = archives.read(tmp_path / "hello.tar")
    assert image.config["config"]["User"] == user
    assert {"etc/passwd", "etc/group"} <= set(image.files())


@pytest.mark.parametrize("words", [("--user", "ghost"), ("--user", "root", "--need", "users=never")])
def test_a_user_that_the_image_would_not_know_is_refused(hello: Path, tmp_path: Path, words: tuple[str, ...]) -> None:
    """I15."""
    done = scratchpack(hello, *words, cwd=tmp_path)
    assert done.status == 2
    assert "(I15)" in done.err
    assert "--include" in done.err
    assert not list(tmp_path.iterdir())


def test_a_number_needs_no_file(hello: Path, tmp_path: Path) -> None:
    """I15."""
    assert scratchpack(hello, "-q", "--user", "0", cwd=tmp_path).status == 0
    assert archives.read(tmp_path / "hello.tar").files() == ["hello"]


def test_many_outputs_of_one_run_have_one_layer(hello: Path, tmp_path: Path) -> None:
    """stdout names each, in the order asked for; the two records say the same digests."""
    words = "-q -o type=docker -o type=oci -o type=oci,tar=false -o type=tar,dest=root.tar -o type=local"
    records = ("--iidfile", "iid", "--metadata-file", "meta.json")
    done = scratchpack(hello, *words.split(), *records, cwd=tmp_path, env={"SOURCE_DATE_EPOCH": "1700000000"})
    assert (done.status, done.err) == (0, "")
    assert done.out.split() == ["hello.tar", "hello.oci.tar", "hello.oci", "root.tar", "hello.rootfs"]
    image = archives.read(tmp_path / "hello.tar")
    assert image.config["created"] == "2023-11-14T22:13:20Z"
    assert {member.mtime for member in image.members()} == {1700000000}
    (manifest,) = _layout(tmp_path / "hello.oci")
    meta = json.loads((tmp_path / "meta.json").read_bytes())
    assert (tmp_path / "iid").read_text() == manifest["config"]["digest"] == meta["images"][0]["config_digest"]
    assert [output["dest"] for output in meta["outputs"]] == done.out.split()
    assert (tmp_path / "root.tar").read_bytes() == image.layers[0]
    assert (tmp_path / "hello.rootfs/hello").read_bytes() == hello.read_bytes()


def test_a_pipe_gets_the_archive_and_nothing_else(hello: Path, tmp_path: Path) -> None:
    """The other outputs of the run are named on stderr then."""
    words = ("-o", "type=docker,dest=-,compression=zstd", "-o", "type=oci,compression=zstd")
    command = [sys.executable, "-m", "scratchpack", str(hello), "-q", *words]
    with (tmp_path / "piped.tar").open("wb") as pipe:
        env = {**os.environ, "PYTHONPATH": str(HOME)}
        done = subprocess.run(command, cwd=tmp_path, env=env, stdout=pipe, stderr=subprocess.PIPE, check=True)
    assert done.stderr == b"hello.oci.tar\n"
    assert scratchpack("verify", "piped.tar", cwd=tmp_path).status == 0


@pytest.mark.parametrize(
    ("output", "media"),
    [
        ("gzip", "gzip"),
        ("gzip,compression-level=9", "gzip"),
        ("zstd", "zstd"),
        ("zstd,compression-level=19", "zstd"),
        ("none", ""),
    ],
)
def test_a_compression_and_its_level_are_the_layers(hello: Path, tmp_path: Path, output: str, media: str) -> None:
    """I13: the layer's, and its media type says so (I14)."""
    done = scratchpack(hello, "-q", "-o", f"type=oci,tar=false,compression={output}", cwd=tmp_path)
    assert done.status == 0, done.err
    (manifest,) = _layout(tmp_path / "hello.oci")
    kind = "application/vnd.oci.image.layer.v1.tar"
    assert manifest["layers"][0]["mediaType"] == (f"{kind}+{media}" if media else kind)
    assert scratchpack("verify", "hello.oci", cwd=tmp_path).status == 0


@pytest.mark.parametrize("level", ["gzip,compression-level=10", "zstd,compression-level=20"])
def test_a_level_that_there_is_not_is_a_usage_error(hello: Path, tmp_path: Path, level: str) -> None:
    done = scratchpack(hello, "-o", f"type=docker,compression={level}", cwd=tmp_path)
    assert done.status == 2
    assert "hint: choose a level from 1 to" in done.err
    assert not list(tmp_path.iterdir())


def test_plain_progress_is_on_stderr_alone(hello: Path, tmp_path: Path) -> None:
    done = scratchpack(hello, "--progress=plain", cwd=tmp_path)
    assert (done.status, done.out) == (0, "hello.tar\n")
