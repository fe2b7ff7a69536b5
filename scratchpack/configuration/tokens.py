"""From a text and its style to the values in it: each with the key that it belongs to and its line. Comments are gone.

Read from left to right, once; nothing nests, so neither depth nor length can run away.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from scratchpack.configuration.formats import XML, Style
from scratchpack.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_VALUES = 20_000  # of one text; a configuration has some hundred

_LONG = r'"""(?:[^"]|"(?!""))*+"""' + r"|'''(?:[^']|'(?!''))*+'''"
_QUOTED = r'"(?:[^"\\\n]|\\.)*+"' + r"|'(?:[^'\\\n]|\\.)*+'|`[^`\n]*+`"
_WORD = r"(?:[^\s;{}()\[\],\"'`\\]|\\[^\n]|(?<=\w)')++"
_XML_COMMENT = re.compile(r"<!--(?:[^-]|-(?!->))*+(?:-->|\Z)")
_XML = re.compile(
    r"(?<![\w:.-])([\w:.-]++)\s*+=\s*+(?:\"([^\"<]*+)\"|'([^'<]*+)')|<([\w:.-]++)|>([^<>]++)"
)  # an attribute | a tag | the text after one
_ESCAPE = re.compile(r"\\(.)")
_ASSIGNED = re.compile(r"(-{0,2}[\w.-]+(?:\[[^\]]*\])?)\+?[:+]?=(?!=|>)(.*)", re.DOTALL)


class ConfigValue(NamedTuple):
    """One value of a text."""

    key: str  # the word that it is assigned to, else the first of its statement
    text: str
    line: int
    place: int  # 1 for the first value of its key, and so on
    quoted: bool


def values(text: str, style: Style) -> Iterator[ConfigValue]:
    """Every value of a text, in its order; at most MAX_VALUES."""
    found = _xml_values(text) if style is XML else _values(text, style)
    for count, value in enumerate(found):
        if count >= MAX_VALUES:
            return
        yield value


@lru_cache(maxsize=16)
def _pattern(style: Style) -> re.Pattern[str]:
    return re.compile(
        rf"(?P<comment>{style.comment})|(?P<long>{_LONG})|(?P<quoted>{_QUOTED})|(?P<end>\n|[;{{}}])"
        rf"|(?P<open>[\[(])|(?P<close>[\])])|(?P<next>,)|(?P<go_on>\\\r?\n)|(?P<word>{_WORD})|(?P<other>[\"'`\\])|[ \t\r\f\v]++",
        re.DOTALL,
    )


def _values(text: str, style: Style) -> Iterator[ConfigValue]:
    key, first, place, line, depth = "", True, 0, 1, 0
    for match in _pattern(style).finditer(text):
        kind, found = match.lastgroup, match[0]
        if kind in {"quoted", "long"}:
            inner = found[3:-3] if kind == "long" else found[1:-1]
            inner = _ESCAPE.sub(r"\1", inner)
            if re.match(r"\s*+(?::(?!/)|=>)", text[match.end() : match.end() + 40]) and inner[:1] != "/":
                key, place, first = inner, 0, False  # {"key": …}, "key" => …
            else:
                place += 1
                yield ConfigValue(key, inner, line, place, quoted=True)
                first = False
        elif kind == "word":
            for is_key, part in _parts(found, first=first):
                if is_key:
                    key, place = part, 0
                elif part and style.bare:
                    place += 1
                    yield ConfigValue(key, part, line, place, quoted=False)
            first = first and found == "-"  # in YAML what follows "- " begins an entry, which may be a key's
        elif kind == "open":
            depth += 1
        elif kind == "close":
            depth = max(0, depth - 1)
        elif kind == "end" and found != "\n":
            key, first, place, depth = ("" if not style.joined else key), True, 0, 0
        elif kind == "end" and depth == 0 and not style.joined:
            first = True
        line += found.count("\n")


def _parts(word: str, *, first: bool) -> Iterator[tuple[bool, str]]:
    """Of one word without quotes: whether a part of it is a key or a value, and the part."""
    if word in {"=", ":", "=>", ":=", "+=", "-", "|"}:
        return
    if word.endswith(":") and len(word) > 1:
        yield True, word[:-1].lstrip("-+!")
        return
    assigned = _ASSIGNED.fullmatch(word)
    if assigned:
        yield True, assigned[1]
        yield False, assigned[2]
    elif first and not word.startswith("/"):
        yield True, word
    else:
        yield False, word


def _xml_values(text: str) -> Iterator[ConfigValue]:
    text = _XML_COMMENT.sub(lambda comment: "\n" * comment[0].count("\n"), text)
    tag, line, at = "", 1, 0
    for match in _XML.finditer(text):
        line += text.count("\n", at, match.start())
        at = match.start()
        name, double, single, opened, content = match.groups()
        if opened:
            tag = opened
        elif name:
            yield ConfigValue(name, double if double is not None else single, line, 1, quoted=True)
        elif content.strip():
            lead = content[: len(content) - len(content.lstrip())]
            yield ConfigValue(tag, content.strip(), line + lead.count("\n"), 1, quoted=True)
