"""An image argument is a path, an image of an engine or a reference of a registry, and says so before anything is opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scratchpack.errors import InputError, RemoteError, UsageError
from scratchpack.images.open import Argument, open_image, understand
from tests.support.images import docker_archive

if TYPE_CHECKING:
    from pathlib import Path


def test_the_four_kinds_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docker:odd").mkdir()
    assert understand("docker:odd") == Argument("docker:odd", "path")  # what exists is a path
    assert understand("docker:app:1") == Argument("docker:app:1", "engine", "docker", "app:1")
    assert understand("podman:example.org/app") == Argument(
        "podman:example.org/app", "engine", "podman", "example.org/app"
    )
    assert understand("containerd:app") == Argument("containerd:app", "engine", "containerd", "app")
    assert understand("app:1") == Argument("app:1", "registry", reference="app:1")


@pytest.mark.parametrize("text", ["app.tar", "./docker:app", "/no/such", "docker:", "example.org/APP:1", "app:1:2", ""])
def test_what_is_neither_a_file_nor_a_name_is_a_usage_error(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError):
        understand(text)


def test_a_path_is_opened_and_closed(tmp_path: Path) -> None:
    docker_archive(tmp_path / "a.tar")
    with open_image(str(tmp_path / "a.tar")) as store:
        assert store.size("manifest.json")
    with pytest.raises(InputError, match="neither a file nor a directory"), open_image("/dev/null"):
        pass


def test_an_engine_that_does_not_answer_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    with pytest.raises(RemoteError, match="cannot get app:1 from docker"), open_image("docker:app:1"):
        pass
