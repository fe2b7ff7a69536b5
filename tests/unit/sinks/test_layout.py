"""A layout directory is made in one piece, appended to, and valid at every moment (S17, S20)."""

from __future__ import annotations

import hashlib
import json
import threading
from typing import TYPE_CHECKING, Any

import pytest

from scratchpack.errors import OutputError
from scratchpack.oci.index import make_release
from scratchpack.sinks.layout import OciLayout, is_layout
from tests.support.images import hello, image

if TYPE_CHECKING:
    from pathlib import Path


def write(dest: Path, data: bytes, *names: str, force: bool = False) -> str:
    with OciLayout(str(dest), force=force) as layout:
        release = make_release([image(layout, hello(data))], names)
        layout.write(release)
    return release.top.digest


def check(dest: Path) -> dict[str, str]:
    """Every blob is what it is called, every descriptor leads to one; name to digest."""
    assert json.loads((dest / "oci-layout").read_bytes()) == {"imageLayoutVersion": "1.0.0"}
    for blob in (dest / "blobs/sha256").iterdir():
        assert hashlib.sha256(blob.read_bytes()).hexdigest() == blob.name
    manifests: list[dict[str, Any]] = json.loads((dest / "index.json").read_bytes())["manifests"]
    for entry in manifests:
        document = json.loads((dest / "blobs" / entry["digest"].replace(":", "/")).read_bytes())
        for blob in (document["config"], *document["layers"]):
            assert (dest / "blobs" / blob["digest"].replace(":", "/")).stat().st_size == blob["size"]
    return {entry["annotations"]["io.containerd.image.name"]: entry["digest"] for entry in manifests}


def test_a_new_layout_appears_whole(tmp_path: Path) -> None:
    digest = write(tmp_path / "l", b"one", "one")
    assert check(tmp_path / "l") == {"docker.io/library/one:latest": digest}
    assert [path.name for path in tmp_path.iterdir()] == ["l"]
    assert sorted(path.name for path in (tmp_path / "l").iterdir()) == ["blobs", "index.json", "oci-layout"]


def test_an_empty_directory_becomes_a_layout(tmp_path: Path) -> None:
    (tmp_path / "l").mkdir()
    assert check(tmp_path / "l" if write(tmp_path / "l", b"one", "one") else tmp_path)


def test_a_layout_is_appended_to_and_a_name_moves(tmp_path: Path) -> None:
    write(tmp_path / "l", b"one", "one", "both")
    second = write(tmp_path / "l", b"two", "two", "both")
    found = check(tmp_path / "l")
    assert found["docker.io/library/both:latest"] == found["docker.io/library/two:latest"] == second
    assert len(found) == 3
    write(tmp_path / "l", b"two", "two", "both")
    assert check(tmp_path / "l") == found
    assert [path.name for path in tmp_path.iterdir()] == ["l"]


def test_force_begins_a_layout_anew(tmp_path: Path) -> None:
    write(tmp_path / "l", b"one", "one")
    write(tmp_path / "l", b"two", "two", force=True)
    assert list(check(tmp_path / "l")) == ["docker.io/library/two:latest"]


def test_what_is_no_layout_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "l").mkdir()
    (tmp_path / "l" / "mine").write_text("precious")
    with pytest.raises(OutputError, match="not empty"):
        write(tmp_path / "l", b"one", "one")
    assert [path.name for path in (tmp_path / "l").iterdir()] == ["mine"]


@pytest.mark.parametrize("broken", ["", "[]", "{}", '{"manifests": 1}', '{"manifests": [1]}', "[" * 100_000])
def test_a_broken_index_is_said_and_kept(tmp_path: Path, broken: str) -> None:
    write(tmp_path / "l", b"one", "one")
    (tmp_path / "l/index.json").write_text(broken)
    with pytest.raises(OutputError, match="not an image index"):
        write(tmp_path / "l", b"two", "two")
    assert (tmp_path / "l/index.json").read_text() == broken
    assert [path.name for path in tmp_path.iterdir()] == ["l"]


def test_a_layout_that_appears_between_two_looks_is_appended_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S20: another run publishes right after this one saw that nothing stands there."""

    def look(path: str) -> bool:
        found = is_layout(path)
        monkeypatch.undo()
        write(tmp_path / "l", b"other", "other")
        return found

    monkeypatch.setattr("scratchpack.sinks.layout.is_layout", look)
    write(tmp_path / "l", b"one", "one")
    assert sorted(check(tmp_path / "l")) == ["docker.io/library/one:latest", "docker.io/library/other:latest"]


def test_many_runs_on_one_layout_all_arrive(tmp_path: Path) -> None:
    """S20: also those that find no layout when they begin."""
    failures: list[BaseException] = []

    def one(number: int) -> None:
        try:
            write(tmp_path / "l", b"%d" % number, f"app{number}")
        except BaseException as error:  # noqa: BLE001 - shown by the assertion
            failures.append(error)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(check(tmp_path / "l")) == 8
    assert [path.name for path in tmp_path.iterdir()] == ["l"]
