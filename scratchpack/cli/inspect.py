"""``scratchpack inspect BINARY``: what it is, what it loads and why, what it will open later."""

from __future__ import annotations

import sys
from typing import Any

import click

from scratchpack.cli.options import PATH, Grouped, gather, settings_options
from scratchpack.cli.packing import show

_EPILOG = """\b
Examples:
  scratchpack inspect /usr/bin/curl
  scratchpack inspect ./app --why /usr/lib/x86_64-linux-gnu/libz.so.1
  scratchpack inspect ./app --json | jq '.closure.missing'
"""


@click.command("inspect", cls=Grouped, epilog=_EPILOG)
@click.argument("binary", type=PATH)
@settings_options("inspect")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON (docs/schema/inspect.json).")
@click.option("--why", type=PATH, metavar="PATH", help="Say why this file would be in the image, back to its cause.")
@click.pass_context
def command(ctx: click.Context, /, binary: str, as_json: bool, why: str | None, **values: Any) -> None:
    """Show what BINARY is, the tree of what it loads, and what it will open later and on what evidence.

    Exits 4 after the report where the loader would not start it, 5 where what an option asks for is not there, 6 where
    the PATH of --why would not be in the image.
    """
    asked = gather(values, "inspect")
    from scratchpack.pipeline.inspect import carry_out

    inspection = carry_out(binary, asked)
    if as_json:
        from scratchpack.report.json import dumps, plan_document

        click.echo(dumps(plan_document(inspection)))
    elif why is not None:
        from scratchpack.report import why as chains

        found = chains.why(inspection, why)
        if found is None:
            from scratchpack.errors import CheckError

            raise CheckError(f"{why} would not be in the image", details=chains.near(inspection, why))
        click.echo(found, nl=False)
    else:
        from scratchpack.report.inspection import inspection_text

        show(inspection_text, inspection, sys.stdout, verbose=asked.verbose)
    if inspection.errors:
        ctx.exit(4)
    if any(need.decision == "unavailable" and asked.need.get(need.name) == "always" for need in inspection.needs):
        ctx.exit(5)
