"""A multi-stage Dockerfile for a language: the user's wishes checked, then rendered.

Nothing of the user's can become an instruction (S12): a control character is refused, the program's name stands only in
exec form and in quotes for the shell, and everything that stands bare has a pattern to match.
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, NamedTuple

import scratchpack
from scratchpack.errors import UsageError
from scratchpack.scaffold import languages

if TYPE_CHECKING:
    from pathlib import Path

    from scratchpack.scaffold.languages import Language

_IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:@-]*")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_USER = re.compile(r"\d{1,10}(:\d{1,10})?")
_PLATFORM = re.compile(r"linux/([a-z0-9]+)(?:/(v\d))?")
_SOURCE_GLOB = re.compile(r"[A-Za-z0-9_./*?-]+")


class Wishes(NamedTuple):
    """The options of a template; ``None`` is the language's default."""

    version: str | None = None
    distro: str | None = None
    image: str | None = None
    package: str | None = None
    name: str = "app"
    build_args: tuple[str, ...] = ()
    user: str = "65532:65532"
    certificates: bool = False
    timezones: bool = False
    platform: str | None = None
    link: str | None = None
    build_system: str | None = None
    cache_mounts: bool = True
    tool_image: str = languages.TOOL_IMAGE


def dockerfile(language: Language, wishes: Wishes, *, own: Path | None = None) -> str:
    """The text of the Dockerfile; ``own`` is a user's template, or a directory of them (S13).

    Raises:
        UsageError: a wish that the language cannot have, or that no Dockerfile can carry.
    """
    from scratchpack import render

    values = context(language, wishes)
    if own is not None:
        return render.render_user(own, f"{language.name}.Dockerfile.j2", values)
    return render.render(language.template, values)


def context(language: Language, wishes: Wishes) -> dict[str, object]:
    """The variables of a template, as docs/templates.md lists them.

    Raises:
        UsageError: as :func:`dockerfile`.
    """
    link = _choice("--link", wishes.link, language.links, language)
    build_system = _choice("--build-system", wishes.build_system, language.build_systems, language, default="")
    platform, architecture, variant = _platform(wishes.platform, language)
    version = _matching("--version", wishes.version or language.version, _VERSION)
    package = _plain("--package", _default_package(language, wishes.package, build_system))
    sdk_version, sdk_checksum = languages.SWIFT_SDKS.get(version, ("0.0.1", ""))
    return {
        "scratchpack_version": scratchpack.__version__,
        "language": language.name,
        "title": language.title,
        "version": version,
        "distro": _distro(language, wishes.distro),
        "image": _image(language, wishes, version, build_system),
        "tool_image": _matching("--tool-image", wishes.tool_image, _IMAGE),
        "package": package,
        "sources": _sources(package) if language.build_systems and not build_system else "",
        "name": wishes.name,
        "entrypoint": _entrypoint(wishes.name, language),
        "build_args": tuple(_text("--build-arg", word) for word in wishes.build_args),
        "user": _user(wishes.user),
        "certificates": wishes.certificates,
        "timezones": wishes.timezones,
        "platform": platform,
        "architecture": architecture,
        "variant": variant,
        "cross": language.cross,
        "link": link,
        "build_system": build_system,
        "wheels": languages.WITH_WHEELS.get(build_system, ""),
        "cache_mounts": wishes.cache_mounts,
        "swift_sdk_version": sdk_version,
        "swift_sdk_checksum": sdk_checksum,
        "pyinstaller_version": languages.PYINSTALLER,
    }


def _choice(
    option: str, given: str | None, choices: tuple[str, ...], language: Language, default: str | None = None
) -> str:
    if given is None:
        return choices[0] if default is None else default
    if given not in choices:
        known = f"it takes {', '.join(choices)}" if choices else "it has none"
        raise UsageError(f"cannot use {option} {given} for {language.title}: {known}")
    return given


def _distro(language: Language, given: str | None) -> str:
    if given is None:
        return next(iter(language.bases))
    if given not in language.bases:
        raise UsageError(
            f"cannot use --distro {given} for {language.title}: its build stage is known on {', '.join(language.bases)}",
            hint="--image takes any image that holds the toolchain",
        )
    return given


def _image(language: Language, wishes: Wishes, version: str, build_system: str) -> str:
    if wishes.image is not None:
        if wishes.distro:
            raise UsageError("cannot use --distro with --image: the image says it already")
        return _matching("--image", wishes.image, _IMAGE)
    if build_system in languages.WITH_WHEELS:
        if wishes.version or wishes.distro:
            raise UsageError(
                f"cannot use --version or --distro with --build-system {build_system}: its wheels need Python, so the build stage is {languages.WHEELS_BASE}",
                hint="--image takes any image that holds the compiler and pip",
            )
        return languages.WHEELS_BASE
    return language.bases[_distro(language, wishes.distro)].format(version=version, distro=wishes.distro)


def _platform(given: str | None, language: Language) -> tuple[str, str, str]:
    if given is None:
        return "", "", ""
    found = _PLATFORM.fullmatch(given)
    if found is None:
        raise UsageError(f"cannot use --platform {given!r}: it takes linux/ARCHITECTURE, for example linux/arm64")
    if language.only and found[1] not in language.only:
        raise UsageError(
            f"cannot use --platform {given} for {language.title}: this template builds for {', '.join(language.only)}"
        )
    return given, found[1], found[2] or ""


def _default_package(language: Language, given: str | None, build_system: str) -> str:
    if given is not None:
        return given
    return "app" if build_system else language.package


def _sources(package: str) -> str:
    """The sources of a C program: plain words and globs stand bare, anything else is quoted."""
    try:
        words = shlex.split(package)
    except ValueError as error:
        raise UsageError(f"cannot use --package {package!r}: {error}") from None
    return " ".join(word if _SOURCE_GLOB.fullmatch(word) else shlex.quote(word) for word in words)


def _entrypoint(name: str, language: Language) -> str:
    _text("--name", name)
    if not name or "/" in name or name in {".", ".."} or name.startswith(".wh."):
        raise UsageError(f"cannot use --name {name!r}: it takes the name of a file, without a directory")
    if language.name == "pyinstaller":
        if name == "_internal":
            raise UsageError("cannot use --name _internal: PyInstaller puts the libraries there")
        return f"/app/{name}"
    return f"/{name}"


def _user(user: str) -> str:
    if not _USER.fullmatch(user):
        raise UsageError(
            f"cannot use --user {user!r}: the image has no /etc/passwd to find a name in", hint="write UID or UID:GID"
        )
    return user


def _plain(option: str, value: str) -> str:
    """One word for a compiler that must not be taken for an option of it."""
    _text(option, value)
    if not value or value.startswith("-"):
        raise UsageError(f"cannot use {option} {value!r}: it is empty or starts with -")
    return value


def _matching(option: str, value: str, pattern: re.Pattern[str]) -> str:
    if not pattern.fullmatch(value):
        raise UsageError(f"cannot use {option} {value!r}: it may hold letters, digits and . _ - / : @ only")
    return value


def _text(option: str, value: str) -> str:
    """Refuse what a line of a Dockerfile cannot carry."""
    if not value.isprintable():
        # surrogates (bytes that are not UTF-8), control characters, line ends of any kind
        raise UsageError(f"cannot use {option} {value!r}: no line of a Dockerfile can carry such a character")
    return value
