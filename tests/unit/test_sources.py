"""One schema: options win over variables, variables over the working directory's file; nothing else is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scratchpack.config import SETTINGS, Options
from scratchpack.errors import UsageError
from scratchpack.sources import Merged, merge

if TYPE_CHECKING:
    from pathlib import Path


def test_every_setting_has_a_field_and_every_field_a_setting() -> None:
    assert [setting.name.replace("-", "_") for setting in SETTINGS] == list(Options._fields)


def test_an_option_wins_over_a_variable_and_a_variable_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "scratchpack.toml").write_text('user = "1"\nworkdir = "/file"\nat = "/file"\n')
    environ = {"SCRATCHPACK_USER": "2", "SCRATCHPACK_WORKDIR": "/variable"}
    options, path, found, *_ = merge({"user": "3"}, environ=environ, directory=str(tmp_path))
    assert (options.user, options.workdir, options.at) == ("3", "/variable", "/file")
    assert (path, found) == (str(tmp_path / "scratchpack.toml"), True)


def test_a_project_file_is_read_for_its_own_section_only(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.scratchpack]\ntag = ["a:1", "b:2"]\n[tool.other]\nx = 1\n')
    options = merge({}, environ={}, directory=str(tmp_path)).options
    assert options.tag == ("a:1", "b:2")


def test_a_project_file_without_our_section_is_not_named(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.other]\nx = 1\n")
    assert merge({}, environ={}, directory=str(tmp_path)) == Merged(Options())


def test_a_table_of_strings_is_a_list_of_pairs(tmp_path: Path) -> None:
    (tmp_path / "scratchpack.toml").write_text('[env]\nTZ = "Europe/Berlin"\n[need]\nlocale = "always"\n')
    options = merge({}, environ={}, directory=str(tmp_path)).options
    assert options.env == ("TZ=Europe/Berlin",)
    assert options.need == ("locale=always",)


def test_a_variable_of_a_repeatable_setting_holds_shell_words() -> None:
    merged = merge({}, environ={"SCRATCHPACK_LABEL": "a=1 'b=two words'"}, directory="/nonexistent")
    assert merged.options.label == ("a=1", "b=two words")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('usr = "1"', "did you mean 'user'"),
        ("user = 1.5", "takes a string"),
        ("user = true", "takes a string"),
        ("user = []", "takes a string"),
        ("push = 'yes'", "true or false"),
        ("tag = [true]", "list of strings"),
        ("tag = {a = []}", "list of strings"),
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


def test_a_number_or_a_time_stands_for_its_text(tmp_path: Path) -> None:
    text = "user = 1000\nexpose = [8080, '53/udp']\ncreated = 2026-01-31T12:00:00Z\n[label]\nrevision = 7\n"
    (tmp_path / "scratchpack.toml").write_text(text)
    options = merge({}, environ={}, directory=str(tmp_path)).options
    assert (options.user, options.expose, options.label) == ("1000", ("8080", "53/udp"), ("revision=7",))
    assert options.created == "2026-01-31T12:00:00+00:00"


def test_what_a_command_does_not_take_is_passed_over_in_a_file_and_refused_as_a_variable(tmp_path: Path) -> None:
    (tmp_path / "scratchpack.toml").write_text("push = true\ntag = ['a']\nuser = '1'\n")
    merged = merge({}, environ={}, directory=str(tmp_path), command="inspect")
    assert merged.options == Options(user="1")
    assert merged.idle == ("push", "tag")
    with pytest.raises(UsageError, match="cannot use SCRATCHPACK_PUSH here: inspect does not take --push"):
        merge({}, environ={"SCRATCHPACK_PUSH": "1"}, directory="/nonexistent", command="inspect")
    assert (
        merge({}, environ={"SCRATCHPACK_PUSH": "0"}, directory="/nonexistent", command="inspect").options == Options()
    )
