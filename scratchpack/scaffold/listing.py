"""What ``template --list`` prints: each template's name, its build image, and the options it honours."""

from __future__ import annotations

from scratchpack.scaffold.deployment import DEPLOYMENTS
from scratchpack.scaffold.languages import LANGUAGES, Language
from scratchpack.scaffold.parts import PARTS


def listing() -> str:
    """One line a template: its name, what it is, its build stage, what --package means, and what it can do."""
    rows = [(language.name, language.title, _image(language), _can(language)) for language in LANGUAGES]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = ["Languages:"]
    for language, row in zip(LANGUAGES, rows, strict=True):
        lines.append(
            "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)) + "  " + row[3]
        )
        lines.append(" " * (widths[0] + 4) + f"--package {language.package}: {language.package_means}")
    lines.append("Parts:")
    lines += [f"  {name.ljust(widths[0])}  {meaning}" for name, meaning in {**PARTS, **DEPLOYMENTS}.items()]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _image(language: Language) -> str:
    return next(iter(language.bases.values())).format(version=language.version)


def _can(language: Language) -> str:
    can = [f"--link {'|'.join(language.links)}"] if len(language.links) > 1 else [language.links[0]]
    if len(language.bases) > 1:
        can.append(f"--distro {'|'.join(language.bases)}")
    if language.build_systems:
        can.append(f"--build-system {'|'.join(language.build_systems)}")
    if language.cross:
        can.append("cross-compiles")
    if language.aliases:
        can.append(f"also: {', '.join(language.aliases)}")
    return "; ".join(can)
