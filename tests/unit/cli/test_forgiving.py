"""Words that people try: they do what is meant, or the answer says what was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scratchpack import __version__
from scratchpack.cli import main
from scratchpack.cli.pack import command
from scratchpack.config import NAMES
from scratchpack.engines.choose import ENGINES
from tests.support import build

if TYPE_CHECKING:
    from pathlib import Path


def _ended(words: str, capfd: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as end:
        main(words.split())
    out, err = capfd.readouterr()
    return int(end.value.code or 0), out, err


@pytest.mark.parametrize("words", ["version", "--version", "-V", "-v"])
def test_the_version_is_given_to_who_asks(words: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert _ended(words, capfd) == (0, f"scratchpack {__version__}\n", "")


@pytest.mark.parametrize(("words", "same"), [("help", "--help"), ("help verify", "verify --help")])
def test_help_is_what_the_option_says(words: str, same: str, capfd: pytest.CaptureFixture[str]) -> None:
    first, second = _ended(words, capfd), _ended(same, capfd)
    assert first[0] == 0
    assert "Usage: scratchpack" in first[1]
    assert first == second


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("inspct ./app", "did you mean the command inspect?"),
        ("verfy", "did you mean the command verify?"),
        ("help verfy", "Did you mean verify?"),
        ("template gooo", "did you mean go?"),
        ("template gitlb", "did you mean gitlab?"),
        ("./app --pussh", "--push"),
        ("./app --load=dokcer", "did you mean docker?"),
        ("./app -o type=dcoker", "did you mean type=docker?"),
        ("./app --need tpm=never", "did you mean"),
    ],
)
def test_a_slip_is_answered_with_what_was_meant(
    words: str, meant: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "app").write_bytes(b"")
    status, out, err = _ended(words, capfd)
    assert (status, out) == (2, "")
    assert meant in err


def test_a_file_of_a_name_like_a_command_is_no_slip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "verfy").write_bytes(b"no program")
    status, _, err = _ended("verfy", capfd)
    assert status == 3
    assert "did you mean" not in err


@pytest.mark.parametrize(
    ("words", "engine", "binaries"),
    [
        ("--load ./app", "auto", ("./app",)),
        ("--load docker ./app", "docker", ("./app",)),
        ("--load docker", "docker", ()),  # the engine, although a file has that name
        ("./app --load", "auto", ("./app",)),
        ("--load nothing ./app", "nothing", ("./app",)),  # refused later, as no engine
        ("./app -- --load ./app", None, ("./app", "--load", "./app")),
    ],
)
def test_load_before_a_file_stands_alone(
    words: str, engine: str | None, binaries: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("app", "docker"):
        (tmp_path / name).touch()
    if binaries:
        values = command.make_context("pack", words.split()).params
        assert (values["load"], values["binaries"]) == (engine, binaries)
    else:
        values = command.make_context("pack", words.split()).params  # refused later, for a binary is missing
        assert (values["load"], values["binaries"]) == (engine, ())


def test_the_engines_of_the_option_are_those_that_we_know() -> None:
    assert set(NAMES["load"].choices) == {*ENGINES, "auto"}


@pytest.fixture
def hello(tmp_path: Path) -> Path:
    return build.cc(tmp_path / "hello", build.HELLO_C, "-static")


@pytest.mark.parametrize("words", ["-o ctx", "-o type=dockerfile,dest=ctx", "--output dest=ctx", "-d ctx"])
def test_dockerfile_takes_the_options_of_pack(
    hello: Path, words: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(hello.parent)
    status, out, err = _ended(f"dockerfile hello {words} -t team/app:1", capfd)
    assert (status, out) == (0, "ctx\n"), err
    assert "-t docker.io/team/app:1 ctx" in err
    assert (hello.parent / "ctx/Dockerfile").is_file()


def test_dockerfile_writes_nothing_else(
    hello: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(hello.parent)
    status, _, err = _ended("dockerfile hello -o type=docker,dest=a.tar", capfd)
    assert status == 2
    assert "scratchpack pack … -o type=docker,dest=a.tar" in err
