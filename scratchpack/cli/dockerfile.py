"""``scratchpack dockerfile BINARY``: a Dockerfile and its context."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from scratchpack.cli.options import PATH, Grouped, given, settings_options
from scratchpack.cli.packing import settle, show
from scratchpack.cli.receipts import say_path
from scratchpack.errors import UsageError

if TYPE_CHECKING:
    from scratchpack.sinks.model import Output

_EPILOG = """\b
Examples:
  scratchpack dockerfile ./app                       app.context/Dockerfile and app.context/rootfs.tar
  scratchpack dockerfile ./app -o build/image -t app:1.0 && docker build -t app:1.0 build/image
"""


@click.command("dockerfile", cls=Grouped, epilog=_EPILOG)
@click.argument("binaries", nargs=-1, required=True, type=PATH, metavar="BINARY…")
@click.option(
    *("-d", "-o", "--output", "--directory", "directory"),
    type=PATH,
    metavar="DIR",
    help="The context to write, as DIR or as pack's -o type=dockerfile,dest=DIR. Default: <name>.context.",
)
@settings_options("dockerfile")
def command(binaries: tuple[str, ...], directory: str | None, **values: Any) -> None:
    """Write a directory with a Dockerfile and a rootfs.tar.

    BuildKit, the classic builder and buildah build from it the same files and configuration that `pack` writes.
    """
    config = values.pop("config")
    asked, settings = settle(given(values), config, "dockerfile")
    output = _context(directory)
    from scratchpack.pipeline.pack import carry_out
    from scratchpack.report.packed import packed_table

    asked = asked._replace(output=(output._replace(force=asked.force or output.force),))
    packed = carry_out(binaries, asked, settings=settings)
    if not asked.quiet:
        show(packed_table, packed, sys.stderr, dry_run=asked.dry_run, verbose=asked.verbose)
    for receipt in packed.receipts:
        say_path(receipt.dest)


def _context(text: str | None) -> Output:
    from scratchpack.sinks.model import Output

    if text == "":
        raise UsageError("cannot use an empty --output: it takes the name of a directory")
    if text is None or not text.startswith(("type=", "dest=")):
        return Output("dockerfile", text)
    from scratchpack.request.outputs import outputs

    (output,) = outputs((text if text.startswith("type=") else f"type=dockerfile,{text}",))
    if output.type != "dockerfile":
        raise UsageError(
            f"cannot write type={output.type}: this command writes a Dockerfile and its context",
            hint=f"scratchpack pack … -o {text}",
        )
    return output
