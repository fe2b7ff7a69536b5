"""Image names as people write them, taken apart: ``hello`` is ``docker.io/library/hello:latest`` (I2, I3)."""

from __future__ import annotations

import re

from scratchpack.errors import UsageError
from scratchpack.pattern import pattern
from scratchpack.record import NamedTuple

DOCKER_HUB = "docker.io"

_HOST = pattern(r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_PATH = pattern(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*")
_TAG = pattern(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_SEPARATOR = pattern(r"\.|__?|-+")
_SECRET = pattern(r"[^/@]*:.*@(?!sha\d+:)", re.DOTALL)  # user:password@, with whatever scheme stands before it


class Reference(NamedTuple):
    """One full name: ``host`` as docker spells it, ``path`` with ``library/`` where Docker Hub needs it."""

    host: str
    path: str
    tag: str | None = None
    digest: str | None = None

    @property
    def repository(self) -> str:
        """Host and path, without tag or digest."""
        return f"{self.host}/{self.path}"

    @property
    def pointer(self) -> str:
        """What a manifest is asked for by: the digest where there is one, else the tag."""
        return self.digest or self.tag or "latest"

    @property
    def familiar(self) -> str:
        """The short name that people use and `docker images` shows."""
        return str(self).removeprefix(f"{DOCKER_HUB}/library/").removeprefix(f"{DOCKER_HUB}/")

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        return self.repository + tag + (f"@{self.digest}" if self.digest else "")


def parse(text: str) -> Reference:
    """Take a name apart; with neither tag nor digest, the tag is ``latest``.

    Raises:
        UsageError: not a name that an engine takes (I2: the path in lower case).
    """
    rest, _, digest = text.partition("@")
    if "@" in text and not is_digest(digest):
        raise _wrong(text, "after @ stands sha256: and 64 hexadecimal digits")
    head, slash, tail = rest.rpartition("/")
    name, colon, tag = tail.partition(":")
    if colon and not _TAG.fullmatch(tag):
        raise _wrong(text, f"{tag!r} is not a tag")
    host, path = _split(head + slash + name)
    if not _PATH.fullmatch(path):
        why = "its path has capital letters" if _PATH.fullmatch(path.lower()) else f"{path!r} is not a repository path"
        raise _wrong(text, why)
    if len(host) + len(path) > 255:
        raise _wrong(text, "it is longer than 255 characters")
    return Reference(host, path, tag if colon else None if digest else "latest", digest or None)


def from_file_name(name: str) -> Reference:
    """The name of a program's image: ``localhost/``, its file name in lower case, other characters as ``-``, ``:latest``.

    ``localhost/``, because a bare name means Docker Hub's official images to every engine: an image of ours that were called
    ``nginx`` would stand in the place of theirs. Runs of separators that no engine takes become one ``-``; a name of nothing else becomes ``image``.
    """
    if name.isascii() and name.isalnum():
        return Reference("localhost", name.lower()[:200], "latest")
    words = re.sub(r"[^a-z0-9._-]", "-", name.lower())
    words = re.sub(r"[._-]+", lambda run: run[0] if _SEPARATOR.fullmatch(run[0]) else "-", words).strip("._-")
    return Reference("localhost", words[:200].rstrip("._-") or "image", "latest")


def is_digest(text: str) -> bool:
    """Whether this may become part of a path or a URL (S22)."""
    return len(text) == 71 and text.startswith("sha256:") and not text[7:].strip("0123456789abcdef")


def is_tag(text: str) -> bool:
    """Whether this may stand behind the colon of a name."""
    return _TAG.fullmatch(text) is not None


def _split(name: str) -> tuple[str, str]:
    first, slash, rest = name.partition("/")
    if slash and (first == "localhost" or any(mark in first for mark in ".:[") or first != first.lower()):
        if not _HOST.fullmatch(first):
            raise _wrong(name, f"{first!r} is not a host")
        host, path = first, rest
    else:
        host, path = DOCKER_HUB, name
    if host in {"index.docker.io", "registry-1.docker.io"}:
        host = DOCKER_HUB
    return host, f"library/{path}" if host == DOCKER_HUB and "/" not in path else path


def _wrong(text: str, why: str) -> UsageError:
    shown = _SECRET.sub("***@", text)
    return UsageError(
        f"cannot use {shown!r} as an image name: {why if shown == text else 'it is a URL with a password'}",
        hint="write it like registry.example.com/team/app:1.2",
    )
