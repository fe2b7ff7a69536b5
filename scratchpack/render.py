"""A template's name and its values go in, text comes out. Nothing else imports jinja2; undefined names are errors, and a final newline stays.

Built-in templates come from ``templates/``; a user's own template runs in a sandbox (S13), where it reaches neither
Python's internals nor a method that changes a value.
"""

from __future__ import annotations

import json
import os
import shlex
from functools import cache
from typing import TYPE_CHECKING

from scratchpack import templates
from scratchpack.errors import ScratchpackError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from jinja2 import BaseLoader, Environment

USER_TEMPLATE_CAP = 1 << 20  # bytes of a user's template file
USER_OUTPUT_CAP = 4 << 20  # characters that it may become


def render(name: str, context: Mapping[str, object]) -> str:
    """Render the built-in template ``name`` (``dockerfile/go.Dockerfile.j2``); ``*.html.j2`` is escaped as HTML.

    Raises:
        ScratchpackError: no such template, or it uses a name that ``context`` does not have: a fault of ours.
    """
    from jinja2 import TemplateError

    templates.path(name)
    try:
        return _built_in().get_template(name).render(context)
    except TemplateError as error:
        raise ScratchpackError(f"cannot render the template {name}: {error}") from error


def render_user(source: Path, name: str, context: Mapping[str, object]) -> str:
    """Render a user's own template in the sandbox (S13).

    Args:
        source: a template file, or a directory of them. Includes and ``extends`` look there, then among the built-in ones.
        name: which file, where ``source`` is a directory (``go.Dockerfile.j2``).
        context: the documented variables (docs/templates.md).

    Raises:
        UsageError: no such file, not UTF-8, a syntax error, an undefined name, something the sandbox forbids, or a
            result that is too long.
    """
    from jinja2 import ChoiceLoader, FileSystemLoader, FunctionLoader, TemplateError
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    home, file = (source, name) if source.is_dir() else (source.parent, source.name)
    path = home / file
    if not path.is_file():
        raise UsageError(f"cannot use the template {path}: there is no such file")
    inside = os.path.realpath(home)
    named = None if source.is_dir() else file  # a file that the user named may be a link to anywhere

    def load(wanted: str) -> tuple[str, str, None] | None:
        place = home / wanted
        real = os.path.realpath(place)
        if not os.path.isfile(real) or (wanted != named and os.path.commonpath((inside, real)) != inside):
            return None
        if os.path.getsize(real) > USER_TEMPLATE_CAP:
            raise UsageError(f"cannot use the template {place}: it is larger than {USER_TEMPLATE_CAP >> 20} MiB")
        return place.read_text(encoding="utf-8"), str(place), None

    loader = ChoiceLoader([FunctionLoader(load), FileSystemLoader(templates.directory())])
    environment = _environment(ImmutableSandboxedEnvironment, loader)
    try:
        return _bounded(environment.get_template(file).generate(context), path)
    except UsageError:
        raise
    except (TemplateError, UnicodeDecodeError) as error:
        line = getattr(error, "lineno", None)
        raise UsageError(f"cannot render the template {path}{f', line {line}' if line else ''}: {error}") from None
    except Exception as error:  # noqa: BLE001 - whatever an expression of the user's raises: 1 // 0, "a" + 1
        raise UsageError(f"cannot render the template {path}: {type(error).__name__}: {error}") from None


def exec_form(words: Iterable[str]) -> str:
    """A JSON array in ASCII, for ``ENTRYPOINT`` and ``CMD``: nothing in it ends the line or is expanded (S12)."""
    return json.dumps(list(words))


def _json(value: object) -> str:
    """A JSON value that is also YAML: there an escaped surrogate pair would be two broken characters."""
    return json.dumps(value, ensure_ascii=False)


@cache
def _built_in() -> Environment:
    from jinja2 import Environment, FileSystemLoader

    return _environment(Environment, FileSystemLoader(templates.directory()))


def _environment(kind: type[Environment], loader: BaseLoader) -> Environment:
    from jinja2 import StrictUndefined

    environment = kind(
        loader=loader,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=lambda name: name is not None and name.endswith((".html", ".html.j2")),
    )
    environment.filters["exec_form"] = exec_form
    environment.filters["sh"] = shlex.quote
    environment.filters["json"] = _json
    return environment


def _bounded(pieces: Iterable[str], path: Path) -> str:
    kept, length = [], 0
    for piece in pieces:
        kept.append(piece)
        length += len(piece)
        if length > USER_OUTPUT_CAP:
            raise UsageError(f"cannot render the template {path}: it becomes longer than {USER_OUTPUT_CAP >> 20} MiB")
    return "".join(kept)
