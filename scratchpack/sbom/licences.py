"""The words of a package database or of a Debian copyright file go in, a licence as an SPDX expression comes out."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from typing import Any

from scratchpack.sbom.model import Licence

_GNU = re.compile(r"(A?GPL|LGPL|GFDL)-(\d)(\.\d)?(\+?)", re.IGNORECASE)
_FIELD = re.compile(r"(?m)^License:[ \t]*(\S.*)$")
_SLUG = re.compile(r"[^A-Za-z0-9.-]+")
_MAX_NAME = 60
_DEBIAN = {"expat": "MIT", "apache-2": "Apache-2.0"}


def declared(text: str) -> Licence:
    """The licence field of an apk or rpm database; words that are no SPDX expression become one ``LicenseRef-``."""
    text = " ".join(text.split())
    if not text:
        return Licence("")
    known = _normalized(text)
    if known is not None:
        return Licence(known)
    name = _reference(text)
    return Licence(name, ((name, text),))


def from_copyright(text: str) -> Licence:
    """All licences that a machine-readable Debian copyright file (DEP 5) names; of free text, nothing."""
    head = text[:400]
    if "copyright-format" not in head and "dep5" not in head.lower():
        return Licence("")
    parts: dict[str, None] = {}
    others: dict[str, str] = {}
    for name in dict.fromkeys(_FIELD.findall(text)):
        licence = declared(" ".join(_debian(word) for word in name.replace(",", " ").split()))
        joined = " AND " if len(licence.expression.split()) > 1 else ""
        parts[f"({licence.expression})" if joined else licence.expression] = None
        others.update(licence.others)
    return Licence(" AND ".join(sorted(parts)), tuple(sorted(others.items())))


def _debian(word: str) -> str:
    """Debian's short name in SPDX's words: GPL-2+ is GPL-2.0-or-later."""
    gnu = _GNU.fullmatch(word)
    if gnu:
        family, major, minor, later = gnu.groups()
        return f"{family.upper()}-{major}{minor or '.0'}-{'or-later' if later else 'only'}"
    return _DEBIAN.get(word.lower(), word)


@cache
def _licensing() -> Any:
    from license_expression import get_spdx_licensing

    return get_spdx_licensing()


@cache
def _normalized(text: str) -> str | None:
    from license_expression import ExpressionError

    try:
        return str(_licensing().parse(text, validate=True, strict=True))
    except ExpressionError:
        return None


def _reference(text: str) -> str:
    slug = _SLUG.sub("-", text).strip("-.")
    if len(slug) > _MAX_NAME or not slug:
        slug = f"{slug[:_MAX_NAME]}-{hashlib.sha256(text.encode()).hexdigest()[:8]}".lstrip("-")
    return f"LicenseRef-{slug}"
