"""`make docs`: write the generated pages again. A test compares them with what is checked in.

The index names every page of this directory; `cli.md` is what `--help` says, command by command; and
`scratchpack/needs/index.py` is what the needs' own files say that they look for.
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
from scratchpack.needs.load import held

if TYPE_CHECKING:
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
    return {DOCS / "cli.md": reference(), DOCS / "README.md": index(), NEEDS / "index.py": needs_index()}


def reference() -> str:
    """One section a command, with the text of its ``--help``."""
    intro = "Written by `make docs` from the commands themselves. [The exit status](../README.md#exit-status) is the same for all."
    parts = [f"# Command line\n\n{intro}\n", _section("scratchpack", commands)]
    for name, (module, _) in COMMANDS.items():
        command: click.Command = import_module(f"scratchpack.cli.{module}").command
        parts.append(_section(f"scratchpack {name}", command))
    return "\n".join(parts)


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
