"""Names of images, platforms, engines and hosts, and settings of a few words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.config import NAMES
from scratchpack.elf.machines import Platform, platforms_known
from scratchpack.errors import UsageError
from scratchpack.pattern import pattern

if TYPE_CHECKING:
    from scratchpack.oci.reference import Reference

_HOST = pattern(r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
# what other systems call a machine that OCI names as Go does
_ALSO = {
    "x86_64": "amd64",
    "x86-64": "amd64",
    "x64": "amd64",
    "aarch64": "arm64",
    "i386": "386",
    "i686": "386",
    "armhf": "arm",
}
_VARIANTS = {"arm": ("v5", "v6", "v7"), "arm64": ("v8",), "amd64": ("v1",)}


def references(values: tuple[str, ...]) -> tuple[str, ...]:
    """``--tag``: full references, each once."""
    found = []
    for value in values:
        reference = _reference(value)
        if reference.digest is not None:
            raise UsageError(
                f"cannot use --tag {value!r}: a digest is what an image gets, not what it is called",
                hint=f"leave out @{reference.digest}",
            )
        found.append(str(reference))
    return tuple(dict.fromkeys(found))


def destination(value: str) -> str:
    """``dest=`` of ``-o type=registry``."""
    _reference(value)
    return value


def _reference(value: str) -> Reference:
    """A name, taken apart. Docker takes a first part in capitals for a host, which nobody who writes it means (I2)."""
    from scratchpack.oci.reference import parse

    reference = parse(value)
    if reference.host != reference.host.lower() and not any(sign in reference.host for sign in ".:["):
        raise UsageError(
            f"cannot use {value!r} as an image name: it has capital letters", hint=f"write it like {value.lower()}"
        )
    return reference


def platforms(text: str) -> tuple[Platform, ...]:
    """``--platform``: each of a machine that we know; a variant is empty where none was given."""
    found = [_platform(name.strip(), text) for name in text.split(",")]
    if len(set(found)) < len(found):
        raise UsageError(f"cannot use --platform {text!r}: one of them is given twice")
    return tuple(found)


def _platform(name: str, text: str) -> Platform:
    system, _, rest = name.partition("/")
    machine, slash, variant = rest.partition("/")
    known = platforms_known()
    meant = _ALSO.get(machine) or _ALSO.get(system)
    if system != "linux" or machine not in {platform.architecture for platform in known}:
        raise UsageError(
            f"cannot use --platform {text!r}: {name!r} is none",
            hint=f"did you mean linux/{meant}?" if meant else "platforms are " + ", ".join(str(one) for one in known),
        )
    if slash and variant not in _VARIANTS.get(machine, ()):
        raise UsageError(
            f"cannot use --platform {text!r}: {machine} has no variant {variant!r}",
            hint="variants are " + ", ".join(_VARIANTS[machine]) if machine in _VARIANTS else f"write linux/{machine}",
        )
    return Platform(system, machine, variant)


def engine(text: str) -> str:
    """``--load``."""
    from scratchpack.engines.choose import ENGINES

    if text not in {"auto", *ENGINES}:
        raise UsageError(
            f"cannot load into {text!r}: it is no engine that we know",
            hint=_meant(text, ENGINES) + f"engines are {', '.join(ENGINES)}; --load alone takes whichever answers",
        )
    return text


def registries(values: tuple[str, ...]) -> tuple[str, ...]:
    """``--insecure-registry``."""
    return _hosts(values, "--insecure-registry")


def token_servers(values: tuple[str, ...]) -> tuple[str, ...]:
    """``--token-server``."""
    return _hosts(values, "--token-server")


def _hosts(values: tuple[str, ...], option: str) -> tuple[str, ...]:
    for value in values:
        port = value.rpartition(":")[2] if ":" in value and not value.endswith("]") else "1"
        if not _HOST.fullmatch(value) or not 0 < int(port) < 65536:
            bare = value.partition("://")[2].partition("/")[0] or value.partition("/")[0]
            raise UsageError(
                f"cannot use {option} {value!r}: it takes HOST or HOST:PORT",
                hint=f"write {bare}" if bare != value and _HOST.fullmatch(bare) else None,
            )
    return values


def bill(text: str) -> str:
    """``--sbom``."""
    return word("sbom", text)


def source(text: str) -> str:
    """``--annotate``."""
    return word("annotate", text)


def progress(text: str) -> str:
    """``--progress``."""
    return word("progress", text)


def word(name: str, text: str) -> str:
    """The value of a setting that takes one of a few words."""
    choices = NAMES[name].choices
    if text not in choices:
        raise UsageError(
            f"cannot use --{name} {text!r}: it is one of {', '.join(choices)}",
            hint=_meant(text, choices).strip() or None,
        )
    return text


def _meant(text: str, words: tuple[str, ...]) -> str:
    import difflib

    close = difflib.get_close_matches(text.lower(), words, 1)
    return f"did you mean {close[0]}? " if close else ""
