"""click options made from the one schema, so that an option, a key and a variable cannot drift apart."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from scratchpack.cli.packing import settle
from scratchpack.config import SETTINGS, Setting

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.shell_completion import CompletionItem

    from scratchpack.request.model import Request


class _Path(click.types.StringParamType):
    """A path given as text: not checked here, completed by the shell."""

    name = "path"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:  # noqa: ARG002
        return os.fsdecode(value)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG002
        from click.shell_completion import CompletionItem

        return [CompletionItem(incomplete, type="file")]


PATH = _Path()
_PATHS = {"FILE", "DIR", "PATH"}


class Grouped(click.Command):
    """A command whose ``--help`` lists the options by what they are about."""

    def get_help_option_names(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """The same from wherever it is asked: click keeps the first answer for good."""
        return ["-h", "--help"]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write one section a group, ours last."""
        groups: dict[str, list[tuple[str, str]]] = {}
        known = {setting.name.replace("-", "_"): setting.group for setting in SETTINGS}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is not None:
                groups.setdefault(known.get(param.name or "", "Options"), []).append(record)
        for title in sorted(groups, key=lambda title: title == "Options"):
            with formatter.section(title):
                formatter.write_dl(groups[title])


def _option(setting: Setting) -> click.Option:
    names = [f"--{setting.name}", *([f"-{setting.short}"] if setting.short else [])]
    common: dict[str, Any] = {"help": setting.help, "default": None}
    if setting.kind == "flag":
        return click.Option([f"--{setting.name}/--no-{setting.name}", *names[1:]], **common)
    if setting.kind == "choice":
        return click.Option(names, type=click.Choice(setting.choices), **common)
    if setting.kind == "optional":
        return click.Option(
            names, is_flag=False, flag_value=setting.flag_value, metavar=f"[{setting.metavar}]", **common
        )
    kind = PATH if setting.metavar in _PATHS else click.STRING
    if setting.many:
        common["default"] = ()
    return click.Option(names, type=kind, multiple=setting.many, metavar=setting.metavar, **common)


def settings_options(*commands: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator that adds the options of the settings that one of these commands takes, and ``--config``."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        params = [_option(setting) for setting in SETTINGS if set(commands) & set(setting.takes)]
        params.append(
            click.Option(["--config"], type=PATH, metavar="FILE", help="Read the settings from this TOML file.")
        )
        function.__click_params__ = [*getattr(function, "__click_params__", []), *reversed(params)]  # type: ignore[attr-defined]
        return function

    return decorate


def given(values: dict[str, Any]) -> dict[str, Any]:
    """The settings that stood on the command line, by name."""
    return {name.replace("_", "-"): value for name, value in values.items() if value is not None and value != ()}


def gather(values: dict[str, Any], command: str) -> Request:
    """The request of one run; ``values`` are click's, with ``config``."""
    config = values.pop("config", None)
    return settle(given(values), config, command).asked
