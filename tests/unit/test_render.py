"""Rendering: strict, and in a sandbox for what a user brings (S13)."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from scratchpack import render
from scratchpack.errors import ScratchpackError, UsageError
from tests.support.hostile import HOSTILE_NAMES

if TYPE_CHECKING:
    from pathlib import Path


def _user(tmp_path: Path, text: str, **context: object) -> str:
    (tmp_path / "own.j2").write_text(text)
    return render.render_user(tmp_path / "own.j2", "", context)


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_the_exec_form_is_one_line_of_ascii_that_reads_back_as_the_name(name: str) -> None:
    text = render.exec_form([name])
    assert text.isascii()
    assert text.isprintable()
    assert json.loads(text) == [name]


def test_an_undefined_name_in_a_built_in_template_is_our_fault() -> None:
    with pytest.raises(ScratchpackError, match=r"cannot render the template dockerfile/go\.Dockerfile\.j2") as caught:
        render.render("dockerfile/go.Dockerfile.j2", {})
    assert caught.value.exit_code == 1


def test_the_final_newline_of_a_template_stays(tmp_path: Path) -> None:
    assert _user(tmp_path, "a {{ b }}\n", b="c") == "a c\n"


def test_a_template_of_a_directory_is_found_by_its_name_and_includes_its_neighbours(tmp_path: Path) -> None:
    (tmp_path / "go.Dockerfile.j2").write_text("{% include 'part' %} {{ x }}")
    (tmp_path / "part").write_text("part")
    assert render.render_user(tmp_path, "go.Dockerfile.j2", {"x": 1}) == "part 1"


def test_a_users_template_may_build_on_a_built_in_one(tmp_path: Path) -> None:
    assert _user(tmp_path, "{% from 'dockerfile/_macros.j2' import output with context %}{{ output() }}",
                 entrypoint="/a b", build_args=(), cache_mounts=True) == "'/out/a b'"  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ x.append(1) }}",
        "{{ x.__init__.__globals__ }}",
        "{% include '../secret' %}",
        "{% include '/etc/shadow' %}",
        "{{ nothing }}",
        "{{ x.nothing }}",
        "{% if %}",
        "{{ 1 // 0 }}",
        "{{ range(10**7) | list | length }}",
        "{% for i in range(99999) %}{{ 'a' * 1000 }}{% endfor %}",
    ],
)
def test_a_users_template_cannot_leave_the_sandbox_and_says_what_is_wrong(tmp_path: Path, text: str) -> None:
    (tmp_path / "secret").write_text("secret")
    home = tmp_path / "home"
    home.mkdir()
    with pytest.raises(UsageError, match=r"cannot render the template .*own\.j2"):
        _user(home, text, x=[1])


def test_a_link_out_of_the_users_directory_is_not_followed(tmp_path: Path) -> None:
    """S13: the directory may come with somebody else's repository; the one file that the user names is the user's choice."""
    (tmp_path / "secret").write_text("secret")
    home = tmp_path / "home"
    home.mkdir()
    (home / "link").symlink_to("../secret")
    (home / "near").symlink_to("part")
    (home / "part").write_text("part")
    os.mkfifo(home / "pipe")
    (home / "large").write_bytes(b" " * (render.USER_TEMPLATE_CAP + 1))
    for name in ("link", "pipe", "large"):
        with pytest.raises(UsageError, match="cannot"):
            _user(home, f"{{% include '{name}' %}}")
    with pytest.raises(UsageError, match="cannot"):
        render.render_user(home, "link", {})
    assert _user(home, "{% include 'near' %}") == "part"
    assert render.render_user(home / "link", "", {}) == "secret"


def test_a_users_template_that_is_not_there_or_not_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no such file"):
        render.render_user(tmp_path / "none", "", {})
    (tmp_path / "binary").write_bytes(b"\xff")
    with pytest.raises(UsageError, match="cannot render"):
        render.render_user(tmp_path / "binary", "", {})
    (tmp_path / "large").write_bytes(b" " * (render.USER_TEMPLATE_CAP + 1))
    with pytest.raises(UsageError, match="larger than"):
        render.render_user(tmp_path / "large", "", {})
