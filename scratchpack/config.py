"""One schema for the options, ``SCRATCHPACK_*``, ``scratchpack.toml`` and ``[tool.scratchpack]``.

Precedence: options, then environment, then the file of the working directory (or ``--config FILE``). The directory of
the input is never looked at: a downloaded tool must not be able to say what is packed or where it is pushed.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from scratchpack.errors import UsageError
from scratchpack.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class Setting(NamedTuple):
    """One setting: ``name`` is its option (``--name``), its key in the file, and ``SCRATCHPACK_NAME``."""

    name: str
    kind: str  # "text" | "flag" | "choice" | "optional" (an option whose value may be left out)
    group: str
    help: str
    many: bool = False
    short: str = ""
    metavar: str = ""
    choices: tuple[str, ...] = ()
    flag_value: str = ""  # of "optional": the value when none is given


SETTINGS: tuple[Setting, ...] = (
    Setting(
        "output",
        "text",
        "Output",
        "Where the result goes, and as what; repeatable. type=docker|oci|local|tar|registry|dockerfile, then "
        "dest=PATH (or - for stdout), compression=gzip|zstd|none, compression-level=N, tar=false (type=oci: a "
        "directory), force=true (replace a directory). Default: <name>.tar of type docker.",
        many=True,
        short="o",
        metavar="type=TYPE[,dest=PATH…]",
    ),
    Setting("tag", "text", "Output", "The image's name; repeatable.", many=True, short="t", metavar="NAME[:TAG]"),
    Setting(
        "platform",
        "text",
        "Output",
        "Check that the binaries are of these platforms, and order them so.",
        metavar="OS/ARCH[/VARIANT],…",
    ),
    Setting(
        "load",
        "optional",
        "Output",
        "Load the image into an engine: docker, podman or containerd; without a value, whichever answers.",
        metavar="ENGINE",
        flag_value="auto",
    ),
    Setting("push", "flag", "Output", "Push the image to the registry that its --tag names."),
    Setting(
        "insecure-registry",
        "text",
        "Output",
        "A registry host that may be spoken to over plain HTTP or with an unverified certificate; repeatable.",
        many=True,
        metavar="HOST[:PORT]",
    ),
    Setting(
        "token-server",
        "text",
        "Output",
        "A registry's token server on another host, which may see your password for it; repeatable.",
        many=True,
        metavar="HOST[:PORT]",
    ),
    Setting(
        "sbom",
        "choice",
        "Output",
        "Write a bill of materials: beside an archive, attached as a referrer on a push.",
        choices=("spdx", "cyclonedx"),
    ),
    Setting(
        "package-db",
        "flag",
        "Output",
        "Add /var/lib/dpkg/status.d entries, os-release and copyright files for copied libraries, so that scanners "
        "see them and licences travel.",
    ),
    Setting("iidfile", "text", "Output", "Write the image's config digest to this file.", metavar="FILE"),
    Setting("metadata-file", "text", "Output", "Write what was packed and where it went as JSON.", metavar="FILE"),
    Setting("force", "flag", "Output", "Replace an output directory that is not empty."),
    Setting("dry-run", "flag", "Output", "Show what would be packed, and write nothing."),
    Setting("quiet", "flag", "Output", "Say nothing on stderr unless something fails.", short="q"),
    Setting("progress", "choice", "Output", "How progress is shown.", choices=("auto", "plain", "none")),
    Setting(
        "entrypoint",
        "text",
        "Image",
        "What the image runs: a JSON array or shell words. Default: the (first) binary.",
        metavar="COMMAND",
    ),
    Setting("cmd", "text", "Image", "Its default arguments: a JSON array or shell words.", metavar="ARGS"),
    Setting("env", "text", "Image", "An environment variable; repeatable.", many=True, short="e", metavar="NAME=VALUE"),
    Setting("user", "text", "Image", "Who it runs as. Default: 65532:65532.", short="u", metavar="UID[:GID]"),
    Setting("workdir", "text", "Image", "Its working directory.", short="w", metavar="DIR"),
    Setting("expose", "text", "Image", "A port it listens on; repeatable.", many=True, metavar="PORT[/PROTO]"),
    Setting("volume", "text", "Image", "A directory for a volume; repeatable.", many=True, metavar="DIR"),
    Setting("label", "text", "Image", "A label; repeatable.", many=True, short="l", metavar="NAME=VALUE"),
    Setting(
        "annotation",
        "text",
        "Image",
        "An annotation, of the manifest unless the name starts with index: or manifest:; repeatable.",
        many=True,
        metavar="[SCOPE:]NAME=VALUE",
    ),
    Setting("annotate", "choice", "Image", "Also fill the standard annotations from this source.", choices=("git",)),
    Setting("stop-signal", "text", "Image", "The signal that stops it.", metavar="SIGNAL"),
    Setting(
        "healthcheck",
        "text",
        "Image",
        "A health check as in a Dockerfile: options such as --interval=30s, then a JSON array or shell words; or NONE.",
        metavar="CHECK",
    ),
    Setting(
        "created",
        "text",
        "Image",
        "When it was made: RFC 3339 or seconds since 1970. Default: SOURCE_DATE_EPOCH, else not said.",
        metavar="TIME",
    ),
    Setting(
        "root",
        "text",
        "Program",
        "Take libraries and data from this root filesystem instead of the host's, whatever its architecture.",
        metavar="DIR",
    ),
    Setting("at", "text", "Program", "Where the program stands in the image.", metavar="PATH"),
    Setting(
        "cpu",
        "text",
        "Program",
        "Which processor variants (glibc-hwcaps) of libraries travel beside the baseline: all, or up to a level "
        "such as x86-64-v3, or baseline.",
        metavar="LEVEL",
    ),
    Setting("assume-static", "flag", "Program", "Pack a compressed program (UPX), whose dependencies cannot be seen."),
    Setting("preserve-modes", "flag", "Program", "Keep the permission bits of the source."),
    Setting(
        "preserve-privileges",
        "flag",
        "Program",
        "Keep setuid and setgid bits and file capabilities, which are dropped otherwise.",
    ),
    Setting(
        "include",
        "text",
        "Files",
        "Add a file, directory or glob, at the same path or at DST; ELF files bring their libraries; repeatable.",
        many=True,
        metavar="SRC[:DST]",
    ),
    Setting("exclude", "text", "Files", "Leave out what matches; repeatable.", many=True, metavar="GLOB"),
    Setting(
        "need",
        "text",
        "Needs",
        "Decide a runtime need yourself (inspect lists them): auto, always or never; repeatable.",
        many=True,
        metavar="NAME=auto|always|never",
    ),
    Setting("locale", "text", "Needs", "A locale the program will use; repeatable.", many=True, metavar="NAME"),
    Setting("timezone", "text", "Needs", "A time zone the program will use; repeatable.", many=True, metavar="NAME"),
    Setting("service", "text", "Needs", "A PAM service the program asks for; repeatable.", many=True, metavar="NAME"),
    Setting("ca-bundle", "text", "Needs", "CA certificates to use instead of the root's.", metavar="FILE"),
)

NAMES = {setting.name: setting for setting in SETTINGS}


class Options(NamedTuple):
    """Every setting's value; :data:`SETTINGS` says what each means."""

    output: tuple[str, ...] = ()
    tag: tuple[str, ...] = ()
    platform: str | None = None
    load: str | None = None
    push: bool = False
    insecure_registry: tuple[str, ...] = ()
    token_server: tuple[str, ...] = ()
    sbom: str | None = None
    package_db: bool = False
    iidfile: str | None = None
    metadata_file: str | None = None
    force: bool = False
    dry_run: bool = False
    quiet: bool = False
    progress: str | None = None
    entrypoint: str | None = None
    cmd: str | None = None
    env: tuple[str, ...] = ()
    user: str | None = None
    workdir: str | None = None
    expose: tuple[str, ...] = ()
    volume: tuple[str, ...] = ()
    label: tuple[str, ...] = ()
    annotation: tuple[str, ...] = ()
    annotate: str | None = None
    stop_signal: str | None = None
    healthcheck: str | None = None
    created: str | None = None
    root: str | None = None
    at: str | None = None
    cpu: str | None = None
    assume_static: bool = False
    preserve_modes: bool = False
    preserve_privileges: bool = False
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    need: tuple[str, ...] = ()
    locale: tuple[str, ...] = ()
    timezone: tuple[str, ...] = ()
    service: tuple[str, ...] = ()
    ca_bundle: str | None = None


def merge(
    given: Mapping[str, Any], *, environ: Mapping[str, str], directory: str = ".", config: str | None = None
) -> tuple[Options, str | None]:
    """Put the sources together; returns the options and the configuration file that was read, if any.

    ``given`` holds the options that stood on the command line, by setting name.

    Raises:
        UsageError: an unknown key, a value of the wrong kind, a ``--config`` file that is not there.
    """
    table, path = _from_file(directory, config)
    values: dict[str, Any] = {}
    for name, value in table.items():
        values[name] = _checked(name, value, f"in {path}")
    for setting in SETTINGS:
        text = environ.get("SCRATCHPACK_" + setting.name.upper().replace("-", "_"))
        if text is not None:
            values[setting.name] = _from_text(setting, text)
    values.update(given)
    return Options(**{name.replace("-", "_"): value for name, value in values.items()}), path


def _from_file(directory: str, config: str | None) -> tuple[Mapping[str, Any], str | None]:
    if config is not None:
        if not os.path.exists(config):
            raise UsageError(f"cannot read the configuration {config}: no such file")
        return _section(config), config
    plain = os.path.join(directory, "scratchpack.toml")
    if os.path.exists(plain):
        return _section(plain), plain
    project = os.path.join(directory, "pyproject.toml")
    if os.path.exists(project) and (section := _section(project)):
        return section, project
    return {}, None


def _section(path: str) -> Mapping[str, Any]:
    import tomllib

    try:
        with open(path, "rb") as stream:
            table = tomllib.load(stream)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"cannot read the configuration {path}: {error}") from None
    if os.path.basename(path) == "pyproject.toml":
        tool = table.get("tool", {})
        table = tool.get("scratchpack", {}) if isinstance(tool, dict) else {}
    if not isinstance(table, dict):
        raise UsageError(f"cannot read the configuration {path}: [tool.scratchpack] is not a table")
    return table


def _checked(name: str, value: Any, where: str) -> Any:
    setting = NAMES.get(name)
    if setting is None:
        import difflib

        close = difflib.get_close_matches(name, NAMES, 1)
        hint = f"did you mean {close[0]!r}?" if close else "`scratchpack pack --help` lists the settings"
        raise UsageError(f"cannot use the setting {name!r} {where}: there is none of that name", hint=hint)
    if setting.many:
        if isinstance(value, dict) and all(isinstance(item, str) for item in value.values()):
            return tuple(f"{key}={item}" for key, item in value.items())
        if isinstance(value, str):
            return (value,)
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return tuple(value)
        raise UsageError(f"cannot use {name} {where}: it takes a list of strings")
    if setting.kind == "flag":
        if isinstance(value, bool):
            return value
        raise UsageError(f"cannot use {name} {where}: it takes true or false")
    if setting.kind == "optional" and isinstance(value, bool):
        return setting.flag_value if value else None
    if name in {"entrypoint", "cmd"} and isinstance(value, list):
        import json

        return json.dumps(value)
    if not isinstance(value, str):
        raise UsageError(f"cannot use {name} {where}: it takes a string")
    return _chosen(setting, value, where)


def _chosen(setting: Setting, value: str, where: str) -> str:
    if setting.kind == "choice" and value not in setting.choices:
        raise UsageError(f"cannot use {setting.name} = {value!r} {where}: it is one of {', '.join(setting.choices)}")
    return value


def _from_text(setting: Setting, text: str) -> Any:
    where = "of SCRATCHPACK_" + setting.name.upper().replace("-", "_")
    if setting.many:
        import shlex

        try:
            return tuple(shlex.split(text))
        except ValueError as error:
            raise UsageError(f"cannot use the value {where}: {error}") from None
    if setting.kind == "flag":
        lowered = text.strip().lower()
        if lowered in {"1", "true", "yes", "on"}:
            return True
        if lowered in {"", "0", "false", "no", "off"}:
            return False
        raise UsageError(f"cannot use the value {where}: it takes true or false")
    return _chosen(setting, text, where)
