"""The command line: click only here; a command parses, calls the pipeline, prints a report."""

from __future__ import annotations

import click


@click.group()
def main() -> None:
    """Turn an ELF binary into a minimal image."""
