"""What an image holds against what it held before: two ``--metadata-file`` documents in, a line for each thing that is new or gone out.

A lock names libraries, needs, files and environment variables, for each platform. That a file has other bytes is no difference:
a new build of the program is what a lock is held against.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from scratchpack import foreign
from scratchpack.errors import UsageError
from scratchpack.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

_LIMIT = 64 << 20  # bytes: a Python program with its libraries has 2 MB
_HINT = "write it with --metadata-file, or again with --update-lock"


class Held(NamedTuple):
    """What one platform's image holds. Paths are compared as the documents write them."""

    libraries: Mapping[str, str]  # soname -> path
    needs: frozenset[str] | None  # those whose files travel; None where an image cannot tell
    files: frozenset[str]
    env: frozenset[str]


def read_lock(path: str) -> dict[str, Held]:
    """The lock of each platform.

    Raises:
        UsageError: there is no such file, or it is none that ``--metadata-file`` wrote.
    """

    def fault(why: str) -> UsageError:
        return UsageError(f"cannot use --locked {path}: {why}", hint=_HINT)

    data = foreign.file(path, fault, limit=_LIMIT)
    if data is None:
        raise fault("there is no such file")
    document = foreign.json_document(data, fault, limit=_LIMIT)
    return dict(_read(one) for one in (document, *document.get("others").items()))


def _read(document: foreign.Value) -> tuple[str, Held]:
    needs = [need for need in document["needs"].items() if need["decision"].text() == "added"]
    closures = [document["closure"], *(need["closure"] for need in needs if not need["closure"].absent)]
    libraries = {
        library["soname"].text(): library["path"].text()
        for closure in closures
        for library in closure["resolved"].items()
        if library["found_by"].text() != "root"
    }
    return document["platform"].text(), Held(
        libraries,
        frozenset(need["name"].text() for need in needs),
        frozenset(file["path"].text() for file in document["files"].items()),
        frozenset(document["env"].table()),
    )


def held(documents: Iterable[Mapping[str, Any]]) -> dict[str, Held]:
    """The same of documents that were just made."""
    return dict(_read(foreign.Value(dict(document))) for document in documents)


def differences(old: Mapping[str, Held], new: Mapping[str, Held]) -> tuple[str, ...]:
    """One line for each thing that is new or gone, in the order of platforms and kinds."""
    lines: list[str] = []
    several = len(set(old) | set(new)) > 1
    for platform in sorted(set(old) | set(new)):
        if platform not in old or platform not in new:
            lines.append(f"platform {platform} is {'new' if platform in new else 'gone'}")
            continue
        where = f" ({platform})" if several else ""
        lines += [line + where for line in _between(old[platform], new[platform])]
    return tuple(lines)


def _between(old: Held, new: Held) -> Iterator[str]:
    # an image does not say which of its libraries a need opened: one whose file is there is not gone
    travelling = set(new.libraries) | {soname for soname, path in old.libraries.items() if path in new.files}
    yield from _changes("library", set(old.libraries), set(new.libraries), travelling)
    if new.needs is not None:
        yield from _changes("need", old.needs or frozenset(), new.needs, new.needs)
    # archives have a record for the parents of every file, documents only for directories with a reason of their own
    parents = {parent for path in old.files | new.files for parent in _parents(path)}
    yield from _changes("file", old.files - parents, new.files - parents, new.files)
    yield from _changes("environment variable", old.env, new.env, new.env)


def _changes(kind: str, old: Iterable[str], new: Iterable[str], there: Iterable[str]) -> Iterator[str]:
    yield from (f"{kind} {name} is new" for name in sorted(set(new) - set(old)))
    yield from (f"{kind} {name} is gone" for name in sorted(set(old) - set(there)))


def _parents(path: str) -> Iterator[str]:
    while path not in {"/", ""}:
        path = posixpath.dirname(path)
        yield path
