"""The templates that are not Dockerfiles: a name and options go in, a Makefile part, Bake file or CI job comes out as text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import scratchpack
from scratchpack.errors import UsageError
from scratchpack.scaffold.languages import TOOL_IMAGE

if TYPE_CHECKING:
    from pathlib import Path

PARTS = {
    "make": "the Makefile part: include scratchpack.mk",
    "bake": "a Bake file: several programs for several platforms, on builders elsewhere",
    "github": "a GitHub workflow that builds, packs, verifies and pushes",
    "gitlab": "GitLab jobs that build, pack, verify and push",
}
_PLATFORM = re.compile(r"[a-z0-9]+/[a-z0-9]+(/[a-z0-9]+)?")
_TARGET = re.compile(r"[a-z0-9]+([._-][a-z0-9]+)*")
_REGISTRY = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.:/_-]*[A-Za-z0-9])?")


class PartWishes(NamedTuple):
    """What the user may say of a part; the Makefile part takes its wishes from make's variables."""

    targets: tuple[str, ...] = ()  # NAME or NAME=DOCKERFILE
    platforms: tuple[str, ...] = ("linux/amd64", "linux/arm64")
    registry: str | None = None
    binary: str = "./app"
    build: str = "make"
    image: str = "gcc:14-bookworm"


class _Target(NamedTuple):
    name: str
    image: str
    dockerfile: str


def part(name: str, wishes: PartWishes, *, own: Path | None = None) -> str:
    """The text of a part; ``own`` is a user's template, or a directory of them (S13).

    Raises:
        UsageError: a wish that the file cannot carry.
    """
    from scratchpack import render, templates

    if name == "make" and own is None:
        return templates.read("make/scratchpack.mk").decode()
    file = "scratchpack.mk.j2" if name == "make" else f"{name}.yaml.j2"
    values = _context(name, wishes)
    return render.render_user(own, file, values) if own is not None else render.render(f"ci/{file}", values)


def _context(name: str, wishes: PartWishes) -> dict[str, object]:
    for option, value in (("--binary", wishes.binary), ("--build", wishes.build), ("--image", wishes.image)):
        if not value or not value.isprintable():
            raise UsageError(f"cannot use {option} {value!r}: it is empty or holds a character that no line can carry")
    registry = wishes.registry or ("ghcr.io" if name == "github" else "localhost:5000")
    if not _REGISTRY.fullmatch(registry):
        raise UsageError(f"cannot use --registry {registry!r}: it takes HOST[:PORT][/PATH]")
    for platform in wishes.platforms:
        if not _PLATFORM.fullmatch(platform):
            raise UsageError(f"cannot use --platform {platform!r}: it takes OS/ARCHITECTURE[/VARIANT]")
    targets = tuple(_target(text) for text in wishes.targets or ("app=Dockerfile",))
    twice = [
        target.name for number, target in enumerate(targets) if target.name in {one.name for one in targets[:number]}
    ]
    if twice:
        raise UsageError(f"cannot use --target {', '.join(twice)} twice: each is an image of its own")
    return {
        "scratchpack_version": scratchpack.__version__,
        "targets": targets,
        "platforms": wishes.platforms,
        "registry": registry,
        "binary": wishes.binary,
        "build": wishes.build,
        "image": wishes.image,
        "tool_image": TOOL_IMAGE,
    }


def _target(text: str) -> _Target:
    name, _, file = text.partition("=")
    file = file or f"{name}.Dockerfile"
    if not _TARGET.fullmatch(name):
        raise UsageError(f"cannot use --target {text!r}: a name has lower-case letters and digits, joined by . _ or -")
    if not file.isprintable() or "$" in file:
        raise UsageError(f"cannot use --target {text!r}: the Dockerfile's name holds $ or a control character")
    return _Target(name, name, file)
