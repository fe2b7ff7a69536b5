"""The one schema of the settings: what each is called, which commands take it, and who may set it.

Options, ``SCRATCHPACK_*``, ``scratchpack.toml`` and ``[tool.scratchpack]`` are all made from this table; ``sources.py`` puts
them together, and ``request`` says what their text means.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.errors import UsageError
from scratchpack.record import NamedTuple

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from scratchpack.sinks.model import Output

    # what a Python caller may give where the command line has text (scratchpack.request.given)
    StrPath = str | os.PathLike[str]
    Texts = str | Sequence[str]
    Paths = StrPath | Sequence[StrPath]
    Pairs = str | Sequence[str] | Mapping[str, str | int | None]

# the commands that pack, write, look or judge; "verify-image" is verify of an image, which has a root and needs of its own
_PACK = ("pack",)
_BUILD = ("pack", "dockerfile")
_PROGRAM = ("pack", "dockerfile", "inspect", "verify")
_REMOTE = ("pack", "verify-image", "analyze")
_LOCKED = ("pack", "verify", "verify-image")
_QUIET = ("pack", "dockerfile", "verify", "verify-image", "analyze")


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
    takes: tuple[str, ...] = _PROGRAM  # the commands for which it means something
    guard: str = ""  # why a settings file that nobody named may not set it (docs/trust.md); empty: it may


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
        takes=_PACK,
        guard="writes files where it says",
    ),
    Setting(
        "tag",
        "text",
        "Output",
        "The image's name; repeatable.",
        many=True,
        short="t",
        metavar="NAME[:TAG]",
        takes=_PACK,
    ),
    Setting(
        "platform",
        "text",
        "Output",
        "Check that the binaries are of these platforms, and order them so.",
        metavar="OS/ARCH[/VARIANT],…",
        takes=_PACK,
    ),
    Setting(
        "load",
        "optional",
        "Output",
        "Load the image into an engine: docker, podman or containerd; without a value, whichever answers.",
        metavar="ENGINE",
        choices=("docker", "podman", "containerd", "auto"),
        flag_value="auto",
        takes=_PACK,
        guard="loads into an engine",
    ),
    Setting(
        "push",
        "flag",
        "Output",
        "Push the image to the registry that its --tag names.",
        takes=_PACK,
        guard="leaves the machine",
    ),
    Setting(
        "insecure-registry",
        "text",
        "Output",
        "A registry host that may be spoken to over plain HTTP or with an unverified certificate; repeatable.",
        many=True,
        metavar="HOST[:PORT]",
        takes=_REMOTE,
        guard="weakens the connection to a registry",
    ),
    Setting(
        "token-server",
        "text",
        "Output",
        "A registry's token server on another host, which may see your password for it; repeatable.",
        many=True,
        metavar="HOST[:PORT]",
        takes=_REMOTE,
        guard="sends a password to another host",
    ),
    Setting(
        "sbom",
        "choice",
        "Output",
        "Write a bill of materials: beside an archive, attached as a referrer on a push.",
        choices=("spdx", "cyclonedx"),
        takes=_PACK,
        guard="writes a file beside the output",
    ),
    Setting(
        "package-db",
        "flag",
        "Output",
        "Add /var/lib/dpkg/status.d entries, os-release and copyright files for copied libraries, so that scanners "
        "see them and licences travel.",
        takes=_PACK,
    ),
    Setting(
        "iidfile",
        "text",
        "Output",
        "Write the image's config digest to this file.",
        metavar="FILE",
        takes=_PACK,
        guard="writes a file where it says",
    ),
    Setting(
        "metadata-file",
        "text",
        "Output",
        "Write what was packed and where it went as JSON.",
        metavar="FILE",
        takes=_PACK,
        guard="writes a file where it says",
    ),
    Setting(
        "locked",
        "text",
        "Output",
        "Fail where a library, need, file or environment variable is new or gone against an earlier --metadata-file.",
        metavar="FILE",
        takes=_LOCKED,
    ),
    Setting(
        "update-lock",
        "flag",
        "Output",
        "Write the file that --locked names again, instead of holding to it.",
        takes=_PACK,
        guard="lifts a check, and writes a file",
    ),
    Setting(
        "force",
        "flag",
        "Output",
        "Replace an output directory that is not empty.",
        takes=_BUILD,
        guard="replaces what is there",
    ),
    Setting(
        "dry-run",
        "flag",
        "Output",
        "Show what would be packed, and write nothing.",
        takes=_BUILD,
        guard="leaves an earlier output in place",
    ),
    Setting(
        "quiet",
        "flag",
        "Output",
        "Say nothing on stderr unless something fails.",
        short="q",
        takes=_QUIET,
        guard="silences",
    ),
    Setting(
        "progress",
        "choice",
        "Output",
        "How progress is shown.",
        choices=("auto", "plain", "none"),
        takes=_PACK,
        guard="silences",
    ),
    Setting(
        "entrypoint",
        "text",
        "Image",
        "What the image runs: a JSON array or shell words. Default: the (first) binary.",
        metavar="COMMAND",
    ),
    Setting(
        "cmd",
        "text",
        "Image",
        "Its default arguments: a JSON array or shell words.",
        metavar="ARGS",
        takes=_BUILD,
    ),
    Setting("env", "text", "Image", "An environment variable; repeatable.", many=True, short="e", metavar="NAME=VALUE"),
    Setting("user", "text", "Image", "Who it runs as. Default: 65532:65532.", short="u", metavar="UID[:GID]"),
    Setting("workdir", "text", "Image", "Its working directory.", short="w", metavar="DIR"),
    Setting(
        "expose",
        "text",
        "Image",
        "A port it listens on; repeatable.",
        many=True,
        metavar="PORT[/PROTO]",
        takes=_BUILD,
    ),
    Setting(
        "volume",
        "text",
        "Image",
        "A directory for a volume; repeatable.",
        many=True,
        metavar="DIR",
        takes=_BUILD,
    ),
    Setting(
        "directory",
        "text",
        "Image",
        "A directory that is made, 0755 and the image's user's unless MODE (octal) and OWNER (UID[:GID]) say otherwise; "
        "repeatable.",
        many=True,
        metavar="PATH[:MODE[:OWNER]]",
        takes=_PACK,
    ),
    Setting(
        "label",
        "text",
        "Image",
        "A label; repeatable.",
        many=True,
        short="l",
        metavar="NAME=VALUE",
        takes=_BUILD,
    ),
    Setting(
        "annotation",
        "text",
        "Image",
        "An annotation, of the manifest unless the name starts with index: or manifest:; repeatable.",
        many=True,
        metavar="[SCOPE:]NAME=VALUE",
        takes=_PACK,
    ),
    Setting(
        "annotate",
        "choice",
        "Image",
        "Also fill the standard annotations from this source.",
        choices=("git",),
        takes=_PACK,
        guard="reads the repository around it",
    ),
    Setting(
        "stop-signal",
        "text",
        "Image",
        "The signal that stops it.",
        metavar="SIGNAL",
        takes=_BUILD,
    ),
    Setting(
        "healthcheck",
        "text",
        "Image",
        "A health check as in a Dockerfile: options such as --interval=30s, then a JSON array or shell words; or NONE.",
        metavar="CHECK",
        takes=_BUILD,
    ),
    Setting(
        "created",
        "text",
        "Image",
        "When it was made: RFC 3339 or seconds since 1970. Default: SOURCE_DATE_EPOCH, else not said.",
        metavar="TIME",
        takes=_PACK,
    ),
    Setting(
        "root",
        "text",
        "Program",
        "Take libraries and data from this root filesystem instead of the host's, whatever its architecture.",
        metavar="DIR",
        guard="reads another directory",
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
    Setting(
        "assume-static",
        "flag",
        "Program",
        "Pack a compressed program (UPX), whose dependencies cannot be seen.",
        guard="silences a refusal",
    ),
    Setting(
        "strip",
        "flag",
        "Program",
        "Leave out the program's symbols, debug sections and section headers. Refused where it carries a payload.",
        takes=_BUILD,
    ),
    Setting(
        "strip-libraries",
        "flag",
        "Program",
        "Leave them out of every other ELF file that travels.",
        takes=_BUILD,
    ),
    Setting(
        "preserve-modes",
        "flag",
        "Program",
        "Keep the permission bits of the source.",
        takes=_BUILD,
    ),
    Setting(
        "preserve-privileges",
        "flag",
        "Program",
        "Keep setuid and setgid bits and file capabilities, which are dropped otherwise.",
        takes=_BUILD,
        guard="keeps setuid bits and capabilities",
    ),
    Setting(
        "include",
        "text",
        "Files",
        "Add a file, directory or glob, at the same path or at DST; ELF files bring their libraries; repeatable.",
        many=True,
        metavar="SRC[:DST]",
    ),
    Setting(
        "library-path",
        "text",
        "Files",
        "A directory of libraries that the build left elsewhere: what is loaded of them goes where the image's loader looks; "
        "repeatable.",
        many=True,
        metavar="DIR",
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
    """Every setting's value; :data:`SETTINGS` says what each means. What is repeatable takes one value or a sequence of them."""

    output: str | Output | Sequence[str | Output] = ()
    tag: Texts = ()
    platform: Texts | None = None
    load: str | bool | None = None
    push: bool = False
    insecure_registry: Texts = ()
    token_server: Texts = ()
    sbom: str | None = None
    package_db: bool = False
    iidfile: StrPath | None = None
    metadata_file: StrPath | None = None
    locked: StrPath | None = None
    update_lock: bool = False
    force: bool = False
    dry_run: bool = False
    quiet: bool = False
    progress: str | None = None
    entrypoint: Texts | None = None
    cmd: Texts | None = None
    env: Pairs = ()
    user: str | int | None = None
    workdir: StrPath | None = None
    expose: str | int | Sequence[str | int] = ()
    volume: Paths = ()
    directory: Texts = ()
    label: Pairs = ()
    annotation: Pairs = ()
    annotate: str | None = None
    stop_signal: str | int | None = None
    healthcheck: Texts | None = None
    created: str | int | datetime | None = None
    root: StrPath | None = None
    at: StrPath | None = None
    cpu: str | None = None
    assume_static: bool = False
    strip: bool = False
    strip_libraries: bool = False
    preserve_modes: bool = False
    preserve_privileges: bool = False
    include: Paths | Mapping[str, StrPath | None] = ()
    library_path: Paths = ()
    exclude: Texts = ()
    need: Pairs = ()
    locale: Texts = ()
    timezone: Texts = ()
    service: Texts = ()
    ca_bundle: StrPath | None = None

    def __repr__(self) -> str:
        given = zip(self._fields, self, self._field_defaults.values(), strict=True)
        return f"Options({', '.join(f'{name}={value!r}' for name, value, default in given if value != default)})"


def variable(setting: Setting) -> str:
    """The name of a setting's variable."""
    return "SCRATCHPACK_" + setting.name.upper().replace("-", "_")


def chosen(setting: Setting, value: str, where: str) -> str:
    """The value of a setting that takes one of a few words.

    Raises:
        UsageError: another word.
    """
    if setting.kind == "choice" and value not in setting.choices:
        raise UsageError(f"cannot use {setting.name} = {value!r} {where}: it is one of {', '.join(setting.choices)}")
    return value
