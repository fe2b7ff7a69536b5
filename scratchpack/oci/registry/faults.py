"""What a registry's refusal means for the person who asked, without a secret in it (S21)."""

from __future__ import annotations

import re
from typing import NamedTuple

from scratchpack import foreign
from scratchpack.errors import InputError, RemoteError

_SHOWN = 300  # characters of a registry's own words
_AUTHORITY = re.compile(r"[a-z+]+://(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]+)?(?![^/?#])")
_USER = re.compile(r"//.*@", re.DOTALL)

_MEANING = {
    400: "the registry calls the request wrong",
    401: "not logged in, or the login was refused",
    403: "this user may not do that",
    404: "not found there",
    405: "the registry does not offer this",
    408: "the registry timed out",
    413: "too large for this registry",
    416: "the upload got out of step",
    429: "too many requests",
}

_HINTS = {
    403: "check the repository's name and this user's rights there",
    404: "check the name; some registries want the repository made first",
    413: "a proxy before the registry limits the body: raise its limit",
    429: "wait, or log in: known users often have a higher limit",
}


class BrokenError(RemoteError):
    """The connection did not give an answer: refused, cut, silent. Worth another try."""


class UnreachedError(BrokenError):
    """There was not even a connection."""


class Refusal(NamedTuple):
    """An answer that is not the one hoped for."""

    status: int
    words: str = ""  # "CODE: message; …", cleaned


def words(body: bytes) -> str:
    """What the registry itself said, from the specification's error document, as one clean line."""
    try:
        errors = foreign.json_document(body)["errors"].items()
        said = "; ".join(f"{one.get('code').text()}: {one.get('message').text()}".strip(": ") for one in errors)
    except InputError:  # not the specification's document: the status alone is told
        said = ""
    return clean(said)


def clean(text: str) -> str:
    """One line without control characters, and not long."""
    line = " ".join(text.split())
    line = "".join(letter if letter.isprintable() else "?" for letter in line)
    return line if len(line) <= _SHOWN else line[:_SHOWN] + "…"


def shown(url: str) -> str:
    """A URL without its query, where upload states and signatures stand, and without user names and passwords."""
    authority = _AUTHORITY.match(url)
    if authority is None or not url[authority.end() :].startswith(("/", "?", "#")):
        url = _USER.sub("//", url)  # a password may hold a slash or a question mark: all up to the last @
    return clean(re.split(r"[?#]", url, maxsplit=1)[0])


def refused(what: str, refusal: Refusal, *, tries: int = 1, hint: str | None = None) -> RemoteError:
    """The error for an answer: "cannot push …: 403, this user may not do that (DENIED: …)"."""
    meaning = _MEANING.get(refusal.status, "the registry failed" if refusal.status >= 500 else "not an answer we know")
    said = f" ({refusal.words})" if refusal.words else ""
    again = f", tried {tries} times" if tries > 1 else ""
    return RemoteError(
        f"cannot {what}: {refusal.status}, {meaning}{said}{again}", hint=hint or _HINTS.get(refusal.status)
    )
