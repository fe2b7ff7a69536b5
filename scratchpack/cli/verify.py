"""``scratchpack verify IMAGE-OR-BINARY``: recompute, and resolve again inside the result."""

from __future__ import annotations

from functools import partial
from typing import Any

import click

from scratchpack.cli.guest_output import passed_on
from scratchpack.cli.options import PATH, Grouped, gather, settings_options
from scratchpack.cli.runs import OF_VERIFY, run_options, wanted
from scratchpack.errors import UsageError

_EPILOG = """\b
Examples:
  scratchpack verify goHelloWorld.tar                an archive (docker save, podman save, scratchpack)
  scratchpack verify ./layout                        an OCI layout directory
  scratchpack verify docker:app:1.0                  an image of an engine (docker:, podman:, containerd:)
  scratchpack verify registry.example.com/app:1.0    an image of a registry
  scratchpack verify --house-rules other.tar         another tool's image, by our rules as well
  scratchpack verify ./app                           a program: read twice, by two readers
  scratchpack verify --run app.tar -- --version      start it, without an engine and without its network
  scratchpack verify --run --wait-tcp 8080 --request http://localhost:8080/ server.tar
  scratchpack verify --trace app.tar -- input.txt    what it opens, what it lacks, what nobody touches
"""


@click.command("verify", cls=Grouped, epilog=_EPILOG)
@click.argument("subject", type=PATH, metavar="IMAGE-OR-BINARY")
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="[-- ARGS]")
@run_options(OF_VERIFY)
@settings_options("verify", "verify-image")
@click.option("--json", "as_json", is_flag=True, help="Print the verdicts as JSON (docs/schema/verify.json).")
@click.option(
    "--house-rules", is_flag=True, help="Hold scratchpack's own rules for images against those of others too."
)
@click.option(
    "--max-unpacked",
    metavar="SIZE",
    help="What the image's layers may unpack to, for example 20G; without it, 256M and 100 times what is stored.",
)
@click.pass_context
def command(
    ctx: click.Context,
    /,
    subject: str,
    words: tuple[str, ...],
    as_json: bool,
    house_rules: bool,
    max_unpacked: str | None,
    **values: Any,
) -> None:
    """Check any image: recompute every digest, and find what it starts, and all that loads, inside its own layers.

    An image of another tool is judged by its own claims; --house-rules adds the rules that scratchpack's images keep to.
    Nothing of the image is executed without --run or --trace. Exits 6 where anything is wrong; every issue is listed, and what was
    not checked. With either an image that is right is started as an engine
    would start it, and must end as expected.
    """
    run, tracing = wanted(values, words, OF_VERIFY)
    from scratchpack.pipeline.verify import carry_out, is_program, unpacked_size

    unpacked = unpacked_size(max_unpacked)
    program = is_program(subject)
    if program and (house_rules or unpacked is not None):
        option = "--house-rules" if house_rules else "--max-unpacked"
        raise UsageError(f"cannot use {option} to verify a program: it is for the verification of an image")
    if program and run is not None:
        raise UsageError(
            f"cannot run the program {subject}: only an image is run", hint=f"scratchpack {subject} makes one"
        )
    asked = gather(values, "verify" if program else "verify-image")
    start = None
    if run is not None:
        from scratchpack.pipeline.runs.image import run_image

        show = None if asked.quiet else passed_on(apart=as_json)
        start = partial(run_image, wanted=run, tracing=tracing, show=show)
    verdicts = carry_out(subject, asked, house_rules=house_rules, unpacked=unpacked, run=start)
    if as_json:
        from scratchpack.report.json import dumps
        from scratchpack.report.verdicts import verdicts_document

        click.echo(dumps(verdicts_document(verdicts)))
    elif not asked.quiet:
        from scratchpack.report.verdicts import verdicts_text

        click.echo(verdicts_text(verdicts), nl=False)
    if any(verdict.issues for verdict in verdicts):
        ctx.exit(6)
