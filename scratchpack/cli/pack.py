"""``scratchpack pack BINARY…``: the image."""

from __future__ import annotations

import os
from typing import Any

import click

from scratchpack.cli.options import PATH, Grouped, given, settings_options
from scratchpack.cli.packing import pack_and_report
from scratchpack.cli.runs import OF_PACK, run_options, wanted
from scratchpack.config import NAMES

_ENGINES = NAMES["load"].choices
_EPILOG = """\b
Examples:
  scratchpack ./goHelloWorld                         goHelloWorld.tar, for every engine
  scratchpack ./app -t example.org/app:1.0 --push    to a registry, without an archive
  scratchpack ./app -o type=docker,dest=- | docker load
  scratchpack --root ./sysroot /usr/bin/curl         a program of another root filesystem
  scratchpack app-amd64 app-arm64 -t app:1.0         one index for two platforms
  scratchpack ./build/app --library-path ./build/lib libraries that the build left elsewhere
  scratchpack ./app --directory /run/app:0750        a directory that its user may write
  scratchpack ./app --trace -- --self-test           what a run opens is added; the result is run as the proof
  scratchpack ./deploy.sh --need commands=always     a script with the commands that it runs
  scratchpack pack --each /usr/bin/jq /usr/bin/curl -t example.org/{name}:1.0 --push
                                                     an image of each; what they load is pushed once
  scratchpack pack --config fleet.toml               the images that a fleet file lists

Settings may also stand in scratchpack.toml, in [tool.scratchpack] of pyproject.toml, or in
SCRATCHPACK_<NAME>; options win over variables, and variables over files.
"""


_WORDS = f"{__name__}.words"


class _Pack(Grouped):
    """``--load`` takes the next word where it names an engine; before a file it stands alone."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Tell the two apart, as click cannot; of a run, keep the words after ``--`` from the binaries."""
        words = list(args)
        if "--" in words and {"--trace", "--minimize"} & set(words[: words.index("--")]):
            at = words.index("--")
            words, ctx.meta[_WORDS] = words[:at], tuple(words[at + 1 :])
        ends = words.index("--") if "--" in words else len(words)
        for place in range(ends - 1):
            word = words[place + 1]
            if words[place] == "--load" and word not in _ENGINES and os.path.lexists(word):
                words[place] = f"--load={NAMES['load'].flag_value}"
        return super().parse_args(ctx, words)


@click.command("pack", cls=_Pack, epilog=_EPILOG)
@click.argument("binaries", nargs=-1, type=PATH, metavar="BINARY…")
@run_options(OF_PACK)
@settings_options("pack")
@click.pass_context
def command(ctx: click.Context, /, binaries: tuple[str, ...], **values: Any) -> None:
    """Make an image that holds BINARY and exactly what it needs.

    Several binaries of one platform make one image whose entrypoint is the first; binaries of different platforms
    make one index. stdout says what was written, one path a line.
    """
    run, tracing = wanted(values, ctx.meta.get(_WORDS, ()), OF_PACK)
    config = values.pop("config")
    if not binaries and config is None:  # a fleet file lists them
        raise click.MissingParameter(ctx=ctx, param_hint="'BINARY…'", param_type="argument")
    pack_and_report(binaries, given(values), config, None if run is None or tracing is None else (run, tracing))
