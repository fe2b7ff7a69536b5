"""``scratchpack template``: stdout is the text, a file is never replaced, wrong options are named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.cli import scratchpack

if TYPE_CHECKING:
    from pathlib import Path


def test_stdout_is_the_text_and_nothing_else() -> None:
    run = scratchpack("template", "go", "--package", "./cmd/x", "--name", "x")
    assert (run.status, run.err) == (0, "")
    assert run.out.startswith("# Go, FROM scratch.")
    assert run.out.endswith('ENTRYPOINT ["/x"]\n')
    assert scratchpack("template", "go", "--package", "./cmd/x", "--name", "x", "-o", "-").out == run.out


def test_a_file_is_written_once_and_replaced_with_force(tmp_path: Path) -> None:
    assert scratchpack("template", "make", "-o", "scratchpack.mk", cwd=tmp_path).out == "scratchpack.mk\n"
    again = scratchpack("template", "c", "-o", "scratchpack.mk", cwd=tmp_path)
    assert again.status == 7
    assert "it is there already" in again.err
    assert (tmp_path / "scratchpack.mk").read_text().startswith("# The Makefile part")
    assert scratchpack("template", "c", "-o", "scratchpack.mk", "--force", cwd=tmp_path).status == 0


def test_the_list_goes_to_stdout() -> None:
    run = scratchpack("template", "--list")
    assert run.status == 0
    assert "go-cgo" in run.out


def test_a_users_template_gets_the_documented_variables(tmp_path: Path) -> None:
    (tmp_path / "mine.j2").write_text("FROM {{ image }} AS build\n{{ package }} {{ build_args | join(' ') }}\n")
    run = scratchpack("template", "go", "--template", tmp_path / "mine.j2", "--build-arg", "-v")
    assert run.out == "FROM golang:1.27-alpine AS build\n. -v\n"


def test_the_result_does_not_replace_the_template(tmp_path: Path) -> None:
    (tmp_path / "mine.j2").write_text("FROM {{ image }}\n")
    (tmp_path / "link").symlink_to("mine.j2")
    run = scratchpack("template", "go", "--template", "mine.j2", "-o", "link", "--force", cwd=tmp_path)
    assert (run.status, "would replace the template" in run.err) == (2, True), run.err
    assert (tmp_path / "mine.j2").read_text() == "FROM {{ image }}\n"


def test_what_cannot_be_is_a_usage_error() -> None:
    for words, why in (
        (("cobol",), "none of that name"),
        (("make", "--user", "0"), "cannot use --user with template make"),
        (("go", "--target", "x"), "cannot use --target with template go"),
        (("go", "--classic", "--link", "dynamic"), "cannot use --link dynamic for Go"),
        ((), "without its name"),
    ):
        run = scratchpack("template", *words)
        assert run.status == 2, run
        assert why in run.err
        assert run.out == ""
