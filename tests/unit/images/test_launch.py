"""What an image would start, as an engine would make it: Entrypoint and Cmd, the user by the image's own tables, PATH."""

from __future__ import annotations

from typing import Any

import pytest

from scratchpack.errors import InputError
from scratchpack.images.launch import DEFAULT_PATH, Launch, User, launch
from scratchpack.rootfs import File, Rootfs, inline
from scratchpack.verification.planned import PlannedRoot

PASSWD = b"""root:x:0:0:root:/root:/bin/sh
short:x
lies:x:number:7:::
web:x:33:44:www:/srv/web:/sbin/nologin
"""
GROUP = b"root:x:0:\nweb:x:44:\nlog:x:4:other,web\nssl:x:9:web\n"


def start(root: dict[str, bytes | tuple[bytes, int]] | None = None, **run: Any) -> Launch:
    tables: dict[str, bytes | tuple[bytes, int]] = {"/etc/passwd": PASSWD, "/etc/group": GROUP}
    return launch({"config": run}, planned(tables if root is None else root))


def planned(files: dict[str, bytes | tuple[bytes, int]]) -> PlannedRoot:
    pairs = {path: (value, 0o644) if isinstance(value, bytes) else value for path, value in files.items()}
    return PlannedRoot(Rootfs([File(path, inline(data), mode=mode) for path, (data, mode) in pairs.items()]))


def test_entrypoint_goes_before_cmd() -> None:
    assert start(Entrypoint=["/app", "-v"], Cmd=["serve"]).argv == ("/app", "-v", "serve")
    assert start(Entrypoint=None, Cmd=["sh"]).argv == ("sh",)


def test_a_base_image_starts_nothing_and_that_is_no_problem() -> None:
    made = launch({}, planned({}))
    assert made == Launch((), (("PATH", DEFAULT_PATH),), "/", User())
    assert made.program(planned({})) is None


def test_the_last_of_equal_variables_counts_and_path_has_a_default() -> None:
    assert start(Env=["A=1", "A=2", "EMPTY"]).env == (("A", "2"), ("EMPTY", ""), ("PATH", DEFAULT_PATH))
    assert start(Env=["PATH=/x"]).search_path == "/x"


@pytest.mark.parametrize(("said", "cwd"), [("", "/"), ("/", "/"), ("/srv/", "/srv"), ("srv", "/srv")])
def test_the_working_directory_is_absolute(said: str, cwd: str) -> None:
    assert start(WorkingDir=said).cwd == cwd


@pytest.mark.parametrize(
    ("said", "user"),
    [
        ("", User(0, 0, (), "/root")),
        ("web", User(33, 44, (4, 9), "/srv/web")),
        ("33", User(33, 44, (4, 9), "/srv/web")),
        ("web:log", User(33, 4, (), "/srv/web")),
        ("web:7", User(33, 7, (), "/srv/web")),
        ("65532:65532", User(65532, 65532)),
        ("65532", User(65532, 0)),
        (":44", User(0, 44, (), "/root")),
    ],
)
def test_a_user_is_looked_up_in_the_images_own_tables(said: str, user: User) -> None:
    made = start(User=said)
    assert (made.user, made.problems) == (user, ())


@pytest.mark.parametrize("said", ["nobody", "web:nogroup", "²", "99999999999", "-1", "short", "lies"])
def test_a_user_that_no_engine_finds_is_a_problem(said: str) -> None:
    """I15."""
    (problem,) = start(User=said).problems
    assert "(I15)" in problem


def test_a_command_is_looked_up_over_the_images_path() -> None:
    root = planned({"/a/tool": (b"", 0o644), "/b/tool": (b"", 0o755), "/srv/tool": (b"", 0o755)})
    found = start(Cmd=["tool"], Env=["PATH=/a:/b"]).program(root)
    assert found is not None
    assert found[0] == "/b/tool"  # as execvp does, one that may not be executed is passed over
    assert list(start(Cmd=["./tool"], WorkingDir="/srv").places("./tool")) == ["/srv/./tool"]
    assert list(start(Env=["PATH=:/b"], WorkingDir="/srv").places("tool")) == ["/srv/tool", "/b/tool"]


@pytest.mark.parametrize(
    "config",
    [
        {"config": []},
        {"config": {"Entrypoint": "app"}},
        {"config": {"Cmd": [7]}},
        {"config": {"Env": {"A": "b"}}},
        {"config": {"User": 7}},
        {"config": {"WorkingDir": ["/"]}},
        {"config": {"Entrypoint": ["a\0b"]}},
    ],
)
def test_a_field_of_another_type_is_refused(config: dict[str, Any]) -> None:
    """S5."""
    with pytest.raises(InputError, match="cannot read the image's config"):
        launch(config, planned({}))
