"""N37: Foundation reads zones, and URLSession verifies with libcurl. Not run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.needs.base import A, B, C, Evidence, Wants

if TYPE_CHECKING:
    from scratchpack.needs.base import Subject


class Swift:
    """Linking FoundationNetworking is asking for URLSession; Foundation alone may never look at a zone."""

    name = "swift"
    wants: Wants = Wants(sonames=("libFoundation.so", "libFoundationNetworking.so"))

    def detect(self, subject: Subject) -> tuple[Evidence, ...]:
        """Libraries of Foundation in the closure."""
        net = (
            Evidence("ca-certificates", A if seen.tier == B else C, f"loads {seen.name}", seen.path)
            for seen in subject.named("libFoundationNetworking.so")
        )
        zones = (Evidence("timezone", B, f"loads {seen.name}", seen.path) for seen in subject.named("libFoundation.so"))
        return (*net, *zones)


DETECTOR = Swift()
