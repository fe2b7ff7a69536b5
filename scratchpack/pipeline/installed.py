"""The packages of PyPI, npm, RubyGems and CPAN that travel: a file of the image goes in, the package that it is the metadata of comes out.

Each installer leaves a file that names what it installed: ``*.dist-info/METADATA`` (PyPA's "Recording installed projects"), ``package.json`` in ``node_modules``,
``specifications/*.gemspec``. CPAN's leaves none at a fixed place, so its modules speak for themselves: the name of the file and ``$VERSION`` (a package URL of type
cpan without a namespace is a module's). What these files say is a stranger's word, and so are names and versions in any bill.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from scratchpack.pattern import pattern
from scratchpack.sbom.model import Part

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

MAX_METADATA = 1 << 20  # bytes of one file
_PYTHON = pattern(r".*/[^/]+\.(?:dist-info/METADATA|egg-info/PKG-INFO|egg-info)")
_NPM = pattern(r".*/node_modules/((?:@[^/]+/)?[^/@][^/]*)/package\.json")
_GEM = pattern(r".*/specifications/[^/]+\.gemspec")
_PERL = pattern(r".*\.pm")
_FIELD = re.compile(r"^(Name|Version):[ \t]*(\S+)[ \t]*$", re.MULTILINE)
_SPECIFICATION = re.compile(r"^\s*s\.(name|version)\s*=\s*(?:Gem::Version\.new\()?[\"']([^\"']+)[\"']", re.MULTILINE)
_PACKAGE = re.compile(r"^\s*package\s+([A-Za-z_]\w*(?:::\w+)*)\s*(?:v?[\d._]+\s*)?[;{]", re.MULTILINE)
_VERSION = re.compile(r"^\s*(?:our\s+)?\$(?:\w+::)*VERSION\s*=\s*[\"']?v?([0-9][0-9._]*)[\"']?\s*;", re.MULTILINE)
_NAME = pattern(r"[\w@./:+~-]{1,214}")
_PLAIN = pattern(r"[\w.+~!-]{1,128}")


def is_metadata(path: str) -> bool:
    """Whether a file of this name may be a package's metadata: only then it is read."""
    return any(form.fullmatch(path) for form in (_PYTHON, _NPM, _GEM, _PERL))


def installed(path: str, stream: BinaryIO) -> tuple[Part, ...]:
    """The package that a file names, none where it names nothing that can be a package URL."""
    data = stream.read(MAX_METADATA + 1)
    if len(data) > MAX_METADATA:
        return ()
    text = data.decode("utf-8", "replace")
    found = dict(_read(path, text))
    name, version = found.get("name", ""), found.get("version", "")
    if not _NAME.fullmatch(name) or not _PLAIN.fullmatch(version):
        return ()
    return (Part(_kind(path), name, version),)


def _kind(path: str) -> str:
    kinds = ((_NPM, "npm"), (_GEM, "gem"), (_PERL, "cpan"))
    return next((kind for form, kind in kinds if form.fullmatch(path)), "pypi")


def _read(path: str, text: str) -> Iterator[tuple[str, str]]:
    """The fields "name" and "version"; the first of each counts."""
    kind = _kind(path)
    if kind == "pypi":
        head = text.partition("\n\n")[0]
        fields = {key.lower(): value for key, value in reversed(_FIELD.findall(head))}
        # PEP 503, as the type's definition has names: lower case, one dash
        yield from (
            (key, re.sub(r"[-_.]+", "-", value).lower() if key == "name" else value) for key, value in fields.items()
        )
    elif kind == "gem":
        yield from reversed(_SPECIFICATION.findall(text))
    elif kind == "npm":
        try:
            said = json.loads(text)
        except (ValueError, RecursionError):
            return
        wanted = _NPM.fullmatch(path)
        if isinstance(said, dict) and wanted is not None and said.get("name", wanted[1]) == wanted[1]:
            yield "name", wanted[1]
            yield "version", str(said.get("version", ""))
    else:
        package, version = _PACKAGE.search(text), _VERSION.search(text)
        if package and version and path.endswith("/" + package[1].replace("::", "/") + ".pm"):
            yield "name", package[1]
            yield "version", version[1]
