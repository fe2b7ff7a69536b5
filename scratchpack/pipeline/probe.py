"""``--probe``: the request and a machine go in, the file that the health check runs comes out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.probe import probe
from scratchpack.rootfs import RANK_OPTION, File, Reason, inline

if TYPE_CHECKING:
    from scratchpack.oci.model import Healthcheck


def probe_file(check: Healthcheck, machine: str) -> File:
    """The probe for a machine, at the path that the check names.

    Raises:
        UsageError: there is no probe for this machine.
    """
    path, address = check.test[1:]
    return File(
        path, inline(probe(machine)), mode=0o755, because=(Reason("option", f"--probe {address}"),), rank=RANK_OPTION
    )
