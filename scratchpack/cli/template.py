"""``scratchpack template NAME``: a multi-stage Dockerfile, the Makefile part, a Bake file, a CI job."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from scratchpack.cli.receipts import say_path
from scratchpack.errors import UsageError

_EPILOG = """\b
Examples:
  scratchpack template --list
  scratchpack template go --package ./cmd/server -o Dockerfile
  scratchpack template rust-gnu --link dynamic --certificates
  scratchpack template make -o scratchpack.mk
  scratchpack template kubernetes --from server.tar | kubectl apply -f -
  scratchpack template bake --target api --target worker --platform linux/amd64,linux/arm64
"""

# which options each kind of template takes; the others are refused, so that none is silently without effect
_DOCKERFILE = frozenset({
    "version", "distro", "image", "package", "name", "build_args", "user", "certificates", "timezones", "platform",
    "link", "build_system", "cache_mounts", "tool_image",
})  # fmt: skip
_PARTS = {
    "make": frozenset[str](),
    "bake": frozenset({"targets", "platform", "registry"}),
    "github": frozenset({"binary", "build", "registry"}),
    "gitlab": frozenset({"binary", "build", "image"}),
}
_DEPLOYMENTS = frozenset({"kubernetes", "compose"})


@click.command("template", epilog=_EPILOG)
@click.argument("name", required=False, metavar="NAME")
@click.option("--list", "listing", is_flag=True, help="Show the templates and their defaults.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Write this file instead of stdout."
)
@click.option("--force", is_flag=True, help="Replace FILE.")
@click.option(
    "--template",
    "own",
    type=click.Path(path_type=Path),
    metavar="FILE|DIR",
    help="Use your own template, in a sandbox.",
)
@click.option("--version", metavar="VERSION", help="The toolchain's version.")
@click.option("--distro", metavar="NAME", help="The distribution of the build stage.")
@click.option("--image", metavar="IMAGE", help="The build stage's image, instead of version and distribution.")
@click.option("--package", metavar="WHAT", help="What to build, in the language's own words (--list).")
@click.option("--name", "app", metavar="NAME", help="The program's file name in the image. Default: app.")
@click.option(
    "--build-arg", "build_args", multiple=True, metavar="WORD", help="One more word for the compiler; repeatable."
)
@click.option("--user", metavar="UID[:GID]", help="Who it runs as. Default: 65532:65532.")
@click.option("--certificates", is_flag=True, default=None, help="Add CA certificates.")
@click.option("--timezones", is_flag=True, default=None, help="Add time zones.")
@click.option(
    "--platform", metavar="OS/ARCH[/VARIANT]", help="Build for this platform; bake takes several, with commas."
)
@click.option("--link", metavar="HOW", help="static, static-pie or dynamic, where the language can.")
@click.option("--build-system", metavar="NAME", help="make, cmake or meson, for C and C++.")
@click.option("--classic", is_flag=True, help="Without mounts, for the classic builder.")
@click.option("--tool-image", metavar="IMAGE", help="A Python image for the stage that runs scratchpack.")
@click.option("--target", "targets", multiple=True, metavar="NAME[=DOCKERFILE]", help="bake: one image; repeatable.")
@click.option("--registry", metavar="HOST[/PATH]", help="bake, github: where images go.")
@click.option("--binary", metavar="PATH", help="github, gitlab: the program that the build leaves.")
@click.option("--build", metavar="COMMAND", help="github, gitlab: what builds it. Default: make.")
@click.option("--from", "source", metavar="IMAGE", help="kubernetes, compose: the image to deploy, as verify takes it.")
def command(
    name: str | None, output: Path | None, *, listing: bool, force: bool, own: Path | None, **values: Any
) -> None:
    """Print a multi-stage Dockerfile for a language, or make, bake, github, gitlab, kubernetes or compose."""
    if listing:
        from scratchpack.scaffold.listing import listing as text

        click.echo(text(), nl=False)
        return
    if name is None:
        raise UsageError("cannot make a template without its name", hint="`scratchpack template --list` shows them")
    values["name"], values["cache_mounts"] = values.pop("app"), False if values.pop("classic") else None
    given = {key: value for key, value in values.items() if value is not None and value != ()}
    kind = _part if name in _PARTS else _deployment if name in _DEPLOYMENTS else _dockerfile
    made = kind(name, given, own)
    if output is None or str(output) == "-":
        click.echo(made, nl=False)
        return
    if own is not None and output.exists() and own.exists() and own.samefile(output):
        raise UsageError(f"cannot write {output}: it would replace the template, {own}", hint="give it another name")
    from scratchpack.scaffold.files import write

    write(output, made, force=force)
    say_path(str(output))


def _dockerfile(name: str, given: dict[str, Any], own: Path | None) -> str:
    from scratchpack.scaffold.dockerfile import Wishes, dockerfile
    from scratchpack.scaffold.languages import find

    language = find(name, (*_PARTS, *_DEPLOYMENTS))
    _only(name, given, _DOCKERFILE)
    return dockerfile(language, Wishes(**given), own=own)


def _part(name: str, given: dict[str, Any], own: Path | None) -> str:
    from scratchpack.scaffold.parts import PartWishes, part

    _only(name, given, _PARTS[name])
    if "platform" in given:
        given["platforms"] = tuple(given.pop("platform").split(","))
    return part(name, PartWishes(**given), own=own)


def _deployment(name: str, given: dict[str, Any], own: Path | None) -> str:
    from scratchpack.pipeline.deployed import deployed
    from scratchpack.scaffold.deployment import deployment

    _only(name, given, frozenset({"source"}))
    if "source" not in given:
        raise UsageError(
            f"cannot make template {name} without its image: its user, ports and places to write are the image's",
            hint=f"scratchpack template {name} --from app.tar",
        )
    return deployment(name, deployed(given["source"]), own=own)


def _only(name: str, given: dict[str, Any], known: frozenset[str]) -> None:
    words = {"build_args": "build-arg", "targets": "target", "cache_mounts": "classic", "source": "from"}
    strange = [words.get(key, key.replace("_", "-")) for key in given if key not in known]
    if strange:
        raise UsageError(f"cannot use --{', --'.join(strange)} with template {name}")
