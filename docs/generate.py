"""`make docs`: write the generated pages again. A test compares them with what is checked in.

The index names every page of this directory; `cli.md` is what `--help` says, command by command;
`schema/settings.json` is what a settings file may say; and `scratchpack/needs/index.py` is what the needs' own files say that they look for.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scratchpack.cli.commands import commands
from scratchpack.cli.words import COMMANDS
from scratchpack.config import SETTINGS
from scratchpack.config.options import RUN
from scratchpack.needs.load import held

if TYPE_CHECKING:
    from scratchpack.config import Setting
    from scratchpack.needs.base import Wants

DOCS = Path(__file__).parent
BEGIN, END = "<!-- pages: begin (make docs) -->", "<!-- pages: end -->"
WIDTH = 100
NEEDS = DOCS.parent / "scratchpack/needs"
ROOMS = ("system", "companion", "language")
HEAD = '''"""What the one scan looks for on behalf of each need, and the file that holds it: no need's file is imported for that.

Written by `make docs` from the ``wants`` of the needs themselves; a test compares them.
"""

from __future__ import annotations

from scratchpack.needs.base import Row, Wants

# fmt: off
'''


def pages() -> dict[Path, str]:
    """Every generated file, and what it should hold."""
    return {
        DOCS / "cli.md": reference(),
        DOCS / "README.md": index(),
        DOCS / "schema/settings.json": settings_schema(),
        NEEDS / "index.py": needs_index(),
    }


def reference() -> str:
    """One section a command, with the text of its ``--help``."""
    intro = "Written by `make docs` from the commands themselves. [The exit status](../README.md#exit-status) is the same for all."
    parts = [f"# Command line\n\n{intro}\n", _section("scratchpack", commands)]
    for name, (module, _) in COMMANDS.items():
        command: click.Command = import_module(f"scratchpack.cli.{module}").command
        parts.append(_section(f"scratchpack {name}", command))
    return "\n".join(parts)


def settings_schema() -> str:
    """The JSON Schema of a settings file and of a fleet file, for editors that complete and check TOML."""
    one_image = {setting.name: _value(setting) for setting in SETTINGS if _is_of_an_image(setting)}
    image = {
        "binary": {
            "description": "The program, or several.",
            "anyOf": [_PATH, {"type": "array", "items": _PATH, "minItems": 1}],
        }
    }
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "scratchpack.toml, [tool.scratchpack] of pyproject.toml, and with [[image]] a fleet file",
        "type": "object",
        "properties": {
            **{setting.name: _value(setting) for setting in SETTINGS},
            "defaults": {
                "description": "Of a fleet file: what every image has unless it says otherwise.",
                "type": "object",
                "properties": one_image,
                "additionalProperties": False,
            },
            "image": {
                "description": "Of a fleet file: the images.",
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "properties": {**image, **one_image},
                    "required": ["binary"],
                    "additionalProperties": False,
                },
            },
        },
        "additionalProperties": False,
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


_PATH = {"type": "string", "minLength": 1}
_TEXT = {"type": ["string", "integer"]}


def _is_of_an_image(setting: Setting) -> bool:
    return "pack" in setting.takes and setting.name.replace("-", "_") not in RUN


def _value(setting: Setting) -> dict[str, object]:
    """What a file may say of a setting (``settings_file.value_of``)."""
    said = {"description": setting.help}
    if setting.many:
        table = {"type": "object", "additionalProperties": _TEXT}
        return {**said, "anyOf": [_TEXT, {"type": "array", "items": _TEXT}, table]}
    if setting.kind == "flag":
        return {**said, "type": "boolean"}
    if setting.kind == "optional":
        return {**said, "anyOf": [{"type": "boolean"}, {"enum": list(setting.choices)}]}
    if setting.kind == "choice":
        return {**said, "enum": list(setting.choices)}
    if setting.name in {"entrypoint", "cmd"}:
        return {**said, "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
    return {**said, **_TEXT}


def _section(name: str, command: click.Command) -> str:
    names = ["-h", "--help"]
    context = click.Context(
        command, info_name=name, terminal_width=WIDTH, max_content_width=WIDTH, help_option_names=names
    )
    return f"## {name}\n\n```text\n{command.get_help(context).rstrip()}\n```\n"


def index() -> str:
    """The index page with one line a page: its title is its first heading."""
    text = (DOCS / "README.md").read_text()
    head, rest = text.split(BEGIN)
    _, tail = rest.split(END)
    names = sorted({page.name for page in DOCS.glob("*.md")} - {"README.md"} | {"cli.md"})
    lines = [f"- [{title(DOCS / name)}]({name})" for name in names]
    return f"{head}{BEGIN}\n" + "\n".join(lines) + f"\n{END}{tail}"


def title(page: Path) -> str:
    """The first heading; the page that is about to be written has a known one."""
    if page.name == "cli.md":
        return "Command line"
    return page.read_text().splitlines()[0].removeprefix("# ")


def needs_index() -> str:
    """The whole module: ``ROWS`` of the needs and ``LANGUAGES`` of the detectors, room by room, by file name."""
    tables: dict[str, list[str]] = {"ROWS": [], "LANGUAGES": []}
    for room in ROOMS:
        for path in sorted((NEEDS / room).glob("*.py")):
            module = import_module(f"scratchpack.needs.{room}.{path.stem}")
            for one in held(module):
                table = "LANGUAGES" if one is getattr(module, "DETECTOR", None) else "ROWS"
                tables[table].append(_row(one.name, f"{room}.{path.stem}", one.wants))
    parts = [f"{name}: tuple[Row, ...] = (\n{''.join(rows)})\n" for name, rows in tables.items()]
    return HEAD + "\n".join(parts)


def _row(name: str, module: str, wants: Wants) -> str:
    given = [f"        {field}={_literal(value)},\n" for field, value in wants._asdict().items() if value]
    return f"    Row({_literal(name)}, {_literal(module)}, Wants(\n{''.join(given)}    )),\n"


def _literal(value: object) -> str:
    if isinstance(value, tuple):
        return "(" + ", ".join(map(_literal, value)) + ("," if len(value) == 1 else "") + ")"
    if isinstance(value, str) and '"' in value and "'" not in value:
        return f"'{value}'"
    return json.dumps(value).replace("\\u0000", "\\0") if isinstance(value, str) else ascii(value).replace("'", '"')


def main() -> int:
    """Write what differs, and say so."""
    for path, text in pages().items():
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
            print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
