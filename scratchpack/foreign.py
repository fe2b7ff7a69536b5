"""Text and documents that others wrote: bytes go in; values of the kind that was asked for come out, or the caller's own error (S5).

Every reader of JSON, TOML or digits from a stranger stands on this one, because Python's own readers leave through many doors: a
wrong kind is a ``TypeError`` or ``AttributeError`` far from where it was read, deep nesting a ``RecursionError``, 4,301 digits a
``ValueError``, a lone surrogate a ``UnicodeEncodeError`` where it is written again.

    manifest = foreign.json_document(data, lambda why: RemoteError(f"cannot read {name}: {why}"))
    digest = manifest["config"]["digest"].text()        # cannot read x: config.digest: a string is meant, not a number
    for layer in manifest.get("layers").items(): ...     # absent or null: as an empty one, as Go's readers take it
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Any

from scratchpack.errors import InputError
from scratchpack.pattern import pattern

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Iterator

    Fault = Callable[[str], Exception]  # makes the error to raise from why it could not be read

MAX_DOCUMENT = 4 << 20  # bytes (S22)
MAX_DEPTH = 100  # arrays and objects in each other; real documents have fewer than twenty
MAX_INT = (1 << 63) - 1  # what Go's int64 and TOML's integers hold
_MAX_DIGITS = 20
_MAX_SHOWN = 60  # characters of a member's name in a message

_SURROGATE = pattern("[\ud800-\udfff]")
_SURROGATE_ESCAPE = pattern(r"\\u[dD][89a-fA-F]")
_PLAIN_NAME = pattern(r"[A-Za-z_][A-Za-z0-9_-]*")
_DECIMAL = pattern(r"[0-9]{1,20}")  # str.isdigit holds for "²" as well, which int() refuses
# tomllib copies a dotted key once a part, so its time grows with the square of the parts
_TOML_STRING = pattern(r"\"(?:[^\"\\\n]|\\.)*+\"|'[^'\n]*+'")
_LONG_KEY = pattern(rf"(?<![A-Za-z0-9_-])(?:[A-Za-z0-9_-]++[ \t]*+\.[ \t]*+){{{MAX_DEPTH}}}")
_KINDS = {
    str: "a string",
    bool: "true or false",
    int: "a number",
    float: "a number with a fraction",
    type(None): "null",
    list: "an array",
    dict: "an object",
}


def _unreadable(why: str) -> InputError:
    return InputError(f"cannot read a document: {why}")


class Value:
    """One value of a document, and the place in it where it stands (``config.Entrypoint[1]``).

    A member that was asked for with :meth:`get` may be absent or null, and is then the empty value of the kind that is meant.
    """

    __slots__ = ("_fault", "_optional", "place", "raw")

    def __init__(self, raw: Any, fault: Fault = _unreadable, place: str = "", *, optional: bool = False) -> None:
        self.raw, self.place = raw, place  # raw: as Python's own reader gives it
        self._fault, self._optional = fault, optional

    def wrong(self, why: str) -> Exception:
        """The caller's error about this value, to be raised: its place, then why."""
        return self._fault(f"{self.place}: {why}" if self.place else why)

    @property
    def absent(self) -> bool:
        """Whether there is nothing, or null."""
        return self.raw is None

    def __getitem__(self, name: str) -> Value:
        """A member that must be there."""
        members = self._of_kind(dict)
        if name not in members:
            raise Value(None, self._fault, _member(self.place, name)).wrong("it is missing")
        return Value(members[name], self._fault, _member(self.place, name))

    def get(self, name: str) -> Value:
        """A member that may be absent or null."""
        return Value(self._of_kind(dict).get(name), self._fault, _member(self.place, name), optional=True)

    def text(self) -> str:
        """A string; one with a NUL in it is none, since no file, variable or argument can hold it."""
        text: str = self._of_kind(str)
        if "\0" in text:
            raise self.wrong("a string without a NUL is meant")
        return text

    def number(self, least: int = 0, most: int = MAX_INT) -> int:
        """A whole number within bounds."""
        number: int = self._of_kind(int)
        if not least <= number <= most:
            raise self.wrong(f"a number from {least} to {most} is meant")
        return number

    def flag(self) -> bool:
        """True or false."""
        flag: bool = self._of_kind(bool)
        return flag

    def items(self) -> Iterator[Value]:
        """The elements of an array."""
        for at, item in enumerate(self._of_kind(list)):
            yield Value(item, self._fault, f"{self.place}[{at}]")

    def members(self) -> Iterator[tuple[str, Value]]:
        """The members of an object, in its order."""
        for name, value in self._of_kind(dict).items():
            if "\0" in name:
                raise self.wrong("a member's name without a NUL is meant")
            yield name, Value(value, self._fault, _member(self.place, name))

    def texts(self) -> tuple[str, ...]:
        """An array of strings."""
        return tuple(item.text() for item in self.items())

    def table(self) -> dict[str, str]:
        """An object whose members are strings: labels, annotations."""
        return {name: value.text() for name, value in self.members()}

    def as_object(self) -> dict[str, Any]:
        """An object as it was read, to be written again."""
        members: dict[str, Any] = self._of_kind(dict)
        return members

    def _of_kind(self, kind: type) -> Any:
        if self.raw is None and self._optional:
            return kind()
        if type(self.raw) is not kind:  # a bool is an int to isinstance
            raise self.wrong(f"{_KINDS[kind]} is meant, not {_KINDS.get(type(self.raw), 'a date or time')}")
        return self.raw


def _member(place: str, name: str) -> str:
    if _PLAIN_NAME.fullmatch(name) and len(name) <= _MAX_SHOWN:
        return f"{place}.{name}" if place else name
    return f"{place}[{name[:_MAX_SHOWN]!a}]"


def json_document(data: bytes | str, fault: Fault = _unreadable, *, limit: int = MAX_DOCUMENT) -> Value:
    """Read JSON (RFC 8259): UTF-8, at most ``limit`` bytes, ``MAX_DEPTH`` deep, numbers that a double or an int64 holds.

    Raises:
        what ``fault`` makes: it is not that.
    """
    import json

    text = _utf8(data, fault, limit)
    try:
        value = json.loads(text, parse_int=_integer, parse_float=_fraction, parse_constant=_no_number)
    except RecursionError:
        raise fault(f"it is nested more than {MAX_DEPTH} deep") from None
    except ValueError as error:
        raise fault(f"it is not JSON ({error})") from None
    if text.count("[") + text.count("{") > MAX_DEPTH or _SURROGATE_ESCAPE.search(text):
        _hold(value, fault)
    return Value(value, fault)


def toml_document(data: bytes | str, fault: Fault = _unreadable, *, limit: int = MAX_DOCUMENT) -> Value:
    """Read TOML 1.0, within the same bounds.

    Raises:
        what ``fault`` makes: it is not that.
    """
    import tomllib

    text = _utf8(data, fault, limit)
    if text.count(".") > MAX_DEPTH and _LONG_KEY.search(_TOML_STRING.sub("q", text)):
        raise fault(f"it has a key of more than {MAX_DEPTH} parts")
    try:
        value = tomllib.loads(text)
    except RecursionError:
        raise fault(f"it is nested more than {MAX_DEPTH} deep") from None
    except ValueError as error:  # TOMLDecodeError is one, and so is what int() says of too many digits
        raise fault(f"it is not TOML ({error})") from None
    _hold(value, fault)
    return Value(value, fault)


def _utf8(data: bytes | str, fault: Fault, limit: int) -> str:
    if len(data) > limit:
        raise fault(f"it is longer than {limit} bytes")
    if isinstance(data, str):
        if _SURROGATE.search(data):
            raise fault("it is not UTF-8")
        return data
    try:
        return bytes(data).decode()
    except UnicodeDecodeError as error:
        raise fault(f"it is not UTF-8 (byte {error.start})") from None


def _integer(text: str) -> int:
    if len(text) > _MAX_DIGITS:
        raise ValueError(f"a number of {len(text)} digits")
    return int(text)


def _fraction(text: str) -> float:
    number = float(text)
    if number - number != 0:  # 1e999 is infinite
        raise ValueError("a number that is too large")
    return number


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number of JSON")


def _hold(value: Any, fault: Fault) -> None:
    """Go through a document level by level: how deep it is, lone surrogates, numbers that are too large."""
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        if any(type(one) is str and _SURROGATE.search(one) for one in level):
            raise fault("a string in it holds half a surrogate pair, which is no character")
        if any(type(one) is int and not -MAX_INT - 1 <= one <= 2 * MAX_INT + 1 for one in level):
            raise fault("a number in it needs more than 64 bits")
        arrays = [one for one in level if type(one) is list]
        tables = [one for one in level if type(one) is dict]
        if any(_SURROGATE.search(name) for one in tables for name in one):
            raise fault("a name in it holds half a surrogate pair, which is no character")
        if not arrays and not tables:
            return
        level = [item for one in arrays for item in one] + [item for one in tables for item in one.values()]
    raise fault(f"it is nested more than {MAX_DEPTH} deep")


def decimal(text: str, most: int = MAX_INT) -> int | None:
    """A number in ASCII digits, at most ``most``; ``None`` for anything else (a sign, a space, ``²``, 4,301 digits)."""
    number = int(text) if _DECIMAL.fullmatch(text) else None
    return number if number is not None and number <= most else None


def legible(data: bytes | str) -> str:
    r"""Text that every document can hold: what is not UTF-8 is escaped (``\xff``), and so are surrogates and NUL."""
    if isinstance(data, bytes):
        return data.decode("utf-8", "backslashreplace").replace("\0", "\\x00")
    if "\0" in data:
        data = data.replace("\0", "\\x00")
    return _SURROGATE.sub(_escaped, data)


def _escaped(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else f"\\u{code:04x}"  # a byte, by os.fsdecode


def file(path: str | os.PathLike[str], fault: Fault = _unreadable, *, limit: int = MAX_DOCUMENT) -> bytes | None:
    """A small regular file, whole; ``None`` where there is none. Nothing is waited for: a FIFO or a device is a fault (S6).

    Raises:
        what ``fault`` makes: it cannot be read, is no regular file, or is longer than ``limit`` bytes.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise fault(getattr(error, "strerror", None) or str(error)) from None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise fault("it is not a regular file")
        with os.fdopen(os.dup(descriptor), "rb") as stream:
            data = stream.read(limit + 1)
    except OSError as error:
        raise fault(error.strerror or str(error)) from None
    finally:
        os.close(descriptor)
    if len(data) > limit:
        raise fault(f"it is longer than {limit} bytes")
    return data
