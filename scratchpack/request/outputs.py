"""``-o type=TYPE[,KEY=VALUE…]``: what is written, where, and as what."""

from __future__ import annotations

import os

from scratchpack import foreign
from scratchpack.errors import UsageError
from scratchpack.sinks.model import Output

TYPES = ("docker", "oci", "local", "tar", "dockerfile", "registry")
KEYS = ("type", "dest", "compression", "compression-level", "tar", "force")
STDOUT_NAMES = ("/dev/stdout", "/dev/fd/1", "/proc/self/fd/1")  # what others call "-"
STDERR_NAMES = ("/dev/stderr", "/dev/fd/2", "/proc/self/fd/2")
_COMPRESSED = ("docker", "oci", "registry")  # these have layers


def outputs(values: tuple[str | Output, ...]) -> tuple[Output, ...]:
    """Each ``-o``, in the order given.

    Raises:
        UsageError: an unknown type or key, a key that means nothing to the type, two outputs on stdout.
    """
    found = tuple(_output(value) if isinstance(value, str) else _of_caller(value) for value in values)
    if sum(output.dest == "-" for output in found) > 1:
        raise UsageError("cannot write two outputs to stdout: give one of them another dest=")
    return found


def _output(text: str) -> Output:
    if "=" not in text:
        plain = "type=docker,dest=" + text if text == "-" or text.endswith(".tar") else "type=" + text
        table = _keys(plain, text)
    else:
        table = _keys(text, text)
    return _checked(table, text)


def _of_caller(value: Output) -> Output:
    """What was made in Python, held to the same rules."""
    table = {"type": str(value.type)}
    if value.dest is not None:
        table["dest"] = os.fsdecode(value.dest)
    if value.compression != Output("").compression:
        table["compression"] = str(value.compression)
    if value.level is not None:
        table["compression-level"] = str(value.level)
    table |= {key: "true" if flag else "false" for key, flag in (("tar", value.tar), ("force", value.force))}
    return _checked(table, ",".join(f"{key}={text}" for key, text in table.items()))


def _checked(table: dict[str, str], text: str) -> Output:
    kind = table.get("type", "")
    if kind not in TYPES:
        import difflib

        close = difflib.get_close_matches(kind.lower(), TYPES, 1)
        hint = f"did you mean type={close[0]}?" if close else "write it like type=docker,dest=app.tar"
        raise _wrong(text, f"type is one of {', '.join(TYPES)}", hint)
    dest = table.get("dest")
    if dest is not None and (not dest or "\0" in dest):
        raise _wrong(text, "dest= is empty")
    if dest is not None and kind != "registry":
        if os.path.normpath(dest) in STDERR_NAMES:
            raise _wrong(text, "messages go to standard error", "- is standard output")
        dest = "-" if os.path.normpath(dest) in STDOUT_NAMES else dest
    tar = _flag(table.get("tar", "true"), text)
    force = _flag(table.get("force", "false"), text)
    directory = kind in {"local", "dockerfile"} or not tar
    if not tar and kind != "oci":
        raise _wrong(text, "tar=false is for type=oci", "a tree of files is type=local")
    if dest == "-" and directory:
        raise _wrong(text, "a directory cannot go to stdout")
    if dest == "-" and kind == "registry":
        raise _wrong(text, "dest= of a registry is a name: registry.example.com/team/app:1.0")
    if force and not directory:
        raise _wrong(text, "force=true is for a directory", "a file is replaced anyway")
    compression, level = _compression(kind, table, text)
    if kind == "registry" and dest is not None:
        from scratchpack.request.names import destination

        destination(dest)
    return Output(kind, dest, compression, level, tar, force)


def _compression(kind: str, table: dict[str, str], text: str) -> tuple[str, int | None]:
    compression, level = table.get("compression", "gzip"), table.get("compression-level")
    if compression not in {"gzip", "zstd", "none"}:
        raise _wrong(text, "compression is gzip, zstd or none")
    if kind not in _COMPRESSED and ("compression" in table or level is not None):
        raise _wrong(text, f"type={kind} is not compressed", f"compression is for {', '.join(_COMPRESSED)}")
    if level is None:
        return compression, None
    from scratchpack.oci.compress import LEVELS

    levels = LEVELS[compression]
    number = foreign.decimal(level)
    if compression == "none" or number not in levels:
        why = (
            "what is not compressed has no level"
            if compression == "none"
            else f"compression-level={level} is no level of {compression}"
        )
        raise _wrong(
            text, why, "" if compression == "none" else f"choose a level from {levels.start} to {levels.stop - 1}"
        )
    return compression, number


def _keys(plain: str, text: str) -> dict[str, str]:
    table: dict[str, str] = {}
    for item in plain.split(","):
        key, equals, value = item.partition("=")
        key = key.strip()
        if not equals:
            raise _wrong(text, f"{item!r} is not KEY=VALUE")
        if key not in KEYS:
            raise _wrong(text, f"unknown key {key!r}", f"keys are {', '.join(KEYS)}")
        if key in table:
            raise _wrong(text, f"{key} is given twice")
        table[key] = value
    return table


def _flag(value: str, text: str) -> bool:
    if value not in {"true", "false"}:
        raise _wrong(text, f"{value!r} is neither true nor false")
    return value == "true"


def _wrong(text: str, why: str, hint: str = "") -> UsageError:
    return UsageError(f"cannot write -o {text}: {why}", hint=hint or None)
