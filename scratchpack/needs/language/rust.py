"""N32: a Rust program that asks the system for its certificate authorities (webpki-roots carries its own), or makes files in /tmp."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.needs.base import CODE, A, Evidence, Wants

if TYPE_CHECKING:
    from scratchpack.needs.base import Subject


class Rust:
    """Literals stand without NUL between them, so a fragment is looked for: openssl-probe's list, crates in panic paths.

    ``/tmp`` is no string of the program's but four bytes of an instruction (measured, x86), in no program without temp_dir.
    """

    name = "rust"
    wants: Wants = Wants(
        fragments=(
            *("certs/ca-root-nss.crt", "/openssl-probe-", "/rustls-native-certs-", "/native-tls-"),
            *("/tempfile-", "/library/core/src/", "/library/std/src/"),
        ),
        inside=((CODE, "/tmp"),),
        sections=(".dep-v0",),
    )

    def detect(self, subject: Subject) -> tuple[Evidence, ...]:
        """One piece of evidence for each mark; names of crates from ``.dep-v0`` count like their paths."""
        seen = [mark for mark in self.wants.fragments if subject.strings(mark)]
        marks = [(_needed(mark), f"string {mark}") for mark in seen if mark not in _STANDARD]
        marks += [(_ASKING[name], f"crate {name}") for name in sorted(subject.crates & _ASKING.keys())]
        if _STANDARD & {*seen} and subject.strings(CODE + "/tmp"):
            marks.append(("tmp", "code that writes /tmp, as std::env::temp_dir does"))
        return tuple(Evidence(need, A, mark, subject.program.path) for need, mark in marks)


def _needed(mark: str) -> str:
    return _ASKING.get(mark.strip("/-"), "ca-certificates")


_STANDARD = {"/library/core/src/", "/library/std/src/"}  # of the panics in Rust's own libraries
_ASKING = {
    **dict.fromkeys(
        ("openssl-probe", "rustls-native-certs", "rustls-platform-verifier", "native-tls"), "ca-certificates"
    ),
    "tempfile": "tmp",
}
DETECTOR = Rust()
