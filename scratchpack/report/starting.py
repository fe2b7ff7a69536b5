"""How to start what was packed: a run's receipts go in, the command line to type comes out."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from scratchpack.report.text import escape

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scratchpack.report.json import PackedView
    from scratchpack.sinks.model import Receipt


def how_to_run(packed: PackedView) -> Iterator[str]:
    """One command line for the first receipt that an engine can start something from; no line where there is none.

    Every line was typed: ``tests/engines/test_printed_lines.py``.
    """
    for receipt in packed.receipts:
        line = _line(receipt, packed.references[0], str(packed.plans[0].platform))
        if line is not None:
            yield line
            return


def _line(receipt: Receipt, reference: str, platform: str) -> str | None:
    short = escape(_short(reference))
    name = escape(_typed(receipt.dest))
    match receipt.type:
        case "docker" if receipt.dest != "-":
            return f"docker load -i {name} && docker run --rm {short}"
        case "oci" if receipt.digest and os.path.isdir(receipt.dest):  # of a layout podman does not load the name
            return f"podman run --rm oci:{name}"
        case "oci" if receipt.dest != "-":
            return f"podman load -i {name} && podman run --rm {escape(reference)}"
        case "dockerfile":
            # BuildKit labels what is FROM scratch with its own target, whatever FROM --platform says
            return f"docker build --platform {platform} -t {short} {name}"
        case "registry":
            return f"docker run --rm {short}"
        case "load" if receipt.engine == "docker":
            return f"docker run --rm {short}"
        case "load" if receipt.engine == "podman":
            return f"podman run --rm {escape(reference)}"
        case "load":
            return f"ctr run --rm {escape(reference)} {escape(_container(reference))}"
    return None


def _short(reference: str) -> str:
    """The name as docker itself shows it."""
    return reference.removeprefix("docker.io/library/").removesuffix(":latest")


def _container(reference: str) -> str:
    """A name for containerd's container, which asks for one."""
    return reference.rpartition("/")[2].partition(":")[0].partition("@")[0]


def _typed(name: str) -> str:
    """A name as a shell takes it; nothing is imported for one without anything special in it."""
    if name.replace("/", "").replace(".", "").replace("-", "").replace("_", "").isalnum():
        return name
    import shlex

    return shlex.quote(name)
