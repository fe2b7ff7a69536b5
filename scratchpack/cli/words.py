"""The words of ``scratchpack BINARY…`` in their ordinary forms, read without click: words go in; binaries and settings, or ``None``, come out.

Importing click and building its forty options costs as much as packing a small program. ``None`` means that click reads the
words instead: for help, for everything that is wrong, and for forms that are seldom written. What is read here, click would
read in the same way (``tests/unit/cli/test_words.py`` holds the two together).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scratchpack.config import SETTINGS, Setting
from scratchpack.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# name: (module, the line in --help), in the order of --help
COMMANDS: dict[str, tuple[str, str]] = {
    "pack": ("pack", "Make an image of a program and exactly what it needs (the default command)."),
    "inspect": ("inspect", "Show what a program is, what it loads, and what it will open later."),
    "dockerfile": ("dockerfile", "Write a Dockerfile and its context for a program."),
    "template": ("template", "Print a multi-stage Dockerfile for a language, a Makefile part, a Bake file, a CI job."),
    "init": ("init", "Write the Dockerfile, .dockerignore and Makefile part that fit a repository."),
    "verify": ("verify", "Check an image, or a program, without running it."),
    "analyze": ("analyze", "Show what images hold, waste and share, and how to do without the waste."),
    "slim": ("slim", "Make of an image the one that holds exactly what it starts needs."),
    "squash": ("squash", "Make of an image one with the same files in fewer layers."),
    "completion": ("completion", "Print the completion script for a shell."),
    "help": ("help", "Show what a command does and takes."),
    "version": ("version", "Print the version."),
}

_CONFIG = Setting("config", "text", "", "")  # an option of the command line alone


class PackWords(NamedTuple):
    """What stood on the command line of one ``pack``."""

    binaries: tuple[str, ...]
    given: dict[str, Any]  # by the setting's name; a flag is a bool, what repeats a tuple
    config: str | None = None


def read(words: Sequence[str]) -> PackWords | None:
    """Read the words of a ``pack``; ``None`` for another command, and where a word is not plainly a binary or an option with its value."""
    if not words or (words[0] in COMMANDS and words[0] != "pack"):
        return None
    longs = {"--config": _CONFIG, **{f"--{setting.name}": setting for setting in SETTINGS if "pack" in setting.takes}}
    shorts = {f"-{setting.short}": setting for setting in longs.values() if setting.short}
    binaries: list[str] = []
    given: dict[str, Any] = {}
    rest = iter(words[1:] if words[0] == "pack" else words)
    for word in rest:
        if not word.startswith("-"):
            binaries.append(word)
        elif word.startswith("--"):
            name, equals, value = word.partition("=")
            setting = longs.get(name)
            if setting is None:
                setting, off = longs.get("--" + name.removeprefix("--no-")), True
                if not name.startswith("--no-") or setting is None or setting.kind != "flag":
                    return None
            else:
                off = False
            if not _take(given, setting, value if equals else None, rest, flag=not off):
                return None
        elif not _shorts(word, shorts, given, rest):
            return None
    if not binaries or "" in binaries:
        return None
    return PackWords(tuple(binaries), given, given.pop("config", None))


def _shorts(word: str, known: dict[str, Setting], given: dict[str, Any], rest: Iterator[str]) -> bool:
    """``-q``, ``-t NAME``, ``-tNAME``, ``-qt NAME``; whether it was any of them."""
    for place, letter in enumerate(word[1:], 2):
        setting = known.get("-" + letter)
        if setting is None:
            return False
        value = None if setting.kind == "flag" else word[place:] or None
        if not _take(given, setting, value, rest, flag=True):
            return False
        if setting.kind != "flag":
            return True
    return len(word) > 1


def _take(given: dict[str, Any], setting: Setting, value: str | None, rest: Iterator[str], *, flag: bool) -> bool:
    """Note one option, with the next word as its value where it has none of its own; whether that was plain."""
    if setting.kind == "flag":
        given[setting.name] = flag
        return value is None
    if value is None:
        value = None if setting.kind == "optional" else next(rest, None)
        if value is None or (value.startswith("-") and value != "-"):  # nothing, or an option where a value is due
            return False
    if setting.choices and value not in setting.choices:
        return False
    given[setting.name] = (*given.get(setting.name, ()), value) if setting.many else value
    return True
