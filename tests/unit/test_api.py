"""The Python API: it lists itself, takes what a person would give, prints nothing, and says what it returns in one line and in JSON."""

from __future__ import annotations

import copy
import json
import os
import pickle
import re
import subprocess
import sys
import tarfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import scratchpack
from scratchpack import Options, Output, UsageError
from scratchpack.request import request
from tests.support import build
from tests.support.cli import HOME

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a static program, ``app``."""
    path = tmp_path_factory.mktemp("api")
    build.cc(path / "app", build.HELLO_C, "-static", "-s")
    return path


@pytest.fixture
def here(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """That directory, as the working directory; what was written there is taken away."""
    monkeypatch.chdir(home)
    yield home
    for path in home.iterdir():
        if path.name != "app":
            path.unlink()


def test_every_name_is_listed_and_there() -> None:
    assert set(scratchpack.__all__) <= set(dir(scratchpack))
    for name in scratchpack.__all__:
        assert getattr(scratchpack, name) is not None
    assert callable(scratchpack.verify)  # and not the room of that name
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        scratchpack.nothing  # type: ignore[attr-defined] # noqa: B018


def test_every_error_is_listed() -> None:
    from scratchpack import errors

    kinds = {name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)}
    assert kinds <= set(scratchpack.__all__)


def test_no_module_hides_a_name() -> None:
    assert not {path.stem for path in Path(scratchpack.__path__[0]).iterdir()} & set(scratchpack.__all__)


TAKEN: dict[str, tuple[Options, Options]] = {
    "one tag": (Options(tag="app"), Options(tag=("app",))),
    "a list": (Options(tag=["a", "b"]), Options(tag=("a", "b"))),
    "nothing in a list": (Options(tag=[]), Options()),
    "one port": (Options(expose=80), Options(expose=("80",))),
    "ports": (Options(expose=[80, "53/udp"]), Options(expose=("80", "53/udp"))),
    "a mapping of variables": (Options(env={"A": "1", "B": 2}), Options(env=("A=1", "B=2"))),
    "a variable of ours": (Options(env={"HERE": None}), Options(env=("HERE=yes",))),
    "labels": (Options(label={"a": "b=c"}), Options(label=("a=b=c",))),
    "needs": (Options(need={"tmp": "never"}), Options(need=("tmp=never",))),
    "a path": (Options(root=Path("/")), Options(root="/")),
    "a place": (Options(workdir=Path("/srv"), volume=Path("/data")), Options(workdir="/srv", volume=("/data",))),
    "files": (Options(include={"/a": "/b", "/c": None}), Options(include=("/a:/b", "/c"))),
    "one file": (Options(include=Path("/a")), Options(include=("/a",))),
    "words of a command": (Options(entrypoint=["/a", "b c"], cmd=()), Options(entrypoint='["/a", "b c"]', cmd="[]")),
    "a health check": (Options(healthcheck=["/a", "-c"]), Options(healthcheck="/a -c")),
    "platforms": (Options(platform=["linux/amd64", "linux/arm64"]), Options(platform="linux/amd64,linux/arm64")),
    "a number for a user": (Options(user=0), Options(user="0")),
    "seconds": (Options(created=0), Options(created="1970-01-01T00:00:00Z")),
    "a time": (Options(created=datetime(2026, 1, 31, tzinfo=UTC)), Options(created="2026-01-31T00:00:00Z")),
    "any engine": (Options(load=True), Options(load="auto")),
    "an output": (Options(output=Output("oci", "d", tar=False)), Options(output=("type=oci,dest=d,tar=false",))),
    "outputs": (
        Options(output=[Output("oci", "d", "zstd", 3), "type=tar"]),
        Options(output=("type=oci,dest=d,compression=zstd,compression-level=3", "type=tar")),
    ),
}


@pytest.mark.parametrize("what", TAKEN)
def test_a_value_is_taken_as_the_command_line_would_write_it(what: str) -> None:
    given, typed = TAKEN[what]
    assert request(given, "pack", {"HERE": "yes"}) == request(typed, "pack", {})


REFUSED: dict[str, dict[str, Any]] = {
    "a text for a flag": {"push": "no"},
    "a set, which has no order": {"tag": {"a", "b"}},
    "bytes": {"tag": b"app"},
    "a number that is none": {"env": {"A": 1.5}},
    "a mapping of tags": {"tag": {"a": "b"}},
    "an unknown output": {"output": Output("ocy")},
    "a compression of files": {"output": Output("local", "d", "zstd")},
    "an output among tags": {"tag": Output("docker")},
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_could_mean_two_things_is_refused(what: str) -> None:
    with pytest.raises(UsageError, match="cannot"):
        request(Options(**REFUSED[what]), "pack", {})


def test_one_path_is_one_binary(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for binary in ("app", here / "app", [Path("app")], iter(["app"])):
        packed = scratchpack.pack(binary, Options(tag="team/app:1", output=Output("docker", "out.tar")))
        assert packed.plans[0].placed == ("/app",)
        assert packed.references == ("docker.io/team/app:1",)
    with tarfile.open("out.tar") as tar:
        assert "manifest.json" in tar.getnames()
    verdicts = scratchpack.verify(here / "out.tar")
    assert not any(verdict.issues for verdict in verdicts)
    assert capfd.readouterr() == ("", ""), "nothing is printed"
    with pytest.raises(UsageError, match="no path"):
        scratchpack.pack(1)  # type: ignore[arg-type]


def test_the_environment_is_what_was_passed(here: Path) -> None:
    options = Options(output=Output("docker", "out.tar"), env={"NAME": None})
    packed = scratchpack.pack("app", options, environ={"NAME": "x", "SOURCE_DATE_EPOCH": "86400"})
    assert packed.plans[0].config.created == "1970-01-02T00:00:00Z"
    assert ("NAME", "x") in packed.plans[0].config.env
    with pytest.raises(UsageError, match="NAME"):
        scratchpack.pack("app", options, environ={})


def test_results_are_short_to_look_at_and_whole_in_json(here: Path) -> None:
    plan = scratchpack.inspect("app")
    packed = scratchpack.pack("app", Options(output=Output("docker", "out.tar")))
    whole = scratchpack.verify("out.tar")[0]
    assert repr(plan) == "<Plan /app linux/amd64: 1 files, 0 problems>"
    assert repr(packed) == "<Packed localhost/app:latest: out.tar>"
    assert repr(whole) == "<Verdict out.tar: right>"
    assert repr(Options(tag="app")) == "Options(tag='app')"
    assert json.loads(plan.to_json())["binary"]["linkage"] == "static"
    assert json.loads(packed.to_json())["outputs"][0]["dest"] == "out.tar"
    assert json.loads(whole.to_json())["verdicts"][0]["right"] is True


def test_an_error_is_short_to_look_at_whole_in_json_and_can_be_sent() -> None:
    error = scratchpack.ClosureError("cannot pack a\udcff", hint="h", details=("d",))
    assert repr(error) == "ClosureError('cannot pack a\\udcff')"
    assert json.loads(error.to_json()) == {
        "error": "ClosureError",
        "message": "cannot pack a\\xff",
        "hint": "h",
        "details": ["d"],
        "exit_code": 4,
    }
    for same in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert (type(same), same.message, same.hint, same.details) == (type(error), error.message, "h", ("d",))


def test_the_example_of_the_page_runs(here: Path) -> None:
    example = re.findall(r"```python\n(.*?)```", (HOME / "docs" / "api.md").read_text(), re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(example)],
        cwd=here,
        env={**os.environ, "PYTHONPATH": str(HOME)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "<Packed example.org/app:1.0: app.tar, app.oci.tar>" in done.stdout


def test_the_page_lists_every_name() -> None:
    text = (HOME / "docs" / "api.md").read_text()
    assert [name for name in scratchpack.__all__ if name != "__version__" and f"`{name}" not in text] == []
