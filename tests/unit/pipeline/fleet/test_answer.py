"""What a worker gets and what it answers is checked: neither is believed further than it can be (W41)."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from scratchpack.config import Options
from scratchpack.errors import InputError, RemoteError
from scratchpack.pipeline.fleet import answer
from scratchpack.pipeline.fleet.model import Failure, FleetMember, Made
from scratchpack.pipeline.fleet.shelf import Shelf
from scratchpack.pipeline.fleet.task import Built, Push, Task, maker, read, written
from scratchpack.pipeline.fleet.work import make
from tests.support import build

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MEMBER = FleetMember("hello", ("hello",), ("localhost/hello:latest",), Options(layers="shared", user="1"))


def task(home: Path, **values: Any) -> Task:
    plain = Task(
        maker(), str(home), "", MEMBER.binaries, MEMBER.references, MEMBER.options, (Built("gzip", None),), str(home / "shelf"), None
    )  # fmt: skip
    return plain._replace(**values)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("work")
    build.cc(home / "hello", build.HELLO_C)
    return home


@pytest.fixture(scope="module")
def answered(home: Path) -> str:
    return make(written(task(home)))


def test_a_task_is_read_as_it_was_written(home: Path) -> None:
    whole = task(
        home,
        push=Push(("127.0.0.1:5000",), ()),
        builds=(Built("zstd", 7), Built("none", None)),
        outputs=("/a",),
        epoch="5",
    )
    assert read(written(whole)) == whole


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.update(format=2),
        lambda t: t["settings"].update(push=True),  # a setting of the run
        lambda t: t["settings"].update(nothing="x"),
        lambda t: t["settings"].update(user=["1"]),
        lambda t: t.update(binaries="hello"),
        lambda t: t.update(builds=[["gzip", -1]]),
        lambda t: t.update(push=[["a"]]),
        lambda t: t.pop("shelf"),
    ],
)
def test_what_is_no_task_is_refused(home: Path, change: Callable[[dict[str, Any]], object]) -> None:
    document = json.loads(written(task(home)))
    change(document)
    with pytest.raises(InputError, match="cannot read what is to be made"):
        read(json.dumps(document))
    assert "failed" in json.loads(make(json.dumps(document)))


def test_a_worker_of_another_version_makes_nothing(home: Path) -> None:
    found = answer.read(make(written(task(home, maker="scratchpack 0.0.1"))), MEMBER, None)
    assert isinstance(found, Failure)
    assert "other versions" in found.message


def test_a_worker_works_where_the_names_mean_something_and_goes_back(home: Path, tmp_path: Path) -> None:
    before = os.getcwd()
    assert "failed" in json.loads(make(written(task(home, directory=str(tmp_path)))))  # no hello there
    assert "failed" in json.loads(make(written(task(home, directory=str(tmp_path / "gone")))))
    assert os.getcwd() == before


def test_an_answer_is_an_image_whose_layers_stand_where_they_were_built(home: Path, answered: str) -> None:
    found = answer.read(answered, MEMBER, Shelf(str(home / "shelf")))
    assert isinstance(found, Made)
    (image,) = found.releases[0].images
    assert len(image.layers) > 1
    for layer in image.layers:
        with layer.blob.open() as stream:
            assert len(stream.read()) == layer.blob.size


def test_a_layer_that_is_there_is_not_built_again(home: Path, answered: str) -> None:
    shelf = home / "shelf/blobs/sha256"
    before = {path.name: path.stat().st_ino for path in shelf.iterdir()}
    assert json.loads(make(written(task(home))))["releases"] == json.loads(answered)["releases"]
    after = {path.name: path.stat().st_ino for path in shelf.iterdir()}
    changed = {name for name in before if before[name] != after[name]}
    assert len(changed) == 1  # the top layer alone


def _image(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["releases"][0]["images"][0]
    return found


@pytest.mark.parametrize(
    "lie",
    [
        lambda d: _image(d)["layers"][0].update(size=1),
        lambda d: _image(d)["layers"][0].update(digest="sha256:" + "0" * 64),
        lambda d: _image(d)["layers"][0].update(digest="../../etc/passwd"),
        lambda d: _image(d)["layers"][0].update(diff_id="sha256:" + "0" * 64),
        lambda d: _image(d)["layers"].pop(),
        lambda d: _image(d).update(config=_image(d)["config"].replace('"1"', '"0"')),
        lambda d: _image(d).update(manifest="{}"),
        lambda d: d["releases"][0].update(index="{}"),
        lambda d: d.update(size="large"),
        lambda d: d.update(failed={"message": "x", "exit_code": 0}),
    ],
)
def test_an_answer_that_contradicts_itself_is_not_used(
    answered: str, home: Path, lie: Callable[[dict[str, Any]], object]
) -> None:
    document = json.loads(answered)
    lie(document)
    with pytest.raises((RemoteError, InputError)):
        answer.read(json.dumps(document), MEMBER, Shelf(str(home / "shelf")))
