"""Dynamic string tokens and the lists they stand in: ``$ORIGIN``, ``$LIB``, ``$PLATFORM`` (R6, R21)."""

from __future__ import annotations

import re
from typing import NamedTuple

_TOKEN = re.compile(r"\$(?:\{(ORIGIN|LIB|PLATFORM)\}|(ORIGIN|LIB|PLATFORM)(?![A-Za-z0-9_]))", re.ASCII)
_MUSL_ORIGIN = re.compile(r"\$(?:ORIGIN|\{ORIGIN\})")


class Tokens(NamedTuple):
    """What the tokens stand for, for one requester; ``None`` is a known token without a value."""

    origin: str | None
    lib: str | None = None
    platform: str | None = None


class Expanded(NamedTuple):
    """A text after substitution; ``by_origin`` when ``$ORIGIN`` was in it, ``platform`` when ``$PLATFORM`` was."""

    text: str
    by_origin: bool = False
    by_platform: bool = False


def expand(text: str, tokens: Tokens) -> Expanded | None:
    """Substitute as glibc does: unknown names stay literal, a known one without a value voids the text (``None``)."""
    if "$" not in text:
        return Expanded(text)
    used: set[str] = set()
    values = {"ORIGIN": tokens.origin, "LIB": tokens.lib, "PLATFORM": tokens.platform}
    void = False

    def substitute(match: re.Match[str]) -> str:
        nonlocal void
        name = match[1] or match[2]
        used.add(name)
        value = values[name]
        void = void or value is None
        return value or ""

    expanded = _TOKEN.sub(substitute, text)
    return None if void else Expanded(expanded, "ORIGIN" in used, "PLATFORM" in used)


def search_list(text: str, tokens: Tokens, separators: str) -> tuple[Expanded, ...]:
    """The directories of a glibc search list in order, each without its trailing slashes, each once.

    An empty element is the working directory, and adds nothing to the name found there, a list that is empty as a whole is nothing (R21).
    """
    if not text:
        return ()
    found: dict[str, Expanded] = {}
    for element in re.split(f"[{separators}]", text):
        expanded = expand(element, tokens)
        if expanded is None:
            continue
        directory = (expanded.text.rstrip("/") or "/") if expanded.text else ""
        found.setdefault(directory, expanded._replace(text=directory))
    return tuple(found.values())


def musl_search_list(text: str, origin: str | None) -> tuple[Expanded, ...]:
    """The directories of a musl rpath: one unknown token voids the whole string, ``$ORIGINX`` is origin plus "X" (R6)."""
    if "$" in _MUSL_ORIGIN.sub("", text):
        return ()
    by_origin = "$" in text
    if by_origin:
        if origin is None:
            return ()
        text = _MUSL_ORIGIN.sub(lambda _: origin, text)
    return tuple(Expanded(element, by_origin) for element in musl_split(text))


def musl_split(text: str) -> tuple[str, ...]:
    """The elements of a musl path list: colons and newlines separate, empty elements are skipped (R19, R21)."""
    return tuple(element for element in re.split("[:\n]", text) if element)
