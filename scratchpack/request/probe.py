"""``--probe``: what a server is to be asked, checked as the program in the image will read it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scratchpack import foreign
from scratchpack.errors import UsageError
from scratchpack.request.healthcheck import healthcheck

if TYPE_CHECKING:
    from scratchpack.oci.model import Healthcheck

PATH = "/.scratchpack/probe"
_ADDRESS = re.compile(r"(http|tcp)://(\[::1\]|localhost|[0-9]{1,3}(?:\.[0-9]{1,3}){3}|)(?::([0-9]{1,5}))?(/[!-~]*)?")
_HINT = "write it like http://127.0.0.1:8080/healthz or tcp://:6379, after options such as --interval=10s"


def probe(text: str) -> Healthcheck | None:
    """``[--interval=D] … ADDRESS`` as a health check that runs the probe; ``none`` for no probe, to undo a settings file's.

    Raises:
        UsageError: no address that the probe reads: numbers or localhost, http or tcp, a port.
    """
    if text == "none":
        return None
    address = text.rsplit(maxsplit=1)[-1] if text.split() else ""
    found = _ADDRESS.fullmatch(address)
    if address.startswith("https://"):
        raise _wrong(address, "the probe speaks no TLS", "ask whether it listens: tcp://127.0.0.1:8443")
    if not found:
        raise _wrong(
            address or text, "it is no address that the probe can ask: there is nothing to look a name up with"
        )
    scheme, host, port, path = found.groups()
    if "." in host and any(int(part) > 255 for part in host.split(".")):
        raise _wrong(address, f"{host} is no address")
    number = foreign.decimal(port, 65535) if port is not None else 80 if scheme == "http" else None
    if not number:
        raise _wrong(address, "a port is a number from 1 to 65535")
    if scheme == "tcp" and path:
        raise _wrong(address, "tcp:// has no path")
    check = healthcheck(text)
    if check.test[1:] != (address,):
        raise _wrong(text, "it is one address")
    return check._replace(test=("CMD", PATH, address))


def _wrong(what: str, why: str, hint: str = _HINT) -> UsageError:
    return UsageError(f"cannot use --probe {what!r}: {why}", hint=hint)
