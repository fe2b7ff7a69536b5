"""The words that are read without click mean what click makes of them; whatever else there is, click reads itself."""

from __future__ import annotations

from typing import Any

import click
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scratchpack.cli.options import given as named
from scratchpack.cli.pack import command
from scratchpack.cli.runs import OF_PACK, wanted
from scratchpack.cli.words import COMMANDS, PackWords, read
from scratchpack.config import SETTINGS

READ: dict[str, tuple[str, dict[str, Any]]] = {
    "a long option and its value": ("./app --tag app:1", {"tag": ("app:1",)}),
    "a long option with its value behind =": ("--tag=app:1 ./app", {"tag": ("app:1",)}),
    "a value with = in it": ("./app --env=A=B=C", {"env": ("A=B=C",)}),
    "an empty value": ("./app --cmd=", {"cmd": ""}),
    "a short option": ("./app -t app:1", {"tag": ("app:1",)}),
    "a short option with its value at once": ("./app -tapp:1", {"tag": ("app:1",)}),
    "a short flag before a short option": ("./app -qt app:1", {"quiet": True, "tag": ("app:1",)}),
    "what is repeated": ("./app -t a --tag b -tc", {"tag": ("a", "b", "c")}),
    "what is repeated and holds one value": ("./app -u 1 --user 2", {"user": "2"}),
    "a flag": ("./app --push", {"push": True}),
    "a flag turned off": ("./app --push --no-push", {"push": False}),
    "one of a few words": ("./app --sbom spdx", {"sbom": "spdx"}),
    "a value that may be left out": ("./app --load=podman", {"load": "podman"}),
    "stdout": ("./app -o -", {"output": ("-",)}),
    "the command's name": ("pack ./app -q", {"quiet": True}),
}
LEFT_TO_CLICK = (
    "",
    "inspect ./app",
    "pack",
    "--help",
    "./app --help",
    "./app -h",
    "--version",
    "./app --tga x",
    "./app --ta x",
    "./app -x",
    "./app -qx",
    "./app -t",
    "./app --tag",
    "./app -o",
    "./app --tag --push",
    "./app --push=true",
    "./app --no-tag x",
    "./app --sbom other",
    "./app --load",
    "./app --load docker",
    "./app --load=dokcer",
    "help",
    "version",
    "-V",
    "./app -- -q",
    "-",
    "-q",
)


def _by_click(words: list[str]) -> PackWords:
    values = command.make_context("pack", list(words[1:] if words[:1] == ["pack"] else words)).params
    binaries, config = values.pop("binaries"), values.pop("config")
    assert wanted(values, (), OF_PACK) == (None, None)  # takes the options of a run away, which are no settings
    return PackWords(binaries, named(values), config)


@pytest.mark.parametrize("form", READ)
def test_an_ordinary_form_is_read(form: str) -> None:
    line, meant = READ[form]
    assert read(line.split()) == PackWords(("./app",), meant) == _by_click(line.split())


def test_the_settings_file_and_several_binaries_are_read() -> None:
    assert read(["a", "--config", "x.toml", "b"]) == PackWords(("a", "b"), {}, "x.toml")


@pytest.mark.parametrize("line", LEFT_TO_CLICK)
def test_anything_else_is_left_to_click(line: str) -> None:
    assert read(line.split()) is None


_NAMES = [f"--{setting.name}" for setting in SETTINGS] + [f"-{setting.short}" for setting in SETTINGS if setting.short]
_VALUES = st.sampled_from(
    ["", "-", "--", "x", "a=b", "spdx", "git", "plain", "docker", "./app", "-1", "\udcff", *COMMANDS]
)
_OPTIONS = st.sampled_from(
    [*_NAMES, "--config", "--no-push", "--no-quiet", "-q", "-qq", "-qt", "--push", "--help", "--lo"]
)
_WORDS = st.one_of(
    _VALUES,
    _OPTIONS,
    st.builds("{}={}".format, _OPTIONS, _VALUES),
    st.builds("{}{}".format, _OPTIONS, _VALUES),
    st.text(st.characters(exclude_categories=[]), max_size=4),
)


@settings(max_examples=200)
@given(st.lists(_WORDS, min_size=1, max_size=7))
def test_whatever_is_read_click_reads_in_the_same_way(words: list[str]) -> None:
    mine = read(words)
    if mine is None:
        return
    try:
        assert mine == _by_click(words)
    except click.ClickException as error:
        pytest.fail(f"click refuses it: {error.format_message()}")


@given(
    st.lists(
        st.one_of(
            st.sampled_from([["--push"], ["--no-force"], ["-q"], ["--dry-run"]]),
            st.builds(lambda name, value: [name, value], st.sampled_from(["-t", "--env", "--user", "-o"]), st.text("ab=:", min_size=1)),
            st.builds(lambda name, value: [f"{name}={value}"], st.sampled_from(["--tag", "--cmd", "--user"]), st.text("ab=:")),
        ),
        max_size=6,
    )
)  # fmt: skip
def test_ordinary_words_are_all_read(options: list[list[str]]) -> None:
    words = ["./app", *(word for option in options for word in option)]
    assert read(words) == _by_click(words)
