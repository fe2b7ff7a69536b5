"""Live files that a build leaves behind (W4): what an image shows goes in, what is a cache, a log or a manual comes out, and how to leave it out.

A name alone is no evidence. A kind says where its files lie and what they are called there; what a package installed is none of them,
but for manuals, which only packages install; an archive counts beside what was unpacked from it, bytecode beside its source.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, NamedTuple

from scratchpack.pattern import pattern

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Shown(NamedTuple):
    """One live file. ``size`` counts for the first of its names; ``layer`` holds its bytes."""

    path: str
    size: int
    layer: int


class Leftover(NamedTuple):
    """All files of one kind below one directory that one layer holds."""

    kind: str
    path: str
    size: int
    layer: int
    cure: str


class _Kind(NamedTuple):
    name: str
    where: str  # a pattern of whole paths; its group is the directory that the report names
    cure: str


_KINDS = (
    _Kind("apt-lists", r"(/var/lib/apt/lists)/.*_.*", "end the RUN that calls apt-get update with: && rm -rf /var/lib/apt/lists/*"),
    _Kind("apt-cache", r"(/var/cache/apt)/(?:archives/.*\.deb|(?:src)?pkgcache\.bin.*)", "end the RUN that installs with: && apt-get clean"),
    _Kind("dnf-cache", r"(/var/cache/(?:dnf|yum|libdnf5|microdnf))/.*", "end the RUN that installs with: && dnf clean all (yum clean all)"),
    _Kind("zypper-cache", r"(/var/cache/zypp)/.*", "end the RUN that installs with: && zypper clean --all"),
    _Kind("apk-cache", r"(/var/cache/apk|/etc/apk/cache)/.*", "install with apk add --no-cache"),
    _Kind("pip-cache", r"(/.+/\.cache/pip)/.*", "install with pip install --no-cache-dir"),
    _Kind("uv-cache", r"(/.+/\.cache/uv)/.*", "install with uv --no-cache, or with RUN --mount=type=cache,target=/root/.cache/uv"),
    _Kind("poetry-cache", r"(/.+/\.cache/pypoetry)/.*", "install with poetry install --no-cache"),
    _Kind("npm-cache", r"(/.+/\.npm/(?:_cacache|_logs))/.*", "end the RUN that installs with: && npm cache clean --force"),
    _Kind("yarn-cache", r"(/.+/(?:\.cache/yarn|\.yarn/(?:berry/)?cache))/.*", "end the RUN that installs with: && yarn cache clean"),
    _Kind("pnpm-store", r"(/.+/(?:\.local/share/pnpm/store|\.pnpm-store))/.*", "install with RUN --mount=type=cache on pnpm's store"),
    _Kind("gem-cache", r"(/.+/(?:gems|ruby)/[0-9][^/]*/cache|/.+/\.bundle/cache)/.*", "end the RUN that installs with: && rm -rf the gems' cache directory"),
    _Kind("cargo-registry", r"(/.+/(?:\.cargo|cargo)/(?:registry|git))/.*", "build in a stage of its own and copy the program, or use RUN --mount=type=cache"),
    _Kind("go-build-cache", r"(/.+/\.cache/go-build)/.*", "build in a stage of its own and copy the program, or use RUN --mount=type=cache"),
    _Kind("go-modules", r"(/.*/pkg/mod)/(?:cache/|.*@v).*", "build in a stage of its own and copy the program, or use RUN --mount=type=cache"),
    _Kind("composer-cache", r"(/.+/(?:\.composer/cache|\.cache/composer))/.*", "install with composer install --no-cache"),
    _Kind("maven-repository", r"(/.+/\.m2/repository)/.*", "build in a stage of its own and copy the result"),
    _Kind("gradle-cache", r"(/.+/\.gradle/(?:caches|wrapper))/.*", "build in a stage of its own and copy the result"),
    _Kind("conda-packages", r"(/.+/pkgs)/(?:.*\.conda|.*\.tar\.bz2|[^/]+/info/.*)", "end the RUN that installs with: && conda clean --all --yes"),
    _Kind("logs", r"(/var/log)/.+", "end the RUN that writes them with: && rm -rf /var/log/*"),
)  # fmt: skip
_MANUALS = pattern(r"(/usr(?:/local)?/share/(?:man|info|doc))/.+")
_ARCHIVE = pattern(r"(/.+)\.(?:tar(?:\.(?:gz|bz2|xz|zst))?|tgz|tbz2|txz|zip)")
_BYTECODE = pattern(r"(/.+)/__pycache__/([^/]+?)\.[a-z]+-[0-9]+(?:\.opt-[0-9])?\.pyc")
_STATIC = pattern(r"(/(?:usr/)?(?:local/)?lib(?:64|32)?)/.*\.a")
_HEADERS = pattern(r"(/usr/(?:local/)?include)/.+")
_COMPILER = pattern(r"/usr/(?:local/)?bin/(?:cc|c\+\+|(?:[a-z0-9_]+-)*(?:gcc|g\+\+|clang|clang\+\+|tcc)(?:-[0-9]+)?)")
_BASE_CURE = "leave it in a build stage, and copy only what is used from there"


def leftovers(
    shown: Iterable[Shown], directories: Callable[[str], bool], owned: Callable[[list[str]], set[str]]
) -> tuple[Leftover, ...]:
    """Find them, largest first.

    Args:
        shown: every live file.
        directories: whether a path is a live directory.
        owned: of these paths, those that a package of the image installed.
    """
    files = list(shown)
    paths = {one.path for one in files}
    compiler = any(_COMPILER.fullmatch(path) for path in paths)
    kinds = [(kind.name, pattern(kind.where), kind.cure) for kind in _KINDS]
    candidates: list[tuple[str, str, str, Shown]] = []
    for one in files:
        if not one.size:
            continue
        for name, where, cure in kinds:
            if found := where.fullmatch(one.path):
                candidates.append((name, found[1], cure, one))
                break
        else:
            if (other := _beside(one.path, paths, directories)) is not None:
                candidates.append((*other, one))
            elif found := _MANUALS.fullmatch(one.path):
                candidates.append(("manuals", found[1], "install without manuals (dpkg --path-exclude, dnf --nodocs), or copy only what is used", one))  # fmt: skip
            elif not compiler and (found := _STATIC.fullmatch(one.path)):
                candidates.append(("static-libraries", found[1], _BASE_CURE, one))
            elif not compiler and (found := _HEADERS.fullmatch(one.path)):
                candidates.append(("headers", found[1], _BASE_CURE, one))
    by_package = owned([one.path for *_, one in candidates]) if candidates else set()
    sums: dict[tuple[str, str, str, int], int] = {}
    for kind, directory, cure, one in candidates:
        if kind in _OF_PACKAGES or (one.path in by_package) == (kind == "manuals"):
            key = (kind, directory, cure, one.layer)
            sums[key] = sums.get(key, 0) + one.size
    made = [Leftover(kind, at, size, layer, cure) for (kind, at, cure, layer), size in sums.items()]
    return tuple(sorted(made, key=lambda one: (-one.size, one.path, one.layer)))


_OF_PACKAGES = frozenset({"static-libraries", "headers"})  # whoever installed them


def _beside(path: str, paths: set[str], directories: Callable[[str], bool]) -> tuple[str, str, str] | None:
    """An archive beside the directory that was unpacked from it, bytecode beside its source."""
    if (found := _ARCHIVE.fullmatch(path)) and directories(found[1]):
        return "archive", path, "fetch, unpack and remove it in one RUN: curl … | tar -x"
    if (found := _BYTECODE.fullmatch(path)) and f"{found[1]}/{found[2]}.py" in paths:
        top = posixpath.dirname(found[1]) if found[1].count("/") > 1 else found[1]
        for mark in ("/site-packages", "/dist-packages"):
            if mark in found[1]:
                top = found[1].partition(mark)[0] + mark
        return (
            "python-bytecode",
            top,
            "install with pip install --no-compile, and set PYTHONDONTWRITEBYTECODE=1 while building",
        )
    return None
