"""From options, which are text, to the values that the rooms take: the image configuration and the outputs."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from scratchpack import foreign
from scratchpack.errors import UsageError
from scratchpack.oci.model import Healthcheck, ImageConfig
from scratchpack.sinks.model import Output

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from scratchpack.config import Options
    from scratchpack.elf.machines import Platform

OUTPUT_TYPES = ("docker", "oci", "local", "tar", "dockerfile", "registry")
DEFAULT_USER = "65532:65532"


def words(text: str, option: str) -> tuple[str, ...]:
    """A command given as a JSON array or as shell words.

    Raises:
        UsageError: it is neither.
    """
    if text.lstrip().startswith("["):
        return foreign.json_document(
            text, lambda why: UsageError(f"cannot use {option} {text!r}: a JSON array of strings is needed: {why}")
        ).texts()
    import shlex

    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        raise UsageError(f"cannot use {option} {text!r}: {error}") from None


def pairs(values: Iterable[str], option: str) -> tuple[tuple[str, str], ...]:
    """``NAME=VALUE`` texts, the last of one name winning; order of first appearance.

    Raises:
        UsageError: no ``=``, or no name before it.
    """
    table: dict[str, str] = {}
    for value in values:
        name, equals, text = value.partition("=")
        if not equals or not name:
            raise UsageError(f"cannot use {option} {value!r}: it takes NAME=VALUE")
        table[name] = text
    return tuple(table.items())


def environment(options: Options, environ: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """The planned environment of the image; ``-e NAME`` alone takes the value from ours, as engines do."""
    given = [f"{value}={environ[value]}" if "=" not in value and value in environ else value for value in options.env]
    return pairs(given, "--env")


def image_config(
    options: Options, platform: Platform, entrypoint: str, env: tuple[tuple[str, str], ...], created: str | None
) -> ImageConfig:
    """The image configuration; ``entrypoint`` is the program's path in the image."""
    command = (entrypoint,) if options.entrypoint is None else words(options.entrypoint, "--entrypoint")
    if not command:
        raise UsageError("cannot use an empty --entrypoint: an image must run something")
    if options.workdir is not None and not options.workdir.startswith("/"):
        raise UsageError(f"cannot use --workdir {options.workdir}: it takes an absolute path")
    return ImageConfig(
        platform,
        entrypoint=command,
        cmd=() if options.cmd is None else words(options.cmd, "--cmd"),
        env=env,
        user=options.user or DEFAULT_USER,
        working_dir=options.workdir or "",
        exposed_ports=tuple(_port(value) for value in options.expose),
        volumes=tuple(_volume(value) for value in options.volume),
        labels=pairs(options.label, "--label"),
        stop_signal=options.stop_signal or "",
        healthcheck=None if options.healthcheck is None else healthcheck(options.healthcheck),
        created=created,
    )


def _port(value: str) -> str:
    number, _, protocol = value.partition("/")
    low, _, high = number.partition("-")
    ends = [low, high] if high else [low]
    if not all(foreign.decimal(end, 65535) for end in ends) or protocol not in {"", "tcp", "udp", "sctp"}:
        raise UsageError(f"cannot use --expose {value!r}: it takes PORT, PORT/tcp, PORT/udp or PORT/sctp")
    return f"{number}/{protocol or 'tcp'}"


def _volume(value: str) -> str:
    if not value.startswith("/"):
        raise UsageError(f"cannot use --volume {value!r}: it takes an absolute path")
    return value


def scoped_annotations(values: Iterable[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Annotations of the manifests and of the index; ``manifest:`` and ``index:`` before a name say which.

    Raises:
        UsageError: not ``NAME=VALUE``.
    """
    manifest: dict[str, str] = {}
    index: dict[str, str] = {}
    for name, text in pairs(values, "--annotation"):
        scope, colon, rest = name.partition(":")
        if colon and scope in {"manifest", "index"}:
            (manifest if scope == "manifest" else index)[rest] = text
        else:
            manifest[name] = text
    return manifest, index


_UNITS = {"ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}


def _duration(text: str) -> int:
    import re

    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|s|m|h)", text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise UsageError(f"cannot use the duration {text!r} in --healthcheck: write 30s, 1m30s or 500ms")
    return round(sum(float(number) * _UNITS[unit] for number, unit in parts))


def healthcheck(text: str) -> Healthcheck:
    """``[--interval=D] [--timeout=D] [--start-period=D] [--retries=N] COMMAND``, or ``NONE`` (I18).

    Raises:
        UsageError: an unknown option, no command, a wrong number.
    """
    rest = text.strip()
    values = {"interval": 0, "timeout": 0, "start-period": 0, "retries": 0}
    while rest.startswith("--"):
        option, _, rest = rest.partition(" ")
        name, _, value = option[2:].partition("=")
        if name not in values:
            raise UsageError(f"cannot use {option!r} in --healthcheck: options are --{', --'.join(values)}")
        if name == "retries":
            number = foreign.decimal(value)
            if number is None:
                raise UsageError(f"cannot use {option!r} in --healthcheck: it takes a number")
            values[name] = number
        else:
            values[name] = _duration(value)
        rest = rest.lstrip()
    if rest == "NONE":
        return Healthcheck(("NONE",))
    command = words(rest.removeprefix("CMD "), "--healthcheck")
    if not command:
        raise UsageError("cannot use --healthcheck without a command")
    return Healthcheck(
        ("CMD", *command), values["interval"], values["timeout"], values["start-period"], values["retries"]
    )


def outputs(options: Options, name: str) -> tuple[Output, ...]:
    """What ``-o`` asked for; without any, and without ``--load`` or ``--push``, ``<name>.tar`` of type docker.

    Raises:
        UsageError: an unknown type or key, a missing destination, two outputs on stdout.
    """
    found = tuple(_output(text, name, force=options.force) for text in options.output)
    if not found and not options.load and not options.push:
        found = (Output("docker", f"{name}.tar"),)
    if sum(output.dest == "-" for output in found) > 1:
        raise UsageError("cannot write two outputs to stdout: give one of them another dest=")
    places = [os.path.abspath(output.dest) for output in found if output.dest not in {None, "-"}]
    if len(set(places)) < len(places):
        raise UsageError("cannot write two outputs to one place: give one of them another dest=")
    return found


def _output(text: str, name: str, *, force: bool) -> Output:
    if "=" not in text:
        text = "type=docker,dest=" + text if text == "-" or text.endswith(".tar") else "type=" + text
    table = dict(_item(item, text) for item in text.split(","))
    kind = table.pop("type", "")
    if kind not in OUTPUT_TYPES:
        raise UsageError(f"cannot write -o {text}: type is one of {', '.join(OUTPUT_TYPES)}")
    dest = table.pop("dest", None) or _default_dest(kind, name, tar=table.get("tar") != "false")
    compression = table.pop("compression", "gzip")
    if compression not in {"gzip", "zstd", "none"}:
        raise UsageError(f"cannot write -o {text}: compression is gzip, zstd or none")
    level = table.pop("compression-level", None)
    if level is not None and foreign.decimal(level, 22) is None:
        raise UsageError(f"cannot write -o {text}: compression-level is a number")
    tar = _flag(table.pop("tar", "true"), text)
    if dest == "-" and (kind in {"local", "dockerfile"} or not tar):
        raise UsageError(f"cannot write -o {text}: a directory cannot go to stdout")
    forced = _flag(table.pop("force", "false"), text) or force
    if table:
        raise UsageError(
            f"cannot write -o {text}: unknown key {next(iter(table))!r}",
            hint="keys are type, dest, compression, compression-level, tar, force",
        )
    return Output(kind, dest, compression, None if level is None else int(level), tar, forced)


def _item(item: str, text: str) -> tuple[str, str]:
    key, equals, value = item.partition("=")
    if not equals:
        raise UsageError(f"cannot write -o {text}: {item!r} is not KEY=VALUE")
    return key.strip(), value


def _flag(value: str, text: str) -> bool:
    if value not in {"true", "false"}:
        raise UsageError(f"cannot write -o {text}: {value!r} is neither true nor false")
    return value == "true"


def _default_dest(kind: str, name: str, *, tar: bool) -> str | None:
    match kind:
        case "docker" | "tar":
            return f"{name}.tar"
        case "oci":
            return f"{name}.oci.tar" if tar else f"{name}.oci"
        case "local":
            return f"{name}.rootfs"
        case "dockerfile":
            return f"{name}.context"
    return None


def creation_time(options: Options, environ: Mapping[str, str]) -> tuple[int, str | None]:
    """Seconds for every file time, and the config's ``created``, which is absent unless somebody said a time (I7).

    Raises:
        UsageError: neither RFC 3339 nor seconds.
    """
    text = environ.get("SOURCE_DATE_EPOCH")
    seconds = _seconds(text, "SOURCE_DATE_EPOCH") if text else None
    said = options.created
    if said is not None:
        return seconds or 0, _rfc3339(_seconds(said, "--created"))
    return seconds or 0, None if seconds is None else _rfc3339(seconds)


def _seconds(text: str, where: str) -> int:
    number = foreign.decimal(text)
    if number is not None:
        return number
    from datetime import UTC, datetime

    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"cannot use {where} {text!r}: it takes seconds since 1970, or a time such as 2026-01-31T12:00:00Z"
        ) from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def _rfc3339(seconds: int) -> str:
    from datetime import UTC, datetime

    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (OverflowError, ValueError, OSError):
        raise UsageError(f"cannot use the time {seconds}: it is out of range") from None
