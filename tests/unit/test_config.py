"""One schema: options win over variables, variables over the working directory's file; nothing else is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scratchpack.config import SETTINGS, Options, merge
from scratchpack.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


def test_every_setting_has_a_field_and_every_field_a_setting() -> None:
    assert [setting.name.replace("-", "_") for setting in SETTINGS] == list(Options._fields)


def test_an_option_wins_over_a_variable_and_a_variable_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "scratchpack.toml").write_text('user = "1"\nworkdir = "/file"\nat = "/file"\n')
    environ = {"SCRATCHPACK_USER": "2", "SCRATCHPACK_WORKDIR": "/variable"}
    options, path = merge({"user": "3"}, environ=environ, directory=str(tmp_path))
    assert (options.user, options.workdir, options.at) == ("3", "/variable", "/file")
    assert path == str(tmp_path / "scratchpack.toml")


def test_a_project_file_is_read_for_its_own_section_only(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.scratchpack]\ntag = ["a:1", "b:2"]\n[tool.other]\nx = 1\n')
    options, _ = merge({}, environ={}, directory=str(tmp_path))
    assert options.tag == ("a:1", "b:2")


def test_a_project_file_without_our_section_is_not_named(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.other]\nx = 1\n")
    assert merge({}, environ={}, directory=str(tmp_path)) == (Options(), None)


def test_a_table_of_strings_is_a_list_of_pairs(tmp_path: Path) -> None:
    (tmp_path / "scratchpack.toml").write_text('[env]\nTZ = "Europe/Berlin"\n[need]\nlocale = "always"\n')
    options, _ = merge({}, environ={}, directory=str(tmp_path))
    assert options.env == ("TZ=Europe/Berlin",)
    assert options.need == ("locale=always",)


def test_a_variable_of_a_repeatable_setting_holds_shell_words() -> None:
    options, _ = merge({}, environ={"SCRATCHPACK_LABEL": "a=1 'b=two words'"}, directory="/nonexistent")
    assert options.label == ("a=1", "b=two words")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('usr = "1"', "did you mean 'user'"),
        ("user = 1", "takes a string"),
        ("push = 'yes'", "true or false"),
        ("tag = [1]", "list of strings"),
        ('sbom = "x"', "one of spdx, cyclonedx"),
        ("user = ", "cannot read the configuration"),
    ],
)
def test_a_wrong_setting_is_refused_with_its_file(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "scratchpack.toml").write_text(text)
    with pytest.raises(UsageError) as caught:
        merge({}, environ={}, directory=str(tmp_path))
    assert message in f"{caught.value.message} {caught.value.hint}"
    assert str(tmp_path) in caught.value.message


def test_a_configuration_that_was_named_must_be_there() -> None:
    with pytest.raises(UsageError, match="no such file"):
        merge({}, environ={}, config="/nonexistent/x.toml")
