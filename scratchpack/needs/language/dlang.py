"""N35: std.net.curl opens libcurl by name; who calls it is a TLS client, whatever library imports dlopen for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.needs.base import A, Evidence, Wants

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scratchpack.needs.base import Subject

LIBCURL = ("libcurl.so.4", "libcurl-gnutls.so.4", "libcurl-nss.so.4", "libcurl.so.3")


class D:
    """A program with a shared Phobos imports the module's functions; one that holds Phobos holds its names of libcurl."""

    name = "d"
    wants: Wants = Wants(symbols=("_D3std3net4curl*",), fragments=("libcurl-nss.so.4",))

    def detect(self, subject: Subject) -> tuple[Evidence, ...]:
        """The library, opened by the object that holds Phobos, and what a client of it wants."""
        because = next(self._calls(subject), None)
        if because is None:
            return ()
        phobos = next(subject.named("libphobos2*"), subject.program)
        wanted = Evidence("dlopen", A, because, phobos.path, LIBCURL)
        return (wanted, *(Evidence(need, A, because, subject.program.path) for need in ("ca-certificates", "hosts")))

    def _calls(self, subject: Subject) -> Iterator[str]:
        yield from (f"imports {call}" for seen, call in subject.importing(*self.wants.symbols) if seen.tier == A)
        if "dlopen" in subject.program.imports:  # else the linker left the module's functions out
            yield from (f"string {mark}" for mark in self.wants.fragments if subject.strings(mark))


DETECTOR = D()
