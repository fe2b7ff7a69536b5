"""The options of a run, of ``verify`` and of ``pack``: what stands on the command line in, typed wishes out.

None of them is a setting: no file and no variable can ask that something is executed (S1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from scratchpack.cli.options import PATH
from scratchpack.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from scratchpack.pipeline.runs.expectation import Expectation, Tracing

_RUN = click.Option(["--run"], is_flag=True, help="Then start it in a sandbox; words after -- replace the image's Cmd.")
_TRACE_IMAGE = click.Option(
    ["--trace"], is_flag=True, help="As --run, and report what it opens, what it lacks, and what nobody touched."
)
_TRACE = click.Option(
    ["--trace"],
    is_flag=True,
    help="Run it first, traced, with the words after --: what it opens is added, and the result is run as the proof.",
)
_MINIMIZE = click.Option(["--minimize"], is_flag=True, help="As --trace, and leave out what no trace touched.")
_FILES = (
    click.Option(["--trace-to"], type=PATH, metavar="FILE", help="Write the trace, for --trace-from and for review."),
    click.Option(
        ["--seccomp"], type=PATH, metavar="FILE", help="Write a profile of its system calls, for docker and podman."
    ),
)
_SOURCE = click.Option(
    ["--source-root"], type=PATH, metavar="DIR", help="Where a trace looks for what the image lacks; without it, /."
)
_OPTIONS = (
    click.Option(
        ["--expect-exit"],
        type=click.IntRange(0, 255),
        metavar="N",
        help="The status that it must end with; without it, 0.",
    ),
    click.Option(["--expect-output"], metavar="TEXT", help="A text that its standard output must hold."),
    click.Option(["--stdin"], type=PATH, metavar="FILE", help="What it reads; without it, nothing. - is our own."),
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
OF_VERIFY = (_RUN, _TRACE_IMAGE, *_FILES, _SOURCE, *_OPTIONS)
OF_PACK = (_TRACE, _MINIMIZE, *_FILES, *_OPTIONS)
_STARTING = ("run", "trace", "minimize")
_STDIN = 64 << 20  # bytes


def run_options(options: tuple[click.Option, ...]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator that adds the options of a run."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        function.__click_params__ = [*getattr(function, "__click_params__", []), *reversed(options)]  # type: ignore[attr-defined]
        return function

    return decorate


def wanted(
    values: dict[str, Any], words: tuple[str, ...], options: tuple[click.Option, ...]
) -> tuple[Expectation | None, Tracing | None]:
    """Take the options of a run out of click's values; ``None`` where no run, or no traced one, is asked for.

    Raises:
        UsageError: something that only a run can mean, without one, or what no run can show.
    """
    given = {option.name or "": values.pop(option.name or "") for option in options}
    starting = [name for name in _STARTING if given.pop(name, False)]
    stands = [name for name, value in given.items() if value is not None and value is not False and value != ()]
    means = " or ".join(f"--{name}" for name in _STARTING if any(option.name == name for option in options))
    if not starting:
        idle = [f"--{name.replace('_', '-')}" for name in stands] or [repr(word) for word in words]
        if idle:
            raise UsageError(f"cannot use {idle[0]} without {means}", hint=f"add {means}")
        return None, None
    traced = [name for name in stands if name in {"trace_to", "seccomp", "source_root"}]
    if traced and starting == ["run"]:
        raise UsageError(f"cannot use --{traced[0].replace('_', '-')} without --trace", hint="add --trace")
    from scratchpack.pipeline.runs.expectation import Expectation, Tracing, check_expectation

    asked = Expectation(
        words=words,
        exit=given["expect_exit"],
        output=given["expect_output"],
        timeout=60.0 if given["timeout"] is None else given["timeout"],
        network=given["network"],
        writable=given["writable"],
        wait_tcp=given["wait_tcp"],
        request=given["request"],
        stdin=b"" if given["stdin"] is None else _stdin(given["stdin"]),
    )
    check_expectation(asked)
    if starting == ["run"]:
        return asked, None
    return asked, Tracing("minimize" in starting, given["trace_to"], given["seccomp"], given.get("source_root"))


def _stdin(name: str) -> bytes:
    try:
        with click.open_file(name, "rb") as stream:
            data: bytes = stream.read(_STDIN + 1)
    except OSError as error:
        raise UsageError(f"cannot use --stdin {name}: {error.strerror}") from None
    if len(data) > _STDIN:
        raise UsageError(f"cannot use --stdin {name}: it has over {_STDIN} bytes")
    return data
