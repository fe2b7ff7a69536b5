"""The options of ``verify --run``: what stands on the command line in, one :class:`~scratchpack.pipeline.running.Expectation` out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from scratchpack.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from scratchpack.pipeline.running import Expectation

_OPTIONS = (
    click.Option(["--run"], is_flag=True, help="Then start it in a sandbox; words after -- replace the image's Cmd."),
    click.Option(
        ["--expect-exit"],
        type=click.IntRange(0, 255),
        metavar="N",
        help="The status that it must end with; without it, 0.",
    ),
    click.Option(["--expect-output"], metavar="TEXT", help="A text that its standard output must hold."),
    click.Option(
        ["--timeout"], type=float, metavar="SECONDS", help="Kill it after so long, which is wrong; without it, 60."
    ),
    click.Option(
        ["--network"], is_flag=True, help="Let it use this machine's network; else it has a loopback device alone."
    ),
    click.Option(
        ["--writable"], is_flag=True, help="Let it write anywhere in its root, in memory; else in volumes only."
    ),
    click.Option(
        ["--wait-tcp"], type=int, multiple=True, metavar="PORT", help="A server: wait until it listens; repeatable."
    ),
    click.Option(
        ["--request"],
        multiple=True,
        metavar="URL",
        help="A server: get http://localhost:PORT/…, then stop it; repeatable.",
    ),
)


def run_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """A decorator that adds the options of a run."""
    function.__click_params__ = [*getattr(function, "__click_params__", []), *reversed(_OPTIONS)]  # type: ignore[attr-defined]
    return function


def expectation(values: dict[str, Any], words: tuple[str, ...]) -> Expectation | None:
    """Take the options of a run out of click's values; ``None`` where no run is asked for.

    Raises:
        UsageError: something that only a run can mean, without --run, or what no run can show.
    """
    given = {option.name: values.pop(option.name or "") for option in _OPTIONS}
    if not given.pop("run"):
        stands = {name or "": value is not None and value is not False and value != () for name, value in given.items()}
        idle = [f"--{name.replace('_', '-')}" for name in stands if stands[name]]
        if idle or words:
            raise UsageError(f"cannot use {idle[0] if idle else repr(words[0])} without --run", hint="add --run")
        return None
    from scratchpack.pipeline.running import Expectation, check_expectation

    asked = Expectation(
        words=words,
        exit=given["expect_exit"],
        output=given["expect_output"],
        timeout=60.0 if given["timeout"] is None else given["timeout"],
        network=given["network"],
        writable=given["writable"],
        wait_tcp=given["wait_tcp"],
        request=given["request"],
    )
    check_expectation(asked)
    return asked
