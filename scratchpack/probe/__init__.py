"""The program behind ``--probe``: a machine's name goes in, the bytes of a static program that asks a server come out.

A scratch image has no shell and no curl that a health check could run. ``probe.c`` beside this module is such a check, without a
C library. A wheel holds it built for every machine; in a checkout it is built when it is first asked for.
"""

from __future__ import annotations

import os

from scratchpack.errors import UsageError
from scratchpack.probe.machines import TARGETS


def probe(machine: str) -> bytes:
    """The program for one machine (:mod:`scratchpack.elf.machines`).

    Raises:
        UsageError: there is none for this machine, or it is not built and no compiler is there.
    """
    if machine not in TARGETS:
        raise UsageError(
            f"cannot add --probe to an image for {machine}: there is no probe for that machine",
            hint="give a check of your own with --healthcheck",
        )
    built = os.path.join(os.path.dirname(os.path.abspath(__file__)), "bin", machine)
    try:
        with open(built, "rb") as stream:
            return stream.read()
    except FileNotFoundError:
        from scratchpack.probe.build import build

        return build(machine)
