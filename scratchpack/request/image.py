"""What stands in the image's configuration: commands, environment, user, directories, ports, labels, annotations."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scratchpack import foreign
from scratchpack.errors import UsageError
from scratchpack.request.model import Annotations

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MAX_ID = (1 << 31) - 1  # docker's and podman's highest user and group
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\$?")  # of a user or group, as useradd takes it
_VARIABLE = re.compile(r"[!-<>-~]+")  # printable ASCII but = and space
_PROTOCOLS = ("tcp", "udp", "sctp")


def words(text: str, option: str) -> tuple[str, ...]:
    """A command given as a JSON array or as shell words.

    Raises:
        UsageError: it is neither, or holds what no argument can.
    """
    if text.lstrip().startswith("["):
        document = foreign.json_document(
            text, lambda why: UsageError(f"cannot use {option} {text!r}: not a JSON array of strings: {why}")
        )
        return document.texts()
    import shlex

    _legible(text, option)
    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        raise UsageError(f"cannot use {option} {text!r}: {error}") from None


def entrypoint(text: str) -> tuple[str, ...]:
    """``--entrypoint``: at least one word."""
    command = words(text, "--entrypoint")
    if not command or not command[0]:
        raise UsageError("cannot use an empty --entrypoint: an image must run something")
    return command


def cmd(text: str) -> tuple[str, ...]:
    """``--cmd``."""
    return words(text, "--cmd")


def pairs(values: Iterable[str], option: str) -> tuple[tuple[str, str], ...]:
    """``NAME=VALUE`` texts, the last of one name winning; order of first appearance.

    Raises:
        UsageError: no ``=``, no name before it, or what is not text.
    """
    table: dict[str, str] = {}
    for value in values:
        name, equals, text = value.partition("=")
        if not equals or not name.strip():
            raise UsageError(f"cannot use {option} {value!r}: it takes NAME=VALUE")
        table[_legible(name, option)] = _legible(text, option)
    return tuple(table.items())


def environment(values: tuple[str, ...], environ: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """The planned environment of the image; ``-e NAME`` alone takes the value from ours, as engines do."""
    for value in values:
        if "=" not in value and value not in environ:
            raise UsageError(
                f"cannot use --env {value!r}: it takes NAME=VALUE, or the NAME of a variable that is set here"
            )
    given = pairs((value if "=" in value else f"{value}={environ[value]}" for value in values), "--env")
    for name, _ in given:
        if not _VARIABLE.fullmatch(name):
            raise UsageError(
                f"cannot use --env {name!r}: a variable's name is letters, digits and signs without a space"
            )
    return given


def labels(values: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """``--label``."""
    return pairs(values, "--label")


def scoped_annotations(values: tuple[str, ...]) -> Annotations:
    """Annotations of the manifests and of the index; ``manifest:`` and ``index:`` before a name say which."""
    tables: dict[str, dict[str, str]] = {"manifest": {}, "index": {}}
    for name, text in pairs(values, "--annotation"):
        scope, colon, rest = name.partition(":")
        scoped = bool(colon) and scope in tables
        if scoped and not rest.strip():
            raise UsageError(f"cannot use --annotation {name}={text!r}: a name is missing after {scope}:")
        tables[scope if scoped else "manifest"][rest if scoped else name] = text
    return Annotations(tuple(tables["manifest"].items()), tuple(tables["index"].items()))


def user(text: str) -> str:
    """``UID[:GID]``, each a number that an engine takes, or a name."""
    parts = text.split(":")
    if len(parts) > 2 or not all(parts):
        raise _wrong_user(text, "it takes UID or UID:GID")
    for part in parts:
        if part.isdigit():
            if foreign.decimal(part, MAX_ID) is None:
                raise _wrong_user(text, f"a number is from 0 to {MAX_ID}")
        elif not _NAME.fullmatch(part) or len(part) > 32:
            raise _wrong_user(text, f"{part!r} is neither a number nor a name")
    return text


def _wrong_user(text: str, why: str) -> UsageError:
    return UsageError(f"cannot use --user {text!r}: {why}", hint="write it like 65532:65532, or like nobody")


def ports(values: tuple[str, ...]) -> tuple[str, ...]:
    """``PORT[/PROTOCOL]``, each with its protocol."""
    return tuple(dict.fromkeys(_port(value) for value in values))


def _port(value: str) -> str:
    text, slash, protocol = value.partition("/")
    hint = None
    number = foreign.decimal(text, 65535)
    if number and (protocol.lower() in _PROTOCOLS if slash else True):
        return f"{number}/{protocol.lower() or 'tcp'}"
    low, _, high = text.partition("-")
    first, last = foreign.decimal(low, 65535), foreign.decimal(high, 65535)
    if first and last and first < last:
        hint = f"an image names each port by itself: --expose {first} --expose {first + 1} …"
    elif ":" in text:
        hint = "an image says only what it listens on: --expose 80; who runs it says where it is published"
    raise UsageError(
        f"cannot use --expose {value!r}: it takes PORT, PORT/tcp, PORT/udp or PORT/sctp, PORT from 1 to 65535",
        hint=hint,
    )


def workdir(text: str) -> str:
    """``--workdir``: absolute."""
    return absolute(text, "--workdir")


def volumes(values: tuple[str, ...]) -> tuple[str, ...]:
    """``--volume``: absolute directories below the root."""
    for value in values:
        source, colon, inside = value.partition(":")
        if colon and inside.startswith("/"):
            raise UsageError(
                f"cannot use --volume {value!r}: it takes a directory of the image",
                hint=f"what is mounted there is for who runs it to say: --volume {inside.partition(':')[0]} here, "
                f"-v {source}:{inside} there",
            )
        if not absolute(value, "--volume").strip("/"):
            raise UsageError("cannot use --volume /: the whole image cannot be a volume")
    return tuple(dict.fromkeys(values))


def at(text: str) -> str:
    """``--at``: the absolute path of a file."""
    if text.endswith("/") or not text.startswith("/"):
        raise UsageError(f"cannot place the program at {text!r}: --at takes the absolute path of a file in the image")
    return absolute(text, "--at")


def absolute(text: str, option: str) -> str:
    """An absolute path of the image.

    Raises:
        UsageError: it is relative, or climbs with ``..``.
    """
    if not text.startswith("/"):
        raise UsageError(f"cannot use {option} {text!r}: it takes an absolute path in the image")
    if ".." in text.split("/"):
        raise UsageError(f"cannot use {option} {text!r}: it takes a path without ..")
    return _legible(text, option)


def _legible(text: str, option: str) -> str:
    """A text that a JSON document and an engine take."""
    if "\0" in text or foreign.legible(text) != text:
        raise UsageError(f"cannot use {option} {foreign.legible(text)!r}: it is not UTF-8, or holds a NUL")
    return text
