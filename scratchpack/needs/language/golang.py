"""N31: what a Go program opens, told by its function table, which survives stripping; its strings name too much."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.needs.base import A, Evidence, Wants, matches

if TYPE_CHECKING:
    from scratchpack.needs.base import Subject

# A server links the loading of roots and the handshake as well (measured): only a client's own functions count.
CLIENTS = (
    "net/http.(*Transport).roundTrip",
    "crypto/tls.Dial*",
    "crypto/tls.(*Dialer).*",
    "google.golang.org/grpc/credentials.(*tlsCreds).ClientHandshake",
)
ROOTS = ("crypto/x509.loadSystemRoots", "crypto/x509.initSystemRoots")
EMBEDDED = ("golang.org/x/crypto/x509roots/fallback.*", "crypto/x509.SetFallbackRoots")
ZONES, OWN_ZONES = ("time.LoadLocation",), ("time/tzdata.loadFromEmbeddedTZData",)
TEMPORARY = ("os.CreateTemp", "os.MkdirTemp", "os.TempDir")
PROGRAMS = ("os/exec.Command", "os/exec.CommandContext")
USERS = ("os/user.current", "os/user.Current*", "os/user.lookup*", "os/user.Lookup*")


class Go:
    """Names that resolve need no file: without nsswitch.conf the pure resolver uses files and DNS."""

    name = "go"
    wants: Wants = Wants(
        functions=(
            *("net/http.(*Transport).roundTrip", "crypto/tls.Dial*", "crypto/tls.(*Dialer).*"),
            "google.golang.org/grpc/credentials.(*tlsCreds).ClientHandshake",
            *("crypto/x509.loadSystemRoots", "crypto/x509.initSystemRoots", "crypto/x509.SetFallbackRoots"),
            "golang.org/x/crypto/x509roots/fallback.*",
            *("time.LoadLocation", "time/tzdata.loadFromEmbeddedTZData"),
            *("os/user.current", "os/user.Current*", "os/user.lookup*", "os/user.Lookup*"),
            *("os.CreateTemp", "os.MkdirTemp", "os.TempDir", "os/exec.Command", "os/exec.CommandContext"),
        )
    )

    def detect(self, subject: Subject) -> tuple[Evidence, ...]:
        """Evidence for certificates, time zones, accounts, temporary files, and other programs that it starts."""
        if not subject.is_go:
            return ()

        def linked(*patterns: str) -> list[str]:
            return sorted(name for name in subject.functions if any(matches(name, want) for want in patterns))

        found: list[Evidence] = []

        def tell(need: str, names: list[str]) -> None:
            found.extend(Evidence(need, A, f"function {name}", subject.program.path) for name in names[:1])

        if linked(*ROOTS) and not linked(*EMBEDDED):
            tell("ca-certificates", linked(*CLIENTS))
        if not linked(*OWN_ZONES):
            tell("timezone", linked(*ZONES))
        tell("users", linked(*USERS))
        tell("tmp", linked(*TEMPORARY))
        tell("shell", linked(*PROGRAMS))
        return tuple(found)


DETECTOR = Go()
